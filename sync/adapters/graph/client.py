"""One call to Graph for one connection: token, send, and the vendor's errors as ours.

msgraph-sdk's request adapter does the sending (authentication, telemetry, Graph's conventions); its retry and redirect
middlewares are left out: a redirect is never followed, and a 429 goes back to the caller with its Retry-After, who
gives the work back to the queue for so long (design decision 8).
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import httpx
import orjson
from kiota_abstractions.authentication import AuthenticationProvider
from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_abstractions.request_option import RequestOption
from kiota_http.middleware.options import ResponseHandlerOption
from kiota_http.middleware.user_agent_handler import UserAgentHandler
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph_core import GraphClientFactory
from msgraph_core.middleware import GraphTelemetryHandler

from shared import metering
from shared.clock import Clock
from shared.errors import Defect, Transient
from sync.adapters.egress import graph_rules
from sync.adapters.graph.transport import AllowedTransport
from sync.adapters.loop import LoopThread
from sync.core.clouds import Endpoints
from sync.core.connection import Cloud, Connection
from sync.core.health import Verdict, classify, retry_after_seconds, safe_code, to_error

CALL_SECONDS = 25.0  # connecting, sending and reading the whole body; a reader's lease allows 30
_TIMEOUT = httpx.Timeout(20.0, connect=8.0)
_POOL = httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=20.0)


class Tokens(Protocol):
    """App-only tokens of a connection's tenant. Raises NeedsAdmin, Transient or Defect."""

    def token(self, connection: Connection, claims: str = "") -> str:
        """A token that is good for some minutes at least; with `claims` (a CAE challenge) a new one."""

    def forget(self, connection: Connection) -> None:
        """Throw away what is cached: the next token is minted anew."""

    def roles(self, connection: Connection) -> tuple[str, ...]:
        """Application permissions in the present token, sorted."""


class Answer(NamedTuple):
    """What Graph answered, read whole."""

    status: int
    code: str  # `error.code`, reduced to what may stand in a log; empty when fine
    headers: Mapping[str, str]
    body: bytes


class GraphClient:
    """Sends for any connection; one request adapter and pool per cloud, one event loop thread for all."""

    def __init__(
        self,
        tokens: Tokens,
        endpoints: Callable[[Cloud], Endpoints],
        open_transport: Callable[[], httpx.AsyncBaseTransport],
        clock: Clock,
    ) -> None:
        self.tokens = tokens
        self.endpoints = endpoints
        self._open_transport = open_transport
        self._clock = clock
        self._loop = LoopThread()
        self._lock = threading.Lock()
        self._adapters: dict[Endpoints, tuple[GraphRequestAdapter, AllowedTransport]] = {}

    def call(
        self,
        connection: Connection,
        method: Method,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Answer:
        """Send, once more with a fresh token where the token was refused. Raises Transient when no whole answer
        came; an answer that is not fine is returned, for `check` or the caller to judge.
        """
        answer = self._send(connection, method, url, headers or {}, body)
        if answer.status in {401, 403}:
            self.tokens.forget(connection)  # roles and revocations only show in a new one
        if classify(answer.status, answer.code) is Verdict.STALE_TOKEN:
            answer = self._send(connection, method, url, headers or {}, body)
        return answer

    def check(self, answer: Answer) -> Answer:
        """The answer, if it is fine; raises what it means otherwise."""
        if 200 <= answer.status < 300:
            return answer
        raise to_error(answer.status, answer.code, self.retry_after(answer.headers))

    def retry_after(self, headers: Mapping[str, str]) -> float | None:
        """Seconds the server asked for."""
        found = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
        return retry_after_seconds(found, self._clock.now())

    def close(self) -> None:
        """Close the pools and end the thread."""
        for _, transport in self._adapters.values():
            self._loop.run(transport.aclose(), CALL_SECONDS)
        self._adapters.clear()
        self._loop.close()

    def _send(self, connection: Connection, method: Method, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        metering.graph()
        info = RequestInformation()
        info.http_method = method
        info.url = url
        info.headers.add("client-request-id", str(uuid.uuid4()))
        for name, value in headers.items():
            info.headers.add(name, value)
        if body is not None:
            info.set_stream_content(orjson.dumps(body), "application/json")
        info.add_request_options([ResponseHandlerOption(NativeResponseHandler()), _OnBehalf(connection)])
        try:
            response = self._loop.run(self._exchange(self._adapter(connection), info), CALL_SECONDS + 3)
        except httpx.InvalidURL as error:
            raise Defect("Graph: not a URL") from error
        except httpx.HTTPError as error:
            raise Transient(f"Graph: {type(error).__name__}") from error
        return Answer(response.status_code, _error_code(response), response.headers, response.content)

    async def _exchange(self, adapter: GraphRequestAdapter, info: RequestInformation) -> httpx.Response:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                response: httpx.Response = await adapter.send_primitive_async(info, "bytes", None)
        except TimeoutError as error:
            raise httpx.ReadTimeout("no whole answer in time") from error
        return response

    def _adapter(self, connection: Connection) -> GraphRequestAdapter:
        endpoints = self.endpoints(connection.cloud)
        with self._lock:
            if endpoints not in self._adapters:
                transport = AllowedTransport(graph_rules(endpoints), self._open_transport())
                client = httpx.AsyncClient(
                    transport=transport, timeout=_TIMEOUT, follow_redirects=False, trust_env=False
                )
                client = GraphClientFactory.create_with_custom_middleware(
                    [UserAgentHandler(), GraphTelemetryHandler()], client=client
                )
                self._adapters[endpoints] = (GraphRequestAdapter(_Bearer(self.tokens), client), transport)
            return self._adapters[endpoints][0]


def open_pool(verify: Any) -> httpx.AsyncBaseTransport:
    """A pool of HTTP/1.1 connections that trusts `verify` (an SSLContext)."""
    return httpx.AsyncHTTPTransport(verify=verify, limits=_POOL, trust_env=False)


class _OnBehalf(RequestOption):
    """Which connection a request is for: travels with it to the authentication provider."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @staticmethod
    def get_key() -> str:
        return "OnBehalf"


class _Bearer(AuthenticationProvider):
    """Puts the token of the request's connection on it."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def authenticate_request(
        self,
        request: RequestInformation,
        additional_authentication_context: Mapping[str, Any] | None = None,
    ) -> None:
        option = request.request_options[_OnBehalf.get_key()]
        if not isinstance(option, _OnBehalf):
            raise Defect("a request for no connection")
        claims = str((additional_authentication_context or {}).get("claims", ""))
        token = await asyncio.to_thread(self._tokens.token, option.connection, claims)
        request.headers.remove("Authorization")
        request.headers.add("Authorization", f"Bearer {token}")


def _error_code(response: httpx.Response) -> str:
    if response.status_code < 400:
        return ""
    try:
        return safe_code(str(orjson.loads(response.content)["error"]["code"]))
    except (ValueError, KeyError, TypeError):
        return ""
