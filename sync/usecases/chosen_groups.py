"""Groups that the settings go by and that no longer do what the admin chose them for: deleted ones, and those of which
Entra tells no members.

What a vanished group gave is on a hold, and whom it kept out stays out. Neither is for ever: so it must be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from sync.core.connection import Connection
from sync.core.nesting import THERE
from sync.core.sync_settings import SyncSettings
from sync.usecases.services import Services

Use = Literal["scope", "scope_excluded", "audience", "audience_excluded"]


class ChosenGroup(NamedTuple):
    """A group that settings name: its last name, or its id where it never had one; its use."""

    object_id: str
    name: str
    use: Use


class Unfit(NamedTuple):
    """Groups that settings name and that Entra no longer has, and those whose members it hides from Moxso."""

    gone: Sequence[ChosenGroup] = ()
    hidden: Sequence[ChosenGroup] = ()


def unfit(services: Services, connection: Connection) -> Unfit:
    """Those of one connection, in the order of the settings; none before the groups were read for the first time."""
    named = list(_named(connection.settings))
    if not named or not connection.first_pass_done:
        return Unfit()
    stored = services.groups.load(connection.scope, sorted({group for group, _ in named}))
    there = {group: record for group, record in stored.items() if record.presence in THERE}
    hidden = {group for group, record in there.items() if record.hidden}
    chosen = [ChosenGroup(group, (stored[group].name if group in stored else "") or group, use) for group, use in named]
    return Unfit(
        [group for group in chosen if group.object_id not in there],
        [group for group in chosen if group.object_id in hidden],
    )


def _named(settings: SyncSettings) -> Iterator[tuple[str, Use]]:
    scope, audience = settings.scope.chosen, settings.audience
    yield from ((group, "scope") for group in scope.groups)
    yield from ((group, "scope_excluded") for group in scope.excluded_groups)
    yield from ((group, "audience") for group in audience.groups)
    yield from ((group, "audience_excluded") for group in audience.excluded_groups)
