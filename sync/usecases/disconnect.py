"""End a connection. Everything under way for it becomes a no-op: it is not live, and its epoch is over.

Accounts, history and mail claims stay; connecting the tenant again finds them. Every step may be repeated: pressed
twice, or again after a crash, it goes on where it was.
"""

from __future__ import annotations

from dataclasses import replace

from shared.errors import Conflict, NeedsAdmin, Transient
from shared.events import log
from sync.core.connection import Connection, ConnectionState, ConnectionView
from sync.usecases import standstill, subscribe
from sync.usecases.services import Services


def run(services: Services, view: ConnectionView, *, erase: bool = False) -> Connection:
    """Disconnect. Raises Conflict when somebody changes the connection at the same
    moment, Transient when storage is out of reach. Subscriptions are removed as far as Graph lets us.
    """
    if erase:
        raise NeedsAdmin("erase_unavailable", "Erasing is not available yet. Disconnect without it.")
    connection = view.connection
    if connection.state is not ConnectionState.DISCONNECTED:
        epoch = _end_epoch(services, connection)
        connection = services.connections.save(
            replace(connection, state=ConnectionState.DISCONNECTED, epoch=epoch, waiting_since="", problem=None)
        )
        log("connection.disconnected", connection=connection.id, epoch=epoch)
    if connection.tenant_id:
        standstill.end(services, connection)
        services.tenants.release(connection.tenant_id, connection.id)
        _drop_subscriptions(services, ConnectionView(connection, view.reader, view.watch))
    return connection


def _end_epoch(services: Services, connection: Connection) -> int:
    """An epoch that no message of this connection has."""
    if not connection.tenant_id or not connection.epoch:
        return connection.epoch
    try:
        return services.tenants.advance(connection.tenant_id, connection.id)
    except Conflict:  # an earlier press let go of the tenant already
        return connection.epoch + 1


def _drop_subscriptions(services: Services, view: ConnectionView) -> None:
    try:
        subscribe.drop(services, view)
    except (Transient, NeedsAdmin):
        return  # what stays is not believed any more, and ends by itself
