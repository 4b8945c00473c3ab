"""People who wait for an address are decided about again as soon as it may be theirs.

Whoever is refused an address stands in line on its row (`claims`). The line is read when the address is freed, and
when its holder leaves or is given another address; those in it get a revisit, which settles everything as ever.
What a worker killed in between did not come to, the next coming of its message makes up for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from sync.core.connection import Connection
from sync.core.eligibility import GONE
from sync.core.model import ChangeKind, PersonRecord, UserChange
from sync.core.person import address_of
from sync.ports import RUN_ROWS, Waiter
from sync.usecases import matching
from sync.usecases.sending import Change, cut, hand_over, new_run
from sync.usecases.services import Services


def yielded(connection: Connection, before: PersonRecord, after: PersonRecord) -> list[str]:
    """The rows that a person holds and, with this change, no longer keeps from others."""
    return _rows(connection, after) if _yields(after) and not _yields(before) else []


def _rows(connection: Connection, record: PersonRecord) -> list[str]:
    employee = "employee_id" in connection.settings.matching and record.presence in GONE
    row = matching.employee_row(record.source.get("employeeId")) if employee else ""
    return [one for one in (record.address, row) if one]


def _yields(record: PersonRecord) -> bool:
    if record.presence in GONE:
        return True
    return bool(record.address) and address_of(record.source) not in {"", record.address}


def in_line(services: Services, connection: Connection, addresses: Collection[str]) -> list[Waiter]:
    """Who waits for any of these."""
    if not addresses:
        return []
    held = services.addresses.peek(connection.workspace, addresses)
    return [waiter for holder in held.values() for waiter in holder.waiters]


def wake(services: Services, connection: Connection, waiters: Iterable[Waiter]) -> None:
    """Have those who waited decided about again, in their connections."""
    by_scope: dict[str, list[str]] = {}
    for scope, object_id in dict.fromkeys(waiters):
        by_scope.setdefault(scope, []).append(object_id)
    if not by_scope:
        return
    known: Mapping[str, Connection] = {connection.scope: connection}
    if by_scope.keys() - known.keys():
        views = services.connections.list(connection.workspace)
        known = {view.connection.scope: view.connection for view in views if view.connection.live}
    for scope, people in by_scope.items():
        if scope in known:
            _revisit(services, known[scope], sorted(people))


def wake_again(
    services: Services, connection: Connection, run: str, shard: str, people: Collection[PersonRecord]
) -> None:
    """Wake those in line for what people yielded by a part of a run that was committed, and may not have come to it:
    what they hold and no longer keep, and what the activity says they gave up.
    """
    ids = {record.object_id for record in people}
    rows = {row for record in people if _yields(record) for row in _rows(connection, record)}
    for activity, _ in services.people.activity(connection.scope, [shard], run, RUN_ROWS):
        for entry in activity.entries:
            former = entry.before.get("email", "")
            if entry.object_id in ids and former and former != entry.after.get("email", ""):
                rows.add(former)
    wake(services, connection, in_line(services, connection, rows))


def _revisit(services: Services, connection: Connection, people: Collection[str]) -> None:
    changes: list[Change] = [UserChange(object_id, 0, ChangeKind.REVISIT) for object_id in people]
    run = replace(new_run(services, connection, "pull", "freed"), read=len(people))
    hand_over(services, connection, run, cut(changes, connection.digits))
