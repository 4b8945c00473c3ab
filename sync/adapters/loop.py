"""One event loop in a thread of its own, for the vendors' asynchronous clients under our synchronous ports."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from shared.errors import Transient

Result = TypeVar("Result")


class LoopThread:
    """Starts with its first call. The thread is a daemon: nothing it does outlives the call that waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, Result], seconds: float) -> Result:
        """Wait for the coroutine, at most so long. Raises Transient when it takes longer (it is then cancelled)."""
        future = asyncio.run_coroutine_threadsafe(work, self._started())
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError as error:
            future.cancel()
            raise Transient("no answer in time") from error

    def close(self) -> None:
        """End the thread; the next call would start another."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="graph", daemon=True)
                self._thread.start()
            return self._loop
