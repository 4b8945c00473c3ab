"""A browser without a screen: real requests through the ASGI app, cookies kept, redirects not followed."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from starlette.types import ASGIApp

BASE = "https://sync.moxso.example"


class Browser:
    """Calls the app as a server would. An error that escapes the app fails the test."""

    def __init__(self, app: ASGIApp, base: str = BASE) -> None:
        self._app = app
        self._base = base
        self.cookies = httpx.Cookies()

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any method. Each call has a loop of its own, as each invocation of the Functions worker may."""
        return asyncio.run(self._request(method, path, options))

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url=self._base, cookies=self.cookies) as client:
            answer = await client.request(method, path, **options)
            self.cookies = client.cookies
            return answer
