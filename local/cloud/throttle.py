"""Resource units: a token bucket per application and tenant, as Graph throttles identity requests."""

from collections.abc import Callable
from typing import Final

_SIZES: Final = ((50, 3500), (500, 5000))
_LARGE: Final = 8000
WINDOW: Final = 10.0


def documented_limit(users: int) -> int:
    """Resource units per 10 seconds for a tenant of this many users."""
    for below, limit in _SIZES:
        if users < below or (below == 500 and users == below):
            return limit
    return _LARGE


class Throttle:
    """Buckets that refill evenly; going on while throttled also counts."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._used: dict[tuple[str, str], tuple[float, float]] = {}  # key -> (units in use, at)

    def spend(self, key: tuple[str, str], units: int, limit: int) -> tuple[float, float]:
        """Take units. Returns (share of the limit used, seconds to wait: 0 when allowed)."""
        now = self._now()
        used, at = self._used.get(key, (0.0, now))
        used = max(0.0, used - max(0.0, now - at) * limit / WINDOW) + units
        used = min(used, limit * 1.8)
        self._used[key] = (used, now)
        share = used / limit
        wait = (used - limit) / limit * WINDOW if used > limit else 0.0
        return share, wait
