"""The one link: a page that signs its visitor in as the workspace's admin, with a fresh token each time."""

import html
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.run.workspace import ADMIN, Workspace

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Signing in</title></head>
<body><form method="post" action="{action}"><input type="hidden" name="token" value="{token}">
<noscript><p>Sign in as {name}, admin of {workspace}.</p></noscript><button>Sign in</button></form>
<script nonce="{nonce}">document.forms[0].submit()</script></body></html>
"""


class Door:
    """Serves the page on loopback; port 0 takes a free one. Raises OSError when the port is taken."""

    def __init__(self, workspace: Workspace, public_url: str, *, port: int = 0) -> None:
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(workspace, public_url))
        except OSError as error:
            raise OSError(f"cannot listen on 127.0.0.1 port {port}: {error.strerror}. Choose another port.") from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="door", daemon=True)

    @property
    def url(self) -> str:
        """The link."""
        return f"http://localhost:{self._server.server_address[1]}/"

    def open(self) -> None:
        """Serve."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def _handler(workspace: Workspace, public_url: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """The page, for `/` alone: whatever else a browser asks for must not use up tokens."""
            if self.path.partition("?")[0] != "/":
                self.send_error(404)
                return
            nonce = secrets.token_urlsafe(16)
            body = _PAGE.format(
                action=html.escape(f"{public_url}/session"),
                token=workspace.token(),
                name=html.escape(str(ADMIN["name"])),
                workspace=html.escape(str(ADMIN["workspace_name"])),
                nonce=nonce,
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Security-Policy", f"default-src 'none'; script-src 'nonce-{nonce}'")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's name
            """Say nothing."""

    return Handler
