"""How fast notifications are acknowledged: a hundred a second for twenty seconds, of ten connections."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import httpx

from local.azurite import Azurite
from local.run.children import Child, Program
from sync.core.connection import workspace_key
from sync.core.signing import client_state
from tests.bench.crowd import object_id
from tests.bench.figures import Figure
from tests.bench.latency_bench import rank
from tests.bench.world import ENVIRONMENT, TENANT

PACE, SECONDS, BARE_SECONDS, WARM_UP = 100, 20, 5, 2
CONNECTIONS = 10
_READY = re.compile(r"^Functions host is ready at (\S+)$", re.MULTILINE)


class _Request(NamedTuple):
    method: str
    path: str
    body: bytes = b""


def run() -> list[Figure]:
    """Half a minute: the app in its own host process, on Azurite."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Azurite() as azurite:
        environ = {**ENVIRONMENT, "AzureWebJobsStorage": azurite.connection_string}
        program = Program("the Functions host", "local.host", ["--port", "0"], _READY, environ)
        host = Child(program, Path(folder))
        try:
            (url,) = host.wait_ready()
            asyncio.run(_load(url, [_notification(number) for number in range(PACE * WARM_UP)], 202))
            bare = asyncio.run(_load(url, [_Request("GET", "/health")] * (PACE * BARE_SECONDS), 200))
            acks = asyncio.run(_load(url, [_notification(number) for number in range(PACE * SECONDS)], 202))
        finally:
            host.begin_stop()
            host.stop()
    return [
        Figure(
            f"webhook acknowledged at {PACE}/s, {name}",
            rank(acks, share) * 1000,
            "ms",
            rank(bare, share) * 1000,
            "/health of the same host at the same pace",
            at_most=50 if name == "p99" else None,
            note=f"{len(acks):,} notifications of {CONNECTIONS} connections, each durable before its 202",
        )
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]


def _notification(number: int) -> _Request:
    """One notification as Graph sends it (microsoft-facts §3.3)."""
    connection = workspace_key("acme") + f"{number % CONNECTIONS:020x}"
    key = ENVIRONMENT["SIGNING_KEYS"]
    user = object_id("user", number)
    item = {
        "changeType": "updated",
        "clientState": client_state(key, connection, TENANT, "users", 1),
        "resource": f"Users/{user}",
        "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": user},
        "subscriptionId": object_id("subscription", number % CONNECTIONS),
        "tenantId": TENANT,
    }
    return _Request("POST", f"/graph/notifications/{connection}", json.dumps({"value": [item]}).encode())


async def _load(url: str, requests: list[_Request], wanted: int) -> list[float]:
    """Send each at its time, whether or not the ones before it were answered. Seconds to the answers, sorted."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30, trust_env=False) as client:

        async def one(number: int, request: _Request) -> float:
            await asyncio.sleep(max(0.0, first + number / PACE - time.perf_counter()))
            began = time.perf_counter()
            answer = await client.request(request.method, request.path, content=request.body)
            if answer.status_code != wanted:
                raise RuntimeError(f"{request.path} was answered {answer.status_code}")
            return time.perf_counter() - began

        first = time.perf_counter()
        return sorted(await asyncio.gather(*(one(number, request) for number, request in enumerate(requests))))
