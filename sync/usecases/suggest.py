"""Accounts that may be nobody's, for an admin to judge. Nothing is left out by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sync.core.connection import Connection, ConnectionView
from sync.core.mapping import attributes_of
from sync.core.model import PersonRecord, Presence
from sync.core.suggestions import Assessment, assess
from sync.usecases import find
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
    managers = _managers(services, connection)
    selected = attributes_of(connection.settings)

    def matches(record: PersonRecord) -> bool:
        if record.presence is not Presence.PRESENT or bool(record.judged) is not answered:
            return False
        return answered or _assess(record, managers, selected).likely != "person"

    found = find.people_who(services, connection, matches, cursor, limit)
    return Suggested([(record, _assess(record, managers, selected)) for record in found.people], found.cursor)


def _assess(record: PersonRecord, managers: Collection[str] | None, selected: Collection[str]) -> Assessment:
    manages = None if managers is None else record.object_id in managers
    return assess(record.source, is_manager=manages, selected=selected)


def _managers(services: Services, connection: Connection) -> Collection[str] | None:
    """Everybody whom somebody reports to. Only where one shard holds all people: else it would be read whole for each
    page, and whether somebody is a manager is left open.
    """
    if connection.digits:
        return None
    people = services.people.load(connection.scope, "").records.values()
    return {manager for record in people if isinstance(manager := record.source.get("manager"), str)}
