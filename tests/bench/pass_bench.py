"""A full pass over 200,000 people with nothing changed: its speed, its writes, and its peak memory."""

from __future__ import annotations

from tests.bench.crowd import default_groups
from tests.bench.figures import Figure
from tests.bench.giant import full_pass, giant, memory

SMALL, LARGE = 10_000, 200_000


def run() -> list[Figure]:
    """Both tenants are seeded in one Azurite; about five minutes on two cores, of which the seeding takes most."""
    with giant() as azurite:
        few, many = (full_pass(people, default_groups(people), azurite.connection_string) for people in (SMALL, LARGE))
    beside = f"the same at {SMALL:,} people"
    return [*many.figures, memory(f"full pass over {LARGE:,} people", many.spent, few.spent, beside)]
