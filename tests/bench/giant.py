"""Work on tenants of hundreds of thousands, each piece in a process of its own, so that its peak memory is its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import environ
from typing import NamedTuple

from azure.data.tables import TableServiceClient

from local.azurite import Azurite
from tests.bench.figures import Figure
from tests.bench.world import WORKERS

# Azurite holds every row as objects: 400,000 rows are more than Node's usual 4 GB (and, kept on disk, more than a
# JavaScript string may hold).
HEAP = "--max-old-space-size=12000"


@contextmanager
def giant() -> Iterator[Azurite]:
    """An Azurite with room for a giant."""
    environ["NODE_OPTIONS"] = HEAP
    with Azurite() as azurite:
        yield azurite


def probe(what: str, people: int, groups: int, storage: str, workers: int = WORKERS) -> Mapping[str, float]:
    """Have `memory_probe` do a piece of work."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.bench.memory_probe", what, str(people), str(groups), storage, str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: Mapping[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def scan(people: int, storage: str) -> tuple[float, Mapping[str, str]]:
    """A bare scan of the people of a tenant: seconds, and the rows' etags by key."""
    began = time.perf_counter()
    etags: dict[str, str] = {}
    with TableServiceClient.from_connection_string(storage) as service:
        for row in service.get_table_client(f"m{people}people").query_entities("", select=["RowKey", "data"]):
            if row["RowKey"].startswith("p:"):
                etags[row["RowKey"]] = str(row.metadata["etag"])
    return time.perf_counter() - began, etags


class Passed(NamedTuple):
    """A full pass with nothing changed beside a bare scan of the same people."""

    people: int
    spent: Mapping[str, float]  # what `memory_probe` says
    bare: float  # seconds
    written: int  # rows whose etag changed

    @property
    def figures(self) -> list[Figure]:
        """Its speed and its writes."""
        seconds = self.spent["seconds"]
        return [
            Figure(
                f"full pass over {self.people:,} people, nothing changed",
                self.people / seconds,
                "people/s",
                self.people / self.bare,
                "a bare scan of the people",
                self.bare / seconds,
                at_least=0.6,
                note=f"{seconds:.0f} s, own processor time {self.spent['processor']:.0f} s",
            ),
            Figure(
                f"account writes of the pass over {self.people:,}",
                self.written,
                "rows",
                at_most=0,
                note="whose etag changed",
            ),
        ]


def full_pass(people: int, groups: int, storage: str, workers: int = WORKERS) -> Passed:
    """Seed a tenant, scan it, and compare it with a feed that tells the same."""
    probe("seed", people, groups, storage)
    bare, before = scan(people, storage)
    spent = probe("pass", people, groups, storage, workers)
    _, after = scan(people, storage)
    return Passed(people, spent, bare, sum(before.get(key) != etag for key, etag in after.items()))


def memory(what: str, many: Mapping[str, float], few: Mapping[str, float], at: str) -> Figure:
    """Peak memory beside that of the same work on a small tenant."""
    return Figure(
        f"peak memory: {what}",
        many["peak"] / 1024,
        "MiB",
        few["peak"] / 1024,
        at,
        many["peak"] / few["peak"],
        at_most=1.25,
        note=f"{many['before'] / 1024:.0f} MiB before; {many['seconds']:.0f} s, processor {many['processor']:.0f} s",
    )
