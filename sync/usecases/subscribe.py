"""Graph subscriptions of a connection: created, renewed at half life, created anew when gone, never doubled.

`ensure` makes Graph and our watch row agree, whatever happened before: every step may have been done already, or
done with its answer lost. Graph allows one subscription per resource; on its 409 whatever holds the place is
removed, because a subscription's clientState cannot be read back and so nothing else proves that it is still ours.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.clock import iso
from shared.errors import Conflict, NeedsAdmin
from shared.events import log
from sync.core.connection import Connection, ConnectionView, Subscription, Watch
from sync.core.messages import PullMessage
from sync.core.model import FEEDS, FeedName
from sync.core.signing import client_state
from sync.core.subscription import LIFETIME, Deed, comparison_due, deeds
from sync.ports import RemoteSubscription
from sync.usecases.services import Services


def ensure(services: Services, view: ConnectionView) -> Watch:
    """Do what is due for both feeds and return the watch as it is stored now. Safe to repeat, and to run twice at
    once (the loser's Conflict ends here: the winner did it). Raises Transient and NeedsAdmin as the port does, after
    storing what was done until then.
    """
    connection, watch = view.connection, view.watch
    if not connection.live:
        return watch
    fresh: list[FeedName] = []
    try:
        if comparison_due(watch, services.clock.now()):
            watch = _compare(services, connection, watch)
        for feed, deed in deeds(watch, services.clock.now()).items():
            before = watch
            watch = _do(services, connection, watch, feed, deed)
            held = watch.subscriptions.get(feed)
            if held and held.subscription_id != _id(before, feed):
                fresh.append(feed)
    finally:
        watch = _store(services, view, watch)
    for feed in fresh:  # what happened while nobody told us
        services.queue.send(PullMessage(connection.id, connection.epoch, feed, "timer", iso(services.clock.now())))
    return watch


def drop(services: Services, view: ConnectionView) -> None:
    """Remove every subscription of the tenant, as far as Graph lets us: what stays ends by itself, unbelieved.
    Raises Transient or NeedsAdmin when Graph could not be asked.
    """
    connection = view.connection
    listed = services.subscriptions.list(connection)
    known = {held.subscription_id for held in view.watch.subscriptions.values()}
    for subscription_id in sorted(known | {remote.subscription_id for remote in listed}):
        services.subscriptions.delete(connection, subscription_id)


def _do(services: Services, connection: Connection, watch: Watch, feed: FeedName, deed: Deed) -> Watch:
    match deed:
        case Deed.CREATE:
            return _create(services, connection, watch, feed)
        case Deed.RENEW:
            return _renew(services, connection, watch, feed)
        case Deed.NOTHING:
            return watch


def _create(services: Services, connection: Connection, watch: Watch, feed: FeedName) -> Watch:
    settings = services.settings
    state = client_state(settings.signing_keys[0], connection.id, connection.tenant_id, feed, connection.epoch)
    expires_at = services.clock.now() + LIFETIME
    try:
        try:
            made = services.subscriptions.create(connection, feed, state, expires_at)
        except Conflict:
            _clear(services, connection, feed)
            made = services.subscriptions.create(connection, feed, state, expires_at)
    except NeedsAdmin as error:
        if error.code != "subscription_refused":
            raise
        log("subscription.refused", logging.WARNING, connection=connection.id, feed=feed)
        return _without(watch, feed, refused={**watch.refused, feed: iso(services.clock.now())})
    log("subscription.created", connection=connection.id, feed=feed)
    refused = {name: when for name, when in watch.refused.items() if name != feed}
    return _with(replace(watch, refused=refused), feed, made)


def _clear(services: Services, connection: Connection, feed: FeedName) -> None:
    """Remove what holds the place of a feed's subscription."""
    for remote in services.subscriptions.list(connection):
        if _feed(remote) == feed:
            services.subscriptions.delete(connection, remote.subscription_id)


def _renew(services: Services, connection: Connection, watch: Watch, feed: FeedName) -> Watch:
    held = watch.subscriptions[feed]
    renewed = services.subscriptions.renew(connection, held.subscription_id, services.clock.now() + LIFETIME)
    if renewed is not None:
        log("subscription.renewed", connection=connection.id, feed=feed)
        return _with(watch, feed, renewed)
    log("subscription.lost", logging.WARNING, connection=connection.id, feed=feed)
    return _create(services, connection, _without(watch, feed), feed)


def _compare(services: Services, connection: Connection, watch: Watch) -> Watch:
    """Forget what Graph no longer lists, and remove what it lists and we do not know (a create whose answer was
    lost, a connection of before).
    """
    listed = services.subscriptions.list(connection)
    present = {remote.subscription_id for remote in listed}
    for feed in FEEDS:
        held = watch.subscriptions.get(feed)
        if held and held.subscription_id not in present:
            log("subscription.lost", logging.WARNING, connection=connection.id, feed=feed)
            watch = _without(watch, feed)
    known = {held.subscription_id for held in watch.subscriptions.values()}
    for remote in _ours(services, listed):
        if remote.subscription_id not in known:
            services.subscriptions.delete(connection, remote.subscription_id)
    return replace(watch, checked_at=iso(services.clock.now()))


def _ours(services: Services, listed: Sequence[RemoteSubscription]) -> list[RemoteSubscription]:
    """Those that notify this deployment: another one may share the app registration."""
    own = f"{services.settings.public_url}/graph/notifications/"
    return [remote for remote in listed if remote.notification_url.startswith(own)]


def _feed(remote: RemoteSubscription) -> str:
    return remote.resource.strip("/").lower()


def _with(watch: Watch, feed: FeedName, remote: RemoteSubscription) -> Watch:
    held = Subscription(remote.subscription_id, remote.expires_at)
    return replace(watch, subscriptions={**watch.subscriptions, feed: held})


def _without(watch: Watch, feed: FeedName, refused: Mapping[FeedName, str] | None = None) -> Watch:
    subscriptions = {name: held for name, held in watch.subscriptions.items() if name != feed}
    return replace(watch, subscriptions=subscriptions, refused=watch.refused if refused is None else refused)


def _id(watch: Watch, feed: FeedName) -> str:
    held = watch.subscriptions.get(feed)
    return held.subscription_id if held else ""


def _store(services: Services, view: ConnectionView, watch: Watch) -> Watch:
    """Store what changed. Losing to another `ensure` (or a lifecycle event) is fine: the next tick looks again."""
    if watch == view.watch:
        return watch
    try:
        return services.connections.save_watch(view.connection, watch)
    except Conflict:
        present = services.connections.load(view.connection.id)
        return present.watch if present else watch
