"""A transaction's activity row: entries compressed, and beside them how many accounts each action concerned."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from shared.errors import Defect
from sync.adapters.tables import columns, keys
from sync.adapters.tables.shape import Upgrades, upgraded
from sync.adapters.tables.table import Table
from sync.core.model import Action, ActivityEntry, Reason
from sync.ports import Activity, BadCursor

VERSION = 1
UPGRADES: Upgrades = {}
_PAGE = 100  # rows asked for at a time: whole ones, so that the entries need no read of their own
Place = tuple[str, str, str]  # run, shard, inverted number of the commit: sorts as the trail goes


def encode(activity: Activity) -> dict[str, str | bytes]:
    """The row's columns, without keys. Raises columns.TooLarge, and Defect for what cannot be stored."""
    entries = [
        (entry.object_id, entry.action, entry.reason, dict(entry.before), dict(entry.after))
        for entry in activity.entries
    ]
    head = {
        "v": VERSION,
        "run": activity.run,
        "part": activity.part,
        "at": activity.at,
        "counts": Counter(entry.action.value for entry in activity.entries),
    }
    try:
        return {"data": orjson.dumps(head).decode(), **columns.compress(orjson.dumps(entries))}
    except TypeError as error:
        raise Defect(f"a value cannot be stored: {error}") from error


def head(row: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the entries: `run`, `part`, `at`, `counts`. Raises Defect."""
    return upgraded(columns.unpack(row), VERSION, UPGRADES, "activity")


def decode(row: Mapping[str, Any]) -> Activity:
    """The activity of a whole row. Raises Defect."""
    about = head(row)
    try:
        entries = [
            ActivityEntry(object_id, Action(action), Reason(reason), before, after)
            for object_id, action, reason, before, after in orjson.loads(columns.decompress(row))
        ]
        return Activity(about["run"], about["part"], about["at"], entries)
    except (ValueError, KeyError, TypeError, columns.DAMAGED) as error:
        raise Defect(f"an activity row cannot be read: {error}") from error


def trail(
    table: Table, partitions: Mapping[str, str], after: str, limit: int, run: str, from_run: str
) -> Sequence[tuple[Activity, str]]:
    """See `sync.ports.People.trail`: every shard's rows are in order, so they are merged as they are read."""
    place = _place(after) if after else None
    shards = (_shard(table, partitions[shard], shard, place, limit, run, from_run) for shard in sorted(partitions))
    merged = itertools.islice(heapq.merge(*shards, key=lambda one: one[0]), limit)
    return [(decode(row), "/".join(at)) for at, row in merged]


def _shard(
    table: Table, partition: str, shard: str, place: Place | None, limit: int, run: str, from_run: str
) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    low = f"a:{keys.name(run)}:" if run else f"a:{keys.name(from_run)}" if from_run else "a:"
    high = f"a:{run};" if run else "a;"
    if place is not None:  # within the place's run, the shards before its shard are through
        last = f"a:{place[0]}:{place[2]}~" if shard == place[1] else f"a:{place[0]}{';' if shard < place[1] else ':'}"
        low = max(low, last)
    if low >= high:
        return
    for row in table.query(keys.under(partition, low, high), None, min(limit, _PAGE)):
        _, named, commit = row["RowKey"].split(":")
        yield (named, shard, commit), row


def _place(text: str) -> Place:
    run, _, rest = text.partition("/")
    shard, _, commit = rest.partition("/")
    if not (keys.is_name(run) and keys.is_hex(commit) and (not shard or keys.is_hex(shard))):
        raise BadCursor("a cursor is not ours")
    return run, shard, commit
