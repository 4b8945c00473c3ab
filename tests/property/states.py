"""The states that are worth meeting, told of a connection as it stands: what `reached` counts beside the rules."""

from __future__ import annotations

from collections.abc import Iterator

from sync.core.connection import ConnectionState
from sync.core.decide import pinned
from sync.core.model import AccountState, Hand, PersonRecord, Reason
from tests.fakes.engine import Tenanted


def states(connection: Tenanted) -> set[str]:
    """The names of those that hold now."""
    return {*_of_the_whole(connection), *(name for one in connection.people.values() for name in _of_a_person(one))}


def _of_the_whole(connection: Tenanted) -> Iterator[str]:
    view, holds = connection.view, connection.holds
    ever = connection.engine.services.runs.holds(view.connection.scope)
    settings, reader = view.connection.settings, view.reader
    by_group = settings.scope.chosen.groups or settings.audience.groups
    told = {
        "scope by group": settings.scope.chosen.groups,
        "audience by group": settings.audience.groups,
        "a group excluded": settings.scope.chosen.excluded_groups or settings.audience.excluded_groups,
        "hold waiting": holds,
        "hold waiting, scope or audience by group": holds and by_group,
        "hold because of a group": any(hold.cause.startswith("group") for hold in holds),
        "hold of simulations alone": any(one.audience for hold in holds for one in hold.removals),
        "hold expired": any(hold.state == "expired" for hold in ever),
        "revisit under way": reader.revisit_run,
        "revisit under way while a pass runs": reader.revisit_run and reader.pass_run,
        "settings not settled": view.connection.settled_version != settings.version,
        "groups frozen": any(feed.frozen for feed in reader.feeds.values()),
        "attention": view.connection.state is ConnectionState.ATTENTION,
        "disconnected": view.connection.state is ConnectionState.DISCONNECTED,
        "waits for Start": view.connection.state is ConnectionState.AWAITING_START,
        "matching by alias": "alias" in settings.matching,
        "matching by employee id": "employee_id" in settings.matching,
        "custom fields": len({rule.target for rule in settings.mapping} & {"badge", "label", "centre", "team"}),
        "conflict across shards": view.connection.digits and _conflicts(connection),
    }
    return (name for name, holds_now in told.items() if holds_now)


def _conflicts(connection: Tenanted) -> bool:
    people = connection.people
    return any(record.conflict_with in people for record in people.values())


def _of_a_person(record: PersonRecord) -> Iterator[str]:
    told = {
        "undo pin alive": pinned(record),
        "undone": record.reason is Reason.UNDONE,
        "blocked": record.hand is Hand.BLOCKED and record.account_id,
        "kept": record.hand is Hand.KEPT,
        "fields of the admin's own": record.own,
        "judged nobody": record.judged == "not_a_person",
        "conflict": record.conflict_with,
        "too large": record.reason is Reason.TOO_LARGE,
        "out of scope": record.account_state is AccountState.INACTIVE and record.reason is Reason.OUT_OF_SCOPE,
        f"matched by {record.matched_by}": record.matched_by,
    }
    return (name for name, holds_now in told.items() if holds_now)
