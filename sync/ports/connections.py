"""Connections, their settings, the tenants they are bound to, and things used a single time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sync.core.connection import Connection, ConnectionView, Reader, Watch
from sync.core.sync_settings import SettingsVersion


class Connections(Protocol):
    """Connections with their reader and watch rows, partitioned by workspace."""

    def load(self, connection_id: str, *, workspace: str | None = None) -> ConnectionView | None:
        """All three rows in one operation. With a workspace (every call on behalf of an admin), a connection of
        another workspace is None. Workers, who got the id from our own signed message, pass none.
        """

    def list(self, workspace: str) -> Sequence[ConnectionView]:
        """Every connection of a workspace, oldest first."""

    def scan(self) -> Iterator[ConnectionView]:
        """Every connection there is: for the scheduler alone, the one call that names no workspace."""

    def save(self, connection: Connection) -> Connection:
        """Conditional on the etag; with an empty etag also inserts fresh reader and watch rows."""

    def save_reader(self, connection: Connection, reader: Reader) -> Reader:
        """Conditional on the reader's etag."""

    def save_watch(self, connection: Connection, watch: Watch) -> Watch:
        """Conditional on the watch's etag."""


class SettingsHistory(Protocol):
    """Every version of a connection's settings, kept for ever."""

    def add(self, saved: SettingsVersion) -> None:
        """Keep a version (the etag is ignored). One that is kept already stays as it is."""

    def get(self, connection_id: str, version: int) -> SettingsVersion | None:
        """One version."""

    def page(self, connection_id: str, cursor: str, limit: int) -> tuple[Sequence[SettingsVersion], str]:
        """The next `limit` versions, newest first, and the cursor to go on with (empty at the end)."""


class Tenants(Protocol):
    """Which workspace a tenant is bound to: at most one."""

    def bind(self, tenant_id: str, workspace: str, connection_id: str) -> int:
        """Bind, and return the epoch for this connection: one more than any epoch the tenant ever had.
        The same connection again gets the epoch it has. Raises `Conflict` while another connection holds it.
        """

    def advance(self, tenant_id: str, connection_id: str) -> int:
        """A new epoch for the connection that holds the tenant (reset, disconnect): one more than any epoch the
        tenant ever had. Raises `Conflict` when this connection does not hold it.
        """

    def release(self, tenant_id: str, connection_id: str) -> None:
        """Unbind, if this connection holds it; the epoch is remembered for ever."""


class Once(Protocol):
    """Things that may be used a single time: consent states, session token ids."""

    def put(self, kind: str, key: str, payload: Mapping[str, str], expires_at: datetime) -> bool:
        """Remember; False when it was there already (whether expired or not)."""

    def take(self, kind: str, key: str, now: datetime) -> Mapping[str, str] | None:
        """Consume: the payload for exactly one caller, None for every other and after expiry."""

    def sweep(self, now: datetime) -> int:
        """Forget what expired over a day ago; returns how many."""
