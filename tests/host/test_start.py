"""What keeps a host from starting is said clearly."""

import json
import socket
from pathlib import Path

import pytest

from local.host.process import HostProcess, HostProcessError

HEAD = "import azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
GOOD = HEAD + "@app.route('x')\ndef x(req: func.HttpRequest) -> func.HttpResponse:\n    return func.HttpResponse('x')\n"
QUEUE = (
    HEAD + "@app.queue_trigger('m', queue_name='q', connection='Missing')\ndef q(m: func.QueueMessage) -> None: ...\n"
)


def _app(folder: Path, code: str, host: object = None) -> Path:
    (folder / "function_app.py").write_text(code)
    (folder / "host.json").write_text(json.dumps(host or {"version": "2.0"}))
    return folder


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_that_name\n", "No module named 'nothing_of_that_name'"),
        (GOOD + "again = app\n", "exactly one top-level FunctionApp"),
        (GOOD + GOOD.partition("\n")[2].partition("\n")[2], "does not have a unique function name"),
        (HEAD + "@app.route('x')\ndef x(req, ctx): ...\n", "its parameters must be 'req'"),
        (HEAD + "@app.route('admin/x')\ndef x(req): ...\n", "keeps for itself"),
        (HEAD + "@app.route('{*a}/b')\ndef x(req): ...\n", "only its last part may catch all"),
        (HEAD + "@app.blob_trigger('b', path='p', connection='c')\ndef x(b): ...\n", "not served here"),
        (HEAD + "@app.timer_trigger('t', schedule='61 * * * * *')\ndef x(t): ...\n", "is no second"),
        (QUEUE, "setting Missing is missing"),
        (HEAD, "has no functions"),
        (GOOD.replace("func.HttpResponse:", "func.HttpResponse | None:"), "return annotation"),
    ],
)
def test_an_app_that_cannot_be_served(tmp_path: Path, code: str, said: str) -> None:
    """The reason is on standard error, with the app's own traceback where its import failed."""
    with pytest.raises(HostProcessError, match="Functions host: ") as caught, HostProcess({}, app=_app(tmp_path, code)):
        pass
    assert said in str(caught.value)


def test_a_port_in_use_is_named_with_the_way_out(tmp_path: Path) -> None:
    """The error names the port and how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        host = HostProcess({}, app=_app(tmp_path, GOOD), port=port)
        with pytest.raises(HostProcessError, match=rf"port {port}.*--port N"), host:
            pass


def test_a_storage_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """The error says where the storage was looked for, and shows no key."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    place = f"http://127.0.0.1:{port}/a"
    storage = f"AccountName=a;AccountKey=c2VjcmV0;QueueEndpoint={place};TableEndpoint={place}"
    app = _app(tmp_path, QUEUE)
    with pytest.raises(HostProcessError, match=place) as caught, HostProcess({"Missing": storage}, app=app):
        pass
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        {"version": "1.0"},
        {"version": "2.0", "extensions": {"queues": {"batchSize": 33}}},
        {"version": "2.0", "functionTimeout": "5"},
    ],
)
def test_a_bad_host_json_is_refused(tmp_path: Path, host: object) -> None:
    """Values that the real host would refuse are refused."""
    with pytest.raises(HostProcessError, match=r"host\.json"), HostProcess({}, app=_app(tmp_path, GOOD, host)):
        pass


def test_an_http_app_needs_no_storage_and_has_the_default_prefix(tmp_path: Path) -> None:
    """Without queue and timer triggers it starts alone; routes begin with api/ unless host.json says otherwise."""
    with HostProcess({}, app=_app(tmp_path, GOOD)) as host:
        assert "http [any] /x" in host.output()
