"""Ids of every kind at the edges below the API: pages, notifications, Graph's addresses, keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from shared.errors import Defect
from sync.adapters.graph.directory import GraphDirectory
from sync.adapters.tables import keys
from sync.core.connection import Connection, ConnectionState
from sync.core.messages import PullMessage
from sync.core.signing import client_state
from sync.usecases.receive_notification import lifecycle, receive
from tests.inputs.pages import ANN, BOB, STAFF, link, text
from tests.inputs.wire import Wire, always, client
from tests.inputs.zoo import IDS, Id
from tests.panel.world import World

CONNECTION = Connection("c" * 32, "acme", "Acme", ConnectionState.CONNECTED, 1, tenant_id=ANN)


def named(one: Id) -> str:
    """Number, length, and how it begins."""
    return f"{one.number} {len(one.given)} {one.given[:40]!a}"


@pytest.fixture(scope="module")
def graph() -> Iterator[tuple[Wire, GraphDirectory]]:
    """The product's directory on a wire."""
    wire = Wire(always(b"{}", {}))
    made = client(wire)
    yield wire, GraphDirectory(made)
    made.close()


def page(graph: tuple[Wire, GraphDirectory], feed: Any, *items: dict[str, Any]) -> Any:
    """A page of these items, read."""
    wire, directory = graph
    wire.answer = always(text(*map(json.dumps, items), feed=feed).encode(), {})
    return directory.read_page(CONNECTION, feed, link(feed), order=7, full=False)


@pytest.mark.parametrize("one", IDS, ids=named)
def test_an_item_of_a_page(graph: tuple[Wire, GraphDirectory], one: Id) -> None:
    """In its one form, or left out and counted; as a member, a manager and a group likewise; the others are read."""
    known = [one.known] if one.known else []
    users = page(graph, "users", {"id": one.given}, {"id": BOB, "manager@delta": [{"id": one.given}]})
    assert [user.object_id for user in users.users] == [*known, BOB]
    assert users.skipped == (0 if known else 1)
    assert users.users[-1].properties == ({"manager": one.known} if known else {})
    groups = page(graph, "groups", {"id": one.given}, {"id": STAFF, "members@delta": [{"id": one.given}, {"id": BOB}]})
    assert [group.object_id for group in groups.groups] == [*known, STAFF]
    assert [edge.member_id for edge in groups.memberships] == [*known, BOB]


@pytest.mark.parametrize("one", IDS, ids=named)
def test_an_address_of_graphs(graph: tuple[Wire, GraphDirectory], one: Id) -> None:
    """Graph is asked for nothing but ids in their one form: no other becomes a part of an address or a filter."""
    wire, directory = graph
    before = list(wire.asked)
    with pytest.raises(Defect):
        directory.fetch_people(CONNECTION, [one.given], order=7)
    with pytest.raises(Defect):
        directory.find_groups(CONNECTION, [one.given])
    assert wire.asked == before


@pytest.mark.parametrize("one", IDS, ids=named)
def test_a_notification(one: Id) -> None:
    """The id it names is carried along in its one form or not at all; as a tenant or in the path it proves nothing."""
    world = World()
    connection = world.connect()
    state = client_state(world.services.settings.signing_keys[0], connection.id, connection.tenant_id, "users", 1)
    item = {"tenantId": connection.tenant_id, "clientState": state, "resource": f"Users/{one.given}"}
    body = json.dumps({"value": [{**item, "resourceData": {"id": one.given}}]}).encode()
    assert receive(world.services, connection.id, {}, body).status == 202
    (delivery,) = world.queue.waiting()
    message = delivery.message
    assert isinstance(message, PullMessage)
    assert message.hinted == ((one.known,) if one.known else ())
    for accept in (receive, lifecycle):
        known = re.fullmatch("[0-9a-f]{32}", one.given)  # what a connection's id looks like
        status = 202 if known else 404
        assert accept(world.services, one.given, {}, body).status == status
        wrong = json.dumps({"value": [{**item, "tenantId": one.given}]}).encode()
        assert accept(world.services, connection.id, {}, wrong).status == 202
    assert len(world.queue.waiting()) == 1


@pytest.mark.parametrize("one", IDS, ids=named)
def test_a_key(one: Id) -> None:
    """None of them becomes a row's key: making an id canonical is the reader's task."""
    with pytest.raises(Defect):
        keys.guid(one.given)
