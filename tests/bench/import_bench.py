"""How long importing the app takes: it is the first half of a cold start."""

from __future__ import annotations

import statistics
import subprocess
import sys

from tests.bench.figures import Figure

RUNS = 9
_TIMED = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"


def run() -> list[Figure]:
    """Median of some subprocesses each, in turns."""
    times: dict[str, list[float]] = {"function_app": [], "azure.functions": []}
    for number in range(RUNS + 1):
        for module, measured in times.items():
            seconds = float(subprocess.check_output([sys.executable, "-c", _TIMED.format(module)], text=True))
            if number:  # the first round warms the file cache
                measured.append(seconds * 1000)
    ours, bare = (statistics.median(measured) for measured in times.values())
    return [
        Figure(
            "import of function_app",
            ours,
            "ms",
            bare,
            "import of azure.functions",
            ours / bare,
            at_most=1.3,
            note=f"median of {RUNS} processes each",
        )
    ]
