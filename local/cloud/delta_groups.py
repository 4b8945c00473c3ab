"""The items of the groups delta feed, with members@delta in slices."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from local.cloud import schema
from local.cloud.behaviour import Behaviour
from local.cloud.cursor import Cursor
from local.cloud.delta_users import unknown_fields
from local.cloud.groups import Group
from local.cloud.query import Selection
from local.cloud.tenant import Tenant
from local.cloud.wire import Json


@dataclass(slots=True)
class Touched:
    """What one change round has to say of one group."""

    id: str
    full: bool = False
    gone: bool = False  # deleted in this round, and perhaps there again
    names: set[str] = field(default_factory=set)
    members: list[tuple[str, bool]] = field(default_factory=list)  # in order of arrival


@dataclass(frozen=True, slots=True)
class Piece:
    """One item of a change round: a group and one slice of its member changes."""

    id: str
    full: bool
    gone: bool
    names: frozenset[str]
    members: tuple[tuple[str, bool], ...]


def reference(tenant: Tenant, member: str, *, added: bool = True) -> Json:
    """One entry of members@delta."""
    entry: Json = {"id": member}
    if not tenant.behaviour.untyped_members:
        kind = tenant.kind_of(member) or (schema.GROUP if member in tenant.groups.purged else schema.USER)
        entry = {"@odata.type": kind, "id": member}
    if not added:
        entry["@removed"] = {"reason": "deleted"}
    return entry


def item(group: Group, names: Iterable[str], behaviour: Behaviour) -> Json:
    """Id and those of `names` that were ever set."""
    held = group.properties
    shown = {"id": group.id, **{name: held[name] for name in names if name in held}}
    for name in behaviour.absent_properties:
        shown.pop(name, None)
    return shown | unknown_fields(schema.GROUP) if behaviour.unknown_fields else shown


def members_visible(group: Group, selection: Selection, roles: frozenset[str]) -> bool:
    """Members are asked for, and not hidden from this application."""
    hidden = group.properties.get("visibility") == "HiddenMembership"
    return "members" in selection.relations and (not hidden or schema.HIDDEN_MEMBERS_ROLE in roles)


def _tombstone(tenant: Tenant, group_id: str) -> bytes:
    reason = "deleted" if group_id in tenant.groups.purged else "changed"
    return orjson.dumps({"id": group_id, "@removed": {"reason": reason}})


def initial(
    tenant: Tenant, cursor: Cursor, size: int, selection: Selection, roles: frozenset[str]
) -> tuple[list[bytes], tuple[int, int] | None]:
    """One page of a full enumeration and where the next begins: (group, member slot), or None at the end."""
    order = cursor.ids or tenant.groups.order
    items: list[bytes] = []
    budget = tenant.behaviour.member_slice
    at, slot = cursor.major, cursor.minor
    while at < len(order) and len(items) < size:
        group = tenant.groups.all.get(order[at])
        if group is None or group.binned:
            if tenant.behaviour.removed_in_initial and (group is not None or order[at] in tenant.groups.purged):
                items.append(_tombstone(tenant, order[at]))
            at, slot = at + 1, 0
            continue
        entry = item(group, selection.properties, tenant.behaviour)
        if not members_visible(group, selection, roles):
            items.append(orjson.dumps(entry))
            at, slot = at + 1, 0
            continue
        if budget <= 0:
            break
        stop = min(slot + budget, len(group.slots))
        slice_ = [member for member in group.slots[slot:stop] if member and _counts(tenant, member)]
        budget -= stop - slot
        if slice_:
            entry["members@delta"] = [reference(tenant, member) for member in slice_]
        items.append(orjson.dumps(entry))
        at, slot = (at, stop) if stop < len(group.slots) else (at + 1, 0)
    return items, (at, slot) if at < len(order) else None


def _counts(tenant: Tenant, member: str) -> bool:
    return tenant.behaviour.soft_deleted_in_members or tenant.listed(member)


def touched(tenant: Tenant, cursor: Cursor, selection: Selection) -> list[Piece]:
    """The items of a change round, a large member change cut into several of the same group."""
    found: dict[str, Touched] = {}
    selected = frozenset(selection.properties) - frozenset(tenant.behaviour.untracked_properties)
    tracks_members = "members" in selection.relations
    start = max(0, cursor.start - tenant.behaviour.replay_changes)
    for change in tenant.logs["groups"].entries[start : cursor.end]:
        if cursor.ids and change.id not in cursor.ids:
            continue
        is_member = change.kind == "member"
        relevant = tracks_members if is_member else change.kind in {"new", "gone"} or change.names & selected
        if not relevant:
            continue
        entry = found.pop(change.id, None) or Touched(change.id)
        found[change.id] = entry
        entry.full = entry.full or change.kind in {"new", "gone"}
        entry.gone = entry.gone or change.kind == "gone"
        entry.names |= change.names
        if is_member:
            entry.members.append((change.other, change.added))
    return [piece for entry in found.values() for piece in _pieces(tenant, entry)]


def _pieces(tenant: Tenant, entry: Touched) -> Iterator[Piece]:
    behaviour = tenant.behaviour
    members = entry.members if behaviour.verbose_members else list(dict(entry.members).items())
    names = frozenset(entry.names)
    size = max(1, behaviour.member_slice)
    if not members:
        yield Piece(entry.id, entry.full, entry.gone, names, ())
    for at in range(0, len(members), size):
        yield Piece(entry.id, entry.full, entry.gone, names, tuple(members[at : at + size]))


def fitting(plan: Sequence[Piece], start: int, size: int, budget: int) -> int:
    """Where a page that begins at `start` ends: at most `size` pieces, and `budget` members unless one has more."""
    stop, members = start, 0
    while stop < len(plan) and stop < start + size:
        members += len(plan[stop].members)
        if stop > start and members > budget:
            break
        stop += 1
    return stop


def render(tenant: Tenant, piece: Piece, selection: Selection, roles: frozenset[str], *, minimal: bool) -> list[bytes]:
    """The item of one piece."""
    group = tenant.groups.all.get(piece.id)
    live = group is not None and not group.binned
    standing = tenant.standing(piece.id, live=live, gone=piece.gone)
    if standing == "nothing":
        return []
    if group is None or standing == "gone":
        return [_tombstone(tenant, piece.id)]
    names: Iterable[str] = selection.properties
    if minimal and not piece.full:
        names = [name for name in names if name in piece.names]
    entry = item(group, names, tenant.behaviour)
    if piece.members and members_visible(group, selection, roles):
        entry["members@delta"] = [reference(tenant, member, added=added) for member, added in piece.members]
    return [orjson.dumps(entry)]
