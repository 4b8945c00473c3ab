"""Times are aware, in UTC, and sort as the text they are stored as."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import SystemClock, iso, parse_iso

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, MOMENTS)
def test_text_sorts_as_time_does(one: datetime, other: datetime) -> None:
    """Stored times are compared as text; the text has milliseconds."""
    whole_one, whole_other = (m.replace(microsecond=m.microsecond // 1000 * 1000) for m in (one, other))
    assert (iso(one) < iso(other)) == (whole_one < whole_other)
    assert parse_iso(iso(one)) == whole_one


def test_any_zone_is_stored_as_utc() -> None:
    """The same moment is the same text."""
    there = datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert iso(there) == "2026-03-29T00:30:00.000Z"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T08:00:00Z", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-03-02T10:00:00+02:00", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-12-20T11:00:00.0000000Z", datetime(2026, 12, 20, 11, tzinfo=UTC)),
        ("2026-12-20T11:00:00.1234567Z", datetime(2026, 12, 20, 11, 0, 0, 123456, tzinfo=UTC)),
        ("2038-01-19T03:14:08Z", datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)),
    ],
)
def test_vendors_times_are_read(text: str, moment: datetime) -> None:
    """Graph writes seven digits of a second; offsets are honoured."""
    assert parse_iso(text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-03-02T08:00:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_with_a_zone_is_refused(text: str) -> None:
    """A time without a zone means nothing."""
    with pytest.raises(ValueError, match=r"isoformat|without a zone|must be in"):
        parse_iso(text)


def test_the_machines_clock_is_aware() -> None:
    """UTC, and about now."""
    assert SystemClock().now().tzinfo is UTC
