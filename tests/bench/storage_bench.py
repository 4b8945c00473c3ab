"""First import, full pass and pull, through the real use cases and storage adapters, beside bare storage calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from azure.data.tables import TableClient, TableServiceClient

from local.azurite import Azurite
from sync.core.connection import shards
from tests.bench.crowd import CrowdDirectory
from tests.bench.figures import Figure
from tests.bench.world import WORKERS, World, counted_requests

PEOPLE, FEW = 20_000, 1_000
TABLES = ("connections", "tenants", "people", "groups", "addresses", "accounts", "staging", "runs", "mails", "once")


def run() -> list[Figure]:
    """Everything about storage, in one Azurite; about three minutes on two cores."""
    with Azurite() as azurite:
        connection = azurite.connection_string
        directory = CrowdDirectory(PEOPLE, keep=True)
        directory.prepare()
        world = World(connection, directory, "large")
        spent = _spent(world.first_import)
        found = [*_import_figures(connection, spent), *_pass_figures(world, connection)]
        small = World(connection, CrowdDirectory(FEW, keep=True), "small")
        small.first_import()
        return [*found, *_pull_figures(small), *_pull_figures(world)]


def _import_figures(connection: str, spent: _Spent) -> list[Figure]:
    rows = {name: list(_scan(connection, f"large{name}", None)) for name in TABLES}
    total = sum(len(some) for some in rows.values())
    bare = _spent(lambda: _write(connection, [row for name in TABLES for row in rows[name]]))
    made = ", ".join(f"{len(some):,} {name}" for name, some in rows.items() if some)
    return [
        Figure(
            f"first import of {PEOPLE:,} people",
            total / spent.seconds,
            "rows/s",
            total / bare.seconds,
            "the same rows in bare transactions of 100, by as many threads",
            bare.seconds / spent.seconds,
            at_least=0.8,
            note=f"{spent.seconds:.0f} s, read, planned and applied; {_beside(spent, bare)}; rows: {made}",
        ),
        Figure("rows a person, without mail", total / PEOPLE, "rows", at_most=2.2, note="all tables counted"),
    ]


def _pass_figures(world: World, connection: str) -> list[Figure]:
    scans, passes, counts = [], [], dict[str, int]()
    before = _accounts(world)
    for _ in range(2):
        scans.append(_spent(lambda: sum(1 for _ in _scan(connection, "largepeople", ["RowKey", "data"]))))
        passes.append(_spent(lambda: counts.update(world.full_pass())))
    changed = sum(before[key] != etag for key, etag in _accounts(world).items())
    spent, bare = min(passes), min(scans)
    return [
        Figure(
            f"full pass over {PEOPLE:,} people, nothing changed",
            PEOPLE / spent.seconds,
            "people/s",
            PEOPLE / bare.seconds,
            "a bare scan of the people",
            bare.seconds / spent.seconds,
            at_least=0.6,
            note=f"{spent.seconds:.1f} s: feeds read, staged, compared by shard; {_beside(spent, bare)}",
        ),
        Figure("its account writes", changed, "rows", at_most=0, note="people rows whose etag changed"),
    ]


def _pull_figures(world: World) -> list[Figure]:
    world.pull()  # the first one finds the tables made
    calls = world.directory.calls
    with counted_requests() as requests:
        seconds = _spent(world.pull).seconds
    view_read = 1  # by this benchmark, to know the epoch
    people = f"{world.directory.people:,} people"
    return [
        Figure(f"pull of {people}, nothing changed: Graph calls", world.directory.calls - calls, "calls", at_most=1),
        Figure(
            f"pull of {people}, nothing changed: storage",
            requests.total() - view_read,
            "operations",
            at_most=4,
            note=f"{seconds * 1000:.0f} ms",
        ),
    ]


def _accounts(world: World) -> dict[str, str]:
    connection = world.view.connection
    return {
        object_id: record.etag
        for shard in shards(connection.digits)
        for object_id, record in world.services.people.load(connection.scope, shard).records.items()
    }


def _scan(connection: str, table: str, columns: list[str] | None) -> Iterable[Mapping[str, Any]]:
    with TableServiceClient.from_connection_string(connection) as service:
        service.create_table_if_not_exists(table)
        yield from service.get_table_client(table).query_entities("", select=columns)


def _write(connection: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows into a new table, a hundred of a partition at a time: the least that Azure's client can do."""
    partitions: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        partitions.setdefault(row["PartitionKey"], []).append(row)
    batches = [some[start : start + 100] for some in partitions.values() for start in range(0, len(some), 100)]
    with TableClient.from_connection_string(connection, "bare") as table, ThreadPoolExecutor(WORKERS) as workers:
        table.create_table()
        for written in [workers.submit(table.submit_transaction, [("create", row) for row in b]) for b in batches]:
            written.result()


class _Spent(NamedTuple):
    """Time on the clock, and the processor time of this process: the second is steady on a busy machine too."""

    seconds: float
    processor: float


def _spent(work: Callable[[], object]) -> _Spent:
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return _Spent(time.perf_counter() - began, time.process_time() - cpu)


def _beside(ours: _Spent, bare: _Spent) -> str:
    return f"own processor time {ours.processor:.1f} s beside {bare.processor:.1f} s"
