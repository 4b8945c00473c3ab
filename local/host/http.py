"""The HTTP front of the host, an ASGI application."""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.host import requests, responses
from local.host.calls import Calls, WorkerDiedError
from local.host.loading import HttpTrigger, LoadedFunction
from local.host.responses import FAILED, Reply
from local.host.routes import Route, compile_route
from local.host.settings import HttpSettings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# The host's own limit: azure-functions-host, maxRequestBodySize.
MAX_BODY = 104_857_600
HOME_PAGE = (
    b"<!DOCTYPE html><html><head><title>Your Functions app is up and running</title></head>"
    b"<body><h1>Your Functions app is up and running</h1></body></html>"
)
_log = logging.getLogger("local.host")


@dataclass(frozen=True, slots=True)
class _Endpoint:
    function: LoadedFunction
    trigger: HttpTrigger
    route: Route


class HttpFront:
    """Routes requests to functions in alphabetical order of their names, and answers for the rest."""

    def __init__(
        self, functions: Sequence[LoadedFunction], calls: Calls, settings: HttpSettings, environ: Mapping[str, str]
    ) -> None:
        prefix = f"{settings.route_prefix}/" if settings.route_prefix else ""
        self._endpoints = [
            _Endpoint(function, function.trigger, compile_route(prefix + function.trigger.route))
            for function in functions
            if isinstance(function.trigger, HttpTrigger)
        ]
        self._calls = calls
        self._outstanding = 0
        self._most = settings.max_outstanding
        self._gate = asyncio.Semaphore(settings.max_concurrent if settings.max_concurrent > 0 else 1_000_000)
        self._home = environ.get("AzureWebJobsDisableHomepage", "").lower() not in {"1", "true"}
        self._keys = {
            "function": environ.get("LOCAL_HOST_FUNCTION_KEY", ""),
            "admin": environ.get("LOCAL_HOST_MASTER_KEY", ""),
        }

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        reply = await self._reply(scope, receive)
        length = (b"content-length", str(len(reply.body)).encode())
        headers = reply.headers if reply.status in {204, 304} else [*reply.headers, length]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" or reply.status in {204, 304} else reply.body
        await send({"type": "http.response.body", "body": body})

    async def _reply(self, scope: Mapping[str, Any], receive: Receive) -> Reply:
        if self._calls.dead:
            # Between two workers; the next one takes the connections that are still waiting to be accepted.
            return Reply(503, [(b"connection", b"close")], b"")
        path = requests.decoded_path(scope["raw_path"])
        found = self._find(scope["method"], path)
        if found is None:
            return self._unmatched(path)
        if 0 <= self._most <= self._outstanding:
            return responses.plain(429)
        self._outstanding += 1
        try:
            async with self._gate:
                return await self._call(scope, receive, path, *found)
        finally:
            self._outstanding -= 1

    def _find(self, method: str, path: str) -> tuple[_Endpoint, dict[str, str]] | None:
        relative = path[1:]
        for endpoint in self._endpoints:
            if endpoint.trigger.methods and method not in endpoint.trigger.methods:
                continue
            parameters = endpoint.route.match(relative)
            if parameters is not None and not relative.lower().startswith(("admin", "runtime")):
                return endpoint, parameters
        return None

    def _unmatched(self, path: str) -> Reply:
        if path == "/":
            return responses.plain(200, HOME_PAGE, "text/html; charset=utf-8") if self._home else responses.plain(204)
        if path.lower() == "/admin/host/ping":
            return responses.plain(200)
        return responses.plain(404)

    async def _call(
        self, scope: Mapping[str, Any], receive: Receive, path: str, endpoint: _Endpoint, parameters: dict[str, str]
    ) -> Reply:
        headers = requests.read_headers(scope["headers"])
        text = scope["query_string"].decode("latin-1")
        query = requests.read_query(text)
        if not self._allowed(endpoint.trigger.level, headers, query):
            return responses.plain(401)
        body = await _read_body(headers, receive)
        if body is None:
            return responses.plain(413)
        url = requests.request_url(scope["scheme"], path, text, headers)
        request = requests.to_function(scope["method"], url, headers, query, parameters, body)
        try:
            return responses.encode(await self._calls.call(endpoint.function, request, headers))
        except WorkerDiedError:
            return FAILED
        except Exception:  # noqa: BLE001 -- whatever the app raises is its 500, and is logged
            _log.exception("function.failed", extra={"function": endpoint.function.name})
            return FAILED

    def _allowed(self, level: str, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        if level == "anonymous":
            return True
        given = (query.get("code") or headers.get("x-functions-key", "")).encode()
        keys = [self._keys["admin"]] if level == "admin" else list(self._keys.values())
        return any(key and hmac.compare_digest(given, key.encode()) for key in keys)


async def _read_body(headers: Mapping[str, str], receive: Receive) -> bytes | None:
    """The body, b"" when its length was not announced (the host passes on no chunked one), None when it is too long."""
    length = headers.get("content-length", "0")
    if int(length) > MAX_BODY:
        return None
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks) if int(length) > 0 else b""
