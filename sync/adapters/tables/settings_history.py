"""`SettingsHistory` on table `runs`: a connection is a partition, its versions sort newest first."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from shared.errors import Conflict
from sync.adapters.tables import keys
from sync.adapters.tables.shape import Shape
from sync.adapters.tables.table import Table, etag_of
from sync.core.sync_settings import SettingsVersion
from sync.ports import BadCursor

VERSION = Shape(SettingsVersion)
_LAST = 10**9 - 1
_DIGITS = 9


class TableSettingsHistory:
    """See `sync.ports.SettingsHistory`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, saved: SettingsVersion) -> None:
        """Insert."""
        with contextlib.suppress(Conflict):
            self._table.write(
                keys.hexadecimal(saved.connection), f"s:{_key(saved.settings.version)}", VERSION.encode(saved)
            )

    def get(self, connection_id: str, version: int) -> SettingsVersion | None:
        """One version. A number that none of ours has is None: an admin may have typed it."""
        if not 0 < version <= _LAST:
            return None
        row = self._table.get(keys.hexadecimal(connection_id), f"s:{_key(version)}")
        return None if row is None else VERSION.decode(row, etag_of(row))

    def page(self, connection_id: str, cursor: str, limit: int) -> tuple[Sequence[SettingsVersion], str]:
        """The cursor is the end of the last row's key."""
        if cursor and not (len(cursor) == _DIGITS and cursor.isascii() and cursor.isdecimal()):
            raise BadCursor("a cursor is not ours")
        found: list[SettingsVersion] = []
        after = f"s:{cursor}" if cursor else ""
        for row in self._table.rows(keys.hexadecimal(connection_id), "s:", "s;", after=after, limit=limit + 1):
            if len(found) == limit:
                return found, _key(found[-1].settings.version)
            found.append(VERSION.decode(row, etag_of(row)))
        return found, ""


def _key(version: int) -> str:
    return f"{_LAST - version:0{_DIGITS}d}"
