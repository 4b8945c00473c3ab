"""People who wait for an address are decided about again as soon as it may be theirs.

Whoever is refused an address stands in line on its row (`claims`). The line is read when the address is freed, and
when its holder leaves or is given another address; those in it get a revisit, which settles everything as ever.
What a crash swallows, the next full pass finds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from sync.core.connection import Connection
from sync.core.eligibility import GONE
from sync.core.model import ChangeKind, PersonRecord, UserChange
from sync.core.person import address_of
from sync.ports import Waiter
from sync.usecases import matching
from sync.usecases.sending import Change, cut, hand_over, new_run
from sync.usecases.services import Services


def yielded(connection: Connection, before: PersonRecord, after: PersonRecord) -> list[str]:
    """The rows that a person holds and, with this change, no longer keeps from others."""
    if _yields(before) or not _yields(after):
        return []
    employee = "employee_id" in connection.settings.matching and after.presence in GONE
    row = matching.employee_row(after.source.get("employeeId")) if employee else ""
    return [one for one in (after.address, row) if one]


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


def _revisit(services: Services, connection: Connection, people: Collection[str]) -> None:
    changes: list[Change] = [UserChange(object_id, 0, ChangeKind.REVISIT) for object_id in people]
    run = replace(new_run(services, connection, "pull", "freed"), read=len(people))
    hand_over(services, connection, run, cut(changes, connection.digits))
