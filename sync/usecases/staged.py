"""What a full pass stages of one block for one shard, and how the blocks of a shard become one picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared import canonical
from shared.errors import Defect
from sync.core.connection import shard_of
from sync.core.merge import fold_page
from sync.core.model import ChangeKind, MembershipChange, Page, Presence, UserChange

VERSION = 1
PERSON_TYPES = frozenset({"user", ""})  # member types that make an edge of a person


@dataclass(slots=True)
class Picture:
    """One shard as the pass saw it."""

    people: dict[str, UserChange] = field(default_factory=dict)
    edges: dict[str, dict[str, int]] = field(default_factory=dict)  # member -> group -> order


class Block:
    """Collects the pages of a block by shard. Holds people as compact JSON text, not as objects, and edges as runs:
    a group's members of one shard that came one after the other are one row.
    """

    def __init__(self, digits: int) -> None:
        self._digits = digits
        self._rows: dict[str, list[bytes | list[Any]]] = {}
        self.items = 0

    def add(self, page: Page) -> None:
        """Take in a page's people and their memberships; group rows and nesting are the caller's, and members that
        are neither (devices, service principals) make no edge.
        """
        for change in fold_page(page.users):
            row = ["p", change.object_id, change.order, change.kind, change.properties, change.presence]
            self._rows.setdefault(shard_of(change.object_id, self._digits), []).append(orjson.dumps(row))
        for edge in page.memberships:
            if edge.member_type in PERSON_TYPES:
                self._put(edge)
        self.items += len(page.users) + len(page.groups)

    def _put(self, edge: MembershipChange) -> None:
        rows = self._rows.setdefault(shard_of(edge.member_id, self._digits), [])
        run = ["e", edge.group_id, edge.order, edge.present]
        last = rows[-1] if rows else b""
        if isinstance(last, list) and last[:4] == run:
            last[4].append(edge.member_id)
        else:
            rows.append([*run, [edge.member_id]])

    def encoded(self) -> dict[str, bytes]:
        """Shard -> its rows."""
        return {
            shard: b'{"v":1,"rows":['
            + b",".join(row if isinstance(row, bytes) else orjson.dumps(row) for row in rows)
            + b"]}"
            for shard, rows in self._rows.items()
        }


def read(blocks: Iterable[bytes]) -> Picture:
    """Put the blocks of a shard together, in the order of reading. Raises Defect on an unknown version."""
    picture = Picture()
    for block in blocks:
        data = canonical.loads(block)
        if data.get("v") != VERSION:
            raise Defect(f"a staged block has version {data.get('v')!r}; this version reads {VERSION}")
        for row in data["rows"]:
            if row[0] == "p":
                _add_person(picture, row)
            else:
                _add_edges(picture, row)
    return picture


def _add_person(picture: Picture, row: list[Any]) -> None:
    change = UserChange(row[1], row[2], ChangeKind(row[3]), row[4], Presence(row[5]))
    before = picture.people.get(change.object_id)
    picture.people[change.object_id] = change if before is None else fold_page([before, change])[0]


def _add_edges(picture: Picture, row: list[Any]) -> None:
    _, group, order, present, members = row
    for member in members:
        groups = picture.edges.setdefault(member, {})
        if present:
            groups[group] = order
        else:
            groups.pop(group, None)


def edges_of(changes: Iterable[MembershipChange]) -> dict[str, list[tuple[str, int, bool]]]:
    """Member -> edges (group, order, present), in the order of arrival."""
    edges: dict[str, list[tuple[str, int, bool]]] = {}
    for change in changes:
        edges.setdefault(change.member_id, []).append((change.group_id, change.order, change.present))
    return edges
