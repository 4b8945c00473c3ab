"""`Groups` on table `groups`: a scope is a partition with groups `g:` and the row `reach`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sync.adapters.tables import columns, group, keys
from sync.adapters.tables import reach as reach_row
from sync.adapters.tables.table import BATCH, Operation, Table, etag_of
from sync.core.model import GroupRecord
from sync.core.scope import Reach
from sync.ports import BadCursor

KEY = "reach"
MANY = 40  # reads by key before scanning all groups of the tenant is the better guess
BATCH_BYTES = 3 * 1024 * 1024


class TableGroups:
    """See `sync.ports.Groups`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def reach(self, scope: str) -> Reach:
        """The row, or an empty one."""
        row = self._table.get(keys.hexadecimal(scope), KEY)
        return Reach() if row is None else reach_row.decode(row, etag_of(row))

    def save_reach(self, scope: str, reach: Reach) -> Reach:
        """Conditional."""
        row = reach_row.encode(reach)
        return replace(reach, etag=self._table.write(keys.hexadecimal(scope), KEY, row, reach.etag))

    def load(self, scope: str, object_ids: Sequence[str] | None = None) -> Mapping[str, GroupRecord]:
        """The named groups, or all of them."""
        partition = keys.hexadecimal(scope)
        wanted = None if object_ids is None else dict.fromkeys(keys.guid(one) for one in object_ids)
        if wanted is not None and len(wanted) <= MANY:
            found = ((one, self._table.get(partition, f"g:{one}")) for one in wanted)
            return {one: group.decode(one, row, etag_of(row)) for one, row in found if row is not None}
        rows = ((row["RowKey"][2:], row) for row in self._table.rows(partition, "g:", "g;"))
        return {one: group.decode(one, row, etag_of(row)) for one, row in rows if wanted is None or one in wanted}

    def commit(self, scope: str, writes: Sequence[GroupRecord]) -> Sequence[GroupRecord]:
        """In transactions of up to 100."""
        partition = keys.hexadecimal(scope)
        operations = [Operation(f"g:{keys.guid(one.object_id)}", group.encode(one), one.etag) for one in writes]
        etags: list[str] = []
        for batch in _batches(operations):
            known = self._table.transact(partition, batch)
            if not known:  # written, but the reply was lost
                rows = [self._table.get(partition, one.row_key) for one in batch]
                known = [etag_of(row) if row is not None else "" for row in rows]
            etags += known
        return [replace(one, etag=etag) for one, etag in zip(writes, etags, strict=True)]

    def page(self, scope: str, cursor: str, limit: int) -> tuple[Sequence[GroupRecord], str]:
        """In the order of object ids."""
        if cursor and not keys.is_guid(cursor):
            raise BadCursor("a cursor is not ours")
        found: list[GroupRecord] = []
        after = f"g:{cursor}" if cursor else ""
        for row in self._table.rows(keys.hexadecimal(scope), "g:", "g;", after=after, limit=limit + 1):
            if len(found) == limit:
                return found, found[-1].object_id
            found.append(group.decode(row["RowKey"][2:], row, etag_of(row)))
        return found, ""


def _batches(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    batch: list[Operation] = []
    size = 0
    for one in operations:
        sent = columns.sent_bytes(one.columns)
        if batch and (len(batch) == BATCH or size + sent > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += sent
    if batch:
        yield batch
