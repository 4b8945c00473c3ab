"""The states that are worth meeting, told of a connection as it stands: what `reached` counts beside the rules."""

from __future__ import annotations

from collections.abc import Iterator

from sync.core.connection import ConnectionState, shard_of
from sync.core.decide import pinned
from sync.core.model import AccountState, Hand, PersonRecord, Reason
from sync.core.runs import Outcome
from tests.fakes.engine import Tenanted


def states(connection: Tenanted) -> set[str]:
    """The names of those that hold now."""
    return {
        *_of_the_whole(connection),
        *_of_runs(connection),
        *(name for one in connection.people.values() for name in _of_a_person(one)),
    }


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
        "hold because of a group": any(hold.cause.startswith("group") for hold in ever),
        "hold of simulations alone": any(one.audience for hold in holds for one in hold.removals),
        "hold approved": any(hold.state == "approved" for hold in ever),
        "hold rejected": any(hold.state == "rejected" for hold in ever),
        "hold expired": any(hold.state == "expired" for hold in ever),
        "revisit under way": reader.revisit_run,
        "revisit under way while a pass runs": reader.revisit_run and reader.pass_run,
        "settings not settled": view.connection.settled_version != settings.version,
        "groups frozen": any(feed.frozen for feed in reader.feeds.values()),
        "attention": view.connection.state is ConnectionState.ATTENTION,
        "disconnected": view.connection.state is ConnectionState.DISCONNECTED,
        "connected again": len(connection.engine.services.connections.list(view.connection.workspace)) > 1,
        "waits for Start": view.connection.state is ConnectionState.AWAITING_START,
        "matching by alias": "alias" in settings.matching,
        "matching by employee id": "employee_id" in settings.matching,
        "custom fields": len({rule.target for rule in settings.mapping} & {"badge", "label", "centre", "team"}),
        "conflict across shards": _conflicts(connection),
    }
    return (name for name, holds_now in told.items() if holds_now)


def _conflicts(connection: Tenanted) -> bool:
    digits, people = connection.connection.digits, connection.people
    return any(
        record.conflict_with in people and shard_of(record.conflict_with, digits) != shard_of(record.object_id, digits)
        for record in people.values()
    )


def _of_runs(connection: Tenanted) -> Iterator[str]:
    runs = {run.id: run for run in connection.runs}
    for run in runs.values():
        if run.cause == "undo" and run.of in runs and run.outcome is Outcome.COMPLETE:
            yield "undo of an undo" if runs[run.of].cause == "undo" else f"undo of a {runs[run.of].kind}"
        if run.kind == "pass" and run.error == "cursor_expired":
            yield "410 within a full pass"
        if run.cause == "retention" and run.counts.get("purge"):
            yield "account given up"
        if run.kind == "pass" and run.frozen and run.outcome is Outcome.COMPLETE:
            yield "full pass without groups"


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
