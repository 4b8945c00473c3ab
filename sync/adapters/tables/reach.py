"""The row `reach`: JSON, and from a few hundred groups on packed, because all groups of a tenant must fit in one row.

Packed, a group is the 16 bytes of its id, once, however many of the four sets it is in; the sets it is in are a byte
of their own, and compress to nothing. So a row holds some 60,000 groups. The JSON of four sets ends at 10,000. What was
lately emptied of them is a fifth set, and its orders follow as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from shared.errors import Defect
from sync.adapters.tables import columns
from sync.adapters.tables.shape import Shape
from sync.core.scope import Circle, Reach

PLAIN, PACKED = Shape(Reach), 2  # the version of a row's shape
FEW = 200  # ids, in all sets together, that are stored as they are
_ID, _SETS = 16, range(5)  # bytes of an id; the four sets, and what was emptied


def encode(reach: Reach) -> dict[str, str | bytes]:
    """The row's columns, without keys. Raises columns.TooLarge."""
    sets = (*_sets(reach), reach.emptied.keys())
    if sum(map(len, sets)) <= FEW:
        return PLAIN.encode(reach)
    ids = sorted(frozenset().union(*sets))
    marks = bytes(sum(1 << number for number, some in enumerate(sets) if one in some) for one in ids)
    orders = orjson.dumps([reach.emptied[one] for one in ids if one in reach.emptied])
    packed = bytes.fromhex("".join(ids).replace("-", "")) + marks + orders
    head = {"v": PACKED, "version": reach.version, "groups": len(ids)}
    return {"data": orjson.dumps(head).decode(), **columns.compress(packed)}


def decode(row: Mapping[str, Any], etag: str) -> Reach:
    """The reach of a whole row. Raises Defect for an unknown version or a damaged row."""
    if row.get("z0") is None or row.get("data") is None:
        return PLAIN.decode(row, etag)
    head = columns.unpack(row)
    if head.get("v") != PACKED:
        raise Defect(f"a reach row has version {head.get('v')!r}; this version reads {PACKED}")
    count, end = head["groups"], _ID * head["groups"]
    try:
        packed = columns.decompress(row)
        orders = orjson.loads(packed[end + count :] or b"[]")  # rows had none before exclusion was doubted
        ids = [_guid(packed[start : start + _ID].hex()) for start in range(0, end, _ID)]
        marked = [
            [one for one, mark in zip(ids, packed[end : end + count], strict=True) if mark >> n & 1] for n in _SETS
        ]
        emptied = dict(zip(marked.pop(), orders, strict=True))
    except (columns.DAMAGED, ValueError, TypeError) as error:
        raise Defect("a reach row is damaged") from error
    sets = [frozenset(some) for some in marked]
    return Reach(head["version"], Circle(*sets[:2]), Circle(*sets[2:]), emptied, etag)


def _sets(reach: Reach) -> tuple[frozenset[str], ...]:
    return (reach.scope.included, reach.scope.excluded, reach.audience.included, reach.audience.excluded)


def _guid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
