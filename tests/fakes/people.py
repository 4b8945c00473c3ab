"""`People` and `Groups` in memory."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from shared.errors import Defect
from sync.core.model import Counts, GroupRecord, PersonRecord
from sync.core.scope import Reach
from sync.ports import COMMIT_LIMIT, Activity, BadCursor, LoadedShard, RowTooLarge, TransactionTooLarge
from tests.fakes.rows import Ground, Rows

RecordT = TypeVar("RecordT")
PLAIN_BYTES, ROW_BYTES, TRANSACTION_BYTES = 30_000, 960_000, 4 * 1024 * 1024


@dataclass(frozen=True)
class _Counter:
    counts: Counts
    etag: str = ""


class FakePeople:
    """See `sync.ports.People`. Rows are measured roughly, so that the limits of real storage are met here too."""

    def __init__(self, ground: Ground) -> None:
        self.row_bytes = ROW_BYTES  # a test may make rows smaller, so that less is too much
        self._ground = ground
        self._people: Rows[PersonRecord] = Rows(ground)
        self._counters: Rows[_Counter] = Rows(ground)
        self._activity: dict[tuple[str, str], list[tuple[str, Activity]]] = {}  # each with its place, oldest first
        self._latest = 10**9  # places count down

    def load(self, scope: str, shard: str, object_ids: Sequence[str] | None = None) -> LoadedShard:
        """The named people of a shard, or all of it."""
        with self._ground.lock:
            self._ground.faults.read("people.load")
            wanted = None if object_ids is None else set(object_ids)
            records = {
                key[2]: record for key, record in self._people.under(scope, shard) if wanted is None or key[2] in wanted
            }
            counter = self._counters.get((scope, shard)) or _Counter(Counts())
            return LoadedShard(scope, shard, records, counter.counts, counter.etag)

    def commit(
        self, loaded: LoadedShard, writes: Sequence[PersonRecord], counts: Counts, activity: Activity | None
    ) -> LoadedShard:
        """All or nothing."""
        _measure(writes, self.row_bytes)
        scope, shard = loaded.scope, loaded.shard
        with self._ground.lock, self._ground.faults.effect("people.commit"):
            for record in writes:
                self._people.check((scope, shard, record.object_id), record.etag)
            counter = self._counters.put((scope, shard), _Counter(counts, loaded.token))
            if activity is not None:
                self._latest -= 1
                at = f"{activity.run}/{shard}/{self._latest}"
                self._activity.setdefault((scope, shard), []).append((at, activity))
                told = {entry.object_id for entry in activity.entries}
                writes = [replace(one, last_entry=at) if one.object_id in told else one for one in writes]
            written = {
                record.object_id: self._people.put((scope, shard, record.object_id), record) for record in writes
            }
            return LoadedShard(scope, shard, {**loaded.records, **written}, counts, counter.etag)

    def fits(self, record: PersonRecord) -> bool:
        """By the same measure as a commit."""
        return _size(record) <= self.row_bytes

    def page(self, scope: str, shards: Sequence[str], cursor: str, limit: int) -> tuple[Sequence[PersonRecord], str]:
        """In the order of shards, then object ids."""
        with self._ground.lock:
            self._ground.faults.read("people.page")
            rows = [(key[1], key[2], record) for key, record in self._people.under(scope) if key[1] in set(shards)]
            return _page([(f"{shard}/{object_id}", record) for shard, object_id, record in rows], cursor, limit)

    def counts(self, scope: str, shards: Sequence[str]) -> Counts:
        """The sum of the counter rows."""
        with self._ground.lock:
            self._ground.faults.read("people.counts")
            total = Counts()
            for (_, shard), counter in self._counters.under(scope):
                total = total.plus(counter.counts) if shard in set(shards) else total
            return total

    def run_counts(self, scope: str, shard: str, run: str, part: int) -> Mapping[str, int]:
        """Action value -> accounts."""
        with self._ground.lock:
            self._ground.faults.read("people.run_counts")
            totals: dict[str, int] = {}
            for _, activity in self._activity.get((scope, shard), ()):
                for entry in activity.entries if (activity.run, activity.part) == (run, part) else ():
                    totals[entry.action.value] = totals.get(entry.action.value, 0) + 1
            return totals

    def activity(
        self, scope: str, shards: Sequence[str], run: str = "", limit: int = 100
    ) -> Sequence[tuple[Activity, str]]:
        """Newest first."""
        with self._ground.lock:
            self._ground.faults.read("people.activity")
            found = [
                (activity, shard)
                for shard in shards
                for _, activity in reversed(self._activity.get((scope, shard), []))
                if run in {"", activity.run}
            ]
            return sorted(found, key=lambda item: item[0].at, reverse=True)[:limit]

    def trail(
        self, scope: str, shards: Sequence[str], after: str, likely: int, *, run: str = "", from_run: str = ""
    ) -> Iterator[tuple[Activity, str]]:
        """The newest run first, within it by shard, there the newest first."""
        del likely
        with self._ground.lock:
            self._ground.faults.read("people.trail")
            beyond = _place(after)
            found = [
                (activity, at)
                for shard in shards
                for at, activity in self._activity.get((scope, shard), [])
                if run in {"", activity.run} and activity.run >= from_run and at.split("/") > beyond
            ]
            return iter(sorted(found, key=lambda one: one[1].split("/")))

    def story(self, scope: str, shard: str, object_id: str, after: str) -> Iterator[tuple[Activity, str]]:
        """The newest first."""
        with self._ground.lock:
            self._ground.faults.read("people.story")
            beyond = _place(after)[2:]
            found = []
            for at, activity in reversed(self._activity.get((scope, shard), [])):
                entries = [entry for entry in activity.entries if entry.object_id == object_id]
                if entries and at.split("/")[2:] > beyond:
                    found.append((activity._replace(entries=entries), at))
            return iter(found)

    def forget_activity(self, scope: str, shard: str, from_run: str, limit: int) -> int:
        """The newest of them first, as storage deletes them."""
        with self._ground.lock, self._ground.faults.effect("people.forget_activity"):
            kept = self._activity.get((scope, shard), [])
            old = sorted((one for one in kept if one[1].run >= from_run), key=lambda one: one[1].run)[:limit]
            self._activity[scope, shard] = [one for one in kept if not any(one is other for other in old)]
            return len(old)


class FakeGroups:
    """See `sync.ports.Groups`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._groups: Rows[GroupRecord] = Rows(ground)
        self._reaches: Rows[Reach] = Rows(ground)

    def reach(self, scope: str) -> Reach:
        """The stored one, or an empty one."""
        with self._ground.lock:
            self._ground.faults.read("groups.reach")
            return self._reaches.get((scope,)) or Reach()

    def save_reach(self, scope: str, reach: Reach) -> Reach:
        """Conditional."""
        with self._ground.lock, self._ground.faults.effect("groups.save_reach"):
            self._reaches.check((scope,), reach.etag)
            return self._reaches.put((scope,), reach)

    def load(self, scope: str, object_ids: Sequence[str] | None = None) -> Mapping[str, GroupRecord]:
        """The named groups, or all."""
        with self._ground.lock:
            self._ground.faults.read("groups.load")
            wanted = None if object_ids is None else set(object_ids)
            found = self._groups.under(scope)
            return {key[1]: record for key, record in found if wanted is None or key[1] in wanted}

    def commit(self, scope: str, writes: Sequence[GroupRecord]) -> Sequence[GroupRecord]:
        """In transactions of 100."""
        written: list[GroupRecord] = []
        for start in range(0, len(writes), 100):
            batch = writes[start : start + 100]
            with self._ground.lock, self._ground.faults.effect("groups.commit"):
                for group in batch:
                    self._groups.check((scope, group.object_id), group.etag)
                written += [self._groups.put((scope, group.object_id), group) for group in batch]
        return written

    def page(self, scope: str, cursor: str, limit: int) -> tuple[Sequence[GroupRecord], str]:
        """In the order of object ids."""
        with self._ground.lock:
            self._ground.faults.read("groups.page")
            return _page([(f"/{key[1]}", record) for key, record in self._groups.under(scope)], cursor, limit)


