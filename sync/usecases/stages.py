"""The stages of a run that are worked on shard by shard: entering one, and handing out its parts.

All tenants' parts wait in one queue, first come, first served. So a stage hands out no more than WIDTH parts, and each
part that is done hands out the one WIDTH further on: what another tenant's change waits behind are WIDTH parts of a
giant, not all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from shared import metering
from shared.clock import iso
from sync.core.connection import Connection, ConnectionView, shards
from sync.core.messages import ChangesMessage
from sync.core.runs import Run, Stage
from sync.usecases.rows import update_reader
from sync.usecases.sending import GROUPS
from sync.usecases.services import Services

WIDTH = 16  # parts of a stage in the queue at a time: as many as a host takes out at once (host.json, batchSize)
WORK = {Stage.GROUPING: "groups", Stage.PLANNING: "plan", Stage.APPLYING: "apply", Stage.REMOVING: "remove"}


def enter(services: Services, view: ConnectionView, run: Run, stage: Stage, counts: Mapping[str, int]) -> Run:
    """Begin a stage that works shard by shard, and hand its parts out. Raises Conflict when the run moved on.

    From the moment a pass is applied, what was read before it began is superseded: a late message must not bring back
    what the pass corrects.
    """
    if stage is Stage.APPLYING and run.kind == "pass":
        update_reader(services, run.connection, lambda found: replace(found, floor=max(found.floor, run.start_order)))
    names = stage_shards(view.connection, stage)
    entered = services.runs.save(
        replace(
            run,
            stage=stage,
            parts=len(names),
            done_parts=frozenset(),
            counts={**metering.of(run.counts), **counts},
            touched_at=iso(services.clock.now()),
        )
    )
    _send(services, view.connection, entered, range(min(WIDTH, entered.parts)))
    return entered


def stage_shards(connection: Connection, stage: Stage) -> list[str]:
    """The shards of a stage, by part number."""
    return [GROUPS] if stage is Stage.GROUPING else shards(connection.digits)


def pass_on(services: Services, connection: Connection, run: Run, part: int) -> None:
    """Before a part is marked done: hand out the one that follows it. A repeated part does so again, until it is done;
    what a crash swallows is handed out by the nudge of `tick`.
    """
    _send(services, connection, run, following(run, part))


def hand_out(services: Services, connection: Connection, run: Run) -> None:
    """Send the messages of all parts that are not done: the run stands still. Doubled ones are harmless."""
    _send(services, connection, run, left(run))


def left(run: Run) -> list[int]:
    """The parts that are not done."""
    return [part for part in range(run.parts) if part not in run.done_parts]


def following(run: Run, part: int) -> list[int]:
    """The part WIDTH further on, where there is one that is not done."""
    later = part + WIDTH
    return [later] if later < run.parts and later not in run.done_parts else []


def _send(services: Services, connection: Connection, run: Run, parts: Iterable[int]) -> None:
    work, names = WORK[run.stage], stage_shards(connection, run.stage)
    for part in parts:
        services.queue.send(
            ChangesMessage(connection.id, connection.epoch, run.id, part, names[part], work)  # type: ignore[arg-type]
        )
