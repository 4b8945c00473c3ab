"""The versions of a connection's settings: which one its row holds, and that every one is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from shared.clock import iso
from sync.core.connection import Connection
from sync.core.sync_settings import SettingsVersion, SyncSettings
from sync.usecases.services import Services


class Author(NamedTuple):
    """The admin who chooses: `sub` and name as the platform vouched for them."""

    subject: str = ""
    name: str = ""


NOBODY = Author()


def present(connection: Connection) -> SettingsVersion:
    """The version a connection's row holds."""
    at = connection.settings_at or connection.created_at
    return SettingsVersion(connection.id, connection.settings, connection.settings_by, connection.settings_by_name, at)


def keep(services: Services, connection: Connection) -> None:
    """See that the present version is in the history; called before another takes its place."""
    services.settings_history.add(present(connection))


def following(services: Services, connection: Connection, settings: SyncSettings, by: Author) -> Connection:
    """The connection with these settings as its next version; not saved yet. The same settings are no new version."""
    version = connection.settings.version
    if replace(settings, version=version) == connection.settings:
        return connection
    return replace(
        connection,
        settings=replace(settings, version=version + 1),
        settings_by=by.subject,
        settings_by_name=by.name,
        settings_at=iso(services.clock.now()),
    )
