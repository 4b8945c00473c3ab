"""Group rows: their properties, the nesting between them, and how many people are in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.errors import Conflict, Transient
from sync.core.merge import merge_edges, merge_group
from sync.core.model import GroupChange, GroupRecord, MembershipChange
from sync.usecases.commit import TRIES, Done
from sync.usecases.services import Services
from sync.usecases.staged import edges_of


def apply_groups(
    services: Services, scope: str, changes: Sequence[GroupChange], edges: Sequence[MembershipChange]
) -> Done:
    """Group rows and the nesting between them. Raises Transient when they stay contended."""
    by_child = edges_of(edges)
    by_id = {change.object_id: change for change in changes}
    ids = sorted({*by_id, *by_child})
    done = Done()
    for _ in range(TRIES):
        stored = services.groups.load(scope, ids)
        writes = []
        for object_id in ids:
            before = stored.get(object_id) or GroupRecord(object_id)
            after = merge_group(before, by_id[object_id]) if object_id in by_id else before
            parents = merge_edges(after.parents, by_child.get(object_id, ()))
            if parents is not after.parents:
                after = replace(after, parents=parents)
            if after is not before:
                writes.append(after)
        try:
            services.groups.commit(scope, writes)
        except Conflict:
            done.conflicts += 1
            continue
        done.written = len(writes)
        return done
    raise Transient("the groups stay contended", retry_after=5)


def count_members(services: Services, scope: str, changed: Mapping[str, int]) -> None:
    """Bring the groups' member counts up, of groups too whose own row is still to come. A crash before this leaves
    them off until the next full pass.
    """
    changed = {group: number for group, number in changed.items() if number}
    for _ in range(TRIES):
        if not changed:
            return
        stored = services.groups.load(scope, sorted(changed))
        groups = [(stored.get(object_id) or GroupRecord(object_id), number) for object_id, number in changed.items()]
        writes = [replace(group, members=max(0, group.members + number)) for group, number in groups]
        try:
            services.groups.commit(scope, writes)
        except Conflict:
            continue
        return
    raise Transient("the groups stay contended", retry_after=5)
