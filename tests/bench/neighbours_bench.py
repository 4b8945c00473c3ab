"""A change in a small tenant while a giant's full pass goes on beside it: how long it takes, with and without."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import orjson

from local.azurite import Azurite
from shared.clock import iso
from shared.settings import SETTINGS
from sync.adapters.graph.decode import decode_page
from sync.core.connection import Connection
from sync.core.delta import read_page
from sync.core.mapping import select_of
from sync.core.messages import ChangesMessage, Message, PullMessage, queue_of
from sync.core.model import FeedName, Page
from sync.usecases import start
from tests.bench.crowd import BASE, CrowdDirectory, object_id
from tests.bench.figures import Figure
from tests.bench.seed import seed
from tests.bench.world import USE_CASES, WORKERS, Line, World

GIANT, SMALL = 70_000, 200  # people; the giant has 256 parts a stage
ALONE = 30  # changes without the giant


class _Restless(CrowdDirectory):
    """A tenant in which the first person has another title each time somebody looks."""

    looks = 0

    def read_page(
        self,
        connection: Connection,
        feed: FeedName,
        cursor: str,
        *,
        order: int,
        full: bool,
        select: Sequence[str] = (),
    ) -> Page:
        """A round of one change."""
        self.looks += 1
        changed = {"id": object_id("user", 0), "jobTitle": f"Title {self.looks}"}
        link = f"{BASE}/v1.0/users/delta?$deltatoken={self.looks + 1}"
        body = decode_page(orjson.dumps({"value": [changed], "@odata.deltaLink": link}))
        return read_page(
            body, feed, BASE, cursor, order=order, full=full, select=select or select_of(connection.settings)
        )


def run() -> list[Figure]:
    """One change after the other: thirty alone, then as many as find time beside the giant."""
    with Azurite() as azurite:
        line, storage = Line(), azurite.connection_string
        giant = World(storage, CrowdDirectory(GIANT, keep=False), "giant", line)
        small = World(storage, _Restless(SMALL, keep=False), "small", line)
        for world in (giant, small):
            seed(world)
        alone = _changes(giant, small, ALONE)
        start.reconcile_now(giant.services, giant.view)
        beside = _changes(giant, small)
    cycle = float(next(setting.default or 0 for setting in SETTINGS if setting.name == "PULL_INTERVAL"))
    note = f"{len(beside)} changes during a full pass over {GIANT:,} people, {WORKERS} workers for both"
    return [
        Figure(
            f"a neighbour's change beside a giant, {name}",
            measure(beside),
            "s",
            measure(alone),
            "the same change without the giant",
            measure(beside) / measure(alone),
            note=note,
        )
        for name, measure in (("median", statistics.median), ("slowest", max))
    ] + [
        Figure(
            "what the giant adds to its neighbour's change at most",
            max(beside) - min(alone),
            "s",
            cycle,
            "PULL_INTERVAL, a cycle",
            (max(beside) - min(alone)) / cycle,
            at_most=1,
        )
    ]


def _changes(giant: World, small: World, number: int = 0) -> list[float]:
    """Seconds from a notification to the change in its row: for so many changes, or until the giant's work is done."""
    found: list[float] = []
    connections = {world.view.connection.id: world for world in (giant, small)}
    mine = small.view.connection
    under_way: dict[Future[None], Message] = {}
    began = _notify(small)
    with ThreadPoolExecutor(WORKERS) as workers:
        while True:
            while len(under_way) < WORKERS and (message := small.line.receive()) is not None:
                services = connections[message.connection].services
                under_way[workers.submit(USE_CASES[queue_of(message)], services, message)] = message
            if not under_way:
                return found
            for finished in wait(under_way, return_when=FIRST_COMPLETED).done:
                message = under_way.pop(finished)
                finished.result()
                if isinstance(message, ChangesMessage) and message.connection == mine.id:
                    found.append(time.perf_counter() - began)
                    if len(found) < number or (not number and giant.view.reader.pass_run):
                        began = _notify(small)


def _notify(small: World) -> float:
    connection = small.view.connection
    now = iso(small.services.clock.now())
    small.line.send(PullMessage(connection.id, connection.epoch, "users", "notification", now, (object_id("user", 0),)))
    return time.perf_counter()
