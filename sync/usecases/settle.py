"""What happens when parts of a run are done: the run's counts, and a full pass's way from stage to stage.

    READING ──▶ GROUPING ──▶ PLANNING ──▶ WAITING (first pass: for Start) ──▶ APPLYING ──▶ REMOVING ──▶ DONE
                    └──────────── every later pass ─────────────────────────────▲

Groups come first, because who is in scope depends on them. A revisit begins at APPLYING.

Exactly one caller sees the last part of a stage finish (`Runs.finish_part`), and every step is made by a
conditional save of the run, so a step that was begun and not finished is taken up again by the nudge of `tick`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from shared import canonical, metering
from shared.clock import iso
from shared.errors import Conflict
from shared.events import log
from sync.core.connection import Connection, ConnectionState, ConnectionView, Survey
from sync.core.messages import ChangesMessage
from sync.core.runs import Run, Stage, changed, ended
from sync.usecases import closing, match_plan, reaching, removing
from sync.usecases.rows import update_connection
from sync.usecases.sending import GROUPS
from sync.usecases.services import Services
from sync.usecases.staged import ADDRESSES
from sync.usecases.stages import WORK, enter


def part_done(services: Services, view: ConnectionView, message: ChangesMessage, counts: Mapping[str, int]) -> None:
    """Record a part; whoever finishes the last one moves the run on. Where that worker was killed, a pull is ended
    by its message's next coming, a pass by the nudge of `tick`.
    """
    stage = next((stage for stage, work in WORK.items() if work == message.work), Stage.APPLYING)
    now = iso(services.clock.now())
    run, last = services.runs.finish_part(
        view.connection.scope, message.run, stage, message.part, {**counts, **metering.taken()}, now
    )
    if run.kind in {"pull", "act"}:
        if run.stage is Stage.APPLYING and len(run.done_parts) == run.parts:
            _finish_pull(services, view, run)
    elif last:
        move_on(services, view, run)


def _finish_pull(services: Services, view: ConnectionView, run: Run) -> None:
    with contextlib.suppress(Conflict):  # somebody else ended it
        services.runs.save(ended(run, iso(services.clock.now())))
        if run.cause in {"approval", "undo"}:  # many at once may have gone, unlike by other runs
            closing.measure(services, view.connection)
        if run.cause == "timer" and run.feed in view.watch.subscriptions and changed(run):
            log("pull.unannounced", connection=run.connection, feed=run.feed, run=run.id)


def move_on(services: Services, view: ConnectionView, run: Run) -> None:
    """Take a pass whose present stage has no parts left to its next stage. May be repeated after a crash."""
    try:
        match run.stage:
            case Stage.GROUPING:
                _grouped(services, view, run)
            case Stage.PLANNING:
                _planned(services, view, run)
            case Stage.APPLYING:
                removing.begin(services, view, run)
            case Stage.REMOVING:
                closing.finish(services, view, run)
            case _:
                return
    except Conflict:
        return  # somebody else moved it on


def _grouped(services: Services, view: ConnectionView, run: Run) -> None:
    """The groups are stored: note which of those that scope or audience go by are no more, and go on to the people."""
    if view.connection.settings.names_groups:
        look = reaching.look(services, view.connection)
        lost = tuple(sorted({*run.lost_groups, *look.lost}))
        if lost != run.lost_groups:
            run = services.runs.save(replace(run, lost_groups=lost))
        if look.found != look.stored or look.stored.emptied:
            confirmed = 0 if GROUPS in run.frozen else run.start_order
            reaching.refresh(services, view.connection, confirmed=confirmed)
    if run.first:
        enter(services, view, run, Stage.PLANNING, run.counts)
    else:
        enter(services, view, run, Stage.APPLYING, {})


def _planned(services: Services, view: ConnectionView, run: Run) -> None:
    connection = view.connection
    counts = run.counts
    forecast = match_plan.settle(services, connection, run)
    survey = Survey(
        people=counts.get("people", 0),
        guests=counts.get("guests", 0),
        disabled=counts.get("disabled", 0),
        no_address=counts.get("no_address", 0),
        duplicates=_duplicates(services, connection, run),
        groups=counts.get("groups", 0),
        would_create=counts.get("would_create", 0) + forecast.more,
        would_link=sum(forecast.links.values()),
        would_link_by=forecast.links,
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
