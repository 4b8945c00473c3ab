"""Applying what an admin approved: exactly the removals of one hold, as a run of its own.

The run's id is made of the hold and of when it was approved, so a release that a crash interrupted can be taken up
again: the same run, and messages for the parts that are not done.
"""

from __future__ import annotations

from datetime import timedelta

from shared.clock import parse_iso
from shared.errors import Conflict
from sync.core.connection import Connection, shard_of
from sync.core.messages import ChangesMessage, pack
from sync.core.model import ChangeKind, Presence, UserChange
from sync.core.runs import Hold, Outcome, Run, Stage
from sync.usecases.sending import run_id_at, split
from sync.usecases.services import Services

STANDSTILL, PATIENCE = timedelta(minutes=5), timedelta(hours=24)


def release(services: Services, connection: Connection, hold: Hold) -> None:
    """Hand out the removals of an approved hold. May be repeated."""
    parts = _parts(connection, hold)
    run_id = _run_id(hold)
    run = Run(
        id=run_id,
        scope=connection.scope,
        connection=connection.id,
        kind="pull",
        cause="approval",
        epoch=connection.epoch,
        started_at=hold.decided_at,
        noticed_at=hold.decided_at,
        stage=Stage.APPLYING,
        outcome=Outcome.RUNNING,
        read=len(hold.removals),
        parts=len(parts),
    )
    try:
        services.runs.save(run)
    except Conflict:
        run = services.runs.get(connection.scope, run_id) or run
    for number, (shard, chunk) in enumerate(parts):
        if number not in run.done_parts:
            services.queue.send(
                ChangesMessage(connection.id, connection.epoch, run.id, number, shard, "release", pack(chunk))
            )


def resume(services: Services, connection: Connection) -> None:
    """Take up releases that were approved and then interrupted."""
    now = services.clock.now()
    for hold in services.runs.holds(connection.scope):
        recent = hold.state == "approved" and STANDSTILL < now - parse_iso(hold.decided_at) < PATIENCE
        if recent and hold.connection == connection.id:
            run = services.runs.get(connection.scope, _run_id(hold))
            if run is None or run.outcome is Outcome.RUNNING:
                release(services, connection, hold)


def _run_id(hold: Hold) -> str:
    return run_id_at(parse_iso(hold.decided_at), hold.id[:8])


def _parts(connection: Connection, hold: Hold) -> list[tuple[str, list[UserChange]]]:
    by_shard: dict[str, list[UserChange]] = {}
    for removal in hold.removals:
        kind = ChangeKind.ABSENT if removal.absent_order else ChangeKind.REVISIT
        presence = Presence.PRESENT if removal.audience else Presence.ABSENT  # what may go: simulations, the account
        change = UserChange(removal.object_id, removal.absent_order, kind, presence=presence, released=True)
        by_shard.setdefault(shard_of(removal.object_id, connection.digits), []).append(change)
    return [(shard, chunk) for shard, changes in sorted(by_shard.items()) for chunk in split(changes)]
