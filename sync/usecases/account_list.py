"""Every account of a workspace as one list: made by hand first, then each directory's, connection by connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.errors import Defect
from sync.core.connection import Connection, shards
from sync.core.model import AccountState, PersonRecord
from sync.ports import ManualAccount
from sync.usecases.services import Services


class Accounts(NamedTuple):
    """One page, from one source: accounts made by hand, or people of one connection."""

    manual: Sequence[ManualAccount]
    people: Sequence[PersonRecord]
    connection_id: str
    cursor: str


LOOKS = 20  # a caller gets an empty page only after so many without an account in them


def page(services: Services, workspace: str, place: str, limit: int) -> Accounts:
    """The next accounts. An account that was linked appears once, with its person.

    A place is `source:cursor`, the source being `manual` or a connection's id.
    """
    for _ in range(LOOKS):
        found = _page(services, workspace, place, limit)
        place = found.cursor
        if found.manual or found.people or not place:
            break
    return found


def _page(services: Services, workspace: str, place: str, limit: int) -> Accounts:
    source, _, cursor = (place or "manual:").partition(":")
    connections = directories(services, workspace)
    if source == "manual":
        rows, after = services.accounts.page(workspace, cursor, limit)
        unlinked = [account for account in rows if not account.linked_scope]
        return Accounts(unlinked, (), "", f"manual:{after}" if after else _first(connections))
    numbers = [number for number, connection in enumerate(connections) if connection.id == source]
    if not numbers:
        raise Defect("a place in a list names no connection of this workspace")
    connection = connections[numbers[0]]
    people, after = services.people.page(connection.scope, shards(connection.digits), cursor, limit)
    holders = [person for person in people if person.account_state is not AccountState.NONE]
    following = f"{source}:{after}" if after else _first(connections[numbers[0] + 1 :])
    return Accounts((), holders, connection.id, following)


def directories(services: Services, workspace: str) -> list[Connection]:
    """One connection per directory: the newest of those that were bound to the same tenant."""
    views = services.connections.list(workspace)
    return list({view.connection.scope: view.connection for view in views if view.connection.scope}.values())


def _first(connections: Sequence[Connection]) -> str:
    return f"{connections[0].id}:" if connections else ""
