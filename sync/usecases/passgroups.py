"""The groups of a full pass: staged in blocks like people, put together, and merged with what is stored.

They are all of one shard, but are staged and worked on in slices, by the first hex digit of their ids, which is also
the order they are stored in: of a tenant's groups a sixteenth is in memory at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import islice
from typing import Any

from shared import canonical
from shared.errors import NeedsAdmin
from sync.core.connection import Connection
from sync.core.merge import fold_groups, merge_group, settle_edges
from sync.core.model import ChangeKind, GroupChange, GroupRecord, Page, Presence
from sync.core.runs import Run
from sync.usecases import every
from sync.usecases.sending import GROUPS
from sync.usecases.services import Services

SLICES = "0123456789abcdef"


def encoded(pages: Iterable[Page]) -> dict[str, bytes]:
    """The groups and the nesting of some pages, for staging, by slice; members told by their id only too: they may be
    groups.
    """
    rows: dict[str, list[list[object]]] = {}
    for page in pages:
        for c in fold_groups(page.groups):
            row = ["g", c.object_id, c.order, c.kind, dict(c.properties), c.presence]
            rows.setdefault(_slice(c.object_id), []).append(row)
        for edge in page.memberships:
            if edge.member_type in {"group", ""}:
                kind = "e" if edge.member_type else "u"
                row = [kind, edge.member_id, edge.order, edge.group_id, edge.present]
                rows.setdefault(_slice(edge.member_id), []).append(row)
    return {name: canonical.dumps(some) for name, some in rows.items()}


def _slice(object_id: str) -> str:
    return f"{GROUPS}{object_id[0]}"


def read(blocks: Iterable[bytes]) -> tuple[dict[str, GroupChange], dict[str, dict[str, int]], bool]:
    """Groups as snapshots, child -> parent -> order, and whether there are members told by their id only."""
    groups: dict[str, GroupChange] = {}
    parents: dict[str, dict[str, int]] = {}
    untold = False
    for block in blocks:
        for row in canonical.loads(block):
            if row[0] == "g":
                change = GroupChange(row[1], row[2], ChangeKind(row[3]), row[4], Presence(row[5]))
                before = groups.get(change.object_id)
                groups[change.object_id] = change if before is None else fold_groups([before, change])[0]
            elif row[0] == "u":
                untold = True
            else:
                _put_edge(parents, row)
    return groups, parents, untold


def _put_edge(parents: dict[str, dict[str, int]], row: list[Any]) -> None:
    if row[4]:
        parents.setdefault(row[1], {})[row[3]] = row[2]
    else:
        parents.get(row[1], {}).pop(row[3], None)


def _add_untold(blocks: Iterable[bytes], groups: AbstractSet[str], parents: dict[str, dict[str, int]]) -> None:
    """The nesting of groups that were told as members by their id only: known to be groups now that all are read."""
    for block in blocks:
        for row in canonical.loads(block):
            if row[0] == "u" and row[1] in groups:
                _put_edge(parents, row)


def merged(
    before: GroupRecord, change: GroupChange | None, parents: Mapping[str, int], start_order: int
) -> GroupRecord:
    """A stored group with what the pass saw of it."""
    after = before if change is None else merge_group(before, change)
    settled = settle_edges(after.parents, parents, start_order)
    return after if settled is after.parents else replace(after, parents=settled)


def apply(services: Services, scope: str, run: Run) -> Mapping[str, int]:
    """Write the groups of a pass: staged beside stored. Those a complete pass missed are marked absent."""
    if GROUPS in run.frozen:
        return {}
    return {"groups": sum(_apply(services, scope, run, *one) for one in _stored(services, scope))}


def _stored(services: Services, scope: str) -> Iterator[tuple[str, dict[str, GroupRecord]]]:
    """Each slice with the groups stored of it."""
    rest = every.group(services, scope)
    group = next(rest, None)
    for digit in SLICES:
        some: dict[str, GroupRecord] = {}
        while group is not None and group.object_id[0] == digit:
            some[group.object_id] = group
            group = next(rest, None)
        yield f"{GROUPS}{digit}", some


def _apply(services: Services, scope: str, run: Run, name: str, stored: Mapping[str, GroupRecord]) -> int:
    """A slice; returns how many groups the pass saw of it."""
    staged, parents, untold = read(services.staging.get(scope, run.id, name))
    if untold:
        _add_untold(services.staging.get(scope, run.id, name), staged.keys() | stored.keys(), parents)
    writes = []
    for object_id in {**staged, **parents, **stored}:
        before = stored.get(object_id) or GroupRecord(object_id)
        change = staged.get(object_id)
        if change is None and before.presence is Presence.PRESENT and before.order < run.start_order:
            change = GroupChange(object_id, run.start_order, ChangeKind.ABSENT, {}, Presence.ABSENT)
        after = merged(before, change, parents.get(object_id, {}), run.start_order)
        if replace(after, order=before.order) != before:
            writes.append(after)
    services.groups.commit(scope, writes)
    return sum(change.kind is not ChangeKind.REMOVED for change in staged.values())


SAMPLE = 20  # groups asked for by name: one batch


def told_nothing(services: Services, connection: Connection, run: Run) -> bool:
    """Whether the groups feed answered without a single group although some are stored and Entra still has one of
    them, or will not say: a right was lost, and nothing may be concluded. Raises Transient.
    """
    for digit in SLICES:
        staged, _, _ = read(services.staging.get(connection.scope, run.id, f"{GROUPS}{digit}"))
        if any(change.kind is not ChangeKind.REMOVED for change in staged.values()):
            return False
    present = (
        group.object_id for group in every.group(services, connection.scope) if group.presence is Presence.PRESENT
    )
    known = list(islice(present, SAMPLE))
    try:
        return any(services.directory.find_groups(connection, known).values()) if known else False
    except NeedsAdmin:
        return True
