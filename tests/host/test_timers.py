"""Timers come due by NCRONTAB, once per occurrence, and catch up once after a stop."""

from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables import TableClient

from local.host.ncrontab import parse
from local.host.process import HostProcess
from tests.host.conftest import SAMPLE, Watch


@pytest.mark.azurite
def test_a_timer_comes_due(watch: Watch) -> None:
    """A timer of every second is called, not past due, and without a monitored status as it is below a minute."""
    with HostProcess({**watch.environ, "TICKS": "1"}, app=SAMPLE):
        events = watch.until(lambda events: len(events) >= 2)
    assert events[0] == {"tick": True, "past_due": False, "status": {}}


@pytest.mark.azurite
def test_a_missed_occurrence_is_made_up_for_once(watch: Watch) -> None:
    """An occurrence that passed while no host ran is called once at start, past due, with the status of before."""
    last = datetime.now(UTC) - timedelta(days=800)
    table = TableClient.from_connection_string(watch.environ["AzureWebJobsStorage"], "LocalHostTimers")
    table.create_table()
    table.create_entity({"PartitionKey": "timer", "RowKey": "yearly", "Last": last.isoformat(), "Next": ""})
    with HostProcess(watch.environ, app=SAMPLE):
        event = watch.until(lambda events: len(events) == 1)[0]
    assert event["past_due"] is True
    assert event["status"]["Last"] == last.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0+00:00"
    with HostProcess({**watch.environ, "TICKS": "1"}, app=SAMPLE):
        events = watch.until(lambda events: sum("tick" in event for event in events) >= 2)
    assert sum("yearly" in event for event in events) == 1


@pytest.mark.azurite
def test_a_killed_hosts_timers_are_taken_over_at_once(watch: Watch) -> None:
    """The lock of a process that is gone does not keep the next host waiting."""
    with HostProcess({**watch.environ, "TICKS": "1"}, app=SAMPLE) as first:
        watch.until(lambda events: len(events) >= 1)
        first.kill()
    watch.events.clear()
    with HostProcess({**watch.environ, "TICKS": "1"}, app=SAMPLE):
        watch.until(lambda events: len(events) >= 2, timeout=10)


START = datetime(2026, 11, 22, 22, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/5 * * * * *", datetime(2026, 11, 22, 22, 30, 20, tzinfo=UTC)),
        ("0 * * * * *", datetime(2026, 11, 22, 22, 31, tzinfo=UTC)),
        ("0 30 9 * * Mon-Fri", datetime(2026, 11, 23, 9, 30, tzinfo=UTC)),
        ("15 30 22 * * *", datetime(2026, 11, 23, 22, 30, 15, tzinfo=UTC)),
        ("0 0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
        ("0 0 0 13 * 5", datetime(2027, 8, 13, tzinfo=UTC)),
        ("0 0 12 1 jan,JUL *", datetime(2027, 1, 1, 12, tzinfo=UTC)),
        ("*/15 * * * *", datetime(2026, 11, 22, 22, 45, tzinfo=UTC)),
        ("0 10/20 * * * *", datetime(2026, 11, 22, 22, 50, tzinfo=UTC)),
    ],
)
def test_the_next_occurrence(expression: str, expected: datetime) -> None:
    """Steps, ranges, names, leap days, and a day that must satisfy both of its fields."""
    assert parse(expression).after(START) == expected


@pytest.mark.parametrize("expression", ["", "* * *", "60 * * * * *", "0 0 0 0 * *", "0 5-2 * * * *", "x * * * * *"])
def test_a_bad_schedule_is_refused(expression: str) -> None:
    """What is no schedule is an error, not silence."""
    with pytest.raises(ValueError, match=r"field|is no"):
        parse(expression)
