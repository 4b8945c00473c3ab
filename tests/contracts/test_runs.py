"""`Runs` and `Staging`: a run counts every part once, and exactly one caller sees the last."""

from __future__ import annotations

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.errors import Conflict, Defect
from sync.core.model import Reason
from sync.core.runs import GuardWindow, HeldRemoval, Hold, Outcome, Run, Stage
from sync.ports import BadCursor
from tests.contracts.conftest import Store
from tests.contracts.people_of import OTHER_SCOPE, SCOPE, oid, some_ids

RUN = "000000000001ab"


def run(run_id: str = RUN, **more: object) -> Run:
    """A full pass that applies four parts."""
    given = {"kind": "pass", "cause": "first", "epoch": 1, "started_at": "2026-03-02T08:00:00.000Z", "parts": 4}
    return Run(run_id, SCOPE, "c" * 32, **{**given, **more})  # type: ignore[arg-type]


def test_every_field_comes_back(store: Store) -> None:
    """A run survives storage, and is found in its scope alone."""
    full = run(
        outcome=Outcome.INCOMPLETE,
        feed="groups",
        cursor="https://graph.microsoft.com/v1.0/groups/delta?$skiptoken=a'b",
        delta_links={"users": "x" * 9000},
        frozen=("groups",),
        done_parts=frozenset({0, 3}),
        counts={"create": 3},
        start_order=7 << 44,
    )
    saved = store.runs.save(full)
    assert store.runs.get(SCOPE, RUN) == full
    assert saved.etag == getattr(store.runs.get(SCOPE, RUN), "etag", None) != ""
    assert store.runs.get(OTHER_SCOPE, RUN) is None
    assert store.runs.get(SCOPE, "000000000002ab") is None
    assert store.runs.get(SCOPE, "' or 1 eq 1") is None


def test_a_page_begins_after_an_id(store: Store) -> None:
    """The runs after an id come in the order of ids, which is newest first; the id need not be a run's."""
    ids = [f"00000000000{number}ab" for number in range(1, 5)]
    for one in ids:
        store.runs.save(run(one))
    assert [found.id for found in store.runs.page(SCOPE, ids[1], 10)[0]] == ids[2:]
    first, place = store.runs.page(SCOPE, "000000000002", 2)
    assert ([found.id for found in first], place) == (ids[1:3], ids[2])
    assert [found.id for found in store.runs.page(SCOPE, place, 2)[0]] == ids[3:]


def test_a_run_of_very_many_parts(store: Store) -> None:
    """A run of 4,096 parts of which all but one are done is stored, comes back, and ends with the last."""
    parts = 4096
    store.runs.save(run(parts=parts, done_parts=frozenset(range(1, parts))))
    done, last = store.runs.finish_part(SCOPE, RUN, Stage.APPLYING, 0, {"update": 1})
    assert last
    assert (
        done == store.runs.get(SCOPE, RUN) == run(parts=parts, done_parts=frozenset(range(parts)), counts=done.counts)
    )


def test_a_run_that_lost_very_many_groups(store: Store) -> None:
    """A run that found 20,000 groups gone is stored and comes back."""
    lost = tuple(some_ids(20_000))
    store.runs.save(run(lost_groups=lost))
    assert store.runs.get(SCOPE, RUN) == run(lost_groups=lost)


def test_runs_are_saved_on_their_etag(store: Store) -> None:
    """A stale run is refused, and so is making one twice."""
    saved = store.runs.save(run())
    store.runs.save(replace(saved, read=1))
    with pytest.raises(Conflict):
        store.runs.save(replace(saved, read=2))
    with pytest.raises(Conflict):
        store.runs.save(run())


def test_a_part_counts_once(store: Store) -> None:
    """A part that is finished twice adds its counts once; a part of another stage changes nothing."""
    store.runs.save(run())
    assert store.runs.finish_part(SCOPE, RUN, Stage.APPLYING, 0, {"create": 2})[1] is False
    again, last = store.runs.finish_part(SCOPE, RUN, Stage.APPLYING, 0, {"create": 2})
    assert (again.counts, again.done_parts, last) == ({"create": 2}, frozenset({0}), False)
    other, last = store.runs.finish_part(SCOPE, RUN, Stage.REMOVING, 1, {"create": 2})
    assert (other.counts, last) == ({"create": 2}, False)


