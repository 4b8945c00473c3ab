"""People as the API tells them: from their rows, and from the groups that are there."""

from __future__ import annotations

from collections.abc import Sequence

from sync.core.connection import Connection
from sync.core.model import PersonRecord
from sync.panel.api import shaping
from sync.panel.api.directory_schemas import Person
from sync.usecases import find
from sync.usecases.services import Services


def told(services: Services, connection: Connection, records: Sequence[PersonRecord]) -> list[Person]:
    """These people, with those of their groups that are there; one read of the groups for all."""
    there = find.groups_there(services, connection, records)
    return [shaping.person(record, connection.settings, there) for record in records]


def one(services: Services, connection: Connection, record: PersonRecord) -> Person:
    """One person."""
    return told(services, connection, [record])[0]
