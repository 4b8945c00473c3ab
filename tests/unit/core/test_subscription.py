"""The life of a subscription, walked through its table."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.clock import iso
from sync.core.connection import Subscription, Watch
from sync.core.subscription import COMPARE_EVERY, LIFETIME, RENEW_BEFORE, Deed, Life, comparison_due, deeds, due, life

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def held(left: timedelta) -> Subscription:
    """A subscription with so much life left."""
    return Subscription("s", iso(NOW + left))


@pytest.mark.parametrize(
    ("subscription", "refused_at", "expected"),
    [
        (None, "", Life.ABSENT),
        (None, iso(NOW - timedelta(hours=23)), Life.REFUSED),
        (None, iso(NOW - timedelta(hours=24)), Life.ABSENT),
        (held(LIFETIME), "", Life.ACTIVE),
        (held(RENEW_BEFORE), "", Life.ACTIVE),
        (held(RENEW_BEFORE - timedelta(seconds=1)), "", Life.EXPIRING),
        (held(timedelta(seconds=1)), "", Life.EXPIRING),
        (held(timedelta(0)), "", Life.ABSENT),
        (held(timedelta(days=-3)), "", Life.ABSENT),
    ],
)
def test_where_a_subscription_is(subscription: Subscription | None, refused_at: str, expected: Life) -> None:
    """Half its life it is active, then it is to be renewed, then it is over; a refusal holds for a day."""
    assert life(subscription, refused_at, NOW) is expected


def test_lifetime_is_below_graphs_limit() -> None:
    """Graph refuses more than 41,760 minutes."""
    assert timedelta(days=27) < LIFETIME < timedelta(minutes=41_760)


def test_each_feed_has_its_own_deed() -> None:
    """What is due for one feed does not depend on the other."""
    watch = Watch("c", {"users": held(timedelta(days=1))}, {"groups": iso(NOW)}, iso(NOW))
    assert deeds(watch, NOW) == {"users": Deed.RENEW, "groups": Deed.NOTHING}


def test_nothing_is_due_while_both_are_active_and_compared() -> None:
    """A healthy watch costs no call to Graph until the hourly comparison."""
    watch = Watch("c", {"users": held(LIFETIME), "groups": held(LIFETIME)}, {}, iso(NOW))
    assert not due(watch, NOW)
    assert not comparison_due(watch, NOW + COMPARE_EVERY - timedelta(seconds=1))
    assert due(watch, NOW + COMPARE_EVERY)


def test_a_new_watch_is_due() -> None:
    """A connection that was never watched is compared and subscribed."""
    assert due(Watch("c"), NOW)
