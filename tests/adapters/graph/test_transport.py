"""What goes out and what is let in: tokens, allowed calls, trust, JSON and decompression."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from kiota_abstractions.method import Method

from local.cloud.server import Cloud
from shared.clock import SystemClock
from shared.errors import Transient
from shared.settings import Settings
from sync.adapters.egress import ForbiddenCall, Rule
from sync.adapters.graph.decode import NotJson, decode, decode_page
from sync.adapters.graph.transport import AllowedTransport, BodyRefused
from sync.adapters.microsoft import Microsoft
from sync.core.connection import Connection
from tests.adapters.graph.reading import NOBODY, pages


def test_a_token_that_graph_refuses_is_replaced_once(
    cloud: Cloud, microsoft: Microsoft, connection: Connection
) -> None:
    """A 401 costs one new token; a second one is passing trouble."""
    cloud.control.fault("GET /v1.0/users/delta", status=401, code="InvalidAuthenticationToken")
    assert pages(microsoft, connection, "users")
    assert cloud.control.counts()["POST token 200"] == 2
    cloud.control.fault("GET /v1.0/users/delta", status=401, code="InvalidAuthenticationToken", count=2)
    with pytest.raises(Transient):
        microsoft.directory.read_page(connection, "users", "", order=1, full=True)


def test_bulk_reads_let_others_go_first(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """A full pass is of low priority, a pull is not; every call can be traced, none accepts more than gzip."""
    link = pages(microsoft, connection, "users")[-1].delta_link
    assert link
    pages(microsoft, connection, "users", link)
    full, pull = (request["headers"] for request in cloud.control.requests() if "/delta" in request["path"])
    assert full["x-ms-throttle-priority"] == "low"
    assert "x-ms-throttle-priority" not in pull
    assert full["client-request-id"] != pull["client-request-id"]


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "/v1.0/users"),
        ("DELETE", "/v1.0/users/" + NOBODY),
        ("PATCH", "/v1.0/groups/" + NOBODY),
        ("GET", "/v1.0/me"),
        ("GET", "/beta/users"),
        ("GET", "/v1.0/users/../applications"),
    ],
)
def test_nothing_else_can_be_called(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, method: str, url: str
) -> None:
    """The transport refuses before a socket opens, whoever asks."""
    with pytest.raises(ForbiddenCall):
        microsoft.graph.call(connection, Method(method), f"{cloud.base_url}{url}")
    assert not any(request["path"].startswith(("/v1.0", "/beta")) for request in cloud.control.requests())


def test_a_server_that_nobody_vouches_for_is_not_spoken_to(settings: Settings, connection: Connection) -> None:
    """Without the private authority nothing is sent, and it is passing trouble."""
    stranger = Microsoft(replace(settings, ca_file=""), SystemClock())
    with pytest.raises(Transient):
        stranger.directory.count_people(connection)
    stranger.close()


def test_what_orjson_refuses_is_read_exactly() -> None:
    """The slow reader is strict about keys, constants, depth and encoding."""
    assert decode(b'{"a":"\\ud800"}') == {"a": "\ud800"}
    for odd in (b'{"a":"\\ud800","a":1}', b'{"a":NaN,"b":"\\ud800"}', b"\xff", b"[" * 200_000, b"{}{}", b""):
        with pytest.raises(NotJson):
            decode(odd)


def test_an_id_as_a_text_is_not_taken_for_a_key() -> None:
    """A person called "id" makes the page be read again, exactly, and nothing else."""
    body = json.dumps({"value": [{"id": NOBODY, "displayName": "id"}]}).encode()
    assert decode_page(body) == json.loads(body)


def test_a_bomb_does_not_fill_the_memory() -> None:
    """Decompression stops at the limit; a cut or an encoding nobody asked for is refused."""
    bomb = gzip.compress(b"0" * 10_000_000)
    answers = [
        (bomb, "gzip"),
        (bomb[:-20], "gzip"),
        (b"not gzip", "gzip"),
        (b"x", "br"),
        (b"x" * 2_000_000, "identity"),
    ]

    async def fetch(body: bytes, encoding: str) -> bytes:
        def answer(request: httpx.Request) -> httpx.Response:
            class Stream(httpx.AsyncByteStream):
                async def __aiter__(self) -> AsyncIterator[bytes]:
                    yield body

            return httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Stream())

        rule = Rule("GET", "https://graph.example:443", re.compile("/x"))
        transport = AllowedTransport([rule], httpx.MockTransport(answer), limit=1_000_000)
        async with httpx.AsyncClient(transport=transport) as sender:
            return (await sender.get("https://graph.example/x")).content

    for body, encoding in answers:
        with pytest.raises(BodyRefused):
            asyncio.run(fetch(body, encoding))
    assert asyncio.run(fetch(gzip.compress(b"fine"), "gzip")) == b"fine"
