"""`python -m tests.bench.memory_probe PEOPLE import|pass STORAGE` (a connection string): one pass, and its peak."""

from __future__ import annotations

import json
import resource
import sys
import time

from tests.bench.crowd import CrowdDirectory
from tests.bench.world import World


def main() -> None:
    """Prints one line of JSON: `before` and `peak` in KiB (ru_maxrss), `seconds`."""
    people, what, storage = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    world = World(storage, CrowdDirectory(people, keep=False), f"m{people}")
    world.connect()  # everything is imported and open
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    if what == "import":
        world.first_import()
    else:
        world.full_pass()
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(json.dumps({"before": before, "peak": peak, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main()
