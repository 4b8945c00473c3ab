"""What happens when parts of a run are done: the run's counts, and a full pass's way from stage to stage.

    READING ──▶ PLANNING ──▶ WAITING (first pass: for Start) ──▶ APPLYING ──▶ REMOVING ──▶ DONE
       └──────────── every later pass ─────────────────────────────▲

Exactly one caller sees the last part of a stage finish (`Runs.finish_part`), and every step is made by a
conditional save of the run, so a step that was begun and not finished is taken up again by the nudge of `tick`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from shared import canonical
from shared.clock import iso
from shared.errors import Conflict
from shared.events import log
from sync.core.connection import Connection, ConnectionState, ConnectionView, Survey, shards
from sync.core.mapping import display_name
from sync.core.messages import ChangesMessage
from sync.core.model import AccountState, ChangeKind, GroupChange, GroupRecord, Presence, Reason
from sync.core.runs import HeldRemoval, Outcome, Run, Stage
from sync.usecases import closing, holds, passgroups
from sync.usecases.rows import update_connection, update_reader
from sync.usecases.sending import GROUPS
from sync.usecases.services import Services
from sync.usecases.staged import ADDRESSES, MEMBERS, REMOVALS

WORK = {Stage.PLANNING: "plan", Stage.APPLYING: "apply", Stage.REMOVING: "remove"}


def part_done(services: Services, view: ConnectionView, message: ChangesMessage, counts: Mapping[str, int]) -> None:
    """Record a part; whoever finishes the last one moves the run on. Where that worker was killed, a pull is ended
    by its message's next coming, a pass by the nudge of `tick`.
    """
    stage = {"plan": Stage.PLANNING, "remove": Stage.REMOVING}.get(message.work, Stage.APPLYING)
    run, last = services.runs.finish_part(view.connection.scope, message.run, stage, message.part, counts)
    if run.kind == "pull":
        if run.outcome is Outcome.RUNNING and len(run.done_parts) == run.parts:
            _finish_pull(services, run)
    elif last:
        move_on(services, view, run)


def _finish_pull(services: Services, run: Run) -> None:
    finished = replace(run, stage=Stage.DONE, outcome=Outcome.COMPLETE, finished_at=iso(services.clock.now()))
    with contextlib.suppress(Conflict):  # somebody else ended it
        services.runs.save(finished)


def move_on(services: Services, view: ConnectionView, run: Run) -> None:
    """Take a pass whose present stage has no parts left to its next stage. May be repeated after a crash."""
    try:
        match run.stage:
            case Stage.PLANNING:
                _planned(services, view, run)
            case Stage.APPLYING:
                _applied(services, view, run)
            case Stage.REMOVING:
                closing.finish(services, view, run)
            case _:
                return
    except Conflict:
        return  # somebody else moved it on


def enter(services: Services, view: ConnectionView, run: Run, stage: Stage, counts: Mapping[str, int]) -> Run:
    """Begin a stage that works shard by shard, and hand its parts out. Raises Conflict when the run moved on.

    From the moment a pass is applied, what was read before it began is superseded: a late message must not bring back
    what the pass corrects.
    """
    if stage is Stage.APPLYING:
        update_reader(services, run.connection, lambda found: replace(found, floor=max(found.floor, run.start_order)))
    names = stage_shards(view.connection, stage)
    entered = services.runs.save(
        replace(
            run,
            stage=stage,
            parts=len(names),
            done_parts=frozenset(),
            counts=counts,
            touched_at=iso(services.clock.now()),
        )
    )
    hand_out(services, view.connection, entered)
    return entered


def stage_shards(connection: Connection, stage: Stage) -> list[str]:
    """The shards of a stage, by part number: people, and the groups unless people are being removed."""
    people = shards(connection.digits)
    return people if stage is Stage.REMOVING else [*people, GROUPS]


def hand_out(services: Services, connection: Connection, run: Run) -> None:
    """Send the messages of all parts that are not done. Doubled ones are harmless."""
    work = WORK[run.stage]
    for part, shard in enumerate(stage_shards(connection, run.stage)):
        if part not in run.done_parts:
            services.queue.send(
                ChangesMessage(connection.id, connection.epoch, run.id, part, shard, work)  # type: ignore[arg-type]
            )


def groups_part(services: Services, scope: str, run: Run, *, dry: bool) -> Mapping[str, int]:
    """The groups of a pass: staged beside stored. Those a complete pass missed are marked absent."""
    if GROUPS in run.frozen:
        return {}
    staged, parents = passgroups.read(services.staging.get(scope, run.id, GROUPS))
    if dry:
        return {"groups": sum(change.kind is not ChangeKind.REMOVED for change in staged.values())}
    stored = services.groups.load(scope)
    writes = []
    for object_id in {**staged, **parents, **stored}:
        before = stored.get(object_id) or GroupRecord(object_id)
        change = staged.get(object_id)
        if change is None and before.presence is Presence.PRESENT and before.order < run.start_order:
            change = GroupChange(object_id, run.start_order, ChangeKind.ABSENT, {}, Presence.ABSENT)
        after = passgroups.merged(before, change, parents.get(object_id, {}), run.start_order)
        if replace(after, order=before.order) != before:
            writes.append(after)
    services.groups.commit(scope, writes)
    return {}


def removals_of(services: Services, scope: str, run: Run, shard: str) -> dict[str, int]:
    """A shard's removal candidates: object id -> the order of the absence, or 0 where the row itself tells."""
    found: dict[str, int] = {}
    for block in services.staging.get(scope, f"{run.id}{REMOVALS}", shard):
        found.update(canonical.loads(block))
    return found


