"""`Connections` on table `connections`: a workspace is a partition; `c:`, `r:` and `w:` rows of each connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from azure.data.tables import TableEntity

from shared.errors import Defect
from sync.adapters.tables import keys
from sync.adapters.tables.shape import Shape
from sync.adapters.tables.table import Operation, Table, etag_of
from sync.core.connection import Connection, ConnectionView, Reader, Watch, workspace_key

CONNECTION, READER, WATCH = Shape(Connection), Shape(Reader), Shape(Watch)
KEY, ID = 12, 32  # characters of a workspace's key, and of a connection's id, which begins with it


class TableConnections:
    """See `sync.ports.Connections`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, connection_id: str, *, workspace: str | None = None) -> ConnectionView | None:
        """One query. An id that is none of ours is None: it may come from an address somebody typed."""
        if len(connection_id) != ID or not keys.is_hex(connection_id):
            return None
        if workspace is not None and workspace_key(workspace) != connection_id[:KEY]:
            return None
        names = " or ".join(f"RowKey eq {keys.quoted(f'{letter}:{connection_id}')}" for letter in "crw")
        rows = self._table.query(f"{keys.under(connection_id[:KEY])} and ({names})")
        view = next(_views(rows), None)
        return None if view is None or workspace not in {None, view.connection.workspace} else view

    def list(self, workspace: str) -> Sequence[ConnectionView]:
        """Oldest first."""
        views = _views(self._table.query(keys.under(workspace_key(workspace))))
        ours = (view for view in views if view.connection.workspace == workspace)
        return sorted(ours, key=lambda view: (view.connection.created_at, view.connection.id))

    def scan(self) -> Iterator[ConnectionView]:
        """Partition by partition."""
        for _, rows in groupby(self._table.query(""), key=lambda row: str(row["PartitionKey"])):
            yield from _views(rows)

    def save(self, connection: Connection) -> Connection:
        """A new one is inserted with its reader and watch in one transaction."""
        partition, columns = _partition(connection), CONNECTION.encode(connection)
        if connection.etag:
            etag = self._table.write(partition, f"c:{connection.id}", columns, connection.etag)
            return replace(connection, etag=etag)
        operations = [
            Operation(f"c:{connection.id}", columns),
            Operation(f"r:{connection.id}", READER.encode(Reader(connection.id))),
            Operation(f"w:{connection.id}", WATCH.encode(Watch(connection.id))),
        ]
        etags = self._table.transact(partition, operations)
        if etags:
            return replace(connection, etag=etags[0])
        row = self._table.get(partition, f"c:{connection.id}")  # written, but the reply was lost
        return replace(connection, etag=etag_of(row) if row is not None else "")

    def save_reader(self, connection: Connection, reader: Reader) -> Reader:
        """Conditional."""
        etag = self._table.write(_partition(connection), f"r:{connection.id}", READER.encode(reader), reader.etag)
        return replace(reader, etag=etag)

    def save_watch(self, connection: Connection, watch: Watch) -> Watch:
        """Conditional."""
        etag = self._table.write(_partition(connection), f"w:{connection.id}", WATCH.encode(watch), watch.etag)
        return replace(watch, etag=etag)


def _partition(connection: Connection) -> str:
    if len(connection.id) != ID or not connection.id.startswith(workspace_key(connection.workspace)):
        raise Defect("a connection's id does not begin with its workspace's key")
    return keys.hexadecimal(connection.id)[:KEY]


def _views(rows: Iterable[TableEntity]) -> Iterator[ConnectionView]:
    """The connections of one partition."""
    found: dict[str, Mapping[str, object]] = {row["RowKey"]: row for row in rows}
    for key, row in found.items():
        reader, watch = found.get(f"r:{key[2:]}"), found.get(f"w:{key[2:]}")
        if key.startswith("c:") and isinstance(reader, TableEntity) and isinstance(watch, TableEntity):
            assert isinstance(row, TableEntity)
            yield ConnectionView(
                CONNECTION.decode(row, etag_of(row)),
                READER.decode(reader, etag_of(reader)),
                WATCH.decode(watch, etag_of(watch)),
            )
