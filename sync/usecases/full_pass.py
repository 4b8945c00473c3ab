"""A full pass: everything is read from scratch, block by block, and then compared shard by shard.

The first import and the daily reconciliation are this same code. One message reads one block under the lease and
enqueues the next, so pulls get their turn between blocks; a killed worker repeats at most one block. Nothing is
concluded from a pass that did not reach the deltaLink of a feed.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from datetime import timedelta

from shared import metering
from shared.clock import iso, parse_iso
from shared.errors import Conflict, NeedsAdmin, Transient
from shared.events import log
from sync.core.connection import ConnectionState, ConnectionView, Reader
from sync.core.mapping import select_of
from sync.core.messages import PassMessage
from sync.core.model import FEEDS, FeedName, Page
from sync.core.runs import Outcome, Run, Stage, ended
from sync.core.trail import EndlessFeed, Trail
from sync.ports import CursorExpired
from sync.usecases import closing, endless, health, lease, passgroups, settle, stages, start
from sync.usecases.rows import update_reader
from sync.usecases.sending import GROUPS, new_run
from sync.usecases.services import Services
from sync.usecases.staged import Block

BLOCK_PAGES, BLOCK_BYTES, BLOCK_TIME = 100, 8_000_000, timedelta(seconds=20)
BUSY = timedelta(seconds=1)  # how soon to look again while a pull holds the lease
STANDSTILL = timedelta(minutes=2)  # between two steps of a pass
PARTS_STANDSTILL = timedelta(minutes=15)  # while parts are worked on: a killed worker's message shows again after 10
RETRY = timedelta(minutes=5)  # how soon after an incomplete pass the next one may begin


def run(services: Services, message: PassMessage) -> None:
    """Take a pass one step further. A message of an older epoch or an overtaken block is a no-op."""
    metering.restart()
    view = services.connections.load(message.connection)
    if view is None or not view.connection.live or view.connection.epoch != message.epoch:
        return
    current = services.runs.get(view.connection.scope, message.run or view.reader.pass_run)
    if not message.run and (current is None or current.outcome is not Outcome.RUNNING):
        _begin(services, view, message)
        return
    if current is None:
        return
    if current.stage is not Stage.READING:
        _nudge(services, view, current)
    elif not current.feed:
        _staged(services, view, current)
    elif message.block in {-1, current.block}:
        _read_block(services, view, message, current)
    elif message.block == current.block - 1:  # our own repetition: the next message may not have been sent
        services.queue.send(replace(message, run=current.id, block=current.block))


def _nudge(services: Services, view: ConnectionView, current: Run) -> None:
    """Take up a step that was begun and not finished."""
    if current.stage is Stage.DONE:
        if view.reader.pass_run == current.id and current.outcome is Outcome.COMPLETE:
            closing.close(services, view, current)
    elif current.stage is Stage.WAITING:
        if view.connection.state is ConnectionState.IMPORTING:  # Start was pressed, and its worker killed
            start.go_on(services, view)
    elif current.parts and len(current.done_parts) >= current.parts:
        settle.move_on(services, view, current)
    else:
        with contextlib.suppress(Conflict):  # it moves after all
            touched = services.runs.save(replace(current, touched_at=iso(services.clock.now())))
            stages.hand_out(services, view.connection, touched)


def stands_still(services: Services, current: Run) -> bool:
    """Whether nothing moved a pass on for a while."""
    working = current.stage in stages.WORK and len(current.done_parts) < current.parts
    patience = PARTS_STANDSTILL if working else STANDSTILL
    return services.clock.now() - parse_iso(current.touched_at or current.started_at) > patience


def _begin(services: Services, view: ConnectionView, message: PassMessage) -> None:
    reader = lease.take(services, view)
    if reader is None:
        services.queue.send(message, delay=BUSY)
        return
    by = view.connection.settings_by if message.cause == "settings" else message.by
    begun = replace(
        new_run(services, view.connection, "pass", message.cause, by=by),
        stage=Stage.READING,
        first=not view.connection.first_pass_done,
        start_order=lease.order_for(view, reader, 0),
        feed="users",
        selected=select_of(view.connection.settings),
    )
    services.runs.save(begun)
    services.queue.send(replace(message, run=begun.id, block=0))
    lease.give_back(services, view, replace(reader, pass_run=begun.id))
    log("pass.started", connection=view.connection.id, run=begun.id, cause=message.cause)


def _read_block(services: Services, view: ConnectionView, message: PassMessage, current: Run) -> None:
    pause = lease.pause(services, view.reader)
    reader = None if pause else lease.take(services, view)
    if reader is None:
        services.queue.send(replace(message, run=current.id, block=current.block), delay=pause or BUSY)
        return
    try:
        after = _block(services, view, reader, current)
    except Transient as error:
        delay = health.failed(services, view, reader, "pull.failed", error, feed=current.feed)
        services.queue.send(replace(message, run=current.id, block=current.block), delay=delay)
        return
    except CursorExpired:
        _abandon(services, view, reader, current, "cursor_expired")
        services.queue.send(PassMessage(view.connection.id, view.connection.epoch, cause="reset"), delay=BUSY)
        return
    except EndlessFeed:
        _abandon(services, view, reader, current, "endless_feed", pause=RETRY)
        return
    except NeedsAdmin as error:
        _refused(services, view, reader, current, message, error)
        return
    _checkpoint(services, view, reader, message, after)


def _checkpoint(services: Services, view: ConnectionView, reader: Reader, message: PassMessage, after: Run) -> None:
    try:
        saved = services.runs.save(after)
    except Conflict:  # a slower reader of the same block: its lease is gone, or will be in a moment
        return
    if saved.feed:
        services.queue.send(replace(message, run=saved.id, block=saved.block))
    lease.give_back(services, view, replace(reader, failures=0, suspect_code="", suspect_since=""))
    if not saved.feed:
        _staged(services, view, saved)


def _staged(services: Services, view: ConnectionView, saved: Run) -> None:
    health.recovered(services, view)
    if GROUPS not in saved.frozen and passgroups.told_nothing(services, view.connection, saved):
        saved = replace(saved, frozen=(*saved.frozen, GROUPS))
        log("pass.no_groups", logging.WARNING, connection=view.connection.id, run=saved.id)
    if GROUPS not in saved.frozen:
        saved = replace(saved, kept_groups=passgroups.kept(services, view.connection, saved))
    entered = stages.enter(services, view, saved, Stage.GROUPING, {})
    log("pass.staged", connection=view.connection.id, run=entered.id, parts=entered.parts)


def _block(services: Services, view: ConnectionView, reader: Reader, current: Run) -> Run:
    """Read, stage, and say where the pass stands after this block. Writes nothing but the staged rows."""
    feed: FeedName = current.feed or "users"
    block, pages, cursor = Block(view.connection.digits), list[Page](), current.cursor
    deadline = services.clock.now() + BLOCK_TIME
    number, done, trail = 0, False, current.trail
    endless.check_length(services, view.connection, trail)
    while not done and number < BLOCK_PAGES and block.size < BLOCK_BYTES and services.clock.now() < deadline:
        order = lease.order_for(view, reader, number + 1)
        page = services.directory.read_page(
            view.connection, feed, cursor, order=order, full=True, select=current.selected
        )
        number += 1
        block.add(page)
        if feed == GROUPS:
            pages.append(passgroups.gist(page))
        done, cursor = page.delta_link is not None, page.next_link or ""
        delta_link = page.delta_link
        if cursor:
            trail = trail.followed(cursor)
    rows = block.encoded()
    rows.update(passgroups.encoded(pages))
    services.staging.put(view.connection.scope, current.id, current.block, rows)
    log(
        "pass.block",
        connection=view.connection.id,
        run=current.id,
        feed=feed,
        block=current.block,
        pages=number,
        items=block.items,
    )
    after = replace(
        current,
        cursor=cursor,
        trail=trail,
        block=current.block + 1,
        read=current.read + block.items,
        touched_at=iso(services.clock.now()),
        counts=metering.added(current.counts),
    )
    return _next_feed(after, feed, delta_link) if done and delta_link else after


def _next_feed(current: Run, feed: FeedName, delta_link: str) -> Run:
    links = {**current.delta_links, feed: delta_link} if delta_link else current.delta_links
    following = FEEDS[FEEDS.index(feed) + 1 :]
    return replace(current, delta_links=links, cursor="", trail=Trail(), feed=following[0] if following else "")


def _refused(
    services: Services, view: ConnectionView, reader: Reader, current: Run, message: PassMessage, error: NeedsAdmin
) -> None:
    """Without the right to groups, people go on and groups stay as they are; without people, the pass ends."""
    if current.feed == GROUPS and error.code == "permission_missing":
        after = _next_feed(replace(current, frozen=(*current.frozen, GROUPS), block=current.block + 1), "groups", "")
        _checkpoint(services, view, reader, message, after)
        return
    if health.suspect(services, view, reader, error):
        _abandon(services, view, None, current, error.code, pause=RETRY)
    else:
        services.queue.send(replace(message, run=current.id, block=current.block), delay=health.CONFIRM_AFTER)


def _abandon(
    services: Services,
    view: ConnectionView,
    reader: Reader | None,
    current: Run,
    code: str,
    *,
    pause: timedelta = timedelta(0),
) -> None:
    """End a pass as incomplete: nothing is concluded from it, nobody is removed. The tenant is left alone for `pause`.
    `reader` is the one who holds the lease; None when it was given back already.
    """
    services.runs.save(ended(current, iso(services.clock.now()), code))
    log("pass.incomplete", connection=view.connection.id, run=current.id, code=code)
    services.staging.clear(current.scope, current.id)
    later = iso(services.clock.now() + pause) if pause else ""

    def without_pass(found: Reader) -> Reader:
        return replace(found, pass_run="", retry_at=later or found.retry_at)

    if reader is not None:
        lease.give_back(services, view, without_pass(reader))
    else:
        update_reader(services, view.connection.id, without_pass)
