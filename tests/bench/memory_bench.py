"""Peak memory of a first import: it must not grow with the tenant. Each import is a process of its own."""

from __future__ import annotations

from tests.bench.crowd import default_groups
from tests.bench.figures import Figure
from tests.bench.giant import giant, memory, probe

SMALL, LARGE = 10_000, 200_000


def run() -> list[Figure]:
    """The first import of a small and of a large tenant."""
    with giant() as azurite:
        few, many = (
            probe("import", people, default_groups(people), azurite.connection_string) for people in (SMALL, LARGE)
        )
    return [memory(f"first import of {LARGE:,} people", many, few, f"the same at {SMALL:,} people")]
