"""A transaction's activity row: entries compressed, and beside them how many accounts each action concerned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from shared.errors import Defect
from sync.adapters.tables import columns
from sync.adapters.tables.shape import Upgrades, upgraded
from sync.core.model import Action, ActivityEntry, Reason
from sync.ports import Activity

VERSION = 1
UPGRADES: Upgrades = {}


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
