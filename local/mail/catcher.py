"""SMTP server and web page on one thread."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Literal, Self

import trustme
import uvicorn

from local.mail.page import make_page
from local.mail.smtp import Handler, protocol
from local.mail.store import MailStore

Tls = Literal["none", "starttls", "implicit"]


class PortInUseError(Exception):
    """Another process has the port; the message names it."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: the program around decides."""
        yield


class MailCatcher:
    """Takes mail on `smtp_port`, shows it on `http_port`; 0 takes free ones (read them after the construction).

    `store` holds what was caught; `handler` can be scripted to misbehave. With `tls` the certificate for localhost and
    127.0.0.1 is signed by a CA of this catcher alone: `ca_pem`.
    """

    def __init__(self, *, host: str = "127.0.0.1", smtp_port: int = 0, http_port: int = 0, tls: Tls = "none") -> None:
        self.store = MailStore()
        self.handler = Handler(self.store)
        self._smtp = _listen(host, smtp_port)
        try:
            self._http = _listen(host, http_port)
        except PortInUseError:
            self._smtp.close()
            raise
        self._tls = tls
        self._context, self.ca_pem = _certificate(tls)
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        config = uvicorn.Config(make_page(self.store), lifespan="off", log_config=None, access_log=False)
        self._server = _Server(config)

    @property
    def smtp_port(self) -> int:
        """The port that takes mail."""
        return int(self._smtp.getsockname()[1])

    @property
    def smtp_url(self) -> str:
        """The mail setting that sends everything here."""
        host = self._smtp.getsockname()[0]
        return f"{'smtps' if self._tls == 'implicit' else 'smtp'}://{host}:{self.smtp_port}"

    @property
    def page_url(self) -> str:
        """The page."""
        host, port = self._http.getsockname()[:2]
        return f"http://{host}:{port}"

    def start(self) -> Self:
        """Serve on a thread; returns when both ports answer."""
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), name="mail catcher", daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def stop(self) -> None:
        """Close both ports; what was caught stays in `store`."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self._smtp.close()
        self._http.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        starttls = self._context if self._tls == "starttls" else None
        implicit = self._context if self._tls == "implicit" else None
        smtp = await loop.create_server(
            lambda: protocol(self.handler, starttls, loop), sock=self._smtp.dup(), ssl=implicit
        )
        pages = asyncio.create_task(self._server.serve(sockets=[self._http.dup()]))
        while not self._server.started and not pages.done():  # noqa: ASYNC110 -- uvicorn only has a flag
            await asyncio.sleep(0.005)
        self._ready.set()
        await pages
        smtp.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise PortInUseError(f"cannot listen on {host} port {port}: {error.strerror}. Choose another port.") from None


def _certificate(tls: Tls) -> tuple[ssl.SSLContext | None, bytes]:
    if tls == "none":
        return None, b""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context, authority.cert_pem.bytes()