def _measure(writes: Sequence[PersonRecord], row_bytes: int) -> None:
    if len(writes) > COMMIT_LIMIT:
        raise Defect(f"{len(writes)} people in one commit")
    total = 0
    for record in writes:
        size = _size(record)
        if size > row_bytes:
            raise RowTooLarge(record.object_id)
        total += size * 4 // 3  # as base64
    if total > TRANSACTION_BYTES:
        raise TransactionTooLarge(f"{total} bytes")


def _size(record: PersonRecord) -> int:
    text = repr((record.source, record.fields, record.memberships)).encode()
    return 400 + len(text if len(text) < PLAIN_BYTES else zlib.compress(text, 1))


def _place(after: str) -> list[str]:
    if after and not re.fullmatch("[0-9a-z]+/[0-9a-f]*/[0-9a-f]+", after):
        raise BadCursor("a cursor is not ours")
    return after.split("/") if after else []


def _page(rows: Sequence[tuple[str, RecordT]], cursor: str, limit: int) -> tuple[list[RecordT], str]:
    if cursor and "/" not in cursor:
        raise BadCursor("a cursor is not ours")
    left = [(key, record) for key, record in rows if key > cursor]
    return [record for _, record in left[:limit]], left[limit - 1][0] if len(left) > limit else ""
