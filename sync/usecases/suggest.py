"""Accounts that may be nobody's, for an admin to judge. Nothing is left out by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sync.core.connection import ConnectionView
from sync.core.mapping import attributes_of
from sync.core.model import PersonRecord, Presence
from sync.core.suggestions import Assessment, assess
from sync.usecases import find, managers
from sync.usecases.services import Services


class Suggested(NamedTuple):
    """One page; `cursor` is empty at the end."""

    items: Sequence[tuple[PersonRecord, Assessment]]
    cursor: str


def page(services: Services, view: ConnectionView, cursor: str, limit: int, *, answered: bool = False) -> Suggested:
    """The next accounts that are at least `maybe` nobody's, or those an admin has answered about."""
    connection = view.connection
    if not connection.scope:
        return Suggested((), "")
    selected = attributes_of(connection.settings)

    def matches(record: PersonRecord) -> bool:
        if record.presence is not Presence.PRESENT or bool(record.judged) is not answered:
            return False
        # Nobody is suggested, or not, for who reports to them: that is asked for the page alone.
        return answered or assess(record.source, is_manager=None, selected=selected).likely != "person"

    found = find.people_who(services, connection, matches, cursor, limit)
    of_somebody = managers.among(services, connection, {record.object_id for record in found.people})
    return Suggested([(record, _assess(record, of_somebody, selected)) for record in found.people], found.cursor)


def _assess(record: PersonRecord, of_somebody: Collection[str] | None, selected: Collection[str]) -> Assessment:
    manages = None if of_somebody is None else record.object_id in of_somebody
    return assess(record.source, is_manager=manages, selected=selected)
