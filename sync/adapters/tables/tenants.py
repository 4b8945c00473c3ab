"""`Tenants` on table `tenants`: one row per tenant, kept for ever with the last epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.errors import Conflict, Transient
from sync.adapters.azure_faults import pause
from sync.adapters.tables import keys
from sync.adapters.tables.shape import Shape
from sync.adapters.tables.table import Table, etag_of

ROW = "binding"
TRIES = 8


@dataclass(frozen=True, slots=True)
class Binding:
    """Who holds a tenant; nobody when `connection` is empty."""

    epoch: int = 0
    connection: str = ""
    workspace: str = ""
    etag: str = ""


BINDING = Shape(Binding)


class TableTenants:
    """See `sync.ports.Tenants`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def bind(self, tenant_id: str, workspace: str, connection_id: str) -> int:
        """Conditional; a lost race looks again."""
        for tries in range(1, TRIES):
            stored = self._load(tenant_id)
            if stored.connection == connection_id:
                return stored.epoch
            if stored.connection:
                raise Conflict("another connection holds this tenant")
            bound = replace(stored, epoch=stored.epoch + 1, connection=connection_id, workspace=workspace)
            if self._save(tenant_id, bound):
                return bound.epoch
            pause(tries)
        raise Transient("the tenant's binding stays contended", retry_after=1)

    def advance(self, tenant_id: str, connection_id: str) -> int:
        """Conditional; a lost race looks again."""
        for tries in range(1, TRIES):
            stored = self._load(tenant_id)
            if stored.connection != connection_id:
                raise Conflict("this connection does not hold the tenant")
            if self._save(tenant_id, replace(stored, epoch=stored.epoch + 1)):
                return stored.epoch + 1
            pause(tries)
        raise Transient("the tenant's binding stays contended", retry_after=1)

    def release(self, tenant_id: str, connection_id: str) -> None:
        """Conditional; a lost race looks again."""
        for tries in range(1, TRIES):
            stored = self._load(tenant_id)
            if stored.connection != connection_id:
                return
            if self._save(tenant_id, replace(stored, connection="", workspace="")):
                return
            pause(tries)
        raise Transient("the tenant's binding stays contended", retry_after=1)

    def _load(self, tenant_id: str) -> Binding:
        row = self._table.get(keys.guid(tenant_id), ROW)
        return Binding() if row is None else BINDING.decode(row, etag_of(row))

    def _save(self, tenant_id: str, binding: Binding) -> bool:
        try:
            self._table.write(keys.guid(tenant_id), ROW, BINDING.encode(binding), binding.etag)
        except Conflict:
            return False
        return True
