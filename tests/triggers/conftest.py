"""The function app as the host sees it, over the panel's made-up workspace."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from sync import wiring
from sync.panel.app import create_app
from tests.panel.world import World
from tests.triggers.loaded import functions as functions_of_the_app


class Functions:
    """Calls functions by name with real `azure.functions` objects."""

    def __init__(self) -> None:
        self.by_name = functions_of_the_app()

    def http(
        self,
        name: str,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        route: Mapping[str, str] | None = None,
    ) -> func.HttpResponse:
        """One request. `params` are the query's, as the worker hands them over."""
        request = func.HttpRequest(method, url, headers=headers, params=params, route_params=route or {}, body=body)
        answer: func.HttpResponse = self._call(name, request)
        return answer

    def queue(self, name: str, body: bytes) -> None:
        """One message."""
        assert self._call(name, func.QueueMessage(id="1", body=body)) is None

    def timer(self, name: str) -> None:
        """One tick."""
        assert self._call(name, None) is None

    def _call(self, name: str, argument: Any) -> Any:
        function: Callable[..., Any] = self.by_name[name].get_user_function()
        context = SimpleNamespace(
            function_directory="", function_name=name, invocation_id="1", thread_local_storage=None,
            trace_context=None, retry_context=None,
        )  # fmt: skip
        given = [argument, context] if "context" in inspect.signature(function).parameters else [argument]
        result = function(*given)
        return asyncio.run(result) if inspect.iscoroutine(result) else result


@pytest.fixture(scope="session")
def functions() -> Functions:
    """Loaded once: the host does so too."""
    return Functions()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The workspace behind the app."""
    made = World()
    app = create_app(made.services, lambda _: b"")
    monkeypatch.setattr(wiring, "services", lambda: made.services)
    monkeypatch.setattr(wiring, "panel", lambda: app)
    return made
