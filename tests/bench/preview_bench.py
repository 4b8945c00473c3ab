"""The preview of changed settings at 50,000 people, beside a bare scan of the same rows and columns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from local.azurite import Azurite
from tests.bench.crowd import CrowdDirectory
from tests.bench.figures import Figure
from tests.bench.giant import scan
from tests.bench.memory_probe import preview_audience, preview_scope
from tests.bench.seed import seed
from tests.bench.world import World

PEOPLE, ROUNDS = 50_000, 5
CHANGES: dict[str, Callable[[World], None]] = {
    "half of the groups instead of everybody": preview_scope,
    "simulations for half of the groups": preview_audience,
}


def run() -> list[Figure]:
    """The two kinds of change and the scan in turns; about two minutes on two cores."""
    with Azurite() as azurite:
        world = World(azurite.connection_string, CrowdDirectory(PEOPLE, keep=False), f"m{PEOPLE}")
        seed(world)
        bare, spent = list[float](), {name: list[float]() for name in CHANGES}
        for _ in range(ROUNDS):
            bare.append(scan(PEOPLE, azurite.connection_string)[0])
            for name, preview in CHANGES.items():
                began = time.perf_counter()
                preview(world)
                spent[name].append(time.perf_counter() - began)
    scanned = statistics.median(bare)
    return [
        Figure(
            f"preview of settings at {PEOPLE:,} people",
            statistics.median(seconds),
            "s",
            scanned,
            "a bare scan of the people, the same columns",
            statistics.median(seconds) / scanned,
            at_most=1.5,
            note=f"{name}; medians of {ROUNDS} in turns",
        )
        for name, seconds in spent.items()
    ]
