"""The standing of one notification endpoint, as Microsoft keeps it in ten-minute windows."""

from collections import deque
from typing import Final

_WINDOW: Final = 600.0
_SLOW_SHARE: Final = 0.10
_DROP_SHARE: Final = 0.15
_LEAST: Final = 20  # answers before there is any judgement


class Endpoint:
    """`normal`, `slow` (new items wait 10 s) or `drop` (new items are lost), by the share of slow answers."""

    def __init__(self) -> None:
        self._answers: deque[tuple[float, bool]] = deque()

    def answered(self, at: float, *, slow: bool) -> None:
        """Count one answer."""
        self._answers.append((at, slow))

    def state(self, now: float) -> str:
        """The standing now."""
        while self._answers and self._answers[0][0] < now - _WINDOW:
            self._answers.popleft()
        if len(self._answers) < _LEAST:
            return "normal"
        share = sum(slow for _, slow in self._answers) / len(self._answers)
        return "drop" if share > _DROP_SHARE else "slow" if share > _SLOW_SHARE else "normal"
