"""What an admin chooses for a connection."""

from __future__ import annotations

from dataclasses import replace

from sync.core.connection import Connection
from sync.core.sync_settings import SyncSettings
from sync.usecases.services import Services


def save(services: Services, connection: Connection, *, mail_existing: bool, onboarding: bool) -> SyncSettings:
    """Save a choice as the next version; the same choice again is no new version. Raises Conflict."""
    settings = connection.settings
    wanted = SyncSettings(settings.version, mail_existing, onboarding)
    if wanted == settings:
        return settings
    saved = services.connections.save(replace(connection, settings=replace(wanted, version=settings.version + 1)))
    return saved.settings
