"""`People` on table `people`: a shard is a partition with its counter `n`, people `p:…` and activity `a:…`.

The counter row sorts before the people, so a scan reads it first: whoever commits meanwhile changes its etag, and our
commit fails. Its column `seq` numbers the shard's commits, which names their activity rows; `rows` counts people ever
inserted, which tells whether naming people or scanning the shard is cheaper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from shared.errors import Defect
from sync.adapters.tables import activity as activity_row
from sync.adapters.tables import columns, keys, person
from sync.adapters.tables.shape import upgraded
from sync.adapters.tables.table import Operation, Table, etag_of
from sync.core.model import Counts, PersonRecord
from sync.ports import COMMIT_LIMIT, Activity, BadCursor, LoadedShard, RowTooLarge, TransactionTooLarge

VERSION = 1
COUNTER = "n"
# A read by key costs about as much time as this many rows of a scan (3 ms and 0.04 ms of processor, then latency).
ROWS_PER_READ = 50
TRANSACTION_BYTES = 4 * 1024 * 1024 - 32 * 1024


class _Counter(NamedTuple):
    """A shard's counter row. `etag` is empty before the first commit."""

    counts: Counts
    seq: int = 0
    rows: int = 0
    etag: str = ""

    def token(self) -> str:
        """For LoadedShard."""
        return f"{self.seq} {self.rows} {self.etag}" if self.etag else ""


class TablePeople:
    """See `sync.ports.People`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, scope: str, shard: str, object_ids: Sequence[str] | None = None) -> LoadedShard:
        """The named people of a shard, or all of it in one scan."""
        partition = _partition(scope, shard)
        if object_ids is None:
            return self._scan(scope, shard, None)
        row = self._table.get(partition, COUNTER)
        counter = _counter(row) if row is not None else _Counter(Counts())
        wanted = dict.fromkeys(keys.guid(object_id) for object_id in object_ids)
        if not counter.etag:
            return LoadedShard(scope, shard, {}, counter.counts, "")
        if len(wanted) * ROWS_PER_READ > counter.rows:
            return self._scan(scope, shard, wanted)
        found = ((one, self._table.get(partition, f"p:{one}")) for one in wanted)
        records = {one: person.decode(one, row, etag_of(row)) for one, row in found if row is not None}
        return LoadedShard(scope, shard, records, counter.counts, counter.token())

    def commit(
        self, loaded: LoadedShard, writes: Sequence[PersonRecord], counts: Counts, activity: Activity | None
    ) -> LoadedShard:
        """One transaction: the counter first, then the people, then the activity."""
        if len(writes) > COMMIT_LIMIT:
            raise Defect(f"{len(writes)} people in one commit")
        seq, rows, etag = _token(loaded.token)
        rows += sum(not record.etag for record in writes)
        counter = _Counter(counts, seq + 1, rows)
        at = activity_row.place(activity.run, loaded.shard, counter.seq) if activity is not None else ""
        told = {entry.object_id for entry in activity.entries} if activity is not None else ()
        former = {one.object_id: one.last_entry for one in writes}
        writes = [replace(one, last_entry=at) if one.object_id in told else one for one in writes]
        operations = [Operation(COUNTER, _counter_columns(counter), etag)]
        operations += [Operation(f"p:{keys.guid(one.object_id)}", person.encode(one), one.etag) for one in writes]
        if activity is not None:
            operations.append(Operation(activity_row.key(at), _activity_columns(activity, former)))
        if sum(columns.sent_bytes(one.columns) for one in operations) > TRANSACTION_BYTES:
            raise TransactionTooLarge(f"{len(writes)} people are more than a transaction takes")
        partition = _partition(loaded.scope, loaded.shard)
        etags = self._table.transact(partition, operations)
        if not etags:  # written, but the reply was lost
            return self._again(loaded, writes)
        written = {one.object_id: replace(one, etag=etag) for one, etag in zip(writes, etags[1:], strict=False)}
        token = counter._replace(etag=etags[0]).token()
        return LoadedShard(loaded.scope, loaded.shard, {**loaded.records, **written}, counts, token)

    def fits(self, record: PersonRecord) -> bool:
        """By encoding the row."""
        try:
            person.encode(record)
        except RowTooLarge:
            return False
        return True

    def page(self, scope: str, shards: Sequence[str], cursor: str, limit: int) -> tuple[Sequence[PersonRecord], str]:
        """In the order of shards, then object ids."""
        first, after = _place(cursor, shards)
        found: list[PersonRecord] = []
        place = ""
        for shard in sorted(shards)[first:]:
            rows = self._table.rows(
                _partition(scope, shard), "p:", "p;", after=f"p:{after}" if after else "", limit=limit + 1 - len(found)
            )
            for row in rows:
                if len(found) == limit:
                    return found, place
                object_id = row["RowKey"][2:]
                found.append(person.decode(object_id, row, etag_of(row)))
                place = f"{shard}/{object_id}"
            after = ""
        return found, ""

    def counts(self, scope: str, shards: Sequence[str]) -> Counts:
        """The sum of the shards' counter rows."""
        total = Counts()
        for shard in shards:
            row = self._table.get(_partition(scope, shard), COUNTER)
            total = total.plus(_counter(row).counts) if row is not None else total
        return total

    def run_counts(self, scope: str, shard: str, run: str, part: int) -> Mapping[str, int]:
        """Summed from the heads of the activity rows."""
        totals: dict[str, int] = {}
        prefix = f"a:{keys.name(run)}"
        for row in self._table.rows(_partition(scope, shard), f"{prefix}:", f"{prefix};"):
            head = activity_row.head(row)
            for action, count in head["counts"].items() if head["part"] == part else ():
                totals[action] = totals.get(action, 0) + count
        return totals

    def activity(
        self, scope: str, shards: Sequence[str], run: str = "", limit: int = 100
    ) -> Sequence[tuple[Activity, str]]:
        """Newest first: the run ids sort that way, and so do the commits of a run within a shard."""
        prefix = f"a:{keys.name(run)}" if run else "a"
        heads: list[tuple[str, str, str]] = []
        for shard in shards:
            rows = self._table.rows(_partition(scope, shard), f"{prefix}:", f"{prefix};", limit=limit)
            heads += [(activity_row.head(row)["at"], shard, row["RowKey"]) for row in _first(rows, limit)]
        heads.sort(key=lambda one: one[0], reverse=True)
        found = ((shard, self._table.get(_partition(scope, shard), key)) for _, shard, key in heads[:limit])
        return [(activity_row.decode(row)[0], shard) for shard, row in found if row is not None]

    def trail(
        self, scope: str, shards: Sequence[str], after: str, likely: int, *, run: str = "", from_run: str = ""
    ) -> Iterator[tuple[Activity, str]]:
        """See `activity.trail`."""
        partitions = {shard: _partition(scope, shard) for shard in shards}
        return activity_row.trail(self._table, partitions, after, likely, run, from_run)

    def story(self, scope: str, shard: str, object_id: str, after: str) -> Iterator[tuple[Activity, str]]:
        """See `activity.story`. An id that is none has none: it may come from an address somebody typed."""
        if not keys.is_guid(object_id):
            return iter(())
        partition, person_id = _partition(scope, shard), object_id
        if after:
            at = activity_row.before(self._table, partition, person_id, after)
        else:
            row = self._table.get(partition, f"p:{person_id}")
            at = person.decode(person_id, row, etag_of(row)).last_entry if row is not None else ""
        return activity_row.story(self._table, partition, person_id, at)

    def forget_activity(self, scope: str, shard: str, from_run: str, limit: int) -> int:
        """By the range of their keys."""
        return self._table.clear(_partition(scope, shard), f"a:{keys.name(from_run)}", "a;", limit)

    def _scan(self, scope: str, shard: str, wanted: Mapping[str, None] | None) -> LoadedShard:
        counter = _Counter(Counts())
        records: dict[str, PersonRecord] = {}
        for row in self._table.rows(_partition(scope, shard), COUNTER, "p;"):
            object_id = row["RowKey"][2:]
            if not object_id:
                counter = _counter(row)
            elif wanted is None or object_id in wanted:
                records[object_id] = person.decode(object_id, row, etag_of(row))
        return LoadedShard(scope, shard, records, counter.counts, counter.token())

    def _again(self, loaded: LoadedShard, writes: Sequence[PersonRecord]) -> LoadedShard:
        fresh = self.load(loaded.scope, loaded.shard, [one.object_id for one in writes])
        records = {**loaded.records, **fresh.records}
        return LoadedShard(loaded.scope, loaded.shard, records, fresh.counts, fresh.token)


