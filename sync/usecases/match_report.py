"""Who was matched with which account made by hand, by what, and who wants what another has.

Before Start the plan tells it (`match_plan`), after Start the stored rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from shared.errors import Defect
from sync.core.connection import Connection, ConnectionState, ConnectionView, shard_of, shards
from sync.core.model import AccountState, PersonRecord
from sync.core.person import address_of, name_of
from sync.core.runs import Run, Stage
from sync.usecases import find, match_plan
from sync.usecases.match_plan import Line
from sync.usecases.services import Services


class Report(NamedTuple):
    """One page. `counts`: way of matching -> people, and `conflict`; None on later pages."""

    planned: bool
    counts: Mapping[str, int] | None
    lines: Sequence[Line]
    cursor: str


def read(services: Services, view: ConnectionView, place: str, limit: int, *, conflicts: bool) -> Report:
    """One page of the report, of conflicts alone if asked for. Raises Defect when the place is not of this list."""
    connection = view.connection
    if not connection.scope:
        return Report(planned=False, counts={}, lines=(), cursor="")
    run = services.runs.get(connection.scope, view.reader.pass_run) if view.reader.pass_run else None
    waits = connection.state is ConnectionState.AWAITING_START
    if run is not None and waits and run.stage is Stage.WAITING:
        return _planned(services, connection, run, place, limit, conflicts=conflicts)
    return _stored(services, connection, place, limit, conflicts=conflicts)


def _planned(
    services: Services, connection: Connection, run: Run, place: str, limit: int, *, conflicts: bool
) -> Report:
    if place and not place.isdecimal():
        raise Defect("a place in a list is not ours")
    lines = match_plan.lines(services, connection, run)
    counts = None if place else _count(lines)
    wanted = [line for line in lines if line.conflict or not conflicts]
    start = int(place or 0)
    page = [_named(services, connection, line) for line in wanted[start : start + limit]]
    return Report(True, counts, page, str(start + limit) if len(wanted) > start + limit else "")


def _stored(services: Services, connection: Connection, place: str, limit: int, *, conflicts: bool) -> Report:
    every = shards(connection.digits)

    def page(at: str, count: int) -> tuple[Sequence[PersonRecord], str]:
        return services.people.page(connection.scope, every, at, count)

    def matches(record: PersonRecord) -> bool:
        return bool(record.conflict_with) or (bool(record.matched_by) and not conflicts)

    found, cursor, _ = find.walk(page, matches, place, limit, find.SEARCH_STEP)
    lines = [_named(services, connection, _line(record)) for record in found]
    counts = None if place else services.people.counts(connection.scope, every).matched
    return Report(False, counts, lines, cursor)


def _line(record: PersonRecord) -> Line:
    wanted = address_of(record.source)
    account = record.account_id if record.account_state is not AccountState.NONE else ""
    return Line(record.object_id, name_of(record.source), wanted, account, record.matched_by, record.conflict_with)


def _count(lines: Sequence[Line]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for line in lines:
        for key in (line.by, "conflict" if line.conflict else ""):
            if key:
                counts[key] = counts.get(key, 0) + 1
    return counts


def _named(services: Services, connection: Connection, line: Line) -> Line:
    """With the name of the other side: a person of this directory, or an account made by hand."""
    if not line.other or line.other_name:
        return line
    account = services.accounts.get(connection.workspace, line.other)
    if account is not None:
        return replace(line, other_name=account.name or account.address)
    shard = shard_of(line.other, connection.digits)
    person = services.people.load(connection.scope, shard, [line.other]).records.get(line.other)
    return replace(line, other_name=name_of(person.source)) if person is not None else line
