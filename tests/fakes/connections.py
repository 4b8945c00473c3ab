"""`Connections` and `Tenants` in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shared.errors import Conflict
from sync.core.connection import Connection, ConnectionView, Reader, Watch
from tests.fakes.rows import Ground, Rows


class FakeConnections:
    """See `sync.ports.Connections`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._connections: Rows[Connection] = Rows(ground)
        self._readers: Rows[Reader] = Rows(ground)
        self._watches: Rows[Watch] = Rows(ground)

    def load(self, connection_id: str, *, workspace: str | None = None) -> ConnectionView | None:
        """All three rows."""
        with self._ground.lock:
            self._ground.faults.read("connections.load")
            view = self._view(connection_id)
            return None if view is None or workspace not in {None, view.connection.workspace} else view

    def list(self, workspace: str) -> Sequence[ConnectionView]:
        """Oldest first."""
        with self._ground.lock:
            self._ground.faults.read("connections.list")
            views = (view for view in self._all() if view.connection.workspace == workspace)
            return sorted(views, key=lambda view: (view.connection.created_at, view.connection.id))

    def scan(self) -> Iterator[ConnectionView]:
        """Every connection."""
        with self._ground.lock:
            self._ground.faults.read("connections.scan")
            return iter(self._all())

    def save(self, connection: Connection) -> Connection:
        """Conditional; a new one gets its reader and watch."""
        with self._ground.lock, self._ground.faults.effect("connections.save"):
            saved = self._connections.put((connection.id,), connection)
            if not connection.etag:
                self._readers.put((connection.id,), Reader(connection.id))
                self._watches.put((connection.id,), Watch(connection.id))
            return saved

    def save_reader(self, connection: Connection, reader: Reader) -> Reader:
        """Conditional."""
        with self._ground.lock, self._ground.faults.effect("connections.save_reader"):
            return self._readers.put((connection.id,), reader)

    def save_watch(self, connection: Connection, watch: Watch) -> Watch:
        """Conditional."""
        with self._ground.lock, self._ground.faults.effect("connections.save_watch"):
            return self._watches.put((connection.id,), watch)

    def _view(self, connection_id: str) -> ConnectionView | None:
        connection = self._connections.get((connection_id,))
        reader, watch = self._readers.get((connection_id,)), self._watches.get((connection_id,))
        if connection is None or reader is None or watch is None:
            return None
        return ConnectionView(connection, reader, watch)

    def _all(self) -> tuple[ConnectionView, ...]:
        return tuple(view for (key,), _ in self._connections.under() if (view := self._view(key)) is not None)


@dataclass(frozen=True)
class _Binding:
    epoch: int
    connection: str  # empty: nobody holds the tenant
    workspace: str
    etag: str = ""


class FakeTenants:
    """See `sync.ports.Tenants`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._bindings: Rows[_Binding] = Rows(ground)

    def bind(self, tenant_id: str, workspace: str, connection_id: str) -> int:
        """The epoch for this connection."""
        with self._ground.lock, self._ground.faults.effect("tenants.bind"):
            stored = self._bindings.get((tenant_id,)) or _Binding(0, "", "")
            if stored.connection == connection_id:
                return stored.epoch
            if stored.connection:
                raise Conflict(f"tenant {tenant_id} is bound")
            bound = replace(stored, epoch=stored.epoch + 1, connection=connection_id, workspace=workspace)
            return self._bindings.put((tenant_id,), bound).epoch

    def advance(self, tenant_id: str, connection_id: str) -> int:
        """The next epoch."""
        with self._ground.lock, self._ground.faults.effect("tenants.advance"):
            stored = self._bindings.get((tenant_id,))
            if stored is None or stored.connection != connection_id:
                raise Conflict(f"tenant {tenant_id} is not bound to {connection_id}")
            return self._bindings.put((tenant_id,), replace(stored, epoch=stored.epoch + 1)).epoch

    def release(self, tenant_id: str, connection_id: str) -> None:
        """Unbind."""
        with self._ground.lock, self._ground.faults.effect("tenants.release"):
            stored = self._bindings.get((tenant_id,))
            if stored is not None and stored.connection == connection_id:
                self._bindings.put((tenant_id,), replace(stored, connection="", workspace=""))
