"""The end of a full pass: its cursors are taken over, the guard learns the head count, Graph is asked to notify."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from shared.clock import iso
from shared.errors import Conflict, NeedsAdmin, Transient
from shared.events import log
from sync.core.connection import Connection, ConnectionState, ConnectionView, FeedState, Reader, shards
from sync.core.guard import limit_of
from sync.core.messages import PullMessage
from sync.core.model import FEEDS
from sync.core.runs import Run, ended
from sync.usecases import certificate, managers, subscribe
from sync.usecases.rows import update_connection, update_reader
from sync.usecases.services import Services
from sync.usecases.staged import ADDRESSES, BALANCES, CONTESTED, MANAGERS, MATCHES, MEMBERS, REMOVALS


def finish(services: Services, view: ConnectionView, run: Run) -> None:
    """A pass or a revisit is complete. Raises Conflict when somebody else finishes it."""
    done = services.runs.save(ended(run, iso(services.clock.now())))
    counts = run.counts
    log(
        "pass.finished" if run.kind == "pass" else "revisit.finished",
        connection=view.connection.id,
        run=run.id,
        created=counts.get("create", 0) + counts.get("link", 0),
        updated=counts.get("update", 0) + counts.get("reactivate", 0),
        deactivated=counts.get("deactivate", 0),
        held=counts.get("held", 0),
    )
    if run.kind == "revisit":
        measure(services, view.connection)
        services.staging.clear(run.scope, f"{run.id}{REMOVALS}")
        update_reader(services, view.connection.id, lambda reader: _without_revisit(reader, run))
        return
    close(services, view, done)


def _without_revisit(reader: Reader, run: Run) -> Reader:
    return replace(reader, revisit_run="") if reader.revisit_run == run.id else reader


def close(services: Services, view: ConnectionView, run: Run) -> None:
    """After a complete pass: its deltaLinks become the cursors, and what changed since it began is pulled.

    May be repeated: until the reader forgets the pass, the nudge of `tick` comes back here.
    """
    update_connection(services, view.connection.id, _connected)
    if run.first:
        log("connection.connected", connection=view.connection.id, epoch=view.connection.epoch)
    _watch(services, view.connection.id)
    measure(services, view.connection)
    certificate.issue(services, view.connection, run)
    managers.keep(services, view.connection, run)
    for name in ("", REMOVALS, MEMBERS, ADDRESSES, BALANCES, MATCHES, CONTESTED, MANAGERS):
        services.staging.clear(run.scope, f"{run.id}{name}")
    update_reader(services, view.connection.id, lambda reader: _with_cursors(reader, run))
    now = iso(services.clock.now())
    for feed in FEEDS:
        if feed not in run.frozen:
            services.queue.send(PullMessage(view.connection.id, view.connection.epoch, feed, "timer", now))


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
            feeds[feed] = FeedState(
                run.delta_links[feed], "", run.started_at, run.started_at, run.selected if feed == "users" else ()
            )
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


def measure(services: Services, connection: Connection) -> None:
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


def _connected(connection: Connection) -> Connection:
    if not connection.live or (connection.first_pass_done and connection.state is not ConnectionState.IMPORTING):
        return connection
    return replace(connection, first_pass_done=True, state=ConnectionState.CONNECTED)