def test_a_part_that_does_not_exist_is_a_defect(store: Store) -> None:
    """Neither an unknown run nor an unknown part is taken for done."""
    with pytest.raises(Defect):
        store.runs.finish_part(SCOPE, RUN, Stage.APPLYING, 0, {})
    store.runs.save(run())
    with pytest.raises(Defect):
        store.runs.finish_part(SCOPE, RUN, Stage.APPLYING, 4, {})


def test_one_caller_sees_the_last_part(store: Store) -> None:
    """Eight workers finish sixteen parts twice each, at once: one of them is last, and the counts are exact."""
    store.runs.save(run(parts=16))
    parts = [*range(16), *range(16)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda part: store.runs.finish_part(SCOPE, RUN, Stage.APPLYING, part, {"create": 1}), parts)
        )
    assert sum(last for _, last in answers) == 1
    stored = store.runs.get(SCOPE, RUN)
    assert stored is not None
    assert stored.counts == {"create": 16}
    assert stored.done_parts == frozenset(range(16))


def test_pages_are_newest_first(store: Store) -> None:
    """Run ids sort newest first, and pages follow them; a foreign cursor is refused."""
    for number in (3, 1, 2):
        store.runs.save(run(f"{number:015d}ab"))
    first, cursor = store.runs.page(SCOPE, "", 2)
    second, cursor = store.runs.page(SCOPE, cursor, 2)
    assert [int(one.id[:15]) for one in (*first, *second)] == [1, 2, 3]
    assert cursor == ""
    with pytest.raises(BadCursor):
        store.runs.page(SCOPE, "' or ''", 2)


def hold(number: int) -> Hold:
    """Removals that wait."""
    people = tuple(HeldRemoval(oid(n), f"Ann’s “{n}”", Reason.LEFT) for n in range(2))
    at = f"2026-03-02T08:00:0{number}.000Z"
    return Hold(f"{number:016x}", SCOPE, "c" * 32, RUN, "absent", at, "2026-03-03T08:00:00.000Z", people)


def test_holds_are_newest_first(store: Store) -> None:
    """Holds come back whole, newest first, and change on their etag alone; runs and holds do not mix."""
    store.runs.save(run())
    first, second = store.runs.save_hold(hold(1)), store.runs.save_hold(hold(2))
    assert list(store.runs.holds(SCOPE)) == [hold(2), hold(1)]
    assert [one.etag for one in store.runs.holds(SCOPE)] == [second.etag, first.etag]
    decided = store.runs.save_hold(replace(first, state="approved", decided_by="admin"))
    with pytest.raises(Conflict):
        store.runs.save_hold(first)
    with pytest.raises(Conflict):
        store.runs.save_hold(hold(2))
    assert list(store.runs.holds(SCOPE)) == [hold(2), decided]
    assert list(store.runs.holds(OTHER_SCOPE)) == []
    assert [one.id for one in store.runs.page(SCOPE, "", 9)[0]] == [RUN]


def test_a_hold_of_very_many(store: Store) -> None:
    """A hold for more people than a row takes is stored and changed like any other."""
    chance = random.Random(1)
    people = tuple(
        HeldRemoval(str(uuid.UUID(int=chance.getrandbits(128))), f"P{n}", Reason.LEFT) for n in range(45_000)
    )
    saved = store.runs.save_hold(replace(hold(1), removals=people))
    assert list(store.runs.holds(SCOPE)) == [saved]
    fewer = store.runs.save_hold(replace(saved, removals=people[:9000]))
    with pytest.raises(Conflict):
        store.runs.save_hold(replace(saved, removals=people[:10_000]))
    assert list(store.runs.holds(SCOPE)) == [fewer]
    small = store.runs.save_hold(replace(fewer, removals=people[:1], state="rejected"))
    assert list(store.runs.holds(SCOPE)) == [small]


