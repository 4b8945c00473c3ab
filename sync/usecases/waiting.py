"""People who wait for an address are decided about again as soon as it may be theirs.

Whoever is refused an address stands in line on its row (`claims`). The line is read when the address is freed, and
when its holder leaves or is given another address; those in it get a revisit, which settles everything as ever.
What a worker killed in between did not come to, freeing included, the next coming of its message makes up for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from sync.core.connection import Connection
from sync.core.eligibility import GONE
from sync.core.model import ChangeKind, PersonRecord, UserChange
from sync.core.person import address_of
from sync.ports import RUN_ROWS, Holder, Waiter
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


def holder_of(connection: Connection, record: PersonRecord) -> Holder:
    """A person as the holder of their address."""
    return Holder(record.account_id, connection.scope, record.object_id, "", order=record.order)


def give_up(
    services: Services, connection: Connection, freed: Mapping[str, Holder], yielded: Collection[str] = ()
) -> None:
    """Tell those in line for what accounts gave up, or no longer keep from others (`yielded`), and free the former.

    Waking comes first, because who waits is told by the row that is freed: whoever comes before that takes it over.
    """
    waiters = in_line(services, connection, {*freed, *yielded})
    wake(services, connection, waiters)
    late = [one for row, who in freed.items() for one in services.addresses.release(connection.workspace, row, who)]
    wake(services, connection, set(late) - set(waiters))


def give_up_again(
    services: Services,
    connection: Connection,
    run: str,
    shard: str,
    records: Mapping[str, PersonRecord],
    yielding: Iterable[PersonRecord],
) -> None:
    """What a worker that was killed after writing a part of a run did not come to. `records` are as the part's next
    coming found them: what they gave up is told by the activity. `yielding` are those of them whose rows others may
    have now.
    """
    freed = {}
    for activity, _ in services.people.activity(connection.scope, [shard], run, RUN_ROWS):
        for entry in activity.entries:
            former, record = entry.before.get("email", ""), records.get(entry.object_id)
            if record is not None and former not in {"", record.address, entry.after.get("email", "")}:
                freed[former] = holder_of(connection, record)
    yielded = {row for record in yielding if _yields(record) for row in _rows(connection, record)}
    give_up(services, connection, freed, yielded)


def _revisit(services: Services, connection: Connection, people: Collection[str]) -> None:
    changes: list[Change] = [UserChange(object_id, 0, ChangeKind.REVISIT) for object_id in people]
    run = replace(new_run(services, connection, "pull", "freed"), read=len(people))
    hand_over(services, connection, run, cut(changes, connection.digits))
