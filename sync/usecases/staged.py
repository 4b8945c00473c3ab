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
# What shards leave in staging for the whole. All but the removals are read by nobody but the whole: they lie under the
# empty shard, a part's as the block of its number, so that one query brings all.
REMOVALS, MEMBERS, ADDRESSES, BALANCES, MATCHES = "removals", "members", "addresses", "balances", "matches"
CONTESTED = "contested"  # of the plan of all shards, for those that apply it
MANAGERS = "managers"
PERSON_TYPES = frozenset({"user", ""})  # member types that make an edge of a person


@dataclass(slots=True)
class Picture:
    """One shard as the pass saw it."""

    people: dict[str, UserChange] = field(default_factory=dict)
    edges: dict[str, dict[str, int]] = field(default_factory=dict)  # member -> group -> order
    untold: set[str] = field(default_factory=set)  # members told by their id only: they may be groups


class Block:
    """Collects the pages of a block by shard: people as JSON text, not as objects; edges as runs: a group's members of
    one shard that came one after the other are one row. `size` is about how many bytes are held.
    """

    def __init__(self, digits: int) -> None:
        self._digits = digits
        self._rows: dict[str, bytearray] = {}
        self._runs: dict[str, list[Any]] = {}  # the run of each shard that may still grow
        self.items = 0
        self.size = 0

    def add(self, page: Page) -> None:
        """Take in a page's people and their memberships; group rows and nesting are the caller's, and members that
        are neither (devices, service principals) make no edge.
        """
        for change in fold_page(page.users):
            row = ["p", change.object_id, change.order, change.kind, change.properties, change.presence]
            self._put(shard_of(change.object_id, self._digits), row)
        for edge in page.memberships:
            if edge.member_type in PERSON_TYPES:
                self._put_edge(shard_of(edge.member_id, self._digits), edge)
        self.items += len(page.users) + len(page.groups)

    def _put(self, shard: str, row: list[Any]) -> None:
        text = orjson.dumps(row)  # copied at once: the bytes that orjson returns hold on to 8 KiB each
        rows = self._rows.setdefault(shard, bytearray())
        rows += text
        rows += b","
        self.size += len(text)

    def _put_edge(self, shard: str, edge: MembershipChange) -> None:
        run = self._runs.get(shard)
        about = ["e" if edge.member_type else "u", edge.group_id, edge.order, edge.present]
        if run is None or run[:4] != about:
            if run is not None:
                self._put(shard, run)
            run = self._runs[shard] = [*about, []]
        run[4].append(edge.member_id)
        self.size += 100  # a text of 36 characters as Python holds it, and once more as JSON

    def encoded(self) -> dict[str, bytes]:
        """Shard -> its rows. Empties the block."""
        for shard, run in self._runs.items():
            self._put(shard, run)
        self._runs.clear()
        done = {}
        while self._rows:
            shard, rows = self._rows.popitem()
            done[shard] = b'{"v":1,"rows":[%b]}' % bytes(rows[:-1])
        return done


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
    kind, group, order, present, members = row
    if kind == "u":
        picture.untold.update(members)
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
