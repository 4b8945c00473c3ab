"""Groups that an admin chose or excluded people by and that are no longer there.

What they gave is on a hold; what they kept out is in: nothing says any more who was in them. So it must be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from sync.core.connection import Connection
from sync.core.nesting import THERE
from sync.core.sync_settings import SyncSettings
from sync.usecases.services import Services

Use = Literal["scope", "scope_excluded", "audience", "audience_excluded"]


class GoneGroup(NamedTuple):
    """A group that settings name and Entra no longer has: its last name, or its id where it never had one; its use."""

    object_id: str
    name: str
    use: Use


def gone(services: Services, connection: Connection) -> list[GoneGroup]:
    """Those of one connection, in the order of the settings; none before the groups were read for the first time."""
    named = list(_named(connection.settings))
    if not named or not connection.first_pass_done:
        return []
    stored = services.groups.load(connection.scope, sorted({group for group, _ in named}))
    there = {group for group, record in stored.items() if record.presence in THERE}
    return [
        GoneGroup(group, (stored[group].name if group in stored else "") or group, use)
        for group, use in named
        if group not in there
    ]


def _named(settings: SyncSettings) -> Iterator[tuple[str, Use]]:
    scope, audience = settings.scope.chosen, settings.audience
    yield from ((group, "scope") for group in scope.groups)
    yield from ((group, "scope_excluded") for group in scope.excluded_groups)
    yield from ((group, "audience") for group in audience.groups)
    yield from ((group, "audience_excluded") for group in audience.excluded_groups)
