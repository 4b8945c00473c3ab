"""`python -m tests.bench.memory_probe WHAT PEOPLE GROUPS STORAGE WORKERS`: some work, and its peak. STORAGE is a
connection string, WORKERS how many messages are worked on at a time.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sync.core.sync_settings import Chosen
from sync.usecases import preview, reaching
from tests.bench.crowd import CrowdDirectory, object_id
from tests.bench.seed import seed
from tests.bench.world import World

HALF = tuple(object_id("group", number) for number in range(1, 6))  # of the ten below the first: half of all groups


def main() -> None:
    """Prints one line of JSON: `before` and `peak` in KiB, `seconds`, and `processor` of this process."""
    what, people, groups, storage, workers = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4], int(sys.argv[5])
    world = World(storage, CrowdDirectory(people, keep=False, groups=groups), f"m{people}", workers=workers)
    world.connect()  # everything is imported and open
    before = _peak()
    began, cpu = time.monotonic(), time.process_time()
    WORK[what](world)
    spent = {"seconds": time.monotonic() - began, "processor": time.process_time() - cpu}
    sys.stdout.write(json.dumps({"before": before, "peak": _peak(), **spent}) + "\n")


def _peak() -> int:
    """KiB. Linux lets a process begin with its parent's `ru_maxrss`; VmHWM is its own alone."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def preview_scope(world: World) -> None:
    """Half of the groups instead of everybody."""
    settings = world.view.connection.settings
    chosen = replace(settings.scope, chosen=Chosen(groups=HALF))
    found = preview.preview(world.services, world.view, replace(settings, scope=chosen))
    assert found is not None
    assert found.people == world.directory.people


def preview_audience(world: World) -> None:
    """Half of the groups instead of nobody."""
    settings = world.view.connection.settings
    found = preview.preview(world.services, world.view, replace(settings, audience=Chosen(groups=HALF)))
    assert found is not None
    assert found.audience_gained.count > 0


def _look(world: World) -> None:
    """What every change of groups asks: whom do all of them reach now?"""
    connection = world.view.connection
    everybody = Chosen(groups=(object_id("group", 0),))
    settings = replace(connection.settings, scope=replace(connection.settings.scope, chosen=everybody))
    reaching.refresh(world.services, replace(connection, settings=settings))


WORK: Mapping[str, Callable[[World], object]] = {
    "seed": seed,
    "import": World.first_import,
    "pass": World.full_pass,
    "revisit": World.revisit,
    "preview": preview_scope,
    "reach": _look,
}


if __name__ == "__main__":
    main()
