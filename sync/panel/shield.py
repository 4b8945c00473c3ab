"""Around everything the panel answers: security headers, a limit on bodies, and a net for errors.

Starlette answers an unforeseen `Exception` with the app's handler, and then raises it again for its server to log. The
Functions worker would make an empty 500 of that, so it ends here: it was answered, and logged, already.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.settings import Settings
from sync.panel.problems import Problem

BODY_LIMIT = 512 * 1024  # the longest lists that settings may have are 320 KiB
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


def too_large() -> Problem:
    """The body is longer than any that makes sense."""
    return Problem(413, "too_large", f"A request may have {BODY_LIMIT // 1024} KiB at most.")


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
        received = 0

        async def send_shielded(message: Message) -> None:
            nonlocal begun, ended
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message.get("headers", []), *self._headers(message)]
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY_LIMIT:  # FastAPI lets nothing else through from where it reads a body
                raise HTTPException(413)
            return message

        request = Request(scope, receive)
        try:
            length = request.headers.get("content-length", "")
            if length.isdecimal() and int(length) > BODY_LIMIT:
                await self._on_error(request, too_large())(scope, receive, send_shielded)
                return
            await self._app(scope, receive_bounded, send_shielded)
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
