"""A group's row: JSON, like a person's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.errors import Defect
from sync.adapters.tables import columns
from sync.adapters.tables.shape import Upgrades, upgraded
from sync.core.model import GroupRecord, Presence
from sync.ports import RowTooLarge

VERSION = 1
UPGRADES: Upgrades = {}
_PRESENCES = {one.value: one for one in Presence}


def encode(record: GroupRecord) -> dict[str, str | bytes]:
    """The row's columns, without keys. Raises RowTooLarge, and Defect for what cannot be stored."""
    data = {
        "v": VERSION,
        "order": record.order,
        "presence": record.presence,
        "source": record.source,
        "parents": record.parents,
        "members": record.members,
    }
    try:
        return columns.pack(data)
    except columns.TooLarge:
        raise RowTooLarge(record.object_id) from None


def decode(object_id: str, row: Mapping[str, Any], etag: str) -> GroupRecord:
    """The group of a row. Raises Defect for an unknown version or value."""
    data = upgraded(columns.unpack(row), VERSION, UPGRADES, "group")
    try:
        return GroupRecord(
            object_id,
            data["order"],
            _PRESENCES[data["presence"]],
            data["source"],
            data["parents"],
            data["members"],
            etag,
        )
    except KeyError as error:
        raise Defect(f"a group row has no or an unknown {error}") from error
