"""What a change makes of a stored record's directory facts. The account is not touched here: that is `decide`'s.

Rules (invariants S13, S17): a patch keeps what it does not mention and clears what is null; a snapshot is all there
is; older changes are refused by their order, an equal one was applied already. A membership edge and the manager
have orders of their own, because Graph may tell them in items of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from sync.core.attributes import entry_of
from sync.core.model import ChangeKind, GroupChange, GroupRecord, MembershipChange, PersonRecord, Presence, UserChange

_MANAGER = "manager"


def fold_page(changes: Iterable[UserChange]) -> list[UserChange]:
    """One change per person of a page, in the order of arrival: Graph may repeat a person within a page, and may tell
    the manager in an item of its own. A tombstone after properties wins, and properties after a tombstone win.
    """
    folded: dict[str, UserChange] = {}
    for change in changes:
        before = folded.get(change.object_id)
        folded[change.object_id] = change if before is None else _fold(before, change)
    return list(folded.values())


def _fold(before: UserChange, after: UserChange) -> UserChange:
    if after.kind is ChangeKind.REMOVED:
        return after
    if before.kind is ChangeKind.REMOVED:
        return before if _only_manager(after.properties) else after
    return replace(after, properties={**before.properties, **after.properties})


def merge_person(stored: PersonRecord, change: UserChange) -> PersonRecord:
    """The record with the change's news; the same object when there are none (older, equal, or nothing to tell)."""
    match change.kind:
        case ChangeKind.PATCH | ChangeKind.SNAPSHOT:
            return _with_properties(stored, change)
        case ChangeKind.REMOVED if change.order > stored.order:
            return replace(stored, order=change.order, presence=change.presence)
        case ChangeKind.ABSENT if change.order > stored.order and stored.presence in {
            Presence.PRESENT,
            Presence.UNKNOWN,
        }:
            return replace(stored, order=change.order, presence=Presence.ABSENT)
        case _:
            return stored


def _with_properties(stored: PersonRecord, change: UserChange) -> PersonRecord:
    properties, patch = change.properties, change.kind is ChangeKind.PATCH
    news = change.order > stored.order and bool(properties) and not _only_manager(properties)
    # A snapshot is all there is: where it tells no manager, there is none.
    tells_manager = _MANAGER in properties or (not patch and bool(properties))
    manager_news = tells_manager and change.order > stored.manager_order
    if not news and not manager_news:
        return stored
    source: dict[str, Any] = dict(stored.source)
    if news:
        source = {**(source if patch else {}), **properties}
    source[_MANAGER] = properties.get(_MANAGER) if manager_news else stored.source.get(_MANAGER)
    return replace(
        stored,
        source={key: value for key, value in source.items() if value is not None},
        order=change.order if news else stored.order,
        manager_order=change.order if manager_news else stored.manager_order,
        presence=Presence.PRESENT if news else stored.presence,
    )


def fill_in(stored: PersonRecord, change: UserChange, entries: AbstractSet[str]) -> PersonRecord:
    """The record with what a full pass read and the feed beside it does not select (`entries` of `$select`), where the
    feed told of the person after the pass did: of these attributes the pass has the last word. Else the same object.
    """
    if not entries or change.kind is not ChangeKind.SNAPSHOT or change.order >= stored.order:
        return stored
    kept = {name: value for name, value in stored.source.items() if entry_of(name) not in entries}
    news = {name: value for name, value in change.properties.items() if value is not None and entry_of(name) in entries}
    source = {**kept, **news}
    return stored if source == stored.source else replace(stored, source=source)


def _only_manager(properties: Mapping[str, Any]) -> bool:
    return len(properties) == 1 and _MANAGER in properties


def fold_edges(changes: Iterable[MembershipChange]) -> list[MembershipChange]:
    """One change per edge of a page, the last to arrive: a page may add and remove the same member, and its changes
    share one order.
    """
    return list({(change.group_id, change.member_id): change for change in changes}.values())


def merge_edges(stored: Mapping[str, int], edges: Iterable[tuple[str, int, bool]]) -> Mapping[str, int]:
    """Memberships with edges (group, order, present) taken in; the same object when none was news.

    A removal is remembered as a negative order, so that an older addition that arrives later is refused.
    """
    merged: dict[str, int] | None = None
    for group, order, present in edges:
        known = (stored if merged is None else merged).get(group, 0)
        if order > abs(known):
            if merged is None:
                merged = dict(stored)
            merged[group] = order if present else -order
    return stored if merged is None else merged


def settle_edges(
    stored: Mapping[str, int], seen: Mapping[str, int], start_order: int, kept: Collection[str] = ()
) -> Mapping[str, int]:
    """Memberships after a complete full pass that saw these edges (group -> order) and began at `start_order`.

    Edges the pass did not see are gone, unless a later pull told them, or they are to one of the `kept` groups, of
    whose members the pass was told nothing. Remembered removals from before the pass are
    forgotten: no older addition can be on its way. The same object when the groups stay the same.
    """
    if stored.keys() == seen.keys() and min(stored.values(), default=1) > 0:
        return stored  # the common case, at a tenth of the price
    merged = {
        group: order for group, order in stored.items() if group in seen or group in kept or abs(order) >= start_order
    }
    for group, order in seen.items():
        known = merged.get(group, 0)
        if (known <= 0 and order > -known) or known == 0:
            merged[group] = order
    before = {group for group, order in stored.items() if order > 0}
    after = {group for group, order in merged.items() if order > 0}
    return stored if before == after else merged


def merge_group(stored: GroupRecord, change: GroupChange) -> GroupRecord:
    """The group with the change's news; the same object when there are none."""
    if change.order <= stored.order:
        return stored
    match change.kind:
        case ChangeKind.REMOVED | ChangeKind.ABSENT:
            return replace(stored, order=change.order, presence=change.presence)
        case _:
            if not change.properties:  # an item that only brought members
                return stored
            kept = {} if change.kind is ChangeKind.SNAPSHOT else stored.source
            source = {key: value for key, value in {**kept, **change.properties}.items() if value is not None}
            return replace(stored, order=change.order, source=source, presence=Presence.PRESENT)


def fold_groups(changes: Iterable[GroupChange]) -> list[GroupChange]:
    """One change per group of a page: a large group is repeated with its properties and another slice of members."""
    folded: dict[str, GroupChange] = {}
    for change in changes:
        before = folded.get(change.object_id)
        if before is None or change.kind is ChangeKind.REMOVED:
            folded[change.object_id] = change
        elif before.kind is not ChangeKind.REMOVED:
            folded[change.object_id] = replace(change, properties={**before.properties, **change.properties})
        elif change.properties:  # an item that only brings members brings no group back
            folded[change.object_id] = change
    return list(folded.values())
