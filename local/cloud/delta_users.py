"""The items of the users delta feed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from local.cloud import schema
from local.cloud.behaviour import Behaviour
from local.cloud.cursor import Cursor
from local.cloud.people import People
from local.cloud.query import Selection
from local.cloud.tenant import Tenant
from local.cloud.wire import Json


@dataclass(slots=True)
class Touched:
    """What one change round has to say of one user."""

    id: str
    full: bool = False
    gone: bool = False  # deleted in this round, and perhaps there again
    names: set[str] = field(default_factory=set)
    links: list[tuple[str, str]] = field(default_factory=list)  # (former, new) manager
    row: bytes = b""  # shown instead of the present state


def reference(user_id: str, *, removed: bool = False) -> Json:
    """One entry of manager@delta or members@delta that is a user."""
    entry: Json = {"@odata.type": schema.USER, "id": user_id}
    if removed:
        entry["@removed"] = {"reason": "deleted"}
    return entry


def removed_item(people: People, user_id: str) -> bytes:
    """A tombstone: `changed` while restorable, else `deleted`."""
    reason = "deleted" if user_id in people.purged else "changed"
    return orjson.dumps({"id": user_id, "@removed": {"reason": reason}})


def item(row: Json, names: Iterable[str], behaviour: Behaviour) -> Json:
    """Id and those of `names` that were ever set."""
    shown = {"id": row["id"], **{name: row[name] for name in names if name in row}}
    for name in behaviour.absent_properties:
        shown.pop(name, None)
    if behaviour.unknown_fields:
        shown |= unknown_fields(schema.USER)
    return shown


def unknown_fields(kind: str) -> Json:
    """What nobody selected: an annotation, and a property of tomorrow."""
    return {"@odata.type": kind, "propertyOfTomorrow": {"values": [None, {"deep": True}]}}


def visible(selection: Selection, roles: frozenset[str]) -> tuple[str, ...]:
    """The selected properties; the leave date is silently missing without its permission."""
    if schema.LEAVE_DATE in selection.properties and schema.LEAVE_DATE_ROLE not in roles:
        return tuple(name for name in selection.properties if name != schema.LEAVE_DATE)
    return selection.properties


def initial(
    tenant: Tenant, cursor: Cursor, size: int, selection: Selection, roles: frozenset[str]
) -> tuple[list[bytes], int | None]:
    """One page of a full enumeration and where the next begins (None: that was the last)."""
    people = tenant.people
    order = cursor.ids or people.order
    behaviour = tenant.behaviour
    names = visible(selection, roles)
    stop = min(cursor.major + size, len(order))
    chosen = list(order[cursor.major : stop])
    if behaviour.repeat_every and cursor.major:
        chosen += order[max(0, cursor.major - size) : cursor.major : behaviour.repeat_every]
    items: list[bytes] = []
    for user_id in chosen:
        row = people.rows.row(user_id)
        if row is None:
            if behaviour.removed_in_initial and (user_id in people.binned or user_id in people.purged):
                items.append(removed_item(people, user_id))
            continue
        entry = item(row, names, behaviour)
        manager = people.manager_of(user_id) if "manager" in selection.relations else None
        if manager and behaviour.manager_separate:
            items.append(orjson.dumps({"id": user_id, "manager@delta": [reference(manager)]}))
        elif manager:
            entry["manager@delta"] = [reference(manager)]
        items.append(orjson.dumps(entry))
    return items, stop if stop < len(order) else None


def touched(tenant: Tenant, cursor: Cursor, selection: Selection) -> list[Touched]:
    """The users a change round is about, in the order of their last change."""
    found: dict[str, Touched] = {}
    selected = frozenset(selection.properties) - frozenset(tenant.behaviour.untracked_properties)
    tracks_manager = "manager" in selection.relations
    start = max(0, cursor.start - tenant.behaviour.replay_changes)
    for change in tenant.logs["users"].entries[start : cursor.end]:
        if cursor.ids and change.id not in cursor.ids:
            continue
        relevant = (
            tracks_manager if change.kind == "link" else change.kind in {"new", "gone"} or change.names & selected
        )
        if not relevant:
            continue
        if change.kind == "stale":
            found[f"{change.id} stale {len(found)}"] = Touched(change.id, row=change.row, names=set(change.names))
            continue
        entry = found.pop(change.id, None) or Touched(change.id)
        found[change.id] = entry
        entry.full = entry.full or change.kind in {"new", "gone"}
        entry.gone = entry.gone or change.kind == "gone"
        entry.names |= change.names
        if change.kind == "link":
            entry.links.append((change.old, change.other))
    return list(found.values())


def fitting(plan: Sequence[Touched], start: int, size: int, _budget: int) -> int:
    """Where a page that begins at `start` ends."""
    return min(start + size, len(plan))


def render(
    tenant: Tenant, entry: Touched, selection: Selection, roles: frozenset[str], *, minimal: bool
) -> list[bytes]:
    """The item (or two, when the manager comes apart) of one touched user."""
    people = tenant.people
    row = people.rows.row(entry.id)
    standing = tenant.standing(entry.id, live=row is not None, gone=entry.gone)
    if standing == "nothing":
        return []
    if row is None or standing == "gone":
        return [removed_item(people, entry.id)]
    names = visible(selection, roles)
    if entry.row:
        row = orjson.loads(entry.row)
    if minimal and not entry.full:
        names = tuple(name for name in names if name in entry.names)
    shown = item(row, (*names, *_same_type(row, entry.names, names)), tenant.behaviour)
    links = _links(people, entry, selection)
    if not links:
        return [orjson.dumps(shown)]
    if tenant.behaviour.manager_separate:
        return [orjson.dumps({"id": entry.id, "manager@delta": links}), orjson.dumps(shown)]
    return [orjson.dumps({**shown, "manager@delta": links})]


def _same_type(row: Json, changed: set[str], names: Iterable[str]) -> list[str]:
    """With a directory extension that changed come all others of the same data type, selected or not."""
    kinds = {type(row.get(name)) for name in changed if name in names and schema.EXTENSION.fullmatch(name)}
    return [name for name, value in row.items() if kinds and type(value) in kinds and schema.EXTENSION.fullmatch(name)]


def _links(people: People, entry: Touched, selection: Selection) -> list[Json]:
    if "manager" not in selection.relations or entry.row:
        return []
    present = people.manager_of(entry.id)
    gone = {old for old, _ in entry.links if old and old != present}
    links = [reference(old, removed=True) for old in sorted(gone)]
    if present and (entry.full or entry.links):
        links.append(reference(present))
    return links
