"""Peak memory of a full pass: it must not grow with the tenant. Each pass is a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from local.azurite import Azurite
from tests.bench.figures import Figure

SMALL, LARGE = 10_000, 200_000
# Azurite holds every row as objects: 400,000 rows are more than Node's usual 4 GB (and, kept on disk, more than a
# JavaScript string may hold).
AZURITE_HEAP = "--max-old-space-size=10000"


def run() -> list[Figure]:
    """The first import and a full pass with nothing changed, of a small and of a large tenant."""
    os.environ["NODE_OPTIONS"] = AZURITE_HEAP
    with Azurite() as azurite:
        found = {
            (what, people): _probe(azurite.connection_string, people, what)
            for people in (SMALL, LARGE)
            for what in ("import", "pass")
        }
    names = {"import": "first import", "pass": "full pass, nothing changed"}
    return [
        Figure(
            f"peak memory at {LARGE:,} people: {names[what]}",
            found[what, LARGE]["peak"] / 1024,
            "MiB",
            found[what, SMALL]["peak"] / 1024,
            f"the same at {SMALL:,} people",
            found[what, LARGE]["peak"] / found[what, SMALL]["peak"],
            at_most=1.25,
            note=f"{found[what, LARGE]['before'] / 1024:.0f} MiB before; {found[what, LARGE]['seconds']:.0f} s",
        )
        for what in names
    ]


def _probe(storage: str, people: int, what: str) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-m", "tests.bench.memory_probe", str(people), what, storage],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found
