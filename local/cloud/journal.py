"""What was asked of the cloud: a log of requests and the rules that clients broke."""

from collections import Counter, deque
from typing import Final

from local.cloud.wire import Json

_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})


class Journal:
    """The newest requests, counts since the last clearing, and violations."""

    def __init__(self, size: int = 20_000) -> None:
        self.requests: deque[Json] = deque(maxlen=size)
        self.counts: Counter[str] = Counter()
        self.violations: list[Json] = []
        self.life: deque[Json] = deque(maxlen=size)  # what the life script says it did
        self._number = 0

    def request(self, entry: Json, headers: dict[str, str]) -> int:
        """Remember one request without its secrets. Returns its number."""
        self._number += 1
        shown = {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}
        self.requests.append({"number": self._number, **entry, "headers": shown})
        self.counts[f"{entry['method']} {entry['route']} {entry['status']}"] += 1
        return self._number

    def violation(self, at: float, where: str, what: str) -> None:
        """Remember that a client broke a documented rule."""
        self.violations.append({"at": at, "request": where, "what": what})

    def clear(self) -> None:
        """Forget requests and counts (violations are cleared on their own)."""
        self.requests.clear()
        self.counts.clear()
