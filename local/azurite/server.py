"""Azurite as a child process that ends with its parent."""

import contextlib
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from local.azurite.install import FOLDER, is_installed
from local.azurite.node import find_node

# The emulator's public account and key: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
# Key of the accounts that tests ask for: short, since an environment variable holds all of them.
SHORT_KEY = "bG9jYWw="
SERVICES = ("Blob", "Queue", "Table")

_LISTENS = re.compile(r"Azurite (\w+) service is successfully listening at http://127\.0\.0\.1:(\d+)")
_IN_USE = re.compile(r"EADDRINUSE[^\n]*?:(\d+)")
# Node closes idle connections after 5 s by default, in the face of a client about to use one again.
_KEEP_ALIVE_SECONDS = "120"


class AzuriteError(Exception):
    """Azurite is not installed, did not start, or ended; the message says which and shows its last lines."""


class Azurite:
    """One Azurite: blobs, queues and tables on loopback.

    `location` is a folder that keeps the data; without it everything is in memory and gone at the end.
    `ports` are those of blobs, queues and tables; 0 takes a free one. `accounts` are further storage accounts,
    each as empty as a new one.
    """

    def __init__(
        self, *, location: Path | None = None, ports: Sequence[int] = (0, 0, 0), accounts: Sequence[str] = ()
    ) -> None:
        self._location = location
        self._asked = tuple(ports)
        self._keys = {ACCOUNT: KEY, **dict.fromkeys(accounts, SHORT_KEY)}
        self._ports: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="azurite-", ignore_cleanup_errors=True)
        self._output = Path(self._scratch.name, "output.log")

    def start(self, timeout: float = 60) -> Self:
        """Start and wait until all three services answer; `timeout` in seconds. Raises AzuriteError."""
        node = find_node()
        if node is None or not is_installed():
            raise AzuriteError("Azurite is not installed here: run `make install`")
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [*node.command, str(FOLDER / "start.cjs"), *self._options()],
                cwd=self._scratch.name,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "AZURITE_ACCOUNTS": self._account_list()},
            )
        deadline = time.monotonic() + timeout
        while len(self._ports) < len(SERVICES):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.output()
                self.stop()
                raise AzuriteError(_why_not_started(said))
            time.sleep(0.02)
            self._ports = {name: int(port) for name, port in _LISTENS.findall(self.output())}
        return self

    def stop(self) -> None:
        """End the process, letting it write what it keeps; does nothing when it does not run.

        Its input is closed only afterwards: that is a second signal to end, which it obeys at once, half written.
        """
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            with contextlib.suppress(OSError):
                self._process.communicate()
            self._process = None
        self._scratch.cleanup()

    def wait(self) -> int:
        """Block until the process ends by itself; returns its exit status."""
        if self._process is None:
            raise AzuriteError("Azurite does not run")
        return self._process.wait()

    def output(self) -> str:
        """What the process has printed so far."""
        return self._output.read_text(errors="replace")

    @property
    def connection_string(self) -> str:
        """How Azure's clients reach the emulator's own account."""
        return self.account(ACCOUNT)

    def account(self, name: str) -> str:
        """The connection string of one of the accounts that were asked for at construction."""
        key = self._keys[name]
        endpoints = "".join(
            f"{service}Endpoint=http://127.0.0.1:{self._ports[service]}/{name};" for service in SERVICES
        )
        return f"DefaultEndpointsProtocol=http;AccountName={name};AccountKey={key};{endpoints}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _account_list(self) -> str:
        return ";".join(f"{name}:{key}" for name, key in self._keys.items())

    def _options(self) -> list[str]:
        options = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        for service, port in zip(SERVICES, self._asked, strict=True):
            name = service.lower()
            options += [f"--{name}Port", str(port), f"--{name}KeepAliveTimeout", _KEEP_ALIVE_SECONDS]
        if self._location is None:
            return [*options, "--inMemoryPersistence"]
        self._location.mkdir(parents=True, exist_ok=True)
        return [*options, "--location", str(self._location.resolve())]


def _why_not_started(said: str) -> str:
    in_use = _IN_USE.search(said)
    if in_use is not None:
        return f"Azurite cannot listen on port {in_use[1]}: another process uses it. Choose another port."
    return f"Azurite did not start. It said:\n{said.strip()[-2000:]}"
