"""When no success for how long is silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.clock import iso
from sync.core.connection import Connection, ConnectionState, FeedState, Problem, Reader
from sync.core.silence import last_read, silent_since
from tests.fakes.time_and_ids import START

DAY = 86_400.0


def ago(**span: float) -> str:
    """ISO of a while before START."""
    return iso(START - timedelta(**span))


def since(connection: Connection, reader: Reader, *, pull_interval: float = 300) -> str:
    """At START, with a full pass a day."""
    return silent_since(connection, reader, START, pull_interval=pull_interval, full_pass_interval=DAY)


def reader(users: str, groups: str, passed: str, *, frozen: str = "") -> Reader:
    """Both feeds and the last full pass, by when they were read."""
    feeds = {"users": FeedState(pulled_at=users), "groups": FeedState(pulled_at=groups, frozen=frozen)}
    return Reader("c", feeds=feeds, passed_at=passed)  # type: ignore[arg-type]


CONNECTED = Connection("c", "acme", "Acme", ConnectionState.CONNECTED, first_pass_done=True)
IMPORTING = replace(CONNECTED, state=ConnectionState.IMPORTING, first_pass_done=False)


def test_an_hour_without_a_feed_is_silence_and_an_hour_is_not() -> None:
    """The older of both feeds counts; the boundary itself is still fine."""
    assert since(CONNECTED, reader(ago(minutes=1), ago(minutes=60), ago(hours=2))) == ""
    assert since(CONNECTED, reader(ago(minutes=1), ago(minutes=61), ago(hours=2))) == ago(minutes=61)


def test_a_slow_pace_has_more_patience() -> None:
    """Six intervals, where they are more than an hour."""
    read = reader(ago(hours=5), ago(hours=5), ago(hours=20))
    assert since(CONNECTED, read, pull_interval=3600) == ""
    assert since(CONNECTED, read, pull_interval=1800) == ago(hours=5)


def test_full_passes_have_to_come_to_their_end_too() -> None:
    """Pulls that work do not hide that nothing was compared for two days."""
    assert since(CONNECTED, reader(ago(minutes=1), ago(minutes=1), ago(days=3))) == ago(days=3)


def test_a_feed_that_may_not_be_read_or_waits_for_a_cursor_is_no_silence() -> None:
    """Both have reasons that are told elsewhere, and the full pass has its own patience."""
    assert since(CONNECTED, reader(ago(minutes=1), ago(days=9), ago(hours=2), frozen="permission_missing")) == ""
    assert since(CONNECTED, reader("", ago(minutes=1), ago(hours=2))) == ""
    assert last_read(Reader("c")) == ""


def test_an_import_that_does_not_end_is_silence() -> None:
    """Two days after Start nothing was ever completed."""
    assert since(replace(IMPORTING, started_at=ago(days=1)), Reader("c")) == ""
    assert since(replace(IMPORTING, started_at=ago(days=3)), Reader("c")) == ago(days=3)


@pytest.mark.parametrize("state", [ConnectionState.AWAITING_START, ConnectionState.DISCONNECTED])
def test_who_does_not_synchronise_is_not_silent(state: ConnectionState) -> None:
    """Nothing is expected of a connection that was not started or was ended."""
    assert since(replace(CONNECTED, state=state), reader(ago(days=9), ago(days=9), ago(days=9))) == ""


def test_what_the_admin_was_told_is_no_silence() -> None:
    """A connection with a problem says so itself."""
    troubled = replace(CONNECTED, problem=Problem("consent_missing", "…", ago(days=3)))
    assert since(troubled, reader(ago(days=9), ago(days=9), ago(days=9))) == ""
