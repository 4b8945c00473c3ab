"""What an admin asks for between the timers' turns."""

from __future__ import annotations

from shared.clock import iso
from shared.errors import NeedsAdmin
from sync.core.connection import Connection, ConnectionState, ConnectionView
from sync.core.messages import PassMessage, PullMessage
from sync.core.model import FEEDS
from sync.usecases.services import Services

_RUNNING = frozenset({ConnectionState.IMPORTING, ConnectionState.CONNECTED, ConnectionState.ATTENTION})


def sync(services: Services, connection: Connection) -> None:
    """Look at both feeds now. Raises NeedsAdmin when the connection was not started, Transient when the queue is down.

    The tenth press is as harmless as the first: a pull that began after the message was sent covers it.
    """
    _must_run(connection)
    now = iso(services.clock.now())
    for feed in FEEDS:
        services.queue.send(PullMessage(connection.id, connection.epoch, feed, "admin", now))


def reconcile(services: Services, view: ConnectionView) -> None:
    """Read everything again and compare; nothing new while a full pass is under way. Errors as in `sync`."""
    _must_run(view.connection)
    if not view.reader.pass_run:
        services.queue.send(PassMessage(view.connection.id, view.connection.epoch, cause="admin"))


def _must_run(connection: Connection) -> None:
    if connection.state not in _RUNNING:
        raise NeedsAdmin("not_started", "This connection is not synchronising. Start it first.")
