"""Time that stands still until it is told to go on, and random text that can be foreseen."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday


class FakeClock:
    """A clock that moves when the test says so."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        """Aware, in UTC."""
        return self._now

    def advance(self, by: timedelta | float) -> datetime:
        """Move on by a timedelta or seconds (backwards too); returns the new time."""
        self._now += by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self._now


class FakeIds:
    """Different every time, the same in every run."""

    def __init__(self, seed: str = "") -> None:
        self._seed = seed
        self._numbers = itertools.count(1)  # next() on it is atomic

    def hex(self, characters: int) -> str:
        """Lower-case hex characters."""
        number = next(self._numbers)
        text = hashlib.sha256(f"{self._seed}{number}".encode()).hexdigest()
        return (text * (characters // len(text) + 1))[:characters]
