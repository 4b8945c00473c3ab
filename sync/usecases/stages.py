"""The stages of a run that are worked on shard by shard: entering one, and handing out its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared import metering
from shared.clock import iso
from sync.core.connection import Connection, ConnectionView, shards
from sync.core.messages import ChangesMessage
from sync.core.runs import Run, Stage
from sync.usecases.rows import update_reader
from sync.usecases.sending import GROUPS
from sync.usecases.services import Services

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
    hand_out(services, view.connection, entered)
    return entered


def stage_shards(connection: Connection, stage: Stage) -> list[str]:
    """The shards of a stage, by part number."""
    return [GROUPS] if stage is Stage.GROUPING else shards(connection.digits)


def hand_out(services: Services, connection: Connection, run: Run) -> None:
    """Send the messages of all parts that are not done. Doubled ones are harmless."""
    work = WORK[run.stage]
    for part, shard in enumerate(stage_shards(connection, run.stage)):
        if part not in run.done_parts:
            services.queue.send(
                ChangesMessage(connection.id, connection.epoch, run.id, part, shard, work)  # type: ignore[arg-type]
            )
