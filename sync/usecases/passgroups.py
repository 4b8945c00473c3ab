"""The groups of a full pass: staged in blocks like people, put together, and merged with what is stored.

They are all of one shard, but are staged and worked on in slices, by the first hex digit of their ids, which is also
the order they are stored in: of a tenant's groups a sixteenth is in memory at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

from shared import canonical
from shared.errors import NeedsAdmin
from sync.core.connection import Connection
from sync.core.eligibility import GONE
from sync.core.merge import fold_groups, merge_group, settle_edges
from sync.core.model import ChangeKind, GroupChange, GroupRecord, Page, Presence, hides_members
from sync.core.nesting import Nesting
from sync.core.runs import Run
from sync.usecases import every
from sync.usecases.sending import GROUPS
from sync.usecases.services import Services

SLICES = "0123456789abcdef"


def gist(page: Page) -> Page:
    """A page without what only people's shards need: the groups, the edges between them, members told by their id only
    (they may be groups), and of each group that hides its members one of those it told all the same.
    """
    hiding = {group.object_id for group in page.groups if hides_members(group.properties)}
    told = {edge.group_id: edge for edge in page.memberships if edge.group_id in hiding and edge.present}
    between = [edge for edge in page.memberships if edge.member_type in {"group", ""}]
    return page._replace(memberships=[*told.values(), *between])


def encoded(pages: Iterable[Page]) -> dict[str, bytes]:
    """The groups and the nesting of some pages (see `gist`), for staging, by slice."""
    rows: dict[str, list[list[object]]] = {}
    for page in pages:
        hiding = {group.object_id for group in page.groups if hides_members(group.properties)}
        for c in fold_groups(page.groups):
            row = ["g", c.object_id, c.order, c.kind, dict(c.properties), c.presence]
            rows.setdefault(_slice(c.object_id), []).append(row)
        for edge in page.memberships:
            if edge.member_type in {"group", ""}:
                kind = "e" if edge.member_type else "u"
                row = [kind, edge.member_id, edge.order, edge.group_id, edge.present]
                rows.setdefault(_slice(edge.member_id), []).append(row)
            if edge.group_id in hiding and edge.present:
                rows.setdefault(_slice(edge.group_id), []).append(["m", edge.group_id])
    return {name: canonical.dumps(some) for name, some in rows.items()}


def _slice(object_id: str) -> str:
    return f"{GROUPS}{object_id[0]}"


class Slice(NamedTuple):
    """A sixteenth of the groups as a pass was told them."""

    groups: dict[str, GroupChange]  # snapshots and tombstones
    parents: dict[str, dict[str, int]]  # child -> parent -> order
    untold: bool  # whether there are members told by their id only
    open: set[str]  # groups that hide their members and told one all the same


def read(blocks: Iterable[bytes]) -> Slice:
    """A slice put together from its blocks, in the order of reading."""
    found, untold = Slice({}, {}, False, set()), False
    for block in blocks:
        for row in canonical.loads(block):
            if row[0] == "g":
                change = GroupChange(row[1], row[2], ChangeKind(row[3]), row[4], Presence(row[5]))
                before = found.groups.get(change.object_id)
                found.groups[change.object_id] = change if before is None else fold_groups([before, change])[0]
            elif row[0] == "u":
                untold = True
            elif row[0] == "m":
                found.open.add(row[1])
            else:
                _put_edge(found.parents, row)
    return found._replace(untold=untold)


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
    before: GroupRecord,
    change: GroupChange | None,
    parents: Mapping[str, int],
    start_order: int,
    kept: AbstractSet[str],
) -> GroupRecord:
    """A stored group with what the pass saw of it. One that is gone is listed nowhere, and keeps its place."""
    after = before if change is None else merge_group(before, change)
    if after.presence in GONE and not parents:
        return after
    settled = settle_edges(after.parents, parents, start_order, kept)
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
    staged, parents, untold, _ = read(services.staging.get(scope, run.id, name))
    if untold:
        _add_untold(services.staging.get(scope, run.id, name), staged.keys() | stored.keys(), parents)
    writes, kept = [], frozenset(run.kept_groups)
    for object_id in {**staged, **parents, **stored}:
        before = stored.get(object_id) or GroupRecord(object_id)
        change = staged.get(object_id)
        if change is None and before.presence is Presence.PRESENT and before.order < run.start_order:
            change = GroupChange(object_id, run.start_order, ChangeKind.ABSENT, {}, Presence.ABSENT)
        after = merged(before, change, parents.get(object_id, {}), run.start_order, kept)
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
        staged = read(services.staging.get(connection.scope, run.id, f"{GROUPS}{digit}")).groups
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


def kept(services: Services, connection: Connection, run: Run) -> tuple[str, ...]:
    """Groups of whose members the pass was told nothing although some are known, so that nothing may be concluded.

    Those that the settings go by and that are not there any more: deleted, they keep their members, who come back with
    them and whom they exclude all the while. And those that hide their members, told before, since a right was lost.
    """
    there, hiding = _told(services, connection.scope, run)
    used = connection.settings.used_groups
    if not used and not hiding:
        return ()
    unheard, peopled = set[str](), set[str]()

    def stored() -> Iterator[GroupRecord]:
        for group in every.group(services, connection.scope):
            if group.presence is Presence.UNKNOWN:
                unheard.add(group.object_id)
            if group.members and group.object_id in hiding:
                peopled.add(group.object_id)
            peopled.update(hiding.intersection(group.parents))
            yield group

    vanished = Nesting(stored()).below(used, gone=True) - there - unheard
    return tuple(sorted(vanished | peopled))


def _told(services: Services, scope: str, run: Run) -> tuple[set[str], set[str]]:
    """The groups that a pass was told as present, and which of them hide their members and told none."""
    there, hiding = set[str](), set[str]()
    for digit in SLICES:
        found = read(services.staging.get(scope, run.id, f"{GROUPS}{digit}"))
        for group, change in found.groups.items():
            if change.kind is not ChangeKind.REMOVED:
                there.add(group)
                if group not in found.open and hides_members(change.properties):
                    hiding.add(group)
    return there, hiding
