"""From a notification to the account it changes: every part as its own process, one change after the other."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local.run.auto import play
from local.run.stack import Ports, Stack
from shared.settings import SETTINGS
from tests.bench.figures import Figure

PEOPLE, SECONDS, FEWEST = 1000, 130.0, 30


def run() -> list[Figure]:
    """Two minutes and a half. Raises what `play` raises when the product does not get connected."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stack = Stack(Path(folder), ports=Ports(), people=PEOPLE, keep=False, say=lambda *_: None)
        try:
            stack.start()
            result = play(stack, seconds=SECONDS, every=0.1, say=lambda _: None)
        finally:
            stack.stop()
    delays = sorted(result.delays)
    if len(delays) < FEWEST:
        raise RuntimeError(f"only {len(delays)} of {result.changes} changes were announced: {result.differences}")
    wait = float(next(setting.default or 0 for setting in SETTINGS if setting.name == "HINT_DELAY"))
    note = f"{len(delays)} changes in a tenant of {PEOPLE:,}; seen through the API"
    return [
        Figure(
            f"notification to account, {name}",
            rank(delays, share),
            "s",
            wait,
            "HINT_DELAY, the wait for other notifications",
            note=note,
        )
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]


def rank(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
