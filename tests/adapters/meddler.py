"""A proxy on loopback that passes requests on and, when told to, loses, cuts, delays or replaces the replies."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_OURS = {"transfer-encoding", "content-length", "connection", "keep-alive"}  # of this connection, not the next one


@dataclass
class Reply:
    """What a client is sent. `length` is what Content-Length claims, if not the truth."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None


@dataclass
class _Plan:
    method: str
    part: str
    forward: bool
    change: Callable[[Reply], Reply | None]


class Meddler:
    """Stands before one HTTP service, with TLS if given a context. `seen` has method and path of every request."""

    def __init__(self, target: str, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self.seen: list[tuple[str, str]] = []
        self._plans: list[_Plan] = []
        self._lock = threading.Lock()
        self.release = threading.Event()  # ends every `hang`
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def lose_reply(self, method: str, part: str = "") -> None:
        """The next request like this takes effect; the client sees the connection end."""
        self._plans.append(_Plan(method, part, forward=True, change=lambda _: None))

    def answer(self, method: str, part: str, reply: Reply) -> None:
        """The next request like this is answered so, and goes no further."""
        self._plans.append(_Plan(method, part, forward=False, change=lambda _: reply))

    def cut(self, method: str, part: str = "") -> None:
        """The next request like this takes effect; half of the reply's body arrives."""

        def half(reply: Reply) -> Reply:
            return Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2], len(reply.body))

        self._plans.append(_Plan(method, part, forward=True, change=half))

    def hang(self, method: str, part: str = "") -> None:
        """The next request like this takes effect; nothing is heard of it."""

        def wait(_: Reply) -> None:
            self.release.wait(30)

        self._plans.append(_Plan(method, part, forward=True, change=wait))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def _planned(self, method: str, path: str) -> _Plan | None:
        with self._lock:
            self.seen.append((method, path))
            found = next((plan for plan in self._plans if plan.method == method and plan.part in path), None)
            if found is not None:
                self._plans.remove(found)
            return found

    def _forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        connection = http.client.HTTPConnection(*self._target, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in _OURS}
            return Reply(answer.status, kept, answer.read())
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        meddler = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def meddle(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                plan = meddler._planned(self.command, self.path)
                reply: Reply | None = Reply(500)
                if plan is None or plan.forward:
                    reply = meddler._forward(self.command, self.path, dict(self.headers), body)
                if plan is not None and reply is not None:
                    reply = plan.change(reply)
                if reply is None or reply.length is not None:
                    self.close_connection = True
                if reply is not None:
                    self._write(reply)

            def _write(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                length = len(reply.body) if reply.length is None else reply.length
                if reply.status not in {204, 304}:
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class calls it so
                """Say nothing."""

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_MERGE = meddle  # noqa: N815

        return Handler
