"""Lists of people, groups and accounts with search. Storage has no search, so it is a bounded walk over the rows.

A request walks at most `WALK_LIMIT` rows and then answers with what it found and where to go on. The place is the
storage's own cursor and the rows to skip after it, as one text; it means nothing to anybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from shared.errors import Defect
from sync.core.connection import Connection, shards
from sync.core.model import AccountState, GroupRecord, PersonRecord, Presence, Reason
from sync.core.nesting import THERE
from sync.core.person import name_of
from sync.core.text import clean, fold
from sync.usecases.services import Services

WALK_LIMIT = 20_000
SEARCH_STEP = 1000
Row = TypeVar("Row")


class Wanted(NamedTuple):
    """Which rows. Empty values want everything; `text` is looked for in names and addresses."""

    text: str = ""
    state: AccountState | None = None
    reason: Reason | None = None
    audience: bool | None = None


class Found(NamedTuple):
    """Rows, where to go on (empty at the end), and whether the walk stopped before it had filled the page."""

    people: Sequence[PersonRecord]
    cursor: str
    stopped: bool = False


class FoundGroups(NamedTuple):
    """Like `Found`, of groups."""

    groups: Sequence[GroupRecord]
    cursor: str
    stopped: bool = False


def people(services: Services, connection: Connection, wanted: Wanted, cursor: str, limit: int) -> Found:
    """The next people, in the order of storage. People only ever mentioned by a group are not shown."""
    if not connection.scope:
        return Found((), "")
    every = shards(connection.digits)
    text = fold(clean(wanted.text))

    def matches(record: PersonRecord) -> bool:
        if record.presence is Presence.UNKNOWN and record.account_state is AccountState.NONE:
            return False
        if wanted.state is not None and record.account_state is not wanted.state:
            return False
        if wanted.reason is not None and record.told_reason is not wanted.reason:
            return False
        if wanted.audience is not None and record.audience is not wanted.audience:
            return False
        return not text or any(text in fold(part) for part in _texts(record))

    rows, place, stopped = walk(
        lambda at, count: services.people.page(connection.scope, every, at, count),
        matches,
        cursor,
        limit,
        limit + 1 if wanted == Wanted() else SEARCH_STEP,
    )
    return Found(rows, place, stopped)


def groups(services: Services, connection: Connection, text: str, cursor: str, limit: int) -> FoundGroups:
    """The next groups that are there, in the order of storage."""
    if not connection.scope:
        return FoundGroups((), "")
    looked_for = fold(clean(text))

    def matches(group: GroupRecord) -> bool:
        return group.presence is Presence.PRESENT and looked_for in fold(group.name)

    rows, place, stopped = walk(
        lambda at, count: services.groups.page(connection.scope, at, count),
        matches,
        cursor,
        limit,
        SEARCH_STEP if looked_for else limit + 1,
    )
    return FoundGroups(rows, place, stopped)


def groups_there(services: Services, connection: Connection, people: Iterable[PersonRecord]) -> frozenset[str]:
    """Which of these people's groups are there; a membership outlives a deleted group, for the day it is restored."""
    named = sorted({group for record in people for group in record.groups})
    stored = services.groups.load(connection.scope, named) if named else {}
    return frozenset(one for one in named if one not in stored or stored[one].presence in THERE)


def people_who(
    services: Services, connection: Connection, matches: Callable[[PersonRecord], bool], cursor: str, limit: int
) -> Found:
    """The next people of whom something holds, in the order of storage."""
    every = shards(connection.digits)
    return Found(
        *walk(lambda at, n: services.people.page(connection.scope, every, at, n), matches, cursor, limit, SEARCH_STEP)
    )


def _texts(record: PersonRecord) -> tuple[str, ...]:
    source = record.source
    mail, username = source.get("mail"), source.get("userPrincipalName")
    return (
        name_of(record.source),
        str(mail or ""),
        str(username or ""),
        record.address,
        clean(source.get("department")),
    )


def walk(
    page: Callable[[str, int], tuple[Sequence[Row], str]],
    matches: Callable[[Row], bool],
    place: str,
    limit: int,
    step: int,
) -> tuple[list[Row], str, bool]:
    """The next `limit` rows that match, read `step` at a time; where to go on; and whether it stopped early."""
    cursor, skip = _parse(place)
    found: list[Row] = []
    walked = 0
    while walked < WALK_LIMIT:
        rows, after = page(cursor, step)
        for number, row in enumerate(rows):
            if number < skip or not matches(row):
                continue
            if len(found) == limit:
                return found, f"{number}:{cursor}", False
            found.append(row)
        walked += len(rows)
        cursor, skip = after, max(0, skip - len(rows))
        if not cursor:
            return found, "", False
    return found, f"{skip}:{cursor}", len(found) < limit


def _parse(place: str) -> tuple[str, int]:
    if not place:
        return "", 0
    skip, colon, cursor = place.partition(":")
    if not colon or not skip.isdecimal():
        raise Defect("a place in a list is not ours")
    return cursor, int(skip)
