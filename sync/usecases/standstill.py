"""Runs that stand still: whoever worked on them was killed, or their connection has ended.

An act is taken up again. Every other run has somebody who goes on where it ended (the reader with its pass and its
revisit, the next pull with what a killed one had read), so one that nobody works on is only ended: no run is under way
for ever. A pull's messages may still come, from a queue that was slow or from the poison queue: they are applied and
counted as ever, and the last of them makes it complete.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from shared.clock import iso, parse_iso
from shared.errors import Conflict
from sync.core.connection import Connection, ConnectionView
from sync.core.runs import Outcome, Run, ended
from sync.usecases import acts
from sync.usecases.services import Services

STANDSTILL = timedelta(minutes=5)  # of a run whose messages are taken up again, or that has none
QUEUED = timedelta(minutes=30)  # of a pull: far beyond what its messages wait in a queue that is worked on
PAGE = 50  # runs read at once; most tenants have fewer in a day, so that one read is all they cost
PAGES = 40  # at most, of a tenant that never rests
LATELY = timedelta(days=1)  # a run older than that is looked for among the newest PAGE runs only


def sweep(services: Services, view: ConnectionView) -> None:
    """Take up the acts that stand still, and end the other runs that nobody goes on with."""
    now = services.clock.now()
    for run in _recent(services, view.connection):
        still = now - parse_iso(run.touched_at or run.started_at)
        if run.outcome is not Outcome.RUNNING or still <= STANDSTILL:
            continue
        if run.kind == "act":
            acts.take_up(services, view.connection, run)
        elif _abandoned(run, view, still):
            _end(services, run, "interrupted")


def end(services: Services, connection: Connection) -> None:
    """End what was under way for a connection that is disconnected. Acts stay: connected again, they go on."""
    for run in _recent(services, connection):
        if run.outcome is Outcome.RUNNING and run.kind != "act":
            _end(services, run, "disconnected")


def _end(services: Services, run: Run, code: str) -> None:
    done = ended(run, iso(services.clock.now()), code)
    with contextlib.suppress(Conflict):  # it moves after all, or somebody else ended it
        services.runs.save(replace(done, stage=run.stage) if run.kind == "pull" else done)


def _abandoned(run: Run, view: ConnectionView, still: timedelta) -> bool:
    if (run.connection, run.epoch) != (view.connection.id, view.connection.epoch):
        return True  # its messages are no-ops
    if run.kind == "pull":
        return still > QUEUED
    return run.id not in {view.reader.pass_run, view.reader.revisit_run}  # another took its place


def _recent(services: Services, connection: Connection) -> Iterator[Run]:
    """The newest page of runs, however old they are, and the others of LATELY: a busy tenant's pulls soon push a run
    off the first page.
    """
    since, cursor = services.clock.now() - LATELY, ""
    for _ in range(PAGES):
        runs, cursor = services.runs.page(connection.scope, cursor, PAGE)
        yield from runs
        if not cursor or parse_iso(runs[-1].started_at) < since:
            return