def _planned(services: Services, view: ConnectionView, run: Run) -> None:
    connection = view.connection
    counts = run.counts
    survey = Survey(
        people=counts.get("people", 0),
        guests=counts.get("guests", 0),
        disabled=counts.get("disabled", 0),
        no_address=counts.get("no_address", 0),
        duplicates=_duplicates(services, connection, run),
        groups=counts.get("groups", 0),
        would_create=counts.get("would_create", 0),
        would_link=counts.get("would_link", 0),
    )
    update_connection(services, connection.id, lambda found: replace(found, survey=survey))
    waiting = services.runs.save(replace(run, stage=Stage.WAITING, touched_at=iso(services.clock.now())))
    log("pass.waiting", connection=connection.id, run=run.id)
    fresh = services.connections.load(connection.id)
    if fresh is not None and fresh.connection.state is ConnectionState.IMPORTING:  # Start was pressed already
        enter(services, view, waiting, Stage.APPLYING, {})


def _duplicates(services: Services, connection: Connection, run: Run) -> int:
    seen: set[str] = set()
    shared: set[str] = set()
    people = 0
    for block in services.staging.get(connection.scope, f"{run.id}{ADDRESSES}", ""):
        for address in canonical.loads(block):
            if address in seen:
                people += 1 if address in shared else 2
                shared.add(address)
            seen.add(address)
    return people


def _applied(services: Services, view: ConnectionView, run: Run) -> None:
    _count_groups(services, view.connection, run)
    holds.expire(services, run.scope, superseded_by=run)
    removals, gone = run.counts.get("removals", 0), run.counts.get("gone", 0)
    if not gone:
        closing.finish(services, view, run)
        return
    counts = dict(run.counts)
    closing.measure(services, view.connection)
    released, limit = holds.permit(services, view.connection, run.id, removals) if removals else (True, 0)
    if not released:
        holds.add(services, view.connection, run.id, "full pass", _held(services, view.connection, run))
        log("guard.held", connection=view.connection.id, run=run.id, removals=removals, limit=limit)
        counts["held"] = removals
    enter(services, view, run, Stage.REMOVING, counts)


def _held(services: Services, connection: Connection, run: Run) -> list[HeldRemoval]:
    held = []
    for shard in shards(connection.digits):
        candidates = removals_of(services, connection.scope, run, shard)
        if not candidates:
            continue
        for record in services.people.load(connection.scope, shard, sorted(candidates)).records.values():
            if record.account_state is AccountState.ACTIVE:
                order = candidates[record.object_id]
                left = order or record.presence is not Presence.PRESENT
                reason = Reason.LEFT if left else Reason.DISABLED
                if not left and record.source.get("accountEnabled") is not False:
                    reason = Reason.OUT_OF_SCOPE
                held.append(HeldRemoval(record.object_id, display_name(record), reason, order))
    return held


def _count_groups(services: Services, connection: Connection, run: Run) -> None:
    """Set the groups' member counts to what the shards counted."""
    if GROUPS in run.frozen:
        return
    members: dict[str, int] = {}
    for block in services.staging.get(connection.scope, f"{run.id}{MEMBERS}", ""):
        for group, number in canonical.loads(block).items():
            members[group] = members.get(group, 0) + number
    stored = services.groups.load(connection.scope)
    services.groups.commit(
        connection.scope,
        [
            replace(group, members=members.get(group.object_id, 0))
            for group in stored.values()
            if group.members != members.get(group.object_id, 0)
        ],
    )
