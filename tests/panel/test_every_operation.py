"""Every operation that the OpenAPI document has, called as nobody should: each answers as the document says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from sync.core import settings_check
from tests.panel.browser import Browser
from tests.panel.caller import API, Caller
from tests.panel.cast import object_id
from tests.panel.world import World

PROBLEM = "application/problem+json"


@pytest.fixture
def operations(world: World, caller: Caller) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, address, operation): the connection is there, whatever else an address names is not."""
    connection = world.connect()
    paths = caller.get(f"{API}/openapi.json").json()["paths"]
    return [
        (method.upper(), re.sub(r"\{\w+\}", "x", path.replace("{connection_id}", connection.id)), operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]


def refusals(operations: list[tuple[str, str, dict[str, Any]]], caller: Browser, **options: Any) -> Iterator[str]:
    """Status and code of each operation's answer, which the document promises."""
    for method, path, operation in operations:
        answer = caller.request(method, path, **options)
        assert answer.headers["content-type"] == PROBLEM, (method, path)
        assert str(answer.status_code) in operation["responses"], (method, path, answer.text)
        yield f"{answer.status_code} {answer.json()['code']}"


def test_without_a_token(operations: list[Any], anonymous: Browser) -> None:
    """401 for every operation, before anything else is looked at."""
    assert set(refusals(operations, anonymous, content=b"{")) == {"401 sign_in_needed"}


def test_with_a_broken_token(operations: list[Any], anonymous: Browser) -> None:
    """401 for every operation."""
    headers = {"Authorization": "Bearer nonsense"}
    assert set(refusals(operations, anonymous, headers=headers)) == {"401 token_refused"}


def test_cookie_writes_from_another_site(operations: list[Any], browser: Browser) -> None:
    """403 for every operation that is no GET: another site's page borrows nobody's cookie."""
    writes = [one for one in operations if one[0] != "GET"]
    found = set(refusals(writes, browser, headers={"Sec-Fetch-Site": "cross-site"}, json={}))
    assert found == {"403 other_site"}


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[]", b'"x"', b"{" * 100_000, b'{"version": NaN}'])
def test_a_body_that_cannot_be_read(operations: list[Any], caller: Caller, body: bytes) -> None:
    """422 for every operation that must have a body, whatever the bytes are."""
    taking = [one for one in operations if one[2].get("requestBody", {}).get("required")]
    assert len(taking) > 5
    headers = {"Content-Type": "application/json", "If-Match": '"1"'}
    found = set(refusals(taking, caller, content=body, headers=headers))
    assert found == {"422 not_understood"}


def test_a_body_that_is_too_large(operations: list[Any], caller: Caller) -> None:
    """413 for every operation that takes a body, whether or not its length is told beforehand."""

    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b" " * 64 * 1024

    for method, path, operation in operations:
        if "requestBody" in operation:
            for content in (b" " * 600_000, unannounced()):
                answer = caller.request(method, path, content=content, headers={"If-Match": '"1"'})
                assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), (method, path)


def test_another_method(operations: list[Any], caller: Caller) -> None:
    """405, and `Allow` has exactly the methods that the document has for this address."""
    for path in {path for _, path, _ in operations}:
        allowed = {method for method, where, _ in operations if where == path}
        answer = caller.request("TRACE", path)
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == allowed, path


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "'; drop", "..%2f"])
def test_a_cursor_that_is_none(operations: list[Any], caller: Caller, cursor: str) -> None:
    """400 for every list."""
    lists = [one for one in operations if any(p["name"] == "cursor" for p in one[2].get("parameters", ()))]
    assert set(refusals(lists, caller, params={"cursor": cursor})) == {"400 bad_cursor"}


@pytest.mark.parametrize("moment", ["0.5", "-1", "1772438700", "2026-03-02T09:14:05", "yesterday"])
def test_a_moment_has_a_date_and_a_zone(world: World, caller: Caller, moment: str) -> None:
    """422 for what cannot be placed, bare numbers of seconds included."""
    path = f"{API}/connections/{world.connect().id}/activity"
    answer = caller.get(path, params={"until": moment})
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "query.until")
    assert caller.get(path, params={"until": "2026-03-02T09:14:05+01:00"}).status_code == 200


def test_the_longest_settings_are_no_body_too_large(world: World, caller: Caller) -> None:
    """As many people, groups and field rules as settings may have fit into a request."""
    path = f"{API}/connections/{world.connect().id}/settings"
    ids = [object_id(number) for number in range(settings_check.NAMED)]
    chosen = {"people": ids, "groups": ids, "excluded_people": ids, "excluded_groups": ids}
    rules = [{"target": f"field_{number}", "value": f'"{"x" * 490}"'} for number in range(settings_check.RULES)]
    body = {"mapping": rules, "scope": {"chosen": chosen}, "audience": chosen}
    answer = caller.request("PUT", path, json=body, headers={"If-Match": caller.get(path).headers["etag"]})
    assert answer.status_code == 200, answer.text
    assert caller.get(path).json()["audience"] == {"everyone": False, **chosen}
