"""Who receives phishing simulations in a workspace: a list over all its directories, connection by connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.errors import Defect
from sync.core.model import AccountState, PersonRecord
from sync.usecases import find
from sync.usecases.account_list import directories
from sync.usecases.services import Services


class Recipients(NamedTuple):
    """One page, of one connection."""

    people: Sequence[PersonRecord]
    connection_id: str
    cursor: str


def page(services: Services, workspace: str, place: str, limit: int) -> Recipients:
    """The next people. A place is `connection:cursor`; a bounded walk may find nobody and still have one."""
    connections = directories(services, workspace)
    source, _, cursor = place.partition(":")
    numbers = [number for number, connection in enumerate(connections) if connection.id == source or not place]
    if not numbers:
        if place:
            raise Defect("a place in a list names no connection of this workspace")
        return Recipients((), "", "")
    connection = connections[numbers[0]]
    wanted = find.Wanted(state=AccountState.ACTIVE, audience=True)
    found = find.people(services, connection, wanted, cursor, limit)
    if found.cursor:
        return Recipients(found.people, connection.id, f"{connection.id}:{found.cursor}")
    following = connections[numbers[0] + 1 :]
    return Recipients(found.people, connection.id, f"{following[0].id}:" if following else "")
