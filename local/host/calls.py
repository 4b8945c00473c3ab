"""Calls the app's functions as the Python worker does: sync ones in threads, async ones on one shared loop."""

import asyncio
import contextlib
import logging
import os
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from local.host.context import CallContext
from local.host.loading import HttpTrigger, LoadedFunction
from local.host.logs import current_call
from local.host.settings import HostError

_log = logging.getLogger("local.host")


class WorkerDiedError(Exception):
    """The worker is being replaced: nobody may act on what this call did or did not do."""


class Calls:
    """Runs calls, counts those in flight, and gives them all up when one of them exceeds its time.

    Threads are pooled as Flex Consumption scales: the HTTP functions share one group, every other function is a group
    of its own, so that a full queue never keeps a request waiting. `on_death(reason)` is called once, on the host's
    loop, when the worker has to be replaced: a call was too long or ended the process.
    """

    def __init__(self, *, timeout: float | None, folder: Path, on_death: Callable[[str], None]) -> None:
        self._timeout = timeout
        self._folder = str(folder)
        self._on_death = on_death
        self._threads = thread_count(os.environ)
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._in_flight: set[asyncio.Future[Any]] = set()
        self._dead = False
        self._loop = uvloop.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="functions", daemon=True).start()

    @property
    def in_flight(self) -> int:
        """How many calls have begun and not ended."""
        return len(self._in_flight)

    @property
    def dead(self) -> bool:
        """Whether the worker is being replaced."""
        return self._dead

    async def call(self, function: LoadedFunction, argument: Any, headers: Mapping[str, str] | None = None) -> Any:
        """Call `function` and return what it returned.

        Raises whatever it raised, or WorkerDiedError when the worker was given up meanwhile. Must be called on the
        host's loop.
        """
        if self._dead:
            raise WorkerDiedError
        invocation = str(uuid.uuid4())
        arguments = {function.argument: argument}
        if function.wants_context:
            arguments["context"] = CallContext(function.name, self._folder, invocation, headers or {})
        token = current_call.set((function.name, invocation))
        try:
            return await self._timed(function, self._begin(function, arguments))
        finally:
            current_call.reset(token)

    def give_up(self, reason: str) -> None:
        """Fail every call in flight and have the worker replaced."""
        if self._dead:
            return
        self._dead = True
        _log.error("worker.given_up", extra={"reason": reason, "in_flight": len(self._in_flight)})
        for future in self._in_flight:
            if not future.done():
                future.set_exception(WorkerDiedError())
        self._on_death(reason)

    def _begin(self, function: LoadedFunction, arguments: dict[str, Any]) -> asyncio.Future[Any]:
        if function.is_async:
            return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(function, arguments), self._loop))
        call = partial(copy_context().run, _called, function, arguments)
        return asyncio.get_running_loop().run_in_executor(self._pool(function), call)

    def _pool(self, function: LoadedFunction) -> ThreadPoolExecutor:
        group = "http" if isinstance(function.trigger, HttpTrigger) else function.name
        if group not in self._pools:
            self._pools[group] = ThreadPoolExecutor(self._threads, thread_name_prefix=group)
        return self._pools[group]

    async def _timed(self, function: LoadedFunction, future: asyncio.Future[Any]) -> Any:
        self._in_flight.add(future)
        timer = None
        if self._timeout is not None:
            reason = f"function {function.name} exceeded the functionTimeout of {self._timeout:g} s"
            timer = asyncio.get_running_loop().call_later(self._timeout, self.give_up, reason)
        try:
            return await future
        except _EndedProcessError as error:
            self.give_up(f"function {function.name} ended its process: {error}")
            raise WorkerDiedError from None
        finally:
            self._in_flight.discard(future)
            if timer is not None:
                timer.cancel()


class _EndedProcessError(Exception):
    """A function raised SystemExit or KeyboardInterrupt."""


def thread_count(environ: Mapping[str, str]) -> int:
    """How many threads a group has: the setting, else the worker's own default, processors + 4 and at most 32."""
    given = environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "")
    if not given:
        return min(32, (os.cpu_count() or 1) + 4)
    if not given.isdigit() or int(given) < 1:
        raise HostError(f"PYTHON_THREADPOOL_THREAD_COUNT must be a whole number of 1 or more, not {given!r}")
    return int(given)


def _called(function: LoadedFunction, arguments: dict[str, Any]) -> Any:
    try:
        return function.call(**arguments)
    except (SystemExit, KeyboardInterrupt) as error:
        raise _EndedProcessError(repr(error)) from None


async def _awaited(function: LoadedFunction, arguments: dict[str, Any]) -> Any:
    try:
        return await function.call(**arguments)
    except asyncio.CancelledError:
        # The real worker never answers such a call, so it lasts until the timeout.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    except (SystemExit, KeyboardInterrupt) as error:
        raise _EndedProcessError(repr(error)) from None
