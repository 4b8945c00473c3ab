"""The front door: every request read, met by its faults, answered by login or Graph, and written down."""

import asyncio
import os
import re
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.cloud import discovery, graph, graph_groups, graph_other, graph_subscriptions, graph_users, login
from local.cloud.faults import Fault
from local.cloud.wire import Call, GraphError, Reply, error_reply, json_reply
from local.cloud.world import World

# Importing these fills the route table.
GRAPH_MODULES: Final = (graph_users, graph_groups, graph_other, graph_subscriptions)
_BODY_LIMIT: Final = 4 * 1024 * 1024
_LOGIN: Final = (
    ("GET", re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/authorize"), "authorize"),
    ("GET", re.compile(r"/(?P<tenant>[^/]+)/v2\.0/adminconsent"), "adminconsent"),
    ("POST", re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token"), "token"),
    ("GET", re.compile(r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration"), "discovery"),
    ("GET", re.compile(r"/(?P<tenant>[^/]+)/discovery/v2\.0/keys"), "keys"),
    ("GET", re.compile(r"/(?P<tenant>common)/discovery/instance"), "instance"),
    ("POST", re.compile(r"/_signin/(?P<tenant>[\w-]+)"), "signin"),
)


class Front:
    """The ASGI application."""

    def __init__(self, world: World, control: ASGIApp, login_port: int | None = None) -> None:
        self._world = world
        self._control = control
        self._login_port = login_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        if scope["type"] != "http" or scope["path"].startswith("/_control/"):
            await self._control(scope, receive, send)
            return
        started = time.perf_counter()
        call = await self._read(scope, receive)
        if call is None:
            await _send(send, Reply(413))
            return
        line = f"{call.method} {call.path}" + (f"?{call.query_string}" if call.query_string else "")
        tenant = _tenant_of(call)
        faults = self._world.faults.met(line, tenant)
        outcome = await self._serve(call, faults, scope, receive, send)
        self._world.journal.request(
            {
                "at": self._world.clock.now(),
                "method": call.method,
                "path": call.path,
                "query": call.query_string,
                "route": _label(call),
                "tenant": tenant,
                "status": outcome,
                "faults": [fault.action for fault in faults],
                "ms": round((time.perf_counter() - started) * 1000, 2),
            },
            dict(call.headers),
        )

    async def _read(self, scope: Scope, receive: Receive) -> Call | None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > _BODY_LIMIT:
                return None
            if not message.get("more_body"):
                break
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if urlsplit(f"//{host}").hostname not in self._world.hosts:
            host = f"{self._world.hosts[0]}:{scope['server'][1]}"
        query = scope["query_string"].decode("latin-1")
        return Call(scope["method"], scope["path"], query, headers, body, f"https://{host}")

    async def _serve(self, call: Call, faults: list[Fault], scope: Scope, receive: Receive, send: Send) -> str:
        """Answer, whole or broken. Returns the status for the log, or how it was broken."""
        action = None
        for fault in faults:
            if fault.action == "latency":
                await asyncio.sleep(fault.seconds)
            else:
                action = fault
        if action is not None and action.action in {"rst", "hang", "close"}:
            await _break(action.action, scope, receive)
            return action.action
        if action is not None and action.before:
            reply = self._scripted(call, action)
        else:
            if action is not None and action.voids:
                self._void(call, action.voids)
            reply = await self._answer(call, scope)
        if action is not None and action.action == "json":
            reply = action.rewrite(reply)
        if action is not None and action.action == "empty" and reply.status == 200:
            reply = self._world.feeds.emptied(reply)
        if action is not None and action.action == "truncate":
            await _send_half(send, reply, scope)
            return "truncated"
        await _send(send, reply)
        return str(reply.status)

    def _void(self, call: Call, reason: str) -> None:
        """End the caller's tokens of the feed it reads."""
        tenant = self._world.tenants.get(_tenant_of(call))
        if tenant is not None:
            tenant.logs["groups" if "/groups" in call.path else "users"].void(reason)

    def _scripted(self, call: Call, fault: Fault) -> Reply:
        if fault.action == "html":
            return Reply(fault.status if fault.status != 503 else 200, b"<html><body>Oops</body></html>", "text/html")
        if fault.action == "body":
            status = fault.status if fault.status != 503 else 200
            return Reply(status, fault.body.encode(), fault.content_type, dict(fault.headers))
        if call.path.startswith(("/v1.0/", "/beta/")):
            return error_reply(fault.error(), self._world.clock.now(), call)
        codes = [int(code) for code in re.findall(r"AADSTS(\d+)", fault.message)]
        body = {
            "error": fault.code or "temporarily_unavailable",
            "error_description": fault.message,
            "error_codes": codes,
        }
        return json_reply(body, fault.status, dict(fault.headers))

    async def _answer(self, call: Call, scope: Scope) -> Reply:
        is_graph = call.path.startswith("/v1.0/")
        on_login_port = self._login_port is not None and scope["server"][1] == self._login_port
        if self._login_port is not None and is_graph == on_login_port:
            return Reply(404, b"", "text/plain")
        if is_graph:
            return await graph.answer(self._world, call)
        return self._login(call)

    def _login(self, call: Call) -> Reply:
        world = self._world
        for method, pattern, name in _LOGIN:
            match = pattern.fullmatch(call.path)
            if match is None or method != call.method:
                continue
            return self._named(name, call, match["tenant"])
        if call.path in {"/", "/favicon.ico"}:
            return Reply(404, b"", "text/plain")
        line = f"{call.method} {call.path}"
        world.journal.violation(world.clock.now(), line, f"not a simulated route: {line}")
        error = GraphError(501, "NotImplemented", f"{line}: not a simulated route.")
        return error_reply(error, world.clock.now(), call)

    def _named(self, name: str, call: Call, segment: str) -> Reply:
        world = self._world
        work: dict[str, Callable[[], Reply]] = {
            "authorize": lambda: world.signins.authorize(call, segment),
            "adminconsent": lambda: world.signins.admin_consent(call, segment),
            "token": lambda: login.token(world, call, segment),
            "discovery": lambda: discovery.configuration(world, call, segment),
            "keys": lambda: discovery.key_set(world, call, segment),
            "instance": lambda: discovery.instance_discovery(call),
            "signin": lambda: world.signins.step(call, segment),
        }
        return work[name]()


def _label(call: Call) -> str:
    """The route template a request belongs to, for counting."""
    for candidate in graph.ROUTES:
        if candidate.method == call.method and candidate.pattern.fullmatch(call.path):
            return candidate.template
    for method, pattern, name in _LOGIN:
        if method == call.method and pattern.fullmatch(call.path):
            return name
    return "unknown"


def _tenant_of(call: Call) -> str:
    """The tenant a bearer claims, unverified; for the log and for faults of one tenant only."""
    token = call.headers.get("authorization", "").partition(" ")[2]
    if not token:
        return ""
    try:
        return str(jwt.decode(token, options={"verify_signature": False}).get("tid", ""))
    except jwt.InvalidTokenError:
        return ""


def _start(reply: Reply) -> Message:
    headers = {"content-type": reply.content_type, "content-length": str(len(reply.body)), **reply.headers}
    if reply.status == 204:
        headers.pop("content-type")
    return {
        "type": "http.response.start",
        "status": reply.status,
        "headers": [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()],
    }


async def _send(send: Send, reply: Reply) -> None:
    await send(_start(reply))
    await send({"type": "http.response.body", "body": reply.body})


async def _send_half(send: Send, reply: Reply, scope: Scope) -> None:
    """Half the body under the full Content-Length, then the end of the connection."""
    await send(_start(reply))
    await send({"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True})
    _transport(scope).close()


def _transport(scope: Scope) -> Any:
    return scope["extensions"]["local.transport"]


async def _break(action: str, scope: Scope, receive: Callable[[], Awaitable[Message]]) -> None:
    transport = _transport(scope)
    if action == "hang":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    if action == "rst":
        with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return
    transport.close()
