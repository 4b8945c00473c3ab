"""An HTTPS endpoint as a subscriber runs one."""

import json
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import trustme

Json = dict[str, Any]


class Listener:
    """Keeps every POST; `reply` decides the status of a notification, `echo` what a handshake gets."""

    def __init__(self, authority: trustme.CA | None) -> None:
        self.posts: list[Json] = []
        self.validations: list[str] = []
        self.validation_headers: list[dict[str, str]] = []
        self.reply: Callable[[int], int] = lambda _number: 202
        self.echo: Callable[[str], tuple[int, str, str]] = lambda token: (200, "text/plain", token)
        owner = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def do_POST(self) -> None:
                """A handshake or notifications."""
                owner._post(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class names it
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if authority is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost").configure_cert(tls)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if authority is not None else "http"
        self.url = f"{scheme}://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def _post(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", "0")))
        query = parse_qs(urlsplit(handler.path).query)
        if "validationToken" in query:
            token = query["validationToken"][0]
            self.validations.append(handler.path)
            self.validation_headers.append({name.lower(): value for name, value in handler.headers.items()})
            status, kind, text = self.echo(token)
        else:
            self.posts.append({"path": handler.path, "value": json.loads(body)["value"], "at": time.time()})
            status, kind, text = self.reply(len(self.posts)), "text/plain", ""
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())

    @property
    def items(self) -> list[Json]:
        """Every notification item so far."""
        return [item for post in self.posts for item in post["value"]]

    def until(self, count: int, seconds: float = 10.0) -> list[Json]:
        """The items, when there are at least `count`."""
        end = time.monotonic() + seconds
        while len(self.items) < count:
            assert time.monotonic() < end, f"only {len(self.items)} of {count} notifications came"
            time.sleep(0.01)
        return self.items

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