def _partition(scope: str, shard: str) -> str:
    return f"{keys.hexadecimal(scope)}:{keys.hexadecimal(shard) if shard else ''}"


def _counter_columns(counter: _Counter) -> dict[str, str]:
    counts = counter.counts
    data = {
        "v": VERSION,
        "seq": counter.seq,
        "rows": counter.rows,
        "people": counts.people,
        "active": counts.active,
        "inactive": counts.inactive,
        "skipped": dict(counts.skipped),
        "matched": dict(counts.matched),
    }
    return {"data": orjson.dumps(data).decode()}


def _counter(row: Any) -> _Counter:
    data = upgraded(columns.unpack(row), VERSION, {}, "counter")
    counts = Counts(data["people"], data["active"], data["inactive"], data["skipped"], data.get("matched", {}))
    return _Counter(counts, data["seq"], data["rows"], etag_of(row))


def _token(token: str) -> tuple[int, int, str]:
    if not token:
        return 0, 0, ""
    seq, rows, etag = token.split(" ", 2)
    return int(seq), int(rows), etag


def _activity_columns(activity: Activity, former: Mapping[str, str]) -> dict[str, str | bytes]:
    try:
        return activity_row.encode(activity, former)
    except columns.TooLarge:
        raise TransactionTooLarge("the activity is more than a row holds") from None


def _place(cursor: str, shards: Sequence[str]) -> tuple[int, str]:
    """Where a cursor points: the number of the shard, and the object id after which to go on."""
    if not cursor:
        return 0, ""
    shard, slash, object_id = cursor.partition("/")
    if not slash or shard not in shards or not keys.is_guid(object_id):
        raise BadCursor("a cursor is not ours")
    return sorted(shards).index(shard), object_id


def _first(rows: Iterator[Any], limit: int) -> Iterator[Any]:
    return (row for _, row in zip(range(limit), rows, strict=False))
