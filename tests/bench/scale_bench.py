"""The largest tenant promised, 500,000 people in 20,000 groups, with as many parts at work as a host takes out."""

from __future__ import annotations

from tests.bench.figures import Figure
from tests.bench.giant import full_pass, giant, probe

PEOPLE, GROUPS = 500_000, 20_000
WORKERS = 16  # host.json, batchSize: as many parts of a giant are in the queue at a time
INSTANCE = 2048  # MiB that infra/ gives an instance
WORK = {
    "revisit": "everybody decided again",
    "preview": "preview of settings",
    "reach": "what all groups reach",
}


def run() -> list[Figure]:
    """About a quarter of an hour on two cores."""
    with giant() as azurite:
        storage = azurite.connection_string
        passed = full_pass(PEOPLE, GROUPS, storage, WORKERS)
        peaks = {"full pass": passed.spent}
        peaks |= {name: probe(what, PEOPLE, GROUPS, storage, WORKERS) for what, name in WORK.items()}
    return [*passed.figures, *(_peak(name, spent["peak"] / 1024, spent["seconds"]) for name, spent in peaks.items())]


def _peak(name: str, peak: float, seconds: float) -> Figure:
    return Figure(
        f"peak memory: {name}, {PEOPLE:,} people in {GROUPS:,} groups",
        peak,
        "MiB",
        INSTANCE,
        "an instance",
        peak / INSTANCE,
        at_most=0.5,
        note=f"{seconds:.0f} s, {WORKERS} parts at a time",
    )
