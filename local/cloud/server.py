"""The running cloud: one TLS port (or two) in a thread of its own, started and stopped by its owner."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import trustme
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local.cloud.control import Control
from local.cloud.control_api import ControlApi
from local.cloud.front import Front
from local.cloud.keys import load_authority, load_keys, server_tls
from local.cloud.world import World


class _Protocol(HttpToolsProtocol):
    """Lets the application reach the connection, to break it on purpose."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: Any = self.scope.setdefault("extensions", {})
        extensions["local.transport"] = self.transport


class Cloud:
    """The simulated Microsoft cloud. `start()`, use `base_url`, `ca_pem` and `control`, `stop()`.

    `port` 0 takes a free one. With `login_port` login and Graph are on different ports. `notify_ca` is the PEM of
    a further authority to trust when notifications are delivered (the system's and this cloud's own are).
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        login_port: int | None = None,
        state_dir: Path | None = None,
        notify_ca: bytes | None = None,
    ) -> None:
        if state_dir is not None:
            state_dir.mkdir(parents=True, exist_ok=True)
        self._authority = load_authority(state_dir)
        self._notify_ca = notify_ca
        self.world = World(load_keys(state_dir))
        self._sockets = [_bind(host, wanted) for wanted in (port, login_port) if wanted is not None]
        ports = [sock.getsockname()[1] for sock in self._sockets]
        self.port = ports[0]
        self.base_url = f"https://localhost:{self.port}"
        self.login_url = f"https://localhost:{ports[-1]}"
        self._login_port = ports[1] if login_port is not None else None
        self.ca_pem: bytes = self._authority.cert_pem.bytes()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._control: Control | None = None

    @property
    def control(self) -> Control:
        """A client of the control API of this cloud."""
        if self._control is None:
            self._control = Control(self.base_url, self.ca_pem)
        return self._control

    def start(self) -> Self:
        """Serve from a thread; returns when requests are answered."""
        tls = server_tls(self._authority, ["localhost", "127.0.0.1", "::1"])
        control = Starlette(routes=ControlApi(self.world).routes(), lifespan=self._lifespan)
        config = uvicorn.Config(
            Front(self.world, control, self._login_port),
            http=_Protocol,
            ws="none",
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
            ssl_context_factory=lambda _config, _default: tls,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=(self._sockets,), name="simulated-cloud", daemon=True
        )
        self._thread.start()
        if not self._ready.wait(20) or not self._thread.is_alive():
            raise RuntimeError("the simulated cloud did not start")
        return self

    def stop(self) -> None:
        """Stop serving and release the ports."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(10)
        for sock in self._sockets:
            sock.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        delivery = self.world.subscriptions.delivery
        delivery.open(_trust(self._authority, self._notify_ca))
        watch = asyncio.create_task(self.world.subscriptions.watch())
        self._ready.set()
        try:
            yield
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            await delivery.close()
            await self._hang_up()

    async def _hang_up(self) -> None:
        """End connections whose other side does not answer the end of TLS; the loop cannot close before."""
        open_ = self._server.server_state.connections if self._server is not None else set()
        for connection in list(open_):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        for _ in range(50):
            if not open_:
                break
            await asyncio.sleep(0.01)


def _bind(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    sock.listen(1024)
    return sock


def _trust(authority: trustme.CA, more: bytes | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if more is not None:
        context.load_verify_locations(cadata=more.decode())
    return context