def test_old_holds_are_forgotten_by_and_by(store: Store) -> None:
    """Only decided ones from before then, at most so many at a time, each with all of its people."""
    many = tuple(HeldRemoval(str(uuid.UUID(int=n)), "", Reason.LEFT) for n in range(9000))
    waiting = store.runs.save_hold(hold(0))
    store.runs.save_hold(replace(hold(1), state="approved", removals=many))
    store.runs.save_hold(replace(hold(2), state="rejected"))
    store.runs.save_hold(replace(hold(3), state="expired"))
    young = store.runs.save_hold(replace(hold(4), state="expired", created_at="2027-03-02T08:00:00.000Z"))
    assert [store.runs.forget_holds(SCOPE, "2027-01-01T00:00:00.000Z", 2) for _ in range(3)] == [2, 1, 0]
    assert set(store.runs.holds(SCOPE)) == {waiting, young}


def test_the_guards_window(store: Store) -> None:
    """Empty at first; then saved on its etag."""
    assert store.runs.window(SCOPE) == GuardWindow(SCOPE)
    assert store.runs.window(SCOPE).etag == ""
    saved = store.runs.save_window(GuardWindow(SCOPE, 10, {"r:1": ("2026-03-02T08:00:00.000Z", 3)}))
    assert store.runs.window(SCOPE) == saved
    assert store.runs.window(SCOPE).etag == saved.etag
    with pytest.raises(Conflict):
        store.runs.save_window(GuardWindow(SCOPE, 11))


def test_staged_blocks_come_in_order(store: Store) -> None:
    """Each shard's blocks in the order of reading, apart from other shards, runs and scopes."""
    for block in (0, 2, 10, 1):
        store.staging.put(SCOPE, RUN, block, {"0": b"zero %d" % block, "1": b"one %d" % block, "groups": b"g"})
    assert list(store.staging.get(SCOPE, RUN, "0")) == [b"zero 0", b"zero 1", b"zero 2", b"zero 10"]
    assert list(store.staging.get(SCOPE, RUN, "groups")) == [b"g"] * 4
    assert list(store.staging.get(SCOPE, RUN, "")) == []
    assert list(store.staging.get(SCOPE, RUN + "removals", "0")) == []
    assert list(store.staging.get(OTHER_SCOPE, RUN, "0")) == []


def test_more_blocks_than_come_at_a_time(store: Store) -> None:
    """However many blocks there are, they come in order, also one that is cut into pieces where an answer ends."""
    blocks = [f"block {number}".encode() for number in range(70)]
    blocks[30] = random.Random(0).randbytes(1_500_000)  # four pieces: rows 31 to 34
    for number, block in enumerate(blocks):
        store.staging.put(SCOPE, RUN, number, {"0": block})
    assert list(store.staging.get(SCOPE, RUN, "0")) == blocks


def test_a_block_overwrites_itself(store: Store) -> None:
    """A block read again after a crash replaces what it left, also when it is smaller now."""
    large = random.Random(1).randbytes(2_000_000)
    store.staging.put(SCOPE, RUN, 0, {"": large})
    assert list(store.staging.get(SCOPE, RUN, "")) == [large]
    store.staging.put(SCOPE, RUN, 0, {"": b"small"})
    store.staging.put(SCOPE, RUN, 1, {"": b"next"})
    assert list(store.staging.get(SCOPE, RUN, "")) == [b"small", b"next"]


def test_a_block_of_every_shard(store: Store) -> None:
    """A block may have 256 shards and more megabytes than a transaction takes."""
    chance = random.Random(1)
    block = {f"{number:02x}": chance.randbytes(20_000) for number in range(256)}
    store.staging.put(SCOPE, RUN, 0, block)
    assert all(list(store.staging.get(SCOPE, RUN, shard)) == [data] for shard, data in block.items())


def test_a_pass_is_forgotten(store: Store) -> None:
    """Clearing takes every block of the run and of no other; clearing again is fine."""
    store.staging.put(SCOPE, RUN, 0, {f"{shard:02x}": b"x" for shard in range(120)})
    store.staging.put(SCOPE, RUN, 1, {"0": b"x"})
    store.staging.put(SCOPE, "000000000002ab", 0, {"0": b"y"})
    store.staging.clear(SCOPE, RUN)
    store.staging.clear(SCOPE, RUN)
    assert list(store.staging.get(SCOPE, RUN, "0")) == []
    assert list(store.staging.get(SCOPE, "000000000002ab", "0")) == [b"y"]
