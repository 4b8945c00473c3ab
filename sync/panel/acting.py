"""What an admin can do to a connection, for pages and API alike, and in which state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from shared.errors import NeedsAdmin
from sync.core.connection import Connection, ConnectionState, ConnectionView
from sync.usecases import connect, start
from sync.usecases.services import Services

PROOF_PAUSE = 4.0  # seconds between two tries to prove a connection, however many pages wait for it
_RUNNING = frozenset({ConnectionState.IMPORTING, ConnectionState.CONNECTED, ConnectionState.ATTENTION})


def look_now(services: Services, view: ConnectionView, by: str) -> None:
    """Pull both feeds. Raises NeedsAdmin before the connection was started."""
    must_run(view.connection)
    start.look_now(services, view, by)


def reconcile_now(services: Services, view: ConnectionView, by: str) -> None:
    """Begin a full pass, unless one is under way. Raises NeedsAdmin before the connection was started."""
    must_run(view.connection)
    if not view.reader.pass_run:
        start.reconcile_now(services, view, by)


class Waiting:
    """Proves connections that wait for Microsoft to spread a consent, whenever somebody looks at them.

    The timer does the same every minute; an admin who watches should not have to wait for that.
    """

    def __init__(self, services: Services, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._tried: dict[str, float] = {}

    def look(self, view: ConnectionView) -> ConnectionView:
        """The connection as it is after this look."""
        connection = view.connection
        if connection.state is not ConnectionState.AWAITING_CONSENT or not connection.waiting_since:
            return view
        if not self._turn(connection.id):
            return view
        connect.prove_waiting(self._services, connection.id)
        return self._services.connections.load(connection.id, workspace=connection.workspace) or view

    def _turn(self, connection_id: str) -> bool:
        now = self._monotonic()
        with self._lock:
            self._tried = {key: at for key, at in self._tried.items() if now - at < PROOF_PAUSE}
            if connection_id in self._tried:
                return False
            self._tried[connection_id] = now
            return True


def must_run(connection: Connection) -> None:
    """Raises NeedsAdmin before the connection was started, and after it was disconnected."""
    if connection.state not in _RUNNING:
        raise NeedsAdmin("not_started", "This connection is not synchronising. Start it first.")
