"""Each function of the app: what it is bound to, and one turn through it with the worker's own objects."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shared.errors import Defect
from sync.core.connection import ConnectionState
from sync.core.messages import QUEUES, ChangesMessage, MailMessage, PassMessage, PullMessage, encode
from sync.panel.session import COOKIE
from tests.panel.world import World
from tests.triggers.conftest import Functions

BASE = "https://sync.moxso.example"


def _binding(functions: Functions, name: str) -> dict[str, Any]:
    return dict(functions.by_name[name].get_trigger().get_dict_repr())


def test_routes_are_those_of_the_contract(functions: Functions) -> None:
    """Graph's two webhooks take POST, the probes GET, and a catch-all everything else; all are anonymous."""
    bound = {name: _binding(functions, name) for name in functions.by_name}
    http = {name: found for name, found in bound.items() if found["type"] == "httpTrigger"}
    shown = {found["route"]: [str(method) for method in found.get("methods", [])] for found in http.values()}
    assert shown == {
        "graph/notifications/{connection}": ["POST"],
        "graph/lifecycle/{connection}": ["POST"],
        "health": ["GET"],
        "ready": ["GET"],
        "{*path}": [],
    }
    assert {str(found["authLevel"]).rpartition(".")[2].lower() for found in http.values()} == {"anonymous"}


def test_the_catch_all_is_matched_last(functions: Functions) -> None:
    """The host tries functions by name: the catch-all must come after every other."""
    assert max(functions.by_name) == "zz_panel"


def test_queues_and_timer(functions: Functions) -> None:
    """One function per work queue on the app's own storage, and one timer every minute."""
    bound = [_binding(functions, name) for name in functions.by_name]
    queues = {found["queueName"]: found["connection"] for found in bound if found["type"] == "queueTrigger"}
    assert queues == dict.fromkeys(QUEUES, "AzureWebJobsStorage")
    timers = [(found["schedule"], found["runOnStartup"]) for found in bound if found["type"] == "timerTrigger"]
    assert timers == [("0 * * * * *", False)]


def test_validation_token_is_echoed(world: World, functions: Functions) -> None:
    """Graph's handshake is answered with the token as plain text, on both webhooks."""
    connection = world.connect()
    for name in ("graph_notifications", "graph_lifecycle"):
        url = f"{BASE}/graph/x/{connection.id}?validationToken=Validation%3A%20abc"
        answer = functions.http(
            name, "POST", url, params={"validationToken": "Validation: abc"}, route={"connection": connection.id}
        )
        assert (answer.status_code, answer.get_body()) == (200, b"Validation: abc")
        assert answer.mimetype == "text/plain"


def test_unproven_notification_changes_nothing(world: World, functions: Functions) -> None:
    """A notification without our clientState is not believed, and nothing is enqueued."""
    connection = world.connect()
    item = {"subscriptionId": "s", "clientState": "guess", "resource": "Users/u", "changeType": "updated"}
    body = json.dumps({"value": [item]}).encode()
    url = f"{BASE}/graph/notifications/{connection.id}"
    functions.http("graph_notifications", "POST", url, body=body, route={"connection": connection.id})
    assert world.queue.waiting() == []


def test_health_touches_nothing(functions: Functions) -> None:
    """/health answers without any port or setting."""
    answer = functions.http("health", "GET", f"{BASE}/health")
    assert (answer.status_code, json.loads(answer.get_body())) == (200, {"status": "alive"})


@pytest.mark.parametrize("status", [200, 503])
def test_ready_reports(status: int, functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    """/ready passes status and body on as JSON."""
    from sync import wiring

    monkeypatch.setattr(wiring, "readiness", lambda: (status, {"dependencies": {"tables": "ok"}}))
    answer = functions.http("ready", "GET", f"{BASE}/ready")
    assert (answer.status_code, answer.mimetype) == (status, "application/json")
    assert json.loads(answer.get_body()) == {"dependencies": {"tables": "ok"}}


def test_panel_answers_through_the_worker(world: World, functions: Functions) -> None:
    """A session is opened and used through the Functions objects, with a cookie the host leaves as it is."""
    body = f"token={world.token()}".encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
    opened = functions.http("zz_panel", "POST", f"{BASE}/session", body=body, headers=headers)
    assert (opened.status_code, opened.headers["location"]) == (303, "/settings/integrations")
    cookie = re.match(rf"{COOKIE}=([A-Za-z0-9._~-]+);", opened.headers["set-cookie"])
    assert cookie is not None
    page = functions.http(
        "zz_panel", "GET", f"{BASE}/settings/integrations", headers={"cookie": f"{COOKIE}={cookie[1]}"}
    )
    assert page.status_code == 200
    assert page.mimetype == "text/html; charset=utf-8"
    assert b"Connect to Microsoft Entra ID" in page.get_body()


def test_panel_turns_errors_into_pages(world: World, functions: Functions, caplog: pytest.LogCaptureFixture) -> None:
    """An error nobody foresaw leaves the app as a numbered problem, not as the worker's empty 500."""
    object.__setattr__(world.services, "connections", object())
    headers = {"authorization": f"Bearer {world.token()}"}
    answer = functions.http("zz_panel", "GET", f"{BASE}/api/v1/connections", headers=headers)
    assert answer.status_code == 500
    assert json.loads(answer.get_body())["number"] in caplog.text


def test_get_on_a_webhook_is_not_found(world: World, functions: Functions) -> None:
    """A GET that only the catch-all takes is a clean 404."""
    answer = functions.http("zz_panel", "GET", f"{BASE}/graph/notifications/{world.connect().id}")
    assert answer.status_code == 404
    assert b"nothing at this address" in answer.get_body()


@pytest.mark.parametrize(
    "message",
    [
        PullMessage("0" * 32, 1, "users", "timer", "2026-03-02T08:00:00.000Z"),
        PassMessage("0" * 32, 1, "run"),
        ChangesMessage("0" * 32, 1, "run", 0, "", "plan"),
        MailMessage("0" * 32, 1, "person"),
    ],
    ids=QUEUES,
)
def test_work_of_a_connection_that_is_gone_is_a_no_op(
    message: Any, request: pytest.FixtureRequest, world: World, functions: Functions
) -> None:
    """Each queue's function decodes its message and runs its use case; nobody to work for is fine."""
    queue = request.node.callspec.id
    functions.queue(queue, encode(message).encode())
    assert world.queue.waiting() == []


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("body", [b"", b"{}", b'{"v":99}', b"\xff", b'{"v":1,"surprise":2}'])
def test_foreign_messages_raise(queue: str, body: bytes, functions: Functions, world: World) -> None:
    """A message that is not ours raises, so that the host moves it to the poison queue."""
    with pytest.raises(Defect):
        functions.queue(queue, body)


def test_tick_enqueues_what_is_due(world: World, functions: Functions) -> None:
    """The minute's timer runs the scheduler over every connection."""
    world.connect(ConnectionState.IMPORTING)
    functions.timer("tick")
    assert "passes" in {delivery.queue for delivery in world.queue.waiting()}
