"""`People`: a shard's rows, its counter and its activity move together or not at all."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.errors import Conflict, Defect
from sync.core.model import Counts
from sync.ports import COMMIT_LIMIT, BadCursor, RowTooLarge, TransactionTooLarge
from tests.contracts.conftest import Store
from tests.contracts.people_of import OTHER_SCOPE, SCOPE, activity, oid, person

ONE = Counts(people=1, active=1)


def test_an_empty_shard(store: Store) -> None:
    """A shard nobody wrote has no people, no counts and an empty token."""
    loaded = store.people.load(SCOPE, "")
    assert (loaded.records, loaded.counts, loaded.token) == ({}, Counts(), "")
    assert store.people.load(SCOPE, "", [oid(1)]).records == {}


@pytest.mark.parametrize("named", [True, False])
def test_what_was_committed_is_loaded(store: Store, *, named: bool) -> None:
    """Every field of a person comes back, by name and by scan, with the etag of the commit."""
    written = store.people.commit(store.people.load(SCOPE, "a"), [person(1)], ONE, None)
    loaded = store.people.load(SCOPE, "a", [oid(1), oid(2)] if named else None)
    assert loaded.records == {oid(1): person(1)}
    assert loaded.records[oid(1)].etag == written.records[oid(1)].etag != ""
    assert loaded.counts == ONE
    assert loaded.token == written.token


def test_commit_goes_on_from_its_own_result(store: Store) -> None:
    """What a commit returns can be committed on at once: etags and token are the new ones."""
    loaded = store.people.commit(store.people.load(SCOPE, ""), [person(1)], ONE, None)
    renamed = replace(loaded.records[oid(1)], order=6 << 44)
    loaded = store.people.commit(loaded, [renamed, person(2)], Counts(people=2, active=2), None)
    assert set(loaded.records) == {oid(1), oid(2)}
    assert store.people.load(SCOPE, "").records[oid(1)].order == 6 << 44


def test_a_commit_may_change_only_the_counts(store: Store) -> None:
    """No people, only the counter: allowed."""
    store.people.commit(store.people.load(SCOPE, ""), [], ONE, None)
    assert store.people.counts(SCOPE, [""]) == ONE


def test_a_stale_person_stops_the_whole_commit(store: Store) -> None:
    """One person changed meanwhile: nothing of the commit is written, neither people nor counts nor activity."""
    first = store.people.commit(store.people.load(SCOPE, ""), [person(1)], ONE, None)
    store.people.commit(first, [replace(first.records[oid(1)], order=9 << 44)], ONE, None)
    fresh = store.people.load(SCOPE, "")
    stale = replace(first.records[oid(1)], address="stale@contoso.example")
    with pytest.raises(Conflict):
        store.people.commit(fresh, [person(2), stale], Counts(people=2), activity(2))
    after = store.people.load(SCOPE, "")
    assert set(after.records) == {oid(1)}
    assert after.counts == ONE
    assert not store.people.activity(SCOPE, [""])


def test_a_stale_counter_stops_the_whole_commit(store: Store) -> None:
    """Somebody committed other people of the shard meanwhile: read again, so that the counts stay exact."""
    early = store.people.load(SCOPE, "")
    store.people.commit(early, [person(1)], ONE, None)
    with pytest.raises(Conflict):
        store.people.commit(early, [person(2)], ONE, None)
    assert set(store.people.load(SCOPE, "").records) == {oid(1)}


def test_a_person_that_exists_is_not_inserted(store: Store) -> None:
    """A record with an empty etag is an insert, and fails when the row is there."""
    store.people.commit(store.people.load(SCOPE, ""), [person(1)], ONE, None)
    with pytest.raises(Conflict):
        store.people.commit(store.people.load(SCOPE, ""), [person(1)], ONE, None)


def test_a_person_that_does_not_exist_is_not_replaced(store: Store) -> None:
    """A record with an etag is a replacement, and fails when the row is not there."""
    loaded = store.people.commit(store.people.load(SCOPE, "a"), [person(1)], ONE, None)
    etag = loaded.records[oid(1)].etag
    with pytest.raises(Conflict):
        store.people.commit(store.people.load(SCOPE, "b"), [person(2, etag=etag)], ONE, None)


def test_a_full_commit(store: Store) -> None:
    """A commit takes 98 people with activity and counts, and not one more."""
    many = [person(number) for number in range(COMMIT_LIMIT)]
    loaded = store.people.commit(store.people.load(SCOPE, ""), many, Counts(98), activity(*range(COMMIT_LIMIT)))
    assert len(store.people.load(SCOPE, "").records) == COMMIT_LIMIT
    with pytest.raises(Defect):
        store.people.commit(loaded, [person(1000 + number) for number in range(COMMIT_LIMIT + 1)], Counts(), None)


def test_racing_commits_lose_nothing(store: Store) -> None:
    """Eight writers add a person each to one shard, reading again on conflict: all are there, and counted."""

    def add(number: int) -> None:
        while True:
            loaded = store.people.load(SCOPE, "")
            counts = replace(loaded.counts, people=loaded.counts.people + 1)
            try:
                store.people.commit(loaded, [person(number)], counts, activity(number))
            except Conflict:
                continue
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    loaded = store.people.load(SCOPE, "")
    assert len(loaded.records) == loaded.counts.people == 8
    assert store.people.run_counts(SCOPE, "", "000000000001ab", 0) == {"create": 8}


def test_scopes_and_shards_are_apart(store: Store) -> None:
    """The same object id in another scope or shard is another row."""
    store.people.commit(store.people.load(SCOPE, "a"), [person(1)], ONE, activity(1))
    for scope, shard in ((SCOPE, "b"), (SCOPE, ""), (OTHER_SCOPE, "a")):
        assert store.people.load(scope, shard).records == {}
        assert store.people.load(scope, shard, [oid(1)]).records == {}
        assert store.people.counts(scope, [shard]) == Counts()
        assert not store.people.activity(scope, [shard])


def test_many_named_people_of_a_small_shard(store: Store) -> None:
    """Naming more people than the shard has gives those that are there, and only the named ones."""
    store.people.commit(store.people.load(SCOPE, ""), [person(n) for n in range(5)], Counts(5), None)
    wanted = [oid(n) for n in range(1, 300)]
    assert set(store.people.load(SCOPE, "", wanted).records) == {oid(n) for n in range(1, 5)}


def test_people_by_pages_over_shards(store: Store) -> None:
    """Pages go through the shards in order, each person once, and end with an empty cursor."""
    for shard, numbers in (("0", range(5)), ("1", ()), ("2", range(5, 9)), ("f", range(20, 21))):
        people = [person(number) for number in numbers]
        store.people.commit(store.people.load(SCOPE, shard), people, Counts(), None)
    seen: list[str] = []
    cursor, sizes = "", []
    while True:
        page, cursor = store.people.page(SCOPE, ["0", "1", "2"], cursor, 3)
        seen += [one.object_id for one in page]
        sizes.append(len(page))
        if not cursor:
            break
    assert seen == [oid(number) for number in range(9)]
    assert sizes == [3, 3, 3]


def test_a_page_goes_on_where_it_stopped(store: Store) -> None:
    """People added before the cursor do not shift the next page."""
    store.people.commit(store.people.load(SCOPE, ""), [person(n) for n in (10, 20, 30)], Counts(), None)
    _, cursor = store.people.page(SCOPE, [""], "", 2)
    store.people.commit(store.people.load(SCOPE, ""), [person(5)], Counts(), None)
    page, cursor = store.people.page(SCOPE, [""], cursor, 2)
    assert [one.object_id for one in page] == [oid(30)]
    assert cursor == ""


@pytest.mark.parametrize("cursor", ["nonsense", "' or 1 eq 1"])
def test_a_foreign_cursor_is_refused(store: Store, cursor: str) -> None:
    """A cursor that this port did not make raises BadCursor."""
    with pytest.raises(BadCursor):
        store.people.page(SCOPE, [""], cursor, 2)


def test_counts_are_summed(store: Store) -> None:
    """Counter rows of several shards add up, reasons included."""
    for shard in ("0", "1"):
        counts = Counts(people=3, active=1, inactive=1, skipped={"guest": 1, f"r{shard}": 1})
        store.people.commit(store.people.load(SCOPE, shard), [], counts, None)
    total = store.people.counts(SCOPE, ["0", "1", "2"])
    assert total == Counts(6, 2, 2, {"guest": 2, "r0": 1, "r1": 1})


def test_run_counts_are_of_one_part(store: Store) -> None:
    """What a part did is summed over its transactions, without other parts, runs and shards."""
    run = "000000000002ab"
    loaded = store.people.commit(store.people.load(SCOPE, ""), [person(1), person(2)], ONE, activity(1, 2, run=run))
    loaded = store.people.commit(loaded, [person(3)], ONE, activity(3, run=run))
    loaded = store.people.commit(loaded, [person(4)], ONE, activity(4, run=run, part=1))
    store.people.commit(loaded, [person(5)], ONE, activity(5, run=run + "c"))
    assert store.people.run_counts(SCOPE, "", run, 0) == {"create": 3}
    assert store.people.run_counts(SCOPE, "", run, 1) == {"create": 1}
    assert store.people.run_counts(SCOPE, "", run, 2) == {}


def test_activity_is_newest_first(store: Store) -> None:
    """Activity of several shards and runs is merged by time, limited, and can be asked for one run."""
    old, new = "000000000009ab", "000000000001ab"
    for second, (shard, run) in enumerate([("0", old), ("1", old), ("0", new), ("1", new)]):
        done = activity(second, run=run, at=f"2026-03-02T08:00:0{second}.000Z")
        store.people.commit(store.people.load(SCOPE, shard), [person(second)], ONE, done)
    found = store.people.activity(SCOPE, ["0", "1"])
    assert [(one.at[-3:-1], shard) for one, shard in found] == [("00", "1"), ("00", "0"), ("00", "1"), ("00", "0")]
    assert [one.entries[0].object_id for one, _ in found] == [oid(3), oid(2), oid(1), oid(0)]
    assert [one.entries for one, _ in store.people.activity(SCOPE, ["0", "1"], limit=1)] == [found[0][0].entries]
    assert {one.run for one, _ in store.people.activity(SCOPE, ["0", "1"], run=old)} == {old}


def test_activity_of_one_shard_and_run_is_newest_first(store: Store) -> None:
    """Within a run the last commit of a shard comes first, also when a limit cuts."""
    loaded = store.people.load(SCOPE, "")
    for number in range(4):
        done = activity(number, part=number % 2, at=f"2026-03-02T08:00:0{number}.000Z")
        loaded = store.people.commit(loaded, [person(number)], ONE, done)
    found = store.people.activity(SCOPE, [""], limit=2)
    assert [one.entries[0].object_id for one, _ in found] == [oid(3), oid(2)]


def test_a_row_beyond_storage_is_named(store: Store) -> None:
    """A person who does not fit into a row raises RowTooLarge with the object id; nothing is written."""
    noise = random.Random(1).randbytes(1_500_000).hex()
    with pytest.raises(RowTooLarge) as caught:
        store.people.commit(store.people.load(SCOPE, ""), [person(1), person(2, source={"a": noise})], ONE, None)
    assert caught.value.object_id == oid(2)
    assert [store.people.fits(one) for one in (person(1), person(2, source={"a": noise}))] == [True, False]
    assert store.people.load(SCOPE, "").records == {}


def test_a_transaction_beyond_storage(store: Store) -> None:
    """Rows that are too much together raise TransactionTooLarge; halves go in."""
    noise = random.Random(1).randbytes(400_000).hex()
    people = [person(number, source={"a": noise}) for number in range(8)]
    with pytest.raises(TransactionTooLarge):
        store.people.commit(store.people.load(SCOPE, ""), people, ONE, None)
    assert store.people.load(SCOPE, "").records == {}
    loaded = store.people.load(SCOPE, "")
    for start in range(0, 8, 2):
        loaded = store.people.commit(loaded, people[start : start + 2], ONE, None)
    assert store.people.load(SCOPE, "").records == {one.object_id: one for one in people}


def test_a_person_of_many_groups(store: Store) -> None:
    """Memberships by the thousand are stored with the others, and come back by scan and by name."""
    busy = person(1, memberships={oid(1000 + n): (-1) ** n * (n + 1) for n in range(5000)})
    store.people.commit(store.people.load(SCOPE, ""), [busy, person(2)], ONE, None)
    assert store.people.load(SCOPE, "").records == {oid(1): busy, oid(2): person(2)}
    assert store.people.load(SCOPE, "", [oid(1)]).records == {oid(1): busy}
    assert list(store.people.page(SCOPE, [""], "", 10)[0]) == [busy, person(2)]
