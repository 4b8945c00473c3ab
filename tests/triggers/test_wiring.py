"""The composition root: nothing at import, everything once."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared.settings import BadSettings
from sync.adapters.reachability import reach
from sync.usecases.readiness import KEEP_SECONDS, Readiness
from sync.usecases.services import LazyServices, Services

ROOT = Path(__file__).parents[2]
HEAVY = ("msgraph", "fastapi", "starlette", "jinja2", "pydantic", "jwt", "cryptography", "httpx", "requests",
         "azure.data", "azure.storage", "azure.identity", "azure.core")  # fmt: skip
PROBE = f"""
import socket, sys
def refused(*_): raise AssertionError("a socket was opened at import")
socket.socket.connect = refused
import os
class NoEnvironment(dict):
    def __getitem__(self, key): raise AssertionError("environment read: " + key)
    def get(self, key, default=None):
        if key.startswith(("AzureWebJobs", "PUBLIC", "ENTRA", "GRAPH", "MAIL", "SIGNING", "WORKSPACE")):
            raise AssertionError("setting read at import: " + key)
        return default
os.environ = NoEnvironment()
import function_app
print(sorted(name for name in {HEAVY!r} if name in sys.modules))
"""


def test_importing_the_app_loads_and_opens_nothing() -> None:
    """With an empty environment, importing function_app opens no socket, reads no setting, loads no heavy library."""
    ran = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, env={}, capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "[]", ran.stderr


def test_each_field_is_built_once_whoever_comes_first() -> None:
    """Twenty threads that ask for a field at the same moment get one value, built once."""
    built: list[int] = []
    gate = threading.Barrier(20)

    def build(_: Services) -> object:
        built.append(1)
        return object()

    services: Any = LazyServices({"queue": build})
    got: list[object] = []

    def ask() -> None:
        gate.wait()
        got.append(services.queue)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert len(set(map(id, got))) == 1


def test_slow_field_delays_no_other() -> None:
    """While one port is being opened, another can be had; a failed opening is tried again."""
    entered, leave = threading.Event(), threading.Event()
    tries: list[int] = []

    def slow(_: Services) -> str:
        entered.set()
        leave.wait(10)
        return "directory"

    def flaky(_: Services) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("away")
        return "queue"

    services: Any = LazyServices({"directory": slow, "queue": flaky})
    thread = threading.Thread(target=lambda: services.directory)
    thread.start()
    assert entered.wait(10)
    with pytest.raises(OSError, match="away"):
        _ = services.queue
    assert services.queue == "queue"
    leave.set()
    thread.join()
    with pytest.raises(AttributeError):
        _ = services.surprise


def test_builders_cover_every_field() -> None:
    """The composition root knows how to build each field of Services, and nothing else."""
    from dataclasses import fields

    from sync import wiring

    assert set(wiring._BUILDERS) == {field.name for field in fields(Services)}


def test_readiness_names_what_is_out_of_reach(caplog: pytest.LogCaptureFixture) -> None:
    """One dependency out of reach makes 503; the answer has names only, the log has the class of the error."""
    time = SimpleNamespace(now=0.0)
    broken = [True]

    def mail(_: Services) -> None:
        if broken:
            raise OSError("10.0.0.1 secret detail")

    readiness = Readiness({"tables": lambda _: None, "mail": mail}, lambda: time.now)
    services: Any = object()
    assert readiness.check(services) == (
        503, {"status": "unavailable", "dependencies": {"tables": "ok", "mail": "unreachable"}}
    )  # fmt: skip
    assert "secret detail" not in caplog.text
    broken.clear()
    assert readiness.check(services)[0] == 503  # kept for a moment
    time.now += KEEP_SECONDS + 1
    assert readiness.check(services) == (200, {"status": "ready", "dependencies": {"tables": "ok", "mail": "ok"}})


def test_readiness_says_when_settings_are_wrong() -> None:
    """Settings that cannot be read make every dependency unreachable, and /ready a 503, not an exception."""

    def unreadable(_: Services) -> object:
        raise BadSettings("settings: PUBLIC_URL is missing")

    services = LazyServices({"settings": unreadable})
    status, body = Readiness({"settings": lambda found: found.settings}).check(services)
    assert status == 503
    assert body["dependencies"] == {"settings": "unreachable"}


@pytest.fixture
def listener() -> Iterator[int]:
    """A port where somebody listens and speaks no TLS."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_reaching_plain_and_tls(listener: int) -> None:
    """For smtp it needs somebody to listen; https needs a handshake; a closed port is an OSError."""
    from sync.adapters.trust import trust

    context = trust("")
    reach(f"smtp://127.0.0.1:{listener}", context)
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    with pytest.raises(OSError, match=r"."):
        reach(f"smtp://127.0.0.1:{closed}", context)
