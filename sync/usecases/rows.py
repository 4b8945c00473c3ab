"""Changing the connection or reader row when it does not matter who else does: read again, change again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shared.errors import Conflict
from sync.core.connection import Connection, Reader
from sync.usecases.services import Services


def update_reader(services: Services, connection_id: str, change: Callable[[Reader], Reader]) -> None:
    """Change the reader row whoever holds its lease: they find out by their next write, and the lease is free."""
    while (view := services.connections.load(connection_id)) is not None:
        changed = change(view.reader)
        if changed == view.reader:
            return
        try:
            services.connections.save_reader(view.connection, replace(changed, lease_until="", lease_owner=""))
        except Conflict:
            continue
        return


def update_connection(
    services: Services, connection_id: str, change: Callable[[Connection], Connection]
) -> Connection | None:
    """Change the connection row whoever else changes it; None when it is gone. No write when nothing changes."""
    while (view := services.connections.load(connection_id)) is not None:
        changed = change(view.connection)
        if changed == view.connection:
            return view.connection
        try:
            return services.connections.save(changed)
        except Conflict:
            continue
    return None
