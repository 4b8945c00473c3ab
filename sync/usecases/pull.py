"""A pull: a feed is read from its cursor to the next deltaLink, and its changes are handed to `apply`.

With nothing changed it costs one Graph call and three storage operations (read, lease, cursor), whatever the size
of the tenant. Changes are durable in the queue before the cursor moves on (write-ahead): a killed worker makes the
next one read the same pages again, under a higher order.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from shared import metering
from shared.clock import iso, parse_iso
from shared.errors import Conflict, NeedsAdmin, Transient
from shared.events import log
from sync.core.connection import ConnectionView, FeedState, Reader
from sync.core.merge import fold_edges, fold_groups, fold_page
from sync.core.messages import PassMessage, PullMessage
from sync.core.model import GroupChange, MembershipChange, Page
from sync.core.trail import EndlessFeed, Trail
from sync.ports import CursorExpired
from sync.usecases import emptied, endless, health, lease
from sync.usecases.sending import GROUPS, Change, cut, hand_over, new_run
from sync.usecases.services import Services

BUSY = timedelta(seconds=1)
LOOK_AGAIN = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=60))  # replication lag
CONFIRMING = len(LOOK_AGAIN) + 1  # the attempt of a message that asks again after a refusal
CURSOR_LIFE = timedelta(days=6, hours=12)  # Microsoft forgets a delta token after 7 days (microsoft-facts §1.5)
BLOCK_PAGES, BLOCK_CHANGES = 50, 5_000  # one block is one run; a longer round goes on in the next


class _Block(NamedTuple):
    pages: int
    changes: Sequence[Change]
    next_link: str
    delta_link: str
    trail: Trail


def run(services: Services, message: PullMessage) -> None:
    """Pull a feed. A message of an older epoch is a no-op; a busy lease or a passing fault gives the work back."""
    metering.restart()
    view = services.connections.load(message.connection)
    if view is None or not view.connection.live or view.connection.epoch != message.epoch:
        return
    feed = view.reader.feeds.get(message.feed, FeedState())
    if feed.frozen or not (feed.delta_link or feed.next_link):
        return  # nothing to go on from: the full pass that is under way, or due, brings a cursor
    if not message.hinted and feed.pulled_at > message.noticed_at:
        log("pull.covered", connection=view.connection.id, feed=message.feed)
        return
    if _expired(services, feed):
        _begin_pass(services, view, message)
        return
    if pause := lease.pause(services, view.reader):  # whoever comes first afterwards reads for all who wait
        services.queue.send(replace(message, hinted=()), delay=pause)
        return
    reader = lease.take(services, view)
    if reader is None:
        log("pull.busy", connection=view.connection.id, feed=message.feed)
        services.queue.send(message, delay=BUSY)
        return
    _pull(services, view, reader, message, feed)


def _pull(services: Services, view: ConnectionView, reader: Reader, message: PullMessage, feed: FeedState) -> None:
    began = services.clock.now()
    try:
        block = _read(services, view, reader, message, feed)
        sent = _hand_over(services, view, message, block, iso(began))
        _move_cursor(services, view, reader, message, feed, block, iso(began))
    except CursorExpired:
        _forget_cursor(services, view, reader, message)
        _begin_pass(services, view, message)
        return
    except NeedsAdmin as error:
        _refused(services, view, reader, message, feed, error)
        return
    except EndlessFeed:
        delay = _start_over(services, view, reader, message, feed)
        services.queue.send(message, delay=delay)
        return
    except Transient as error:
        delay = health.failed(services, view, reader, "pull.failed", error, feed=message.feed)
        services.queue.send(message, delay=delay)
        return
    except Conflict:  # the lease was lost, or a full pass moved the cursors: what was handed over stays valid
        services.queue.send(message, delay=BUSY)
        return
    health.recovered(services, view)
    log(
        "pull.finished",
        connection=view.connection.id,
        feed=message.feed,
        run=sent,
        cause=message.cause,
        pages=block.pages,
        changes=len(block.changes),
        milliseconds=round((services.clock.now() - began).total_seconds() * 1000),
    )
    _go_on(services, message, block)


def _refused(
    services: Services, view: ConnectionView, reader: Reader, message: PullMessage, feed: FeedState, error: NeedsAdmin
) -> None:
    """Ask again before it is believed. Without the right to groups alone, people go on and groups stay as they are
    until a full pass may read them again.
    """
    again = replace(message, hinted=(), attempt=CONFIRMING)
    if message.feed != GROUPS or error.code != "permission_missing":
        if not health.suspect(services, view, reader, error):
            services.queue.send(again, delay=health.CONFIRM_AFTER)
        return
    confirmed = message.attempt == CONFIRMING
    feeds = {**reader.feeds, message.feed: replace(feed, frozen=error.code)} if confirmed else reader.feeds
    lease.give_back(services, view, replace(reader, feeds=feeds))
    log("pull.failed", logging.WARNING, connection=view.connection.id, feed=message.feed, code=error.code)
    if not confirmed:
        services.queue.send(again, delay=health.CONFIRM_AFTER)


def _read(services: Services, view: ConnectionView, reader: Reader, message: PullMessage, feed: FeedState) -> _Block:
    cursor, changes, pages, trail = feed.next_link or feed.delta_link, list[Change](), 0, feed.trail
    endless.check_length(services, view.connection, trail)
    while True:
        order = lease.order_for(view, reader, pages + 1)
        page = services.directory.read_page(
            view.connection, message.feed, cursor, order=order, full=False, select=feed.selected
        )
        pages += 1
        changes.extend(_changes(page))
        if page.next_link is None:
            return _Block(pages, changes, "", page.delta_link or "", trail)
        cursor, trail = page.next_link, trail.followed(page.next_link)
        if pages >= BLOCK_PAGES or len(changes) >= BLOCK_CHANGES:
            return _Block(pages, changes, cursor, "", trail)


def _changes(page: Page) -> list[Change]:
    return [*fold_page(page.users), *fold_groups(page.groups), *fold_edges(page.memberships)]


def _kinds_found(services: Services, view: ConnectionView, changes: Sequence[Change]) -> Sequence[Change]:
    """The changes, with members that Graph told by their id only marked as groups where they are known to be. A group
    that is first heard of later is put right by the next full pass.
    """
    untold = {one.member_id for one in changes if isinstance(one, MembershipChange) and not one.member_type}
    if not untold:
        return changes
    groups = {one.object_id for one in changes if isinstance(one, GroupChange)}
    groups |= services.groups.load(view.connection.scope, sorted(untold - groups)).keys()
    return [
        replace(one, member_type="group")
        if isinstance(one, MembershipChange) and not one.member_type and one.member_id in groups
        else one
        for one in changes
    ]


def _hand_over(services: Services, view: ConnectionView, message: PullMessage, block: _Block, began: str) -> str:
    """Make the changes durable, as a run. Returns its id; empty when there are none."""
    parts = cut(_kinds_found(services, view, block.changes), view.connection.digits)
    if not parts:
        return ""
    run = replace(
        new_run(services, view.connection, "pull", message.cause, by=message.by),
        started_at=began,
        noticed_at=message.noticed_at,
        feed=message.feed,
        read=len(block.changes),
        counts=metering.taken(),
    )
    emptied.note(services, view.connection, run.id, block.changes)
    return hand_over(services, view.connection, run, parts).id


def _move_cursor(
    services: Services,
    view: ConnectionView,
    reader: Reader,
    message: PullMessage,
    feed: FeedState,
    block: _Block,
    began: str,
) -> None:
    if block.delta_link:
        moved = FeedState(
            delta_link=block.delta_link,
            delta_at=iso(services.clock.now()),
            pulled_at=began,
            selected=feed.selected,
        )
    else:
        moved = replace(feed, next_link=block.next_link, trail=block.trail)
    after = replace(
        reader,
        feeds={**reader.feeds, message.feed: moved},
        failures=0,
        retry_at="",
        suspect_code="",
        suspect_since="",
    )
    lease.give_back(services, view, after)


def _go_on(services: Services, message: PullMessage, block: _Block) -> None:
    """Read the rest of a long round; or look again for what a notification named and the feed does not show yet."""
    if block.next_link:
        services.queue.send(message)
        return
    seen = {change.object_id for change in block.changes if hasattr(change, "object_id")}
    missing = tuple(object_id for object_id in message.hinted if object_id not in seen)
    if missing and message.attempt < len(LOOK_AGAIN):
        again = replace(message, hinted=missing, attempt=message.attempt + 1)
        services.queue.send(again, delay=LOOK_AGAIN[message.attempt])


def _start_over(
    services: Services, view: ConnectionView, reader: Reader, message: PullMessage, feed: FeedState
) -> timedelta:
    """Forget how far a round came that does not end, and read it again from its deltaLink, after a while. What it told
    stays applied; the next full pass brings another deltaLink.
    """
    again = replace(feed, next_link="", trail=Trail())
    after = replace(reader, feeds={**reader.feeds, message.feed: again})
    error = Transient("Graph's pages do not end", retry_after=endless.PAUSE)
    return health.failed(services, view, after, "pull.failed", error, feed=message.feed)


def _expired(services: Services, feed: FeedState) -> bool:
    return bool(feed.delta_at) and services.clock.now() - parse_iso(feed.delta_at) > CURSOR_LIFE


def _forget_cursor(services: Services, view: ConnectionView, reader: Reader, message: PullMessage) -> None:
    feeds = {**reader.feeds, message.feed: FeedState()}
    try:
        lease.give_back(services, view, replace(reader, feeds=feeds))
    except Conflict:
        return  # somebody else reads with this cursor now and will find the same


def _begin_pass(services: Services, view: ConnectionView, message: PullMessage) -> None:
    log("pull.expired", logging.WARNING, connection=view.connection.id, feed=message.feed)
    services.queue.send(PassMessage(view.connection.id, view.connection.epoch, cause="reset"))
