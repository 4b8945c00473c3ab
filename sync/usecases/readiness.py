"""Whether what we depend on can be reached: the answer of /ready.

Anybody may ask, so the answer holds no more than names and yes or no, and is kept for a few seconds: asking often
costs our dependencies nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from shared.events import log
from sync.usecases.services import Services

Probe = Callable[[Services], object]
KEEP_SECONDS = 5.0
PATIENCE_SECONDS = 8.0


class Readiness:
    """Runs every probe at once. A probe returns, or raises whatever it likes."""

    def __init__(self, probes: Mapping[str, Probe], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._probes = probes
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: tuple[float, int, Mapping[str, object]] | None = None

    def check(self, services: Services) -> tuple[int, Mapping[str, object]]:
        """HTTP status (200, or 503 when anything is out of reach) and the JSON body. Never raises."""
        with self._lock:
            if self._kept is None or self._monotonic() - self._kept[0] > KEEP_SECONDS:
                reached = self._reach(services)
                status = 200 if all(reached.values()) else 503
                body = {
                    "status": "ready" if status == 200 else "unavailable",
                    "dependencies": {name: "ok" if ok else "unreachable" for name, ok in reached.items()},
                }
                self._kept = (self._monotonic(), status, body)
            return self._kept[1], self._kept[2]

    def _reach(self, services: Services) -> Mapping[str, bool]:
        pool = ThreadPoolExecutor(len(self._probes), thread_name_prefix="ready")
        try:
            runs = {name: pool.submit(_holds, name, probe, services) for name, probe in self._probes.items()}
            end = self._monotonic() + PATIENCE_SECONDS
            reached = {}
            for name, run in runs.items():
                try:
                    reached[name] = run.result(timeout=max(0.0, end - self._monotonic()))
                except TimeoutError:
                    reached[name] = False
            return reached
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _holds(name: str, probe: Probe, services: Services) -> bool:
    try:
        probe(services)
    except Exception as error:  # noqa: BLE001  -- whatever it is, the dependency is not usable
        log("request.failed", logging.WARNING, route=f"/ready {name}", error=type(error).__name__)
        return False
    return True
