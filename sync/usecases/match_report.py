"""Who was matched with which account made by hand, by what, and who wants what another has.

Before Start it is told by the plan: each shard leaves its matches, refusals and wishes in staging, and what only shows
between shards (an address, or an account, that people of two shards want) is found when the report is read. After
Start the stored rows tell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from shared import canonical
from shared.errors import Defect
from sync.core.address import address_key
from sync.core.connection import Connection, ConnectionState, ConnectionView, shard_of, shards
from sync.core.decision import Claim, Decision
from sync.core.model import AccountState, Action, MatchedBy, PersonRecord
from sync.core.person import address_of, name_of
from sync.core.runs import Run, Stage
from sync.usecases import find
from sync.usecases.services import Services
from sync.usecases.staged import ADDRESSES, MATCHES

COUNT_LIMIT = find.WALK_LIMIT  # people whose rows are counted for one answer


@dataclass(frozen=True, slots=True)
class Line:
    """One person of the report. `account_id` and `by` are empty where nothing was matched; `other` is whose the
    address, account or employee id is, an object id or an account id, with the name where it is known.
    """

    object_id: str
    name: str
    address: str
    account_id: str = ""
    by: MatchedBy = ""
    other: str = ""
    other_name: str = ""

    @property
    def conflict(self) -> bool:
        """Whether the person goes without, or matched another account as well."""
        return bool(self.other)


class Report(NamedTuple):
    """One page. `counts`: way of matching -> people, and `conflict`; None where there are too many to count."""

    planned: bool
    counts: Mapping[str, int] | None
    lines: Sequence[Line]
    cursor: str


def leave(
    services: Services,
    scope: str,
    run: Run,
    part: int,
    decisions: Sequence[Decision],
    claims: Mapping[str, Claim],
) -> dict[str, int]:
    """Leave in staging what the plan of a shard says of matching; returns the links by way, for the survey."""
    names = {decision.after.object_id: name_of(decision.after.source) for decision in decisions}
    lines, wishes = [], []
    counts: dict[str, int] = {}
    for decision in decisions:
        person, claim = decision.after, claims.get(decision.after.object_id)
        if claim is None:
            continue
        name, wanted = names[person.object_id], address_of(person.source)
        if claim.granted:
            wishes.append([person.object_id, name, wanted])
        linked = decision.action is Action.LINK
        if linked:
            key = f"would_link_{person.matched_by}"
            counts[key] = counts.get(key, 0) + 1
        if linked or claim.holder:
            account = person.account_id if linked else ""
            other_name = names.get(claim.holder, "")
            by = person.matched_by if linked else ""
            lines.append([person.object_id, name, wanted, account, by, claim.holder, other_name])
    rows = canonical.dumps({"lines": lines, "wishes": wishes})
    services.staging.put(scope, f"{run.id}{MATCHES}", part, {"": rows})
    return counts


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
    lines = [*_between(connection, _lines(services, connection, run)), *_shared(services, connection, run)]
    counts = _count(lines)
    wanted = [line for line in lines if line.conflict or not conflicts]
    start = int(place or 0)
    page = [_named(services, connection, line) for line in wanted[start : start + limit]]
    return Report(True, counts, page, str(start + limit) if len(wanted) > start + limit else "")


def _blocks(services: Services, connection: Connection, run: Run) -> Iterator[Mapping[str, list[list[str]]]]:
    for block in services.staging.get(connection.scope, f"{run.id}{MATCHES}", ""):
        yield canonical.loads(block)


def _lines(services: Services, connection: Connection, run: Run) -> list[Line]:
    blocks = _blocks(services, connection, run)
    return [Line(*row) for block in blocks for row in block["lines"]]  # type: ignore[arg-type]


def _between(connection: Connection, lines: Sequence[Line]) -> list[Line]:
    """An account that people of several shards match is the one's whose way comes first; to the others it is lost."""
    order = connection.settings.matching
    first: dict[str, Line] = {}
    for line in sorted(lines, key=lambda one: order.index(one.by) if one.by in order else len(order)):
        if line.account_id:
            first.setdefault(line.account_id, line)
    return [
        line
        if not line.account_id or first[line.account_id] is line
        else replace(
            line,
            account_id="",
            by="",
            other=first[line.account_id].object_id,
            other_name=first[line.account_id].name,
        )
        for line in lines
    ]


def _shared(services: Services, connection: Connection, run: Run) -> list[Line]:
    """People whose address somebody of another shard was granted as well."""
    seen: set[str] = set()
    twice: set[str] = set()
    for block in services.staging.get(connection.scope, f"{run.id}{ADDRESSES}", ""):
        for key in canonical.loads(block):
            (twice if key in seen else seen).add(key)
    if not twice:
        return []
    first: dict[str, tuple[str, str]] = {}
    found = []
    for left in _blocks(services, connection, run):
        for object_id, name, address in left["wishes"]:
            if address_key(address)[:16] in twice and address in first:
                other, other_name = first[address]
                found.append(Line(object_id, name, address, other=other, other_name=other_name))
            elif address_key(address)[:16] in twice:
                first[address] = (object_id, name)
    return found


def _stored(services: Services, connection: Connection, place: str, limit: int, *, conflicts: bool) -> Report:
    every = shards(connection.digits)

    def page(at: str, count: int) -> tuple[Sequence[PersonRecord], str]:
        return services.people.page(connection.scope, every, at, count)

    def matches(record: PersonRecord) -> bool:
        return bool(record.conflict_with) or (bool(record.matched_by) and not conflicts)

    found, cursor, _ = find.walk(page, matches, place, limit, find.SEARCH_STEP)
    lines = [_named(services, connection, _line(record)) for record in found]
    counts = None
    if not place and services.people.counts(connection.scope, every).people <= COUNT_LIMIT:
        everybody, _, _ = find.walk(
            page, lambda record: bool(record.matched_by or record.conflict_with), "", 2 * COUNT_LIMIT, find.SEARCH_STEP
        )
        counts = _count([_line(record) for record in everybody])
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
