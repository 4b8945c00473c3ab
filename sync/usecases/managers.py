"""Who is somebody's manager. Where one shard holds everybody its rows tell; else each full pass notes it.

Applying a shard leaves whom its people report to, who may be of any shard. The end of the pass sorts them by their own
shards and keeps them in `staging`, in a partition that outlives the pass, so that nobody is read to ask about a few.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from shared import canonical
from shared.errors import Defect
from sync.core.attributes import MANAGER
from sync.core.connection import Connection, shard_of, shards
from sync.core.model import PersonRecord, Presence
from sync.core.runs import Run
from sync.usecases.services import Services
from sync.usecases.staged import MANAGERS

VERSION = 1


def leave(services: Services, connection: Connection, run: Run, part: int, people: Iterable[PersonRecord]) -> None:
    """Leave in staging whom a shard's people report to; nothing where it is the only one."""
    if connection.digits:
        rows = {"": canonical.dumps(sorted(_of(people)))}
        services.staging.put(connection.scope, f"{run.id}{MANAGERS}", part, rows)


def keep(services: Services, connection: Connection, run: Run) -> None:
    """Sort what the shards left, for `among`. May be repeated, also when it was cleared in part: once is enough."""
    if not connection.digits:
        return
    every = shards(connection.digits)
    noted = _read(services, connection, every[-1])
    if noted is not None and noted["run"] == run.id:
        return
    by_shard: dict[str, set[str]] = {shard: set() for shard in every}
    for block in services.staging.get(connection.scope, f"{run.id}{MANAGERS}", ""):
        for person in canonical.loads(block):
            by_shard[shard_of(person, connection.digits)].add(person)
    rows = {
        shard: canonical.dumps({"v": VERSION, "run": run.id, "managers": sorted(found)})
        for shard, found in by_shard.items()  # the last row goes in last
    }
    services.staging.put(connection.scope, MANAGERS, 0, rows)


def among(services: Services, connection: Connection, people: Collection[str]) -> Collection[str] | None:
    """Those of these people whom somebody reports to; None before the first full pass."""
    if not connection.digits:
        return _of(services.people.load(connection.scope, "").records.values())
    found: set[str] = set()
    for shard in {shard_of(person, connection.digits) for person in people}:
        noted = _read(services, connection, shard)
        if noted is None:
            return None
        found.update(noted["managers"])
    return found.intersection(people)


def _of(people: Iterable[PersonRecord]) -> set[str]:
    there = (record for record in people if record.presence is Presence.PRESENT)
    return {manager for record in there if isinstance(manager := record.source.get(MANAGER), str)}


def _read(services: Services, connection: Connection, shard: str) -> dict[str, Any] | None:
    for block in services.staging.get(connection.scope, MANAGERS, shard):
        data: dict[str, Any] = canonical.loads(block)
        if data["v"] != VERSION:
            raise Defect(f"what is noted of managers has version {data['v']!r}; this version reads {VERSION}")
        return data
    return None
