"""A full pass over 200,000 people with nothing changed: its speed, its writes, and its peak memory."""

from __future__ import annotations

from tests.bench.crowd import default_groups
from tests.bench.figures import Figure
from tests.bench.giant import giant, memory, probe, scan

SMALL, LARGE = 10_000, 200_000


def run() -> list[Figure]:
    """Both tenants are seeded in one Azurite; about five minutes on two cores, of which the seeding takes most."""
    found = {}
    with giant() as azurite:
        storage = azurite.connection_string
        for people in (SMALL, LARGE):
            probe("seed", people, default_groups(people), storage)
            bare, before = scan(people, storage)
            found[people] = probe("pass", people, default_groups(people), storage)
            _, after = scan(people, storage)
    many = found[LARGE]
    changed = sum(before.get(key) != etag for key, etag in after.items())
    return [
        Figure(
            f"full pass over {LARGE:,} people, nothing changed",
            LARGE / many["seconds"],
            "people/s",
            LARGE / bare,
            "a bare scan of the people",
            bare / many["seconds"],
            at_least=0.6,
            note=f"{many['seconds']:.0f} s, own processor time {many['processor']:.0f} s",
        ),
        Figure(f"account writes of the pass over {LARGE:,}", changed, "rows", at_most=0, note="whose etag changed"),
        memory(f"full pass over {LARGE:,} people", many, found[SMALL], f"the same at {SMALL:,} people"),
    ]
