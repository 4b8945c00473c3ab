"""The Functions host as a child process: start, wait until it is ready, stop or kill."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
_READY = re.compile(r"^Functions host is ready at (\S+)$", re.MULTILINE)


class HostProcessError(Exception):
    """The host ended before it was ready; the message is what it printed."""


class HostProcess:
    """`python -m local.host` with the given app and environment (on top of this process's own).

    The app is this product unless another is named. `lease` is in seconds: how long a message in flight stays hidden
    after a kill. Port 0 takes a free one. `flags` are handed on. What it prints is kept in a file: see `output`.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        app: Path | str = ROOT,
        port: int = 0,
        lease: int = 600,
        flags: tuple[str, ...] = (),
    ) -> None:
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._environ = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": path, **environ}
        options = ["--port", str(port), "--app", str(app), "--lease-seconds", str(lease), *flags]
        self._command = [sys.executable, "-m", "local.host", *options]
        self._log: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self, timeout: float = 30) -> Self:
        """Start and wait until it serves; `timeout` in seconds. Raises HostProcessError."""
        self._forget_output()
        self._log = Path(tempfile.mkdtemp(prefix="host-"), "host.log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + timeout
        while (found := _READY.search(self.output())) is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.output()
                self.kill()
                self._forget_output()
                raise HostProcessError(said)
            time.sleep(0.02)
        self.url = found[1]
        return self

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def output(self) -> str:
        """All that this start of it has printed so far."""
        return self._log.read_text(errors="replace") if self._log is not None else ""

    def stop(self, timeout: float = 40) -> int:
        """Ask it to stop, wait until it has; returns its exit status. `timeout` in seconds, then it is killed."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout)
        return self.kill()

    def kill(self) -> int:
        """SIGKILL, as a crash; it may be started again. Returns the exit status."""
        assert self._process is not None
        self._process.kill()
        return self._process.wait()

    def wait(self, timeout: float) -> int:
        """Wait for it to end by itself; returns its exit status. Raises subprocess.TimeoutExpired."""
        assert self._process is not None
        return self._process.wait(timeout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._forget_output()

    def _forget_output(self) -> None:
        if self._log is not None:
            shutil.rmtree(self._log.parent, ignore_errors=True)
            self._log = None
