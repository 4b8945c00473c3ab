"""The items of the groups delta feed, with members@delta in slices."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import orjson

from local.cloud import schema
from local.cloud.cursor import Cursor
from local.cloud.groups import Group
from local.cloud.query import Selection
from local.cloud.tenant import Tenant
from local.cloud.wire import Json


@dataclass(slots=True)
class Touched:
    """What one change round has to say of one group."""

    id: str
    full: bool = False
    told: bool = False  # a property changed, so there is an item even without members
    names: set[str] = field(default_factory=set)
    members: list[tuple[str, bool]] = field(default_factory=list)  # in order of arrival


@dataclass(frozen=True, slots=True)
class Piece:
    """One item of a change round: a group and one slice of its member changes."""

    id: str
    full: bool
    names: frozenset[str]
    members: tuple[tuple[str, bool], ...]


def reference(tenant: Tenant, member: str, *, added: bool = True) -> Json:
    """One entry of members@delta."""
    entry: Json = {"@odata.type": tenant.kind_of(member) or schema.USER, "id": member}
    if not added:
        entry["@removed"] = {"reason": "deleted"}
    return entry


def item(group: Group, names: Iterable[str]) -> Json:
    """Id and those of `names` that were ever set."""
    held = group.properties
    return {"id": group.id, **{name: held[name] for name in names if name in held}}


def members_visible(group: Group, selection: Selection, roles: frozenset[str]) -> bool:
    """Members are asked for, and not hidden from this application."""
    hidden = group.properties.get("visibility") == "HiddenMembership"
    return "members" in selection.relations and (not hidden or schema.HIDDEN_MEMBERS_ROLE in roles)


def _tombstone(tenant: Tenant, group_id: str) -> bytes:
    reason = "changed" if group_id in tenant.groups.all else "deleted"
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
            at, slot = at + 1, 0
            continue
        entry = item(group, selection.properties)
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
    return tenant.behaviour.soft_deleted_in_members or member not in tenant.people.binned


def touched(tenant: Tenant, cursor: Cursor, selection: Selection) -> list[Piece]:
    """The items of a change round, a large member change cut into several of the same group."""
    found: dict[str, Touched] = {}
    selected = frozenset(selection.properties)
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
        entry.told = entry.told or not is_member
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
        yield Piece(entry.id, entry.full, names, ())
    for at in range(0, len(members), size):
        yield Piece(entry.id, entry.full, names, tuple(members[at : at + size]))


def render(tenant: Tenant, piece: Piece, selection: Selection, roles: frozenset[str], *, minimal: bool) -> list[bytes]:
    """The item of one piece."""
    group = tenant.groups.all.get(piece.id)
    if group is None or group.binned:
        return [_tombstone(tenant, piece.id)]
    names: Iterable[str] = selection.properties
    if minimal and not piece.full:
        names = [name for name in names if name in piece.names]
    entry = item(group, names)
    if piece.members and members_visible(group, selection, roles):
        entry["members@delta"] = [reference(tenant, member, added=added) for member, added in piece.members]
    return [orjson.dumps(entry)]
