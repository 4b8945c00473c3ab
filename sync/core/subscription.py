"""The life of a Graph subscription, as a table.

Rules: everything that decides what to do about a subscription is here. A subscription is renewed at half its life
(a renewal also re-authorises it), created anew once it is over or gone, and asked for again a day after Graph
refused it. Once an hour our belief is compared with Graph's own list, because for users and groups Graph removes
a subscription without telling (microsoft-facts §3.6).

    ABSENT ──create──▶ ACTIVE ──half its life──▶ EXPIRING ──renew──▶ ACTIVE
       ▲                  │                          │
       └──── gone (404, not listed) ◀── over ────────┘          ABSENT ──403──▶ REFUSED ──a day──▶ ABSENT
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

from sync.core.connection import Subscription, Watch
from sync.core.model import FEEDS, FeedName

# Graph's limit for users and groups is 41,760 minutes; a longer wish may be refused (microsoft-facts §3.1).
LIFETIME = timedelta(minutes=41_700)
RENEW_BEFORE = LIFETIME / 2
ASK_AGAIN = timedelta(days=1)
COMPARE_EVERY = timedelta(hours=1)


class Life(Enum):
    """Where a subscription is in its life."""

    ABSENT = "absent"
    ACTIVE = "active"
    EXPIRING = "expiring"
    REFUSED = "refused"


class Deed(Enum):
    """What is to be done about it."""

    CREATE = "create"
    RENEW = "renew"
    NOTHING = "nothing"


DEEDS: Mapping[Life, Deed] = {
    Life.ABSENT: Deed.CREATE,
    Life.ACTIVE: Deed.NOTHING,
    Life.EXPIRING: Deed.RENEW,
    Life.REFUSED: Deed.NOTHING,
}


def life(held: Subscription | None, refused_at: str, now: datetime) -> Life:
    """Where a feed's subscription is. `refused_at` is ISO, or empty when Graph did not refuse it."""
    if held is None:
        waiting = refused_at and now < datetime.fromisoformat(refused_at) + ASK_AGAIN
        return Life.REFUSED if waiting else Life.ABSENT
    expires_at = datetime.fromisoformat(held.expires_at)
    if expires_at <= now:
        return Life.ABSENT
    return Life.EXPIRING if expires_at - now < RENEW_BEFORE else Life.ACTIVE


def deeds(watch: Watch, now: datetime) -> Mapping[FeedName, Deed]:
    """What is to be done about each feed's subscription now."""
    return {feed: DEEDS[life(watch.subscriptions.get(feed), watch.refused.get(feed, ""), now)] for feed in FEEDS}


def comparison_due(watch: Watch, now: datetime) -> bool:
    """Whether Graph's own list is to be looked at again."""
    return not watch.checked_at or now - datetime.fromisoformat(watch.checked_at) >= COMPARE_EVERY


def due(watch: Watch, now: datetime) -> bool:
    """Whether there is anything to do at all: asked every minute, without a call to Graph."""
    return comparison_due(watch, now) or any(deed is not Deed.NOTHING for deed in deeds(watch, now).values())
