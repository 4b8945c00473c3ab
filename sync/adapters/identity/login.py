"""Transports to the login endpoints: only the calls on the list, no redirects, no proxies, our own trust."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import requests
from requests.adapters import HTTPAdapter

from sync.adapters.egress import Rule, check

CONNECT_SECONDS, READ_SECONDS = 8.0, 15.0


class LastAnswer(threading.local):
    """What this thread was answered last: azure-identity's errors do not carry it."""

    status = 0
    retry_after = ""


class LoginAdapter(HTTPAdapter):
    """For azure-identity, which speaks through requests."""

    def __init__(self, rules: Sequence[Rule], context: ssl.SSLContext) -> None:
        self._rules = rules
        self._context = context
        self.last = LastAnswer()
        super().__init__(pool_maxsize=32)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Hand our trust down to urllib3."""
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002  -- requests' signature; no proxy is ever used
    ) -> requests.Response:
        """Raises ForbiddenCall before a socket opens unless the call is on the list."""
        check(self._rules, request.method or "", request.url or "")
        self.last.status, self.last.retry_after = 0, ""
        response = super().send(request, stream, timeout, verify, cert, None)
        self.last.status = response.status_code
        self.last.retry_after = response.headers.get("Retry-After", "")
        return response


def session(adapter: LoginAdapter) -> requests.Session:
    """A session that can reach nothing but the login endpoints."""
    made = requests.Session()
    made.trust_env = False
    made.max_redirects = 0
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


class LoginTransport(httpx.BaseTransport):
    """For our own few calls (code, keys), which go through httpx."""

    def __init__(self, rules: Sequence[Rule], context: ssl.SSLContext) -> None:
        self._rules = rules
        self._inner = httpx.HTTPTransport(verify=context, trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises ForbiddenCall before a socket opens unless the call is on the list."""
        check(self._rules, request.method, str(request.url))
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the pool."""
        self._inner.close()


def client(rules: Sequence[Rule], context: ssl.SSLContext) -> httpx.Client:
    """An httpx client over `LoginTransport`."""
    return httpx.Client(
        transport=LoginTransport(rules, context),
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )
