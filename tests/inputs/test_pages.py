"""Pages that are not what Graph promises, as bytes through the Graph adapter: rejected whole, or read safely."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.errors import Transient
from sync.adapters.graph.client import GraphClient
from sync.adapters.graph.directory import GraphDirectory
from sync.core.connection import Connection, ConnectionState
from sync.core.model import Page
from sync.core.sync_settings import DEFAULT_MAPPING, FieldRule, SyncSettings
from tests.fakes.engine import Engine
from tests.inputs.pages import ANN, EXTENSION, PAGES, BadPage, link, text
from tests.inputs.wire import Wire, always, client
from tests.inputs.zoo import Outcome

SETTINGS = SyncSettings(mapping=(*DEFAULT_MAPPING, FieldRule("nick", EXTENSION)))
CONNECTION = Connection("c" * 32, "acme", "Acme", ConnectionState.CONNECTED, 1, tenant_id=ANN, settings=SETTINGS)
REJECTED = [page for page in PAGES if page.outcome is Outcome.REJECTED]
READ = [page for page in PAGES if page.outcome is Outcome.READ]


def named(page: BadPage) -> str:
    """Number and what."""
    return f"{page.number} {page.what}"


@pytest.fixture(scope="module")
def wire() -> Wire:
    """Answers with an empty page until told otherwise."""
    return Wire(lambda path: (text(feed="groups" if "groups" in path else "users").encode(), {}))


@pytest.fixture(scope="module")
def graph(wire: Wire) -> Iterator[GraphClient]:
    """The product's client on the wire."""
    made = client(wire)
    yield made
    made.close()


def read(graph: GraphClient, wire: Wire, bad: BadPage) -> Page:
    """The page through the adapter."""
    wire.answer = always(bad.body, bad.headers)
    return GraphDirectory(graph).read_page(CONNECTION, bad.feed, link(bad.feed), order=7, full=False)


@pytest.mark.parametrize("bad", REJECTED, ids=named)
def test_a_page_that_is_not_whole_is_rejected(graph: GraphClient, wire: Wire, bad: BadPage) -> None:
    """Nothing of it is used; it is asked for again later."""
    with pytest.raises(Transient):
        read(graph, wire, bad)


@pytest.mark.parametrize("bad", READ, ids=named)
def test_an_odd_part_of_a_page_has_no_effect(graph: GraphClient, wire: Wire, bad: BadPage) -> None:
    """What was promised is read, and nothing else."""
    page = read(graph, wire, bad)
    people = [(one.object_id, one.kind, one.presence, dict(one.properties)) for one in page.users]
    edges = [(one.group_id, one.member_id, one.member_type, one.present) for one in page.memberships]
    assert tuple(people if bad.feed == "users" else edges) == bad.told
    assert (page.next_link, page.delta_link, page.skipped) == (None, link(bad.feed), 0)


def test_a_rejected_page_is_never_half_applied(graph: GraphClient, wire: Wire) -> None:
    """Everybody who was there stays as they are, and so does the cursor; the next good page is applied."""
    engine = Engine()
    engine.services = replace(engine.services, directory=GraphDirectory(graph))
    good = {
        "users": text(f'{{"id":"{ANN}","displayName":"Ann","accountEnabled":true,"mail":"ann@contoso.example"}}'),
        "groups": text('{"id":"99999999-0000-4000-8000-000000000009","displayName":"Staff"}', feed="groups"),
    }
    wire.answer = lambda path: (good["groups" if "groups" in path else "users"].encode(), {})
    acme = engine.connect().imported()
    before, cursors = acme.people, dict(acme.view.reader.feeds)
    assert before[ANN].fields["display_name"] == "Ann"
    for bad in REJECTED:
        wire.answer = always(bad.body, bad.headers)
        acme.hint(bad.feed)
        for delivery in engine.queue.waiting():
            assert engine.deliver(), delivery
        assert acme.people == before, named(bad)
        assert {feed: state.delta_link for feed, state in acme.view.reader.feeds.items()} == {
            feed: state.delta_link for feed, state in cursors.items()
        }, named(bad)
        for delivery in engine.queue.waiting():
            engine.queue.drop(delivery.number)
    wire.answer = always(text(f'{{"id":"{ANN}","displayName":"Ann Lee"}}').encode(), {})
    acme.hint("users")
    engine.pump()
    assert acme.person(ANN).fields["display_name"] == "Ann Lee"
