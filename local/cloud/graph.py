"""Graph v1.0 as far as it is simulated: routes, permissions, resource units, errors."""

import inspect
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from local.cloud import access, schema
from local.cloud.access import Caller
from local.cloud.tenant import Tenant
from local.cloud.throttle import documented_limit
from local.cloud.wire import Call, GraphError, Reply, error_reply, forbidden
from local.cloud.world import World


@dataclass(slots=True)
class Ask:
    """One authorised Graph request."""

    world: World
    call: Call
    caller: Caller
    args: tuple[str, ...]
    depth: int = 0  # 1 inside a $batch

    @property
    def tenant(self) -> Tenant:
        """The caller's tenant."""
        return self.caller.tenant


Handler = Callable[[Ask], Reply | Awaitable[Reply]]


class Route(NamedTuple):
    """A method and path, who may use it, and what it costs."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    roles: frozenset[str]  # any of them; empty: the handler decides
    cost: int
    template: str


ROUTES: Final[list[Route]] = []


def route(
    method: str, template: str, roles: frozenset[str] = frozenset(), cost: int = 1
) -> Callable[[Handler], Handler]:
    """Register a handler for `/users/{}`-like templates under /v1.0; `{}` is one path segment."""

    def add(handler: Handler) -> Handler:
        expression = "/v1.0" + re.escape(template).replace(r"\{\}", r"([^/]+)")
        ROUTES.append(Route(method, re.compile(expression), handler, roles, cost, template))
        ROUTES.sort(key=lambda item: item.template.count("{}"))  # `/users/$count` before `/users/{}`
        return handler

    return add


def units(path_cost: int, call: Call) -> int:
    """Resource units: $select saves one, $expand costs one, a $top below 20 saves one, at least one."""
    cost = path_cost
    for name, value in call.pairs():
        key = name.lower()
        if key == "$select":
            cost -= 1
        elif key == "$expand":
            cost += 1
        elif key == "$top" and value.isdigit() and int(value) < 20:
            cost -= 1
    return max(1, cost)


def find(call: Call) -> tuple[Route, tuple[str, ...]]:
    """The route of a request; 501 (a violation) when it is not simulated or would write to the directory."""
    matched_path = False
    for candidate in ROUTES:
        match = candidate.pattern.fullmatch(call.path)
        if match is None:
            continue
        matched_path = True
        if candidate.method == call.method:
            return candidate, match.groups()
    line = f"{call.method} {call.path}"
    what = "a write to the directory" if matched_path and call.method != "GET" else "not a simulated route"
    raise GraphError(501, "NotImplemented", f"{line}: {what}.", violation=f"{what}: {line}")


async def answer(world: World, call: Call, depth: int = 0) -> Reply:
    """Answer one Graph request, outer or inside a $batch; errors become their documented bodies."""
    headers: dict[str, str] = {}
    try:
        caller = access.authenticate(world, call, time.time())
        if depth:
            _inner_fault(world, call, caller.tenant.id)
        chosen, args = find(call)
        headers = _charge(world, call, caller, chosen)
        if chosen.roles and not chosen.roles & caller.roles:
            raise forbidden()
        result = chosen.handler(Ask(world, call, caller, args, depth))
        reply = await result if inspect.isawaitable(result) else result
    except GraphError as error:
        if error.violation:
            world.journal.violation(world.clock.now(), f"{call.method} {call.path}", error.violation)
        reply = error_reply(error, world.clock.now(), call)
    reply.headers = {**headers, **reply.headers}
    if "client-request-id" in call.headers:
        reply.headers.setdefault("client-request-id", call.headers["client-request-id"])
    return reply


def _inner_fault(world: World, call: Call, tenant: str) -> None:
    for fault in world.faults.met(f"{call.method} {call.path}?{call.query_string}", tenant):
        if fault.action == "status":
            raise fault.error()


def _charge(world: World, call: Call, caller: Caller, chosen: Route) -> dict[str, str]:
    """Spend resource units; 429 when there are none left. Returns the headers that tell of it."""
    cost = units(chosen.cost, call)
    if not world.behaviour.throttle or chosen.template in {"/$batch", "/subscriptions", "/subscriptions/{}"}:
        return {"x-ms-resource-unit": str(cost)}
    limit = world.behaviour.ru_limit or documented_limit(len(caller.tenant.people.rows))
    share, wait = world.throttle.spend((caller.client_id, caller.tenant.id), cost, limit)
    headers = {"x-ms-resource-unit": str(cost)}
    if share > 0.8:
        headers["x-ms-throttle-limit-percentage"] = f"{min(share, 1.8):.2f}"
    if wait:
        headers |= {
            "Retry-After": str(max(1, round(wait))),
            "x-ms-throttle-scope": f"Tenant_Application/ReadWrite/{caller.client_id}/{caller.tenant.id}",
            "x-ms-throttle-information": "ResourceUnitLimitExceeded",
        }
        raise GraphError(429, "TooManyRequests", "Too many requests.", headers=headers)
    return headers


def readable(kind: str, roles: frozenset[str]) -> bool:
    """Whether the application may see the properties of objects of this type."""
    needed = {
        schema.USER: schema.READ_USERS,
        schema.GROUP: schema.READ_GROUPS,
        schema.DEVICE: frozenset({"Device.Read.All", "Directory.Read.All"}),
        schema.SERVICE_PRINCIPAL: frozenset({"Application.Read.All", "Directory.Read.All"}),
    }[kind]
    return bool(needed & roles)
