"""Faults on demand. Every fake tells this before it answers or changes anything, by the name of port and method."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class Crash(BaseException):
    """The process is killed here. No `except Exception` catches it, as none would catch SIGKILL."""


@dataclass
class _Planned:
    operation: str
    error: BaseException
    times: int
    landed: bool


class Faults:
    """Plans faults, and counts effects: writes and sends, one for every transaction.

    `effects` has the operations that took place, in order, e.g. `people.commit`. The names are those of the fields of
    `FakeStorage` (`queue` and `mail_server` for the others) and of the port's method.
    """

    def __init__(self) -> None:
        self.effects: list[str] = []
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []
        self._crash_in = 0
        self._crash_landed = True

    def fail_next(self, operation: str, error: BaseException, *, times: int = 1, landed: bool = False) -> None:
        """Let the next calls of an operation raise; `landed`: only after their effect took place (a lost reply)."""
        with self._lock:
            self._planned.append(_Planned(operation, error, times, landed))

    def crash_after(self, effects: int, *, landed: bool = True) -> None:
        """Raise `Crash` at that effect counted from now: right after it, or with `landed=False` in its stead."""
        with self._lock:
            self._crash_in, self._crash_landed = effects, landed

    def heal(self) -> None:
        """Forget every fault that was planned."""
        with self._lock:
            self._planned.clear()
            self._crash_in = 0

    def read(self, operation: str) -> None:
        """A fake is about to answer. Raises what was planned."""
        fault = self._due(operation)
        if fault is not None:
            raise fault.error

    @contextmanager
    def effect(self, operation: str) -> Iterator[None]:
        """A fake is about to change something in the body; if the body raises, nothing was changed."""
        fault = self._due(operation)
        crash = self._crashes()
        if fault is not None and not fault.landed:
            raise fault.error
        if crash and not self._crash_landed:
            raise Crash(operation)
        yield
        with self._lock:
            self.effects.append(operation)
        if fault is not None:
            raise fault.error
        if crash:
            raise Crash(operation)

    def _due(self, operation: str) -> _Planned | None:
        with self._lock:
            for planned in self._planned:
                if planned.operation == operation:
                    planned.times -= 1
                    if planned.times <= 0:
                        self._planned.remove(planned)
                    return planned
        return None

    def _crashes(self) -> bool:
        with self._lock:
            self._crash_in -= 1
            return self._crash_in == 0
