"""Applying what an admin approved: exactly the removals of one hold, as a run of its own.

The run's id is made of the hold and of when it was approved, so a release that a crash interrupted can be taken up
again: the same run, and messages for the parts that are not done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from shared.clock import parse_iso
from sync.core.connection import Connection
from sync.core.model import ChangeKind, Presence, UserChange
from sync.core.runs import Hold, Stage
from sync.usecases.sending import Change, cut, hand_over, new_run, run_id_at
from sync.usecases.services import Services

TAIL = 8  # characters of the hold's id at the end of the run's
STANDSTILL, PATIENCE = timedelta(minutes=5), timedelta(hours=24)


def release(services: Services, connection: Connection, hold: Hold) -> None:
    """Hand out the removals of an approved hold. May be repeated."""
    run = replace(
        new_run(services, connection, "pull", "approval", by=hold.decided_by),
        id=_run_id(hold),
        started_at=hold.decided_at,
        noticed_at=hold.decided_at,
        read=len(hold.removals),
    )
    hand_over(services, connection, run, cut(_changes(hold), connection.digits), "release")


def resume(services: Services, connection: Connection) -> None:
    """Take up releases that were approved and then interrupted."""
    now = services.clock.now()
    for hold in services.runs.holds(connection.scope):
        recent = hold.state == "approved" and STANDSTILL < now - parse_iso(hold.decided_at) < PATIENCE
        if recent and hold.connection == connection.id:
            run = services.runs.get(connection.scope, _run_id(hold))
            if run is None or run.stage is not Stage.DONE:
                release(services, connection, hold)


def judged_since(services: Services, scope: str, run: str, people: Mapping[str, str]) -> frozenset[str]:
    """Of people whose removal a release is to apply (object id -> the hold they wait on), those who came back and were
    put on a later hold than the approved one: it is that one which decides about them.
    """
    others = {hold for hold in people.values() if hold and not run.endswith(hold[:TAIL])}
    if not others:
        return frozenset()
    made = {hold.id: hold.created_at for hold in services.runs.holds(scope)}
    approved = next((at for hold, at in made.items() if run.endswith(hold[:TAIL])), "")
    return frozenset(person for person, hold in people.items() if hold in others and made.get(hold, "") > approved)


def _run_id(hold: Hold) -> str:
    return run_id_at(parse_iso(hold.decided_at), hold.id[:TAIL])


def _changes(hold: Hold) -> list[Change]:
    changes: list[Change] = []
    for removal in hold.removals:
        kind = ChangeKind.ABSENT if removal.absent_order else ChangeKind.REVISIT
        presence = Presence.PRESENT if removal.audience else Presence.ABSENT  # what may go: simulations, the account
        changes.append(UserChange(removal.object_id, removal.absent_order, kind, presence=presence, released=True))
    return changes
