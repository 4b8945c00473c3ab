"""Around everything the panel answers: security headers, a limit on bodies, and a net for errors.

Starlette answers an unforeseen `Exception` with the app's handler, and then raises it again for its server to log. The
Functions worker would make an empty 500 of that, so it ends here: it was answered, and logged, already.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.settings import Settings
from sync.panel.problems import Problem

BODY_LIMIT = 256 * 1024
# Where the other clouds' sign-in pages are: a form of ours may end in a redirect to any of them.
OTHER_CLOUDS = ("https://login.microsoftonline.us", "https://login.chinacloudapi.cn")


def content_security_policy(settings: Settings) -> str:
    """Nothing from anywhere but us; forms may lead to Microsoft's sign-in."""
    login = urlsplit(settings.login_endpoint)
    forms = " ".join(dict.fromkeys(("'self'", f"{login.scheme}://{login.netloc}", *OTHER_CLOUDS)))
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
    )


class Shield:
    """The outermost ASGI layer."""

    def __init__(
        self, app: ASGIApp, settings: Callable[[], Settings], on_error: Callable[[Request, Exception], Response]
    ) -> None:
        self._app = app
        self._settings = settings
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = ended = False

        async def send_shielded(message: Message) -> None:
            nonlocal begun, ended
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message.get("headers", []), *self._headers(message)]
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        request = Request(scope, receive)
        try:
            length = request.headers.get("content-length", "")
            if length.isdecimal() and int(length) > BODY_LIMIT:
                error = Problem(413, "too_large", "A request may have 256 KiB at most.")
                await self._on_error(request, error)(scope, receive, send_shielded)
                return
            await self._app(scope, receive, send_shielded)
        except Exception as error:
            if not begun:
                await self._on_error(request, error)(scope, receive, send_shielded)
            elif not ended:
                raise

    def _headers(self, message: MutableMapping[str, Any]) -> list[tuple[bytes, bytes]]:
        given = {name.lower() for name, _ in message.get("headers", [])}
        headers = {
            b"x-content-type-options": b"nosniff",
            b"referrer-policy": b"same-origin",
            b"cross-origin-opener-policy": b"same-origin",
            b"cross-origin-resource-policy": b"same-origin",
            b"x-frame-options": b"DENY",
            b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
            b"cache-control": b"no-store",
        }
        try:
            settings = self._settings()
            headers[b"content-security-policy"] = content_security_policy(settings).encode()
            if settings.public_url.startswith("https://"):
                headers[b"strict-transport-security"] = b"max-age=31536000"
        except Exception:  # noqa: BLE001  -- settings that cannot be read are reported by /ready; this page is an error
            headers[b"content-security-policy"] = b"default-src 'none'"
        return [(name, value) for name, value in headers.items() if name not in given]
