"""A revisit: everybody is decided again from what is stored, because settings changed or groups moved.

It is a full pass without the reading: the same comparison shard by shard, the same guard, the same two stages. A newer
revisit takes the place of one under way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from shared.clock import iso
from shared.errors import Conflict
from shared.events import log
from sync.core.connection import ConnectionView
from sync.core.model import FEEDS
from sync.core.runs import Outcome, Run, Stage, ended
from sync.usecases import reaching, settle, stages
from sync.usecases.rows import update_reader
from sync.usecases.sending import new_run
from sync.usecases.services import Services


def begin(
    services: Services,
    view: ConnectionView,
    cause: Literal["settings", "groups"],
    *,
    by: str = "",
    lost: Collection[str] = (),
) -> Run:
    """Have everybody decided again. `lost` are groups whose loss must not take accounts away unseen."""
    connection = view.connection
    former = services.runs.get(connection.scope, view.reader.revisit_run) if view.reader.revisit_run else None
    inherited = former.lost_groups if former is not None and former.outcome is Outcome.RUNNING else ()
    begun = services.runs.save(
        replace(
            new_run(services, connection, "revisit", cause, by=by),
            frozen=FEEDS,
            lost_groups=tuple(sorted({*lost, *inherited})),
        )
    )
    update_reader(services, connection.id, lambda reader: replace(reader, revisit_run=begun.id))
    if former is not None:
        _supersede(services, former)
    log("revisit.started", connection=connection.id, run=begun.id, cause=cause)
    return _enter(services, view, begun)


def _enter(services: Services, view: ConnectionView, begun: Run) -> Run:
    """The reach first: nobody may be decided by the former one any more. It is stored only now that the reader names
    the revisit, and with it the groups whose members must wait.
    """
    if view.connection.settings.names_groups:
        reaching.refresh(services, view.connection)
    return stages.enter(services, view, begun, Stage.APPLYING, {})


def nudge(services: Services, view: ConnectionView) -> None:
    """Take up a revisit that was begun and not finished."""
    run = services.runs.get(view.connection.scope, view.reader.revisit_run)
    if run is None or run.outcome is not Outcome.RUNNING:
        gone = view.reader.revisit_run
        update_reader(
            services,
            view.connection.id,
            lambda reader: replace(reader, revisit_run="") if reader.revisit_run == gone else reader,
        )
        return
    with contextlib.suppress(Conflict):  # it moves after all
        if not run.parts:
            _enter(services, view, run)
        elif len(run.done_parts) >= run.parts:
            settle.move_on(services, view, run)
        else:
            touched = services.runs.save(replace(run, touched_at=iso(services.clock.now())))
            stages.hand_out(services, view.connection, touched)


def _supersede(services: Services, former: Run) -> None:
    while former.outcome is Outcome.RUNNING:
        superseded = ended(former, iso(services.clock.now()), "superseded")
        try:
            services.runs.save(superseded)
        except Conflict:
            former = services.runs.get(former.scope, former.id) or superseded
        else:
            return
