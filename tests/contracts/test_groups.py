"""`Groups`: one partition per scope, written in transactions of a hundred."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import Conflict
from sync.core.scope import Circle, Reach
from sync.ports import BadCursor
from tests.contracts.conftest import Store
from tests.contracts.people_of import OTHER_SCOPE, SCOPE, group, oid, some_ids


def test_what_was_committed_is_loaded(store: Store) -> None:
    """Every field comes back, by name and by scan, in the caller's scope alone."""
    written = store.groups.commit(SCOPE, [group(1), group(2)])
    assert [one.object_id for one in written] == [oid(1), oid(2)]
    assert store.groups.load(SCOPE) == {oid(1): group(1), oid(2): group(2)}
    assert store.groups.load(SCOPE, [oid(2), oid(3)]) == {oid(2): group(2)}
    assert store.groups.load(SCOPE)[oid(1)].etag == written[0].etag
    assert store.groups.load(OTHER_SCOPE) == {}


def test_naming_many(store: Store) -> None:
    """Naming hundreds of groups gives those that are there, and only the named ones."""
    store.groups.commit(SCOPE, [group(n) for n in range(5)])
    assert set(store.groups.load(SCOPE, [oid(n) for n in range(2, 300)])) == {oid(2), oid(3), oid(4)}


def test_any_number(store: Store) -> None:
    """More than a transaction takes is split; nothing at all is fine."""
    assert len(store.groups.commit(SCOPE, [group(n) for n in range(230)])) == 230
    assert len(store.groups.load(SCOPE)) == 230
    assert list(store.groups.commit(SCOPE, [])) == []


def test_stale_and_doubled_writes_are_refused(store: Store) -> None:
    """Replacing needs the present etag, inserting needs that there is none; a refused batch writes nothing."""
    [first] = store.groups.commit(SCOPE, [group(1)])
    store.groups.commit(SCOPE, [replace(first, members=4)])
    with pytest.raises(Conflict):
        store.groups.commit(SCOPE, [group(2), replace(first, members=5)])
    with pytest.raises(Conflict):
        store.groups.commit(SCOPE, [group(3), group(1)])
    assert {one.object_id: one.members for one in store.groups.load(SCOPE).values()} == {oid(1): 4}


def test_pages(store: Store) -> None:
    """Pages go through the groups in order and end with an empty cursor; a foreign cursor is refused."""
    store.groups.commit(SCOPE, [group(n) for n in range(5)])
    first, cursor = store.groups.page(SCOPE, "", 2)
    second, cursor = store.groups.page(SCOPE, cursor, 2)
    third, cursor = store.groups.page(SCOPE, cursor, 2)
    assert [one.object_id for one in (*first, *second, *third)] == [oid(n) for n in range(5)]
    assert cursor == ""
    with pytest.raises(BadCursor):
        store.groups.page(SCOPE, "' or ''", 2)


def test_a_reach_of_every_group(store: Store) -> None:
    """What scope and audience take in and leave out among 20,000 groups, and what of these was emptied lately, is
    stored and comes back, set by set.
    """
    ids = some_ids(20_000)
    everything = frozenset(ids)
    emptied = {one: number << 40 | number for number, one in enumerate(ids)}
    reach = Reach(7, Circle(everything, frozenset(ids[::2])), Circle(everything, frozenset(ids[::3])), emptied)
    saved = store.groups.save_reach(SCOPE, reach)
    assert store.groups.reach(SCOPE) == reach
    fewer = Reach(8, Circle(frozenset(ids[:3])))
    assert store.groups.save_reach(SCOPE, replace(fewer, etag=saved.etag)).etag == store.groups.reach(SCOPE).etag
    assert store.groups.reach(SCOPE) == fewer


def test_a_group_in_very_many_groups(store: Store) -> None:
    """A group that is a member of 20,000 others is stored and comes back, by name, by scan and by page."""
    parents = {one: 5 << 44 | number for number, one in enumerate(some_ids(20_000))}
    nested = replace(group(1), parents=parents)
    store.groups.commit(SCOPE, [nested, group(2)])
    assert store.groups.load(SCOPE, [oid(1)]) == {oid(1): nested}
    assert store.groups.load(SCOPE) == {oid(1): nested, oid(2): group(2)}
    assert store.groups.page(SCOPE, "", 10) == ([nested, group(2)], "")
