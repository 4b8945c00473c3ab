"""Graph's webhooks: believe item by item, make one hint durable per feed, answer.

    POST ─▶ handshake? echo ─▶ every item: clientState (HMAC: connection, tenant, feed, epoch) and resource
         ─▶ one PullMessage per feed, visible after HINT_DELAY ─▶ 202        queue down ─▶ 503, Graph tries again

A notification path reads no storage. A hint that is durable and not yet visible covers every notification of its feed
that arrives until then: a burst becomes one pull (debounce; in this process, which is enough to thin it out).
A lifecycle event is rare, and changes the stored watch so that the next minute's tick renews or creates anew.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from shared.clock import iso
from shared.errors import Conflict, Transient
from shared.events import log
from sync.core.connection import Watch
from sync.core.delta import guid
from sync.core.messages import PullMessage
from sync.core.model import FeedName
from sync.core.signing import Announced, read_client_state
from sync.usecases.services import Services

BODY_LIMIT = 256 * 1024  # bytes; Graph's largest batches are a tenth of it
TOKEN_LIMIT = 2048
HINTED_LIMIT = 20  # object ids carried along, to look for them in the delta
COVERED_LIMIT = 10_000  # feeds remembered per process
ATTEMPTS = 3

_CONNECTION = re.compile(r"[0-9a-f]{32}")
_TOKEN = re.compile(r"[ -;=?-~]+")  # printable ASCII without < and >: Graph never sends those
# Lifecycle events, microsoft-facts §3.6. An event that is not known is acknowledged and means nothing to us.
_GONE = frozenset({"subscriptionRemoved"})
_KNOWN = frozenset({"reauthorizationRequired", "missed"}) | _GONE
_RESOURCES: Mapping[FeedName, str] = {"users": "users", "groups": "groups"}


class Reply(NamedTuple):
    """What to answer."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = {}


@dataclass(slots=True)
class _Covered:
    """Feeds whose durable hint is not visible yet: key -> (from, until)."""

    lock: Lock = field(default_factory=Lock)
    spans: dict[tuple[str, FeedName, int], tuple[datetime, datetime]] = field(default_factory=dict)

    def holds(self, key: tuple[str, FeedName, int], now: datetime) -> bool:
        with self.lock:
            span = self.spans.get(key)
        return span is not None and span[0] <= now < span[1]

    def put(self, key: tuple[str, FeedName, int], start: datetime, until: datetime) -> None:
        with self.lock:
            self.spans.pop(key, None)
            self.spans[key] = (start, until)  # newest last
            while len(self.spans) > COVERED_LIMIT:
                del self.spans[next(iter(self.spans))]


_covered: WeakKeyDictionary[Services, _Covered] = WeakKeyDictionary()


def receive(services: Services, connection: str, params: Mapping[str, str], body: bytes) -> Reply:
    """A POST to /graph/notifications/{connection}. 202 only when every hint is durable."""
    if (early := _before_items(connection, params, body)) is not None:
        return early
    items = _items(body)
    if items is None:
        return _rejected(connection, 0, "malformed")
    hints: dict[Announced, list[str]] = {}
    bad, believer = 0, _Believer(services, connection)
    for item in items:
        announced = believer.believe(item)
        if announced is None or not _fits(announced, item):
            bad += 1
            continue
        ids = hints.setdefault(announced, [])
        if (object_id := _object_id(item)) and object_id not in ids and len(ids) < HINTED_LIMIT:
            ids.append(object_id)
    if bad:
        log("webhook.rejected", logging.WARNING, connection=connection, items=bad, reason="unproven")
    return _hint(services, connection, hints)


def lifecycle(services: Services, connection: str, params: Mapping[str, str], body: bytes) -> Reply:
    """A POST to /graph/lifecycle/{connection}: the watch is marked for the next tick, and the feed is looked at."""
    if (early := _before_items(connection, params, body)) is not None:
        return early
    items = _items(body)
    if items is None:
        return _rejected(connection, 0, "malformed")
    believer = _Believer(services, connection)
    believed = [(announced, item) for item in items if (announced := believer.believe(item))]
    if bad := len(items) - len(believed):
        log("webhook.rejected", logging.WARNING, connection=connection, items=bad, reason="unproven")
    events = [(announced, str(item.get("lifecycleEvent"))) for announced, item in believed]
    try:
        _mark(services, connection, events)
    except (Transient, Conflict):
        return _unavailable(connection)
    return _hint(services, connection, {announced: [] for announced, event in events if event in _KNOWN})


def _before_items(connection: str, params: Mapping[str, str], body: bytes) -> Reply | None:
    """The answer where no item needs to be looked at: no such path, the handshake, a body that is too large."""
    if not _CONNECTION.fullmatch(connection):
        return Reply(404)
    token = params.get("validationToken")
    if token is not None:
        return _handshake(token)
    if len(body) > BODY_LIMIT:
        return _rejected(connection, 0, "too_large")
    return None


