"""Puts the parts together: the HTTP front, the queue listeners and the timers of one app."""

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from azure.core.exceptions import AzureError

from local.host.calls import Calls
from local.host.http import HttpFront
from local.host.loading import HttpTrigger, LoadedApp, QueueTrigger, TimerTrigger
from local.host.queues import QueueListener
from local.host.settings import HostError, HostSettings
from local.host.storage import StorageClients, connect
from local.host.timers import TimerRunner, TimerStatus, run_timers

DEFAULT_STORAGE = "AzureWebJobsStorage"
_log = logging.getLogger("local.host")


@dataclass(frozen=True, slots=True)
class Options:
    """How this host runs, beyond what host.json says. Times are in seconds."""

    lease: int = 600
    grace: float = 30
    certificate: Path | None = None
    key: Path | None = None


class _Server(uvicorn.Server):
    """uvicorn that leaves the signals to the host."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class Host:
    """Serves one app on one listening socket until it is stopped or its worker has to be replaced."""

    def __init__(
        self,
        app: LoadedApp,
        settings: HostSettings,
        options: Options,
        listening: socket.socket,
        environ: Mapping[str, str],
    ) -> None:
        self._app = app
        self._settings = settings
        self._options = options
        self._listening = listening
        self._environ = environ
        self._stop = asyncio.Event()
        self._replace: str | None = None
        self._calls = Calls(timeout=settings.function_timeout, folder=app.folder, on_death=self._on_death)
        self._accounts: dict[str, StorageClients] = {}
        self._listeners: list[QueueListener] = []
        self._timers: list[TimerRunner] = []
        self._status: TimerStatus | None = None
        self._server = self._make_server()

    @property
    def url(self) -> str:
        """Where it answers."""
        address, port = self._listening.getsockname()[:2]
        host = f"[{address}]" if ":" in address else address
        return f"{'https' if self._options.certificate else 'http'}://{host}:{port}"

    def stop(self) -> None:
        """Take nothing new, let what has begun end within the grace, then end."""
        self._stop.set()

    async def run(self) -> str | None:
        """Serve. Returns None after an orderly stop, or why the process has to replace itself.

        Raises HostError when the storage does not answer at start.
        """
        await self._prepare()
        serving = asyncio.create_task(self._server.serve(sockets=[self._listening]))
        while not self._server.started and not serving.done():  # noqa: ASYNC110 -- uvicorn only has a flag
            await asyncio.sleep(0.005)
        polls = [asyncio.create_task(listener.listen()) for listener in self._listeners]
        if self._status is not None:
            polls.append(asyncio.create_task(run_timers(self._timers, self._status)))
        self._announce()
        await self._stop.wait()
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
        if self._replace is None:
            await self._drain(serving)
        else:
            # Long enough for the failed calls' answers to leave.
            await asyncio.sleep(0.2)
        return self._replace

    def _on_death(self, reason: str) -> None:
        self._replace = reason
        self._stop.set()

    def _make_server(self) -> _Server:
        front = HttpFront(self._app.functions, self._calls, self._settings.http, self._environ)
        options = self._options
        return _Server(
            uvicorn.Config(
                front,
                http="httptools",
                lifespan="off",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                server_header=False,
                backlog=2048,
                ssl_certfile=options.certificate,
                ssl_keyfile=options.key,
                ssl_version=ssl.PROTOCOL_TLS_SERVER,
            )
        )

    async def _prepare(self) -> None:
        for function in self._app.functions:
            trigger = function.trigger
            if isinstance(trigger, QueueTrigger):
                service = self._account(trigger.connection).queues
                listener = QueueListener(
                    function, trigger, service, self._calls, self._settings.queues, lease=self._options.lease
                )
                self._listeners.append(listener)
            elif isinstance(trigger, TimerTrigger):
                self._status = self._status or TimerStatus(self._account(DEFAULT_STORAGE).tables)
                self._timers.append(TimerRunner(function, trigger, self._status, self._calls))
        try:
            await asyncio.gather(*(listener.create() for listener in self._listeners))
            if self._status is not None:
                await self._status.create()
        except AzureError as error:
            places = ", ".join(account.place for account in self._accounts.values())
            raise HostError(f"the storage at {places} does not answer: {str(error).splitlines()[0]}") from error

    def _account(self, connection: str) -> StorageClients:
        if connection not in self._accounts:
            self._accounts[connection] = connect(connection, self._environ)
        return self._accounts[connection]

    def _announce(self) -> None:
        for function in self._app.functions:
            print(f"  {function.name}: {_described(function.trigger)}")
        print(f"Functions host is ready at {self.url}", flush=True)

    async def _drain(self, serving: asyncio.Task[None]) -> None:
        _log.info("host.stopping", extra={"in_flight": self._calls.in_flight})
        self._server.should_exit = True
        ends = [listener.drain() for listener in self._listeners] + [timer.drain() for timer in self._timers]
        try:
            async with asyncio.timeout(self._options.grace):
                await asyncio.gather(*ends, serving)
        except TimeoutError:
            _log.warning("host.grace_over", extra={"in_flight": self._calls.in_flight})
        if self._status is not None:
            await self._status.free_lock()
        for account in self._accounts.values():
            await account.close()


def listen(address: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises HostError naming the port when another process has it."""
    inherited = os.environ.pop("LOCAL_HOST_SOCKET", None)
    if inherited is not None:
        return socket.socket(fileno=int(inherited))
    try:
        return socket.create_server((address, port), backlog=2048)
    except OSError as error:
        raise HostError(
            f"cannot listen on {address} port {port}: {error.strerror}. Choose another port with --port N "
            "(0 takes a free one)."
        ) from None


def replace_process(listening: socket.socket) -> None:
    """Start this program anew in the same process: every thread ends at once, the listening socket stays open."""
    listening.set_inheritable(True)
    os.environ["LOCAL_HOST_SOCKET"] = str(listening.fileno())
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 -- the very command this process was started with


def _described(trigger: HttpTrigger | QueueTrigger | TimerTrigger) -> str:
    if isinstance(trigger, HttpTrigger):
        return f"http [{','.join(sorted(trigger.methods)) or 'any'}] /{trigger.route}"
    if isinstance(trigger, QueueTrigger):
        return f"queue {trigger.queue}"
    return f"timer {trigger.schedule.expression}"
