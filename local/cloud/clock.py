"""The cloud's own clock: real time plus whatever the control API has skipped."""

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since 1970 that can be advanced. JSON web tokens use real time instead: clients check those."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def now(self) -> float:
        """Simulated seconds since 1970."""
        return time.time() + self.skipped

    def advance(self, seconds: float) -> float:
        """Jump forward (or back, when negative) and return the new time."""
        self.skipped += seconds
        return self.now()


def iso(seconds: float) -> str:
    """`2026-11-22T01:47:00Z`, as directory properties are written."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_ticks(seconds: float) -> str:
    """`2026-11-22T01:47:00.2455823Z`: seven decimals, as .NET writes them."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{int(seconds * 1e7) % 10}Z"
