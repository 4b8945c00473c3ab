"""Who may what in API v1, for every route that the OpenAPI document has: viewers look, strangers find nothing."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.real.api import API, Api, Item
from tests.real.world import RealEngine

pytestmark = pytest.mark.azurite
READING = {f"{API}/connections/{{connection_id}}/{name}/preview" for name in ("settings", "mapping")}  # and every GET
REQUIRED = {"people": ["11111111-2222-4333-8444-555555555555"]}


def body_of(document: Item, operation: Item) -> Any:
    """The smallest body that is understood, made from the schema; None where the operation takes none."""
    content = operation.get("requestBody", {}).get("content", {})
    return _value(document, content["application/json"]["schema"]) if content else None


def _value(document: Item, schema: Item) -> Any:
    if "$ref" in schema:
        return _value(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return _value(document, schema["anyOf"][0])
    if told := schema.get("examples") or schema.get("enum"):
        return told[0]
    match schema.get("type"):
        case "object":
            required = schema.get("required", [])
            return {name: REQUIRED.get(name) or _value(document, schema["properties"][name]) for name in required}
        case "array":
            return []
        case "integer":
            return schema.get("minimum", 1)
        case kind:
            raise AssertionError(f"nothing to send for {kind}")


def operations(document: Item) -> Iterator[tuple[str, str, Any]]:
    """(method, path with names in braces, body) of every operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, body_of(document, operation)


@pytest.fixture
def ids(api: Api) -> dict[str, str]:
    """The ids of a connection to which everything happened: what stands in the braces of a path."""
    people = api.people()
    api.acme.tenant.hire("Nina New")
    for number in range(6):
        api.acme.tenant.soft_delete(people[f"Person {number}"]["object_id"])
    api.sync()
    return {
        "connection_id": api.acme.id,
        "object_id": people["Person 9"]["object_id"],
        "run_id": api.every("certificates")[0]["run"],
        "hold_id": api.waiting()[0]["id"],
        "mail_id": api.every("mails")[0]["id"],
    }


def everything(api: Api) -> Item:
    """All that a write could have changed."""
    lists = ("people", "runs", "holds", "mails", "activity", "settings/history", "suggestions")
    waiting = [delivery.body for delivery in api.acme.engine.queue.waiting()]
    return {**{name: api.every(name) for name in lists}, "connection": api.ask("GET", ""), "queue": waiting}


def test_viewers_look_at_everything_and_change_nothing(api: Api, ids: dict[str, str]) -> None:
    """Of every operation: GETs and previews answer a viewer, all else is 403 and leaves no trace."""
    viewer = Api(api.acme, sub="vic", role="viewer")
    document = viewer.ask("GET", f"{API}/openapi.json")
    assert "403" in document["paths"][f"{API}/connections"]["post"]["responses"]
    before = everything(api)
    for method, path, body in operations(document):
        where = path.format_map(ids)
        if path.endswith("/groups/{object_id}/why"):
            where = where.replace(ids["object_id"], api.every("groups")[0]["object_id"])
        answer = viewer.request(method, where, json=body, headers={"If-Match": '"1"'})
        if method == "GET" or path in READING:
            assert answer.status_code == 200, (method, path, answer.text)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "viewer"), (method, path)
    assert everything(api) == before


def test_another_workspaces_ids_are_nowhere(api: Api, ids: dict[str, str]) -> None:
    """The admin of another workspace gets 404 for every operation on this connection, and also for this connection's
    people, groups, runs, holds, mails and certificates asked of their own; neither leaves a trace.
    """
    engine = api.acme.engine
    assert isinstance(engine, RealEngine)
    globex = engine.connect(f"globex-{uuid.uuid4().hex}", engine.control.create_tenant()).imported()
    stranger = Api(globex)
    document = api.ask("GET", f"{API}/openapi.json")
    before, own = everything(api), everything(stranger)
    for method, path, body in operations(document):
        if "{" not in path:
            continue
        inner = re.search(r"\{(?!connection_id)(\w+)\}", path)
        wheres = [path.format_map(ids)]
        if inner:
            wheres.append(path.format_map({**ids, "connection_id": globex.id}))
        for where in wheres:
            answer = stranger.request(method, where, json=body, headers={"If-Match": '"1"'})
            assert answer.status_code == 404, (method, where, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    assert (everything(api), everything(stranger)) == (before, own)
    mine = {one["id"] for one in stranger.every(f"{API}/connections")}
    assert (mine, {one["connection_id"] for one in stranger.every(f"{API}/accounts")}) == ({globex.id}, {globex.id})
