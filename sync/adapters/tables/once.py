"""`Once` on table `once`: the kind is the partition, the hashed key the row."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.clock import iso, parse_iso
from shared.errors import Conflict
from sync.adapters.tables import keys
from sync.adapters.tables.shape import Shape
from sync.adapters.tables.table import Table, etag_of

KEPT = timedelta(days=1)  # after expiry


@dataclass(frozen=True, slots=True)
class Used:
    """Something that may be used once. Taken ones stay until they are swept, so that they are not put again."""

    expires_at: str
    payload: Mapping[str, str] = field(default_factory=dict)
    taken: bool = False
    etag: str = ""


USED = Shape(Used)


class TableOnce:
    """See `sync.ports.Once`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, kind: str, key: str, payload: Mapping[str, str], expires_at: datetime) -> bool:
        """Insert."""
        used = Used(iso(expires_at), payload)
        try:
            self._write(kind, _hash(key), used)
        except Conflict:
            return False
        return True

    def take(self, kind: str, key: str, now: datetime) -> Mapping[str, str] | None:
        """Mark it taken, on its etag: whoever loses that race gets nothing."""
        row = self._table.get(keys.name(kind), _hash(key))
        used = None if row is None else USED.decode(row, etag_of(row))
        if used is None or used.taken or parse_iso(used.expires_at) <= now:
            return None
        try:
            self._write(kind, _hash(key), replace(used, taken=True))
        except Conflict:
            return None
        return used.payload

    def sweep(self, now: datetime) -> int:
        """One query over the table, then delete what is old."""
        swept = 0
        condition = f"expires lt {keys.quoted(iso(now - KEPT))}"
        for row in self._table.query(condition, ("PartitionKey", "RowKey", "expires")):
            try:
                self._table.delete(row["PartitionKey"], row["RowKey"], etag_of(row))
            except Conflict:
                continue
            swept += 1
        return swept

    def _write(self, kind: str, name: str, used: Used) -> None:
        columns = {"expires": used.expires_at, **USED.encode(used)}
        self._table.write(keys.name(kind), name, columns, used.etag)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
