"""Acts: runs that an admin or the calendar causes on single accounts, with one part for every shard.

Whoever was killed in the middle is taken up again by the timer: the messages of the parts that are not done are sent
once more, and a doubled one is harmless.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from shared.clock import iso, parse_iso
from shared.errors import Conflict
from sync.core.connection import Connection, ConnectionView, Reader, shards
from sync.core.messages import ChangesMessage
from sync.core.runs import Cause, Outcome, Run, Stage
from sync.usecases.sending import new_run
from sync.usecases.services import Services
from sync.usecases.stages import WIDTH, following, left

STANDSTILL = timedelta(minutes=5)
PAGE = 50  # runs read at once; most tenants have fewer in a day, so that one read is all they cost
PAGES = 40  # at most, of a tenant that never rests
LATELY = timedelta(days=1)  # an act older than that is looked for among the newest PAGE runs only
_WORK: Mapping[Cause, str] = {"undo": "undo", "retention": "retain"}


def begin(
    services: Services,
    connection: Connection,
    run_id: str,
    cause: Cause,
    *,
    by: str = "",
    of: str = "",
    shards_of: Sequence[str] | None = None,
) -> Run:
    """The act's run, made now or found. `shards_of` are the shards it works on, all if None."""
    parts = len(shards(connection.digits) if shards_of is None else shards_of)
    run = replace(new_run(services, connection, "act", cause, by=by), id=run_id, of=of, parts=parts)
    try:
        return services.runs.save(run)
    except Conflict:
        return services.runs.get(connection.scope, run_id) or run


def hand_out(services: Services, connection: Connection, run: Run) -> None:
    """Send the messages of the first parts that are not done; each of them hands out the one WIDTH further on, so that
    a giant's undo does not stand in its neighbours' way.
    """
    _send(services, connection, run, left(run)[:WIDTH])


def pass_on(services: Services, connection: Connection, run: Run, part: int) -> None:
    """Before a part is marked done: hand out the one that follows it. What a crash swallows, `resume` hands out."""
    _send(services, connection, run, following(run, part))


def _send(services: Services, connection: Connection, run: Run, parts: Iterable[int]) -> None:
    """Messages of acts carry the present epoch."""
    every = shards(connection.digits)
    for part in parts:
        services.queue.send(
            ChangesMessage(connection.id, connection.epoch, run.id, part, every[part], _WORK[run.cause])  # type: ignore[arg-type]
        )


def finish(services: Services, run: Run) -> Run:
    """End an act: complete when its parts are all done, else interrupted."""
    return _end(services, run, "" if len(run.done_parts) >= run.parts else "interrupted")


def _end(services: Services, run: Run, error: str) -> Run:
    ended = replace(
        run,
        stage=Stage.DONE,
        outcome=Outcome.INCOMPLETE if error else Outcome.COMPLETE,
        error=error,
        finished_at=iso(services.clock.now()),
    )
    with contextlib.suppress(Conflict):  # somebody else ended it
        return services.runs.save(ended)
    return ended


def resume(services: Services, view: ConnectionView) -> None:
    """Take up acts that stand still, and end passes and revisits that nobody goes on with."""
    connection, reader = view.connection, view.reader
    now = services.clock.now()
    for run in _recent(services, connection):
        moved = parse_iso(run.touched_at or run.started_at)
        if run.outcome is not Outcome.RUNNING or now - moved <= STANDSTILL:
            continue
        if run.kind == "act":
            _take_up(services, connection, run)
        elif _unknown(run, reader):  # another took its place
            _end(services, run, "interrupted")


def _unknown(run: Run, reader: Reader) -> bool:
    """Whether a pass or revisit was begun by a worker that was killed before the reader knew of it."""
    return run.kind in {"pass", "revisit"} and run.id not in {reader.pass_run, reader.revisit_run}


def _take_up(services: Services, connection: Connection, run: Run) -> None:
    """An act that has no messages wrote its account in one transaction, or did not: the activity tells which. One
    whose parts are all done wants nothing but to be ended.
    """
    if run.cause not in _WORK or len(run.done_parts) >= run.parts:
        finish(services, run)
        return
    with contextlib.suppress(Conflict):  # it moves after all
        touched = services.runs.save(replace(run, touched_at=iso(services.clock.now())))
        _send(services, connection, touched, left(touched))


def _recent(services: Services, connection: Connection) -> Iterator[Run]:
    """The newest page of runs, however old they are, and the others of LATELY: a busy tenant's pulls soon push an act
    off the first page.
    """
    since, cursor = services.clock.now() - LATELY, ""
    for _ in range(PAGES):
        runs, cursor = services.runs.page(connection.scope, cursor, PAGE)
        yield from runs
        if not cursor or parse_iso(runs[-1].started_at) < since:
            return
