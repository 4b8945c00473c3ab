"""The minute's timer: what is due is worked out from stored times, never from how often the timer fired.

It only enqueues. A late, missed or doubled tick changes nothing but when things happen.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from shared.clock import iso, parse_iso
from shared.errors import NeedsAdmin, Transient
from shared.events import log
from sync.core.attributes import is_directory_extension
from sync.core.connection import Connection, ConnectionState, ConnectionView, FeedState
from sync.core.mapping import select_of, unselected
from sync.core.messages import MailMessage, PassMessage, PullMessage
from sync.core.model import FEEDS
from sync.core.runs import Outcome
from sync.core.silence import silent_since
from sync.usecases import connect, full_pass, holds, purge, release, revisit, settings_change, standstill, subscribe
from sync.usecases.services import Services

MAIL_SWEEP = timedelta(minutes=10)  # a due mail older than this has lost its message
_IMPORTED = {ConnectionState.CONNECTED, ConnectionState.ATTENTION}


def run(services: Services) -> None:
    """Enqueue what is due for every connection. One connection's trouble does not stop the others'."""
    began = services.clock.now()
    counts = {"connections": 0, "pulls": 0, "passes": 0, "renewals": 0}
    for view in services.connections.scan():
        counts["connections"] += 1
        try:
            _one(services, view, began, counts)
        except (Transient, NeedsAdmin) as error:
            code = error.code if isinstance(error, NeedsAdmin) else "transient"
            log("pull.failed", logging.WARNING, connection=view.connection.id, feed="", code=code)
    for queue, messages in services.queue.poison_counts().items():
        if messages:
            log("poison.waiting", logging.ERROR, queue=queue, messages=messages)
    if began.hour == 3 and began.minute == 0:
        services.once.sweep(began)
    milliseconds = round((services.clock.now() - began).total_seconds() * 1000)
    log("tick.finished", **counts, milliseconds=milliseconds)


def _one(services: Services, view: ConnectionView, now: datetime, counts: dict[str, int]) -> None:
    connection = view.connection
    if connection.state is ConnectionState.AWAITING_CONSENT and connection.waiting_since:
        connect.prove_waiting(services, connection.id)
        return
    if not connection.live:
        return
    if view.reader.retry_at and view.reader.retry_at > iso(now):
        _listen(services, view, now)
        return
    settings_change.settle(services, view)
    counts["passes"] += _pass_due(services, view, now)
    if view.reader.revisit_run:
        _revisit_due(services, view)
    if connection.state in _IMPORTED:
        counts["pulls"] += _pulls_due(services, view, now)
    if connection.state in {*_IMPORTED, ConnectionState.IMPORTING}:
        counts["renewals"] += subscribe.ensure(services, view) != view.watch
        _mails_due(services, view, now)
    if now.minute % 10 == 0:
        _listen(services, view, now)
        holds.expire(services, connection.scope)
        holds.end_moot(services, connection)
        release.resume(services, connection)
        standstill.sweep(services, view)
        purge.begin_when_due(services, view, now)


def _listen(services: Services, view: ConnectionView, now: datetime) -> None:
    """Say so, every ten minutes, when there was no success for too long: failing quietly is failing."""
    pace = services.settings
    since = silent_since(
        view.connection,
        view.reader,
        now,
        pull_interval=pace.pull_interval,
        full_pass_interval=pace.full_pass_interval,
    )
    if since and now.minute % 10 == 0:
        minutes = round((now - parse_iso(since)).total_seconds() / 60)
        log("connection.silent", logging.WARNING, connection=view.connection.id, minutes=minutes)


def _pulls_due(services: Services, view: ConnectionView, now: datetime) -> int:
    connection, sent = view.connection, 0
    for feed in FEEDS:
        state = view.reader.feeds.get(feed, FeedState())
        due = not state.pulled_at or now - parse_iso(state.pulled_at) >= _seconds(services.settings.pull_interval)
        if due and (state.delta_link or state.next_link) and not state.frozen:
            services.queue.send(PullMessage(connection.id, connection.epoch, feed, "timer", iso(now)))
            sent += 1
    return sent


def _pass_due(services: Services, view: ConnectionView, now: datetime) -> int:
    connection, reader = view.connection, view.reader
    if reader.pass_run:
        current = services.runs.get(connection.scope, reader.pass_run)
        if current is None or full_pass.stands_still(services, current):
            services.queue.send(PassMessage(connection.id, connection.epoch, reader.pass_run if current else ""))
            return 1
        return 0
    if connection.first_pass_done:
        cursorless = any(
            not (feed.delta_link or feed.frozen) for feed in (reader.feeds.get(name, FeedState()) for name in FEEDS)
        )
        waited = now - parse_iso(reader.passed_at) if reader.passed_at else None
        unfit = _unfit(connection, reader.feeds.get("users", FeedState()))
        due = waited is None or cursorless or unfit or waited >= _seconds(services.settings.full_pass_interval)
        cause = "settings" if unfit else "reconcile"
    else:
        due, cause = True, "first"
    since = reader.suspect_since or connection.connected_at
    if due and cause == "first" and since and now - parse_iso(since) < timedelta(minutes=1):
        return 0  # its first message is on its way
    if due:
        services.queue.send(PassMessage(connection.id, connection.epoch, cause=cause))  # type: ignore[arg-type]
    return int(due)


def _unfit(connection: Connection, feed: FeedState) -> bool:
    """Whether the settings need attributes that this cursor does not tell, or it tells a directory extension that was
    taken out of them: Graph refuses every read that names one the tenant no longer has.
    """
    superfluous = {*feed.selected} - {*select_of(connection.settings)}
    return bool(unselected(connection.settings, feed.selected)) or any(map(is_directory_extension, superfluous))


def _revisit_due(services: Services, view: ConnectionView) -> None:
    current = services.runs.get(view.connection.scope, view.reader.revisit_run)
    if current is None or current.outcome is not Outcome.RUNNING or full_pass.stands_still(services, current):
        revisit.nudge(services, view)


def _mails_due(services: Services, view: ConnectionView, now: datetime) -> None:
    if now.minute % 10:
        return
    connection = view.connection
    for mail in services.mails.due(connection.tenant_id, now - MAIL_SWEEP):
        services.queue.send(MailMessage(connection.id, connection.epoch, mail.object_id, mail.generation))


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)
