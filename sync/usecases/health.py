"""What a failure means for a connection: passing faults never change its health; a lost right is confirmed first.

One 401 or 403 proves nothing (a token may be stale, a replica behind): only the second one, at least CONFIRM_FOR
later, makes the connection need attention. The first success afterwards makes it well again.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from datetime import timedelta

from shared.clock import iso, parse_iso
from shared.errors import Conflict, NeedsAdmin, Transient
from shared.events import log
from sync.core.connection import ConnectionState, ConnectionView, Problem, Reader
from sync.usecases import lease
from sync.usecases.services import Services

CONFIRM_AFTER = timedelta(seconds=65)
CONFIRM_FOR = timedelta(seconds=60)
FIRST_BACKOFF, LONGEST_BACKOFF = 5.0, 600.0


def failed(
    services: Services, view: ConnectionView, reader: Reader, event: str, error: Transient, *, feed: str
) -> timedelta:
    """Note a passing fault, free the lease, and say how long to wait: what the server said, else longer each time."""
    backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(reader.failures, 10))
    delay = timedelta(seconds=error.retry_after if error.retry_after is not None else backoff)
    after = replace(reader, failures=reader.failures + 1, retry_at=iso(services.clock.now() + delay))
    with contextlib.suppress(Conflict):  # the lease was lost meanwhile: whoever has it keeps its own count
        lease.give_back(services, view, after)
    log(
        event,
        logging.WARNING,
        connection=view.connection.id,
        feed=feed,
        code="transient",
        retry_after=round(delay.total_seconds()),
    )
    return delay


def suspect(services: Services, view: ConnectionView, reader: Reader, error: NeedsAdmin) -> bool:
    """Note a lost right and free the lease. True once it is confirmed: then the connection needs attention."""
    now = services.clock.now()
    confirmed = reader.suspect_code and now - parse_iso(reader.suspect_since) >= CONFIRM_FOR
    since = reader.suspect_since if reader.suspect_code else iso(now)
    lease.give_back(services, view, replace(reader, suspect_code=error.code, suspect_since=since))
    if confirmed:
        attention(services, view, error, since)
    return bool(confirmed)


def attention(services: Services, view: ConnectionView, error: NeedsAdmin, since: str) -> None:
    """Show the admin what to do."""
    connection = view.connection
    if connection.problem is not None and connection.problem.code == error.code:
        return
    state = connection.state if connection.state is ConnectionState.AWAITING_START else ConnectionState.ATTENTION
    try:
        services.connections.save(replace(connection, state=state, problem=Problem(error.code, error.remedy, since)))
    except Conflict:
        return  # somebody is changing it; the next failure comes back here
    log("connection.attention", logging.WARNING, connection=connection.id, code=error.code)


def recovered(services: Services, view: ConnectionView) -> None:
    """A feed was read: whatever was wrong with the rights is mended."""
    connection = view.connection
    if connection.problem is None:
        return
    state = connection.state
    if state is ConnectionState.ATTENTION:
        state = ConnectionState.CONNECTED if connection.first_pass_done else ConnectionState.IMPORTING
    try:
        services.connections.save(replace(connection, state=state, problem=None))
    except Conflict:
        return
    log("connection.recovered", connection=connection.id)
