"""Graph's answers byte by byte: the product's whole Graph adapter over a wire that says what the test wants."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import httpx

from sync.adapters.graph.client import GraphClient
from sync.core.clouds import endpoints
from sync.core.connection import Connection
from tests.fakes.time_and_ids import FakeClock
from tests.inputs.pages import BASE

Answer = tuple[bytes, Mapping[str, str]]


def always(body: bytes, headers: Mapping[str, str]) -> Callable[[str], Answer]:
    """The same answer to everything."""
    return lambda _: (body, headers)


class Wire(httpx.AsyncBaseTransport):
    """Answers every request by `answer`, which is given its path; `asked` keeps the addresses."""

    def __init__(self, answer: Callable[[str], Answer]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """200 with the bytes there are."""
        self.asked.append(str(request.url))
        body, headers = self.answer(request.url.path)
        return httpx.Response(200, headers=dict(headers), stream=httpx.ByteStream(body))


class _Tokens:
    """A token for everybody."""

    def token(self, connection: Connection, claims: str = "") -> str:
        return f"token of {connection.id}{claims}"

    def forget(self, connection: Connection) -> None:
        """Nothing is kept."""
        assert connection.id

    def roles(self, connection: Connection) -> tuple[str, ...]:
        return connection.roles


def client(wire: Wire) -> GraphClient:
    """The product's client, its pool replaced by the wire. To be closed."""
    where = functools.partial(endpoints, login="https://login.microsoftonline.com", graph=BASE)
    return GraphClient(_Tokens(), where, lambda: wire, FakeClock())
