"""What happens when parts of a run are done: the run's counts, and a full pass's way from stage to stage.

    READING ──▶ PLANNING ──▶ WAITING (first pass: for Start) ──▶ APPLYING ──▶ REMOVING ──▶ DONE
       └──────────── every later pass ─────────────────────────────▲

Exactly one caller sees the last part of a stage finish (`Runs.finish_part`), and every step is made by a
conditional save of the run, so a step that was begun and not finished is taken up again by the nudge of `tick`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from shared import canonical
from shared.clock import iso
from shared.errors import Conflict, NeedsAdmin, Transient
from shared.events import log
from sync.core.connection import Connection, ConnectionState, ConnectionView, FeedState, Reader, Survey, shards
from sync.core.guard import limit_of
from sync.core.mapping import display_name
from sync.core.messages import ChangesMessage, PullMessage
from sync.core.model import FEEDS, AccountState, ChangeKind, GroupChange, GroupRecord, Presence, Reason
from sync.core.runs import HeldRemoval, Outcome, Run, Stage
from sync.usecases import holds, passgroups, subscribe
from sync.usecases.sending import GROUPS
from sync.usecases.services import Services

REMOVALS, MEMBERS, ADDRESSES = "removals", "members", "addresses"  # what shards leave in staging for the whole
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
                finish(services, view, run)
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
    for shard in shards(connection.digits):
        for block in services.staging.get(connection.scope, f"{run.id}{ADDRESSES}", shard):
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
        finish(services, view, run)
        return
    counts = dict(run.counts)
    _measure(services, view.connection)
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


def _measure(services: Services, connection: Connection) -> None:
    """Tell the guard how many accounts are active, which its limit is a share of."""
    active = services.people.counts(connection.scope, shards(connection.digits)).active
    while True:
        window = services.runs.window(connection.scope)
        if limit_of(window.active) == limit_of(active):
            return
        try:
            services.runs.save_window(replace(window, active=active))
        except Conflict:
            continue
        return


def _count_groups(services: Services, connection: Connection, run: Run) -> None:
    """Set the groups' member counts to what the shards counted."""
    if GROUPS in run.frozen:
        return
    members: dict[str, int] = {}
    for shard in shards(connection.digits):
        for block in services.staging.get(connection.scope, f"{run.id}{MEMBERS}", shard):
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


def finish(services: Services, view: ConnectionView, run: Run) -> None:
    """The pass is complete. Raises Conflict when somebody else finishes it."""
    now = iso(services.clock.now())
    done = services.runs.save(replace(run, stage=Stage.DONE, outcome=Outcome.COMPLETE, finished_at=now, touched_at=now))
    counts = run.counts
    log(
        "pass.finished",
        connection=view.connection.id,
        run=run.id,
        created=counts.get("create", 0) + counts.get("link", 0),
        updated=counts.get("update", 0) + counts.get("reactivate", 0),
        deactivated=counts.get("deactivate", 0),
        held=counts.get("held", 0),
    )
    close(services, view, done)


def close(services: Services, view: ConnectionView, run: Run) -> None:
    """After a complete pass: its deltaLinks become the cursors, and what changed since it began is pulled.

    May be repeated: until the reader forgets the pass, the nudge of `tick` comes back here.
    """
    update_connection(services, view.connection.id, _connected)
    if run.first:
        log("connection.connected", connection=view.connection.id, epoch=view.connection.epoch)
    _watch(services, view.connection.id)
    _measure(services, view.connection)
    for name in ("", REMOVALS, MEMBERS, ADDRESSES):
        services.staging.clear(run.scope, f"{run.id}{name}")
    now = iso(services.clock.now())
    for feed in FEEDS:
        if feed not in run.frozen:
            services.queue.send(PullMessage(view.connection.id, view.connection.epoch, feed, "admin", now))
    update_reader(services, view.connection.id, lambda reader: _with_cursors(reader, run))


def _watch(services: Services, connection_id: str) -> None:
    """Have Graph notify us from now on, without waiting for the timer; which tries again where this fails."""
    fresh = services.connections.load(connection_id)
    if fresh is not None:
        with contextlib.suppress(Transient, NeedsAdmin):
            subscribe.ensure(services, fresh)


def _with_cursors(reader: Reader, run: Run) -> Reader:
    if reader.pass_run != run.id:
        return reader
    feeds = dict(reader.feeds)
    for feed in FEEDS:
        if feed in run.delta_links:
            feeds[feed] = FeedState(run.delta_links[feed], "", run.started_at, run.started_at)
        elif feed in run.frozen:
            feeds[feed] = FeedState(frozen="permission_missing", pulled_at=run.started_at)
    return replace(
        reader,
        feeds=feeds,
        pass_run="",
        passed_at=run.started_at,
        floor=max(reader.floor, run.start_order),
        failures=0,
        suspect_code="",
        suspect_since="",
    )


def update_reader(services: Services, connection_id: str, change: Callable[[Reader], Reader]) -> None:
    """Change the reader row whoever holds its lease: they find out by their next write, and the lease is free."""
    while (view := services.connections.load(connection_id)) is not None:
        changed = change(view.reader)
        if changed == view.reader:
            return
        try:
            services.connections.save_reader(view.connection, replace(changed, lease_until="", lease_owner=""))
        except Conflict:
            continue
        return


def update_connection(
    services: Services, connection_id: str, change: Callable[[Connection], Connection]
) -> Connection | None:
    """Change the connection row whoever else changes it; None when it is gone. No write when nothing changes."""
    while (view := services.connections.load(connection_id)) is not None:
        changed = change(view.connection)
        if changed == view.connection:
            return view.connection
        try:
            return services.connections.save(changed)
        except Conflict:
            continue
    return None


def _connected(connection: Connection) -> Connection:
    if not connection.live or (connection.first_pass_done and connection.state is not ConnectionState.IMPORTING):
        return connection
    return replace(connection, first_pass_done=True, state=ConnectionState.CONNECTED)
