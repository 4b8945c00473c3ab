"""The child processes: each with a log of its own, started until ready, stopped together."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAST_LINES = 15
STOP_SECONDS = 15.0


class ChildError(Exception):
    """A child did not start, or ended by itself; the message names it and shows what it said last."""


@dataclass(frozen=True, slots=True)
class Program:
    """A module of ours to run. `ready` is searched in what it prints; its groups are the answer to `start`."""

    name: str
    module: str
    arguments: Sequence[str]
    ready: re.Pattern[str]
    environ: Mapping[str, str]
    inherited: tuple[int, ...] = ()


class Child:
    """One running program."""

    def __init__(self, program: Program, logs: Path) -> None:
        self.name = program.name
        self.log = logs / f"{program.module.rsplit('.', 1)[-1]}.log"
        self._ready = program.ready
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.run.leash", program.module, *program.arguments],
                env={**os.environ, "PYTHONUNBUFFERED": "1", **program.environ},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=program.inherited,
                # Ctrl-C is for the parent, which stops its children in order.
                start_new_session=True,
            )

    def wait_ready(self, timeout: float = 60) -> tuple[str, ...]:
        """Wait until it says that it is ready; returns what it said. Raises ChildError."""
        deadline = time.monotonic() + timeout
        while (found := self._ready.search(self._said())) is None:
            self.check()
            if time.monotonic() > deadline:
                raise ChildError(f"{self.name} is not ready after {timeout:g} s. {self._ending()}")
            time.sleep(0.02)
        return found.groups()

    def check(self) -> None:
        """Raises ChildError when it has ended."""
        status = self._process.poll()
        if status is not None:
            raise ChildError(f"{self.name} ended by itself with status {status}. {self._ending()}")

    def begin_stop(self) -> None:
        """Ask it to end."""
        if self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End it at once, with no word."""
        self._process.kill()
        self.stop()

    def stop(self) -> None:
        """Ask it to end, insist after a while."""
        self.begin_stop()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _said(self) -> str:
        return self.log.read_text(errors="replace")

    def _ending(self) -> str:
        lines = self._said().rstrip().splitlines()[-LAST_LINES:]
        return f"Its last words ({self.log}):\n" + "\n".join(f"  {line[:500]}" for line in lines)