def _handshake(token: str) -> Reply:
    """The decoded token as plain text (microsoft-facts §3.2); nothing a browser could take for a page."""
    if len(token) > TOKEN_LIMIT or not _TOKEN.fullmatch(token):
        return Reply(400)
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "no-store",
    }
    return Reply(200, token, headers)


def _items(body: bytes) -> Sequence[Mapping[str, Any]] | None:
    """The items of a batch; None when there is none, or when it is not a batch at all."""
    try:
        value = json.loads(body)["value"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(value, list) or not value:
        return None
    return [item if isinstance(item, dict) else {} for item in value]


class _Believer:
    """Reads the clientStates of one batch; its items mostly carry the same one."""

    def __init__(self, services: Services, connection: str) -> None:
        self._keys = services.settings.signing_keys
        self._connection = connection
        self._read: dict[tuple[str, str], Announced | None] = {}

    def believe(self, item: Mapping[str, Any]) -> Announced | None:
        """What the item's clientState says for its tenant; None when it proves nothing."""
        tenant, state = guid(item.get("tenantId")), item.get("clientState")
        if tenant is None or not isinstance(state, str):
            return None
        if (tenant, state) not in self._read:
            self._read[tenant, state] = read_client_state(self._keys, self._connection, tenant, state)
        return self._read[tenant, state]


def _fits(announced: Announced, item: Mapping[str, Any]) -> bool:
    """Whether the item is about the feed its clientState was made for: `Users/<id>`, `Groups/<id>`."""
    resource = item.get("resource")
    return isinstance(resource, str) and resource.lstrip("/").partition("/")[0].lower() == _RESOURCES[announced.feed]


def _object_id(item: Mapping[str, Any]) -> str | None:
    data = item.get("resourceData")
    return guid(data.get("id")) if isinstance(data, dict) else None


def _hint(services: Services, connection: str, hints: Mapping[Announced, Sequence[str]]) -> Reply:
    """Make a pull durable for every feed that none is on its way for."""
    covered = _covered.setdefault(services, _Covered())
    delay = timedelta(seconds=services.settings.hint_delay)
    sent = 0
    for announced, ids in hints.items():
        now = services.clock.now()
        key = (connection, announced.feed, announced.epoch)
        if covered.holds(key, now):
            continue
        message = PullMessage(connection, announced.epoch, announced.feed, "notification", iso(now), tuple(ids))
        try:
            services.queue.send(message, delay=delay)
        except Transient:
            return _unavailable(connection)
        covered.put(key, now, now + delay)
        sent += 1
    log("webhook.accepted", connection=connection, hints=sent, covered=len(hints) - sent)
    return Reply(202)


def _mark(services: Services, connection: str, events: Sequence[tuple[Announced, str]]) -> None:
    """Tell the watch what happened; the tick does the rest. Raises Transient, or Conflict when it lost every time."""
    known = [(announced, event) for announced, event in events if event in {"reauthorizationRequired", *_GONE}]
    if not known:
        return
    for _ in range(ATTEMPTS):
        try:
            _mark_once(services, connection, known)
        except Conflict:
            continue
        return
    raise Conflict("the watch kept changing")


def _mark_once(services: Services, connection: str, events: Sequence[tuple[Announced, str]]) -> None:
    view = services.connections.load(connection)
    if view is None or not view.connection.live:
        return
    watch = view.watch
    for announced, event in events:
        if announced.epoch == view.connection.epoch:
            watch = _marked(watch, announced.feed, event, services.clock.now())
    if watch != view.watch:
        services.connections.save_watch(view.connection, watch)


def _marked(watch: Watch, feed: FeedName, event: str, now: datetime) -> Watch:
    """Gone: forgotten, so that it is created anew. To be re-authorised: believed in for ten minutes only, so that the
    next tick renews it, which re-authorises it as well.
    """
    held = watch.subscriptions.get(feed)
    if held is None:
        return watch
    others = {name: other for name, other in watch.subscriptions.items() if name != feed}
    if event in _GONE:
        return replace(watch, subscriptions=others)
    soon = replace(held, expires_at=min(held.expires_at, iso(now + timedelta(minutes=10))))
    return replace(watch, subscriptions={**others, feed: soon})


def _rejected(connection: str, items: int, reason: str) -> Reply:
    log("webhook.rejected", logging.WARNING, connection=connection, items=items, reason=reason)
    return Reply(400)


def _unavailable(connection: str) -> Reply:
    log("webhook.unavailable", logging.WARNING, connection=connection)
    return Reply(503, headers={"Retry-After": "10"})
