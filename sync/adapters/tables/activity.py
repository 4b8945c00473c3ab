"""A transaction's activity row: entries compressed, and beside them how many accounts each action concerned.

Each entry tells the place of the one before about the same person, and the person's row that of the newest. So a
person's story is read entry by entry, a read each, and needs no row of its own.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
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
# Rows of a shard asked for at a time: whole ones, so that the entries need no read of their own. Of many shards few
# each, because the first of all is known only once every shard was asked.
_FEWEST, _MOST = 4, 100
Place = tuple[str, str, str]  # run, shard, inverted number of the commit: sorts as the trail goes


def place(run: str, shard: str, seq: int) -> str:
    """Where the activity of a shard's commit is."""
    return f"{keys.name(run)}/{shard}/{2**32 - 1 - seq:08x}"


def key(at: str) -> str:
    """The row key of a place. Raises BadCursor for a place that is none."""
    run, _, commit = _place(at)
    return f"a:{run}:{commit}"


def encode(activity: Activity, former: Mapping[str, str]) -> dict[str, str | bytes]:
    """The row's columns, without keys. `former` has the place of each person's entry before this one. Raises
    columns.TooLarge, and Defect for what cannot be stored.
    """
    entries = [
        (one.object_id, one.action, one.reason, dict(one.before), dict(one.after), former.get(one.object_id, ""))
        for one in activity.entries
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


def decode(row: Mapping[str, Any], person: str = "") -> tuple[Activity, str]:
    """The activity of a whole row; of one person, theirs alone, with the place of the one before. Raises Defect."""
    about = head(row)
    former = ""
    try:
        entries = []
        for object_id, action, reason, before, after, *link in orjson.loads(columns.decompress(row)):
            if not person or object_id == person:
                entries.append(ActivityEntry(object_id, Action(action), Reason(reason), before, after))
                former = link[0] if person and link else ""
        return Activity(about["run"], about["part"], about["at"], entries), former
    except (ValueError, KeyError, TypeError, columns.DAMAGED) as error:
        raise Defect(f"an activity row cannot be read: {error}") from error


def trail(
    table: Table, partitions: Mapping[str, str], after: str, likely: int, run: str, from_run: str
) -> Iterator[tuple[Activity, str]]:
    """See `sync.ports.People.trail`: every shard's rows are in order, so they are merged as they are read."""
    beyond = _place(after) if after else None
    page = max(_FEWEST, min(_MOST, 2 * likely // max(1, len(partitions))))
    shards = [_shard(table, partitions[shard], shard, beyond, page, run, from_run) for shard in sorted(partitions)]
    return ((decode(row)[0], "/".join(at)) for at, row in heapq.merge(*shards, key=lambda one: one[0]))


def story(table: Table, partition: str, person: str, at: str) -> Iterator[tuple[Activity, str]]:
    """A person's activities from a place on; it ends where they are no longer kept."""
    while at and (row := table.get(partition, key(at))) is not None:
        told, former = decode(row, person)
        if told.entries:
            yield told, at
        at = former


def before(table: Table, partition: str, person: str, at: str) -> str:
    """The place of a person's entry before the one at a place."""
    row = table.get(partition, key(at))
    return decode(row, person)[1] if row is not None else ""


def _shard(
    table: Table, partition: str, shard: str, place: Place | None, page: int, run: str, from_run: str
) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    low = f"a:{keys.name(run)}:" if run else f"a:{keys.name(from_run)}" if from_run else "a:"
    high = f"a:{run};" if run else "a;"
    if place is not None:  # within the place's run, the shards before its shard are through
        last = f"a:{place[0]}:{place[2]}~" if shard == place[1] else f"a:{place[0]}{';' if shard < place[1] else ':'}"
        low = max(low, last)
    if low >= high:
        return
    for row in table.query(keys.under(partition, low, high), None, page):
        _, named, commit = row["RowKey"].split(":")
        yield (named, shard, commit), row


def _place(text: str) -> Place:
    run, _, rest = text.partition("/")
    shard, _, commit = rest.partition("/")
    if not (keys.is_name(run) and keys.is_hex(commit) and (not shard or keys.is_hex(shard))):
        raise BadCursor("a cursor is not ours")
    return run, shard, commit
