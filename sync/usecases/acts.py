"""Acts: runs that an admin or the calendar causes on single accounts, with one part for every shard.

Whoever was killed in the middle is taken up again (`standstill`): the messages of the parts that are not done are sent
once more, and a doubled one is harmless.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from shared.clock import iso
from shared.errors import Conflict
from sync.core.connection import Connection, shards
from sync.core.messages import ChangesMessage
from sync.core.runs import Cause, Run, ended
from sync.usecases.sending import new_run
from sync.usecases.services import Services
from sync.usecases.stages import WIDTH, following, left

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
    """Before a part is marked done: hand out the one that follows it. What a crash swallows, `take_up` hands out."""
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
    done = ended(run, iso(services.clock.now()), "" if len(run.done_parts) >= run.parts else "interrupted")
    with contextlib.suppress(Conflict):  # somebody else ended it
        return services.runs.save(done)
    return done


def take_up(services: Services, connection: Connection, run: Run) -> None:
    """Go on with an act that stands still. One that has no messages wrote its account in one transaction, or did not:
    the activity tells which. One whose parts are all done wants nothing but to be ended.
    """
    if run.cause not in _WORK or len(run.done_parts) >= run.parts:
        finish(services, run)
        return
    with contextlib.suppress(Conflict):  # it moves after all
        touched = services.runs.save(replace(run, touched_at=iso(services.clock.now())))
        _send(services, connection, touched, left(touched))
