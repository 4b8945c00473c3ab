"""`ManualAccounts` on table `accounts`: a workspace is a partition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sync.adapters.tables import keys
from sync.adapters.tables.shape import Shape
from sync.adapters.tables.table import Table, etag_of
from sync.core.connection import workspace_key
from sync.ports import BadCursor, ManualAccount

ACCOUNT = Shape(ManualAccount)


class TableAccounts:
    """See `sync.ports.ManualAccounts`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def save(self, account: ManualAccount) -> ManualAccount:
        """Conditional."""
        partition, row_key = workspace_key(account.workspace), keys.hexadecimal(account.account_id)
        return replace(account, etag=self._table.write(partition, row_key, ACCOUNT.encode(account), account.etag))

    def get(self, workspace: str, account_id: str) -> ManualAccount | None:
        """An id that is none of ours is None: it may come from an address somebody typed."""
        row = self._table.get(workspace_key(workspace), account_id) if keys.is_hex(account_id) else None
        return None if row is None else ACCOUNT.decode(row, etag_of(row))

    def delete(self, account: ManualAccount) -> None:
        """Conditional."""
        self._table.delete(workspace_key(account.workspace), keys.hexadecimal(account.account_id), account.etag)

    def page(self, workspace: str, cursor: str, limit: int) -> tuple[Sequence[ManualAccount], str]:
        """In the order of account ids."""
        if cursor and not keys.is_hex(cursor):
            raise BadCursor("a cursor is not ours")
        found: list[ManualAccount] = []
        for row in self._table.rows(workspace_key(workspace), after=cursor, limit=limit + 1):
            if len(found) == limit:
                return found, found[-1].account_id
            found.append(ACCOUNT.decode(row, etag_of(row)))
        return found, ""
