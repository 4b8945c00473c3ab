"""The trail of activity over the shards, and forgetting what is old, on both kinds of storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import pytest

from sync.core.runs import Run
from sync.ports import BadCursor
from tests.contracts.conftest import Store
from tests.contracts.people_of import OTHER_SCOPE, SCOPE, activity, oid, person

SHARDS = ["0", "1"]
RUNS = ["1aa", "2bb", "3cc"]  # the newest first


def filled(store: Store, scope: str = SCOPE) -> list[tuple[str, str, str]]:
    """Three runs, each of two transactions in both shards; what the trail tells: (run, shard, person)."""
    number = 0
    told = []
    for run in reversed(RUNS):
        for shard in SHARDS:
            for _ in range(2):
                number += 1
                loaded = store.people.load(scope, shard, [])
                made = activity(number, run=run)
                store.people.commit(loaded, [person(number)], loaded.counts, made)
                told.append((run, shard, oid(number)))
    told.reverse()
    return sorted(told, key=lambda one: one[:2])


def walked(store: Store, step: int, **only: str) -> list[tuple[str, str, str]]:
    """The whole trail, so many at a time."""
    found: list[tuple[str, str, str]] = []
    after = ""
    while rows := list(islice(store.people.trail(SCOPE, SHARDS, after, step, **only), step)):
        found += [(row.run, place.split("/")[1], row.entries[0].object_id) for row, place in rows]
        after = rows[-1][1]
    return found


@pytest.mark.parametrize("step", [1, 2, 5, 100])
def test_the_trail_tells_everything_once(store: Store, step: int) -> None:
    """Newest run first, then by shard, there the newest first; nothing twice and nothing of another scope."""
    told = filled(store)
    filled(store, OTHER_SCOPE)
    assert walked(store, step) == told


def test_the_trail_of_one_run_and_from_a_run_on(store: Store) -> None:
    """One run's alone, and those of a run and older ones."""
    told = filled(store)
    assert walked(store, 3, run="2bb") == [one for one in told if one[0] == "2bb"]
    assert walked(store, 3, from_run="2") == [one for one in told if one[0] > "2"]


def story(store: Store, number: int, step: int) -> list[tuple[str, Sequence[str]]]:
    """What is told of one person, so many entries at a time: (run, whom the activities are about)."""
    found: list[tuple[str, Sequence[str]]] = []
    after = ""
    while rows := list(islice(store.people.story(SCOPE, "0", oid(number), after), step)):
        found += [(row.run, [entry.object_id for entry in row.entries]) for row, _ in rows]
        after = rows[-1][1]
    return found


@pytest.mark.parametrize("step", [1, 2, 100])
def test_the_story_of_one_person(store: Store, step: int) -> None:
    """The newest first, whatever the runs' ids say, and of an activity about several their entry alone; what was
    written without an entry of theirs is no part of it, and it ends where it was forgotten.
    """
    for run, told in (("2bb", [1, 2]), ("1aa", [2]), ("3cc", [1, 3]), ("2bb", [1])):
        loaded = store.people.load(SCOPE, "0", [oid(number) for number in (1, 2, 3)])
        writes = [loaded.records.get(oid(number)) or person(number) for number in (1, 2, 3)]
        entries = [entry for number in told for entry in activity(number, run=run).entries]
        store.people.commit(loaded, writes, loaded.counts, activity(1, run=run)._replace(entries=entries))
    assert story(store, 1, step) == [("2bb", [oid(1)]), ("3cc", [oid(1)]), ("2bb", [oid(1)])]
    assert story(store, 2, step) == [("1aa", [oid(2)]), ("2bb", [oid(2)])]
    assert story(store, 4, step) == []
    assert list(store.people.story(SCOPE, "0", "nobody", "")) == []
    assert store.people.load(SCOPE, "0", [oid(1)]).records[oid(1)].last_run == "2bb"
    store.people.forget_activity(SCOPE, "0", "2", 100)
    assert story(store, 1, step) == []
    assert story(store, 2, step) == [("1aa", [oid(2)])]


@pytest.mark.parametrize("place", ["nonsense", "1aa/0", "1aa/x'y/0a", "/0/0a", "1aa/0/0a/0b"])
def test_a_place_that_is_none_is_refused(store: Store, place: str) -> None:
    """A cursor of another list is no place."""
    filled(store)
    with pytest.raises(BadCursor):
        store.people.trail(SCOPE, SHARDS, place, 5)
    with pytest.raises(BadCursor):
        next(store.people.story(SCOPE, "0", oid(1), place))


def test_old_activity_is_forgotten_by_and_by(store: Store) -> None:
    """At most so many rows at a time, of these runs and older ones only, in this shard only; people stay."""
    told = filled(store)
    assert [store.people.forget_activity(SCOPE, "0", "2", 3) for _ in range(3)] == [3, 1, 0]
    assert walked(store, 5) == [one for one in told if one[0] == "1aa" or one[1] == "1"]
    assert len(store.people.load(SCOPE, "0").records) == 6


def test_old_runs_are_forgotten_by_and_by(store: Store) -> None:
    """Likewise; holds and the guard's window stay."""
    for run in RUNS:
        store.runs.save(Run(run, SCOPE, "connection", "pull", "timer", 1, "2026-03-02T08:00:00.000Z"))
    store.runs.save_window(replace(store.runs.window(SCOPE), active=7))
    assert [store.runs.forget(SCOPE, "2", 1) for _ in range(3)] == [1, 1, 0]
    assert [run.id for run in store.runs.page(SCOPE, "", 10)[0]] == ["1aa"]
    assert store.runs.window(SCOPE).active == 7
