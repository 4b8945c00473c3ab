"""Edits of a directory by name, for the control API and the life script; and the truth to compare with."""

import uuid
from collections.abc import Callable
from typing import Final

import orjson

from local.cloud import schema
from local.cloud.people import People
from local.cloud.tenant import Other, Tenant
from local.cloud.wire import Json

Edit = Callable[[Tenant, Json], Json]


def _user_create(tenant: Tenant, args: Json) -> Json:
    return {"id": tenant.create_user(args.get("set", {}), args.get("manager") or "", args.get("roles"))}


def _user_update(tenant: Tenant, args: Json) -> Json:
    changed = tenant.update_user(args["id"], args.get("set", {}))
    if "manager" in args:
        tenant.set_manager(args["id"], args["manager"] or "")
    return {"changed": sorted(changed)}


def _simple(name: str) -> Edit:
    def run(tenant: Tenant, args: Json) -> Json:
        result = getattr(tenant, name)(args["id"])
        return {"reason": result} if isinstance(result, str) else {}

    return run


def _group_create(tenant: Tenant, args: Json) -> Json:
    return {"id": tenant.create_group(args.get("set", {}), args.get("members"))}


def _group_update(tenant: Tenant, args: Json) -> Json:
    return {"changed": sorted(tenant.update_group(args["id"], args.get("set", {})))}


def _group_members(tenant: Tenant, args: Json) -> Json:
    return {"changed": tenant.edit_members(args["id"], args.get("add", []), args.get("remove", []))}


def _other_create(tenant: Tenant, args: Json) -> Json:
    kind = {"device": schema.DEVICE, "servicePrincipal": schema.SERVICE_PRINCIPAL}[args["kind"]]
    other = Other(str(args.get("id") or uuid.uuid4()), kind, str(args.get("name", args["kind"])))
    tenant.others[other.id] = other
    return {"id": other.id}


EDITS: Final[dict[str, Edit]] = {
    "user.create": _user_create,
    "user.update": _user_update,
    "user.delete": _simple("delete_user"),
    "user.restore": _simple("restore_user"),
    "user.purge": _simple("purge_user"),
    "group.create": _group_create,
    "group.update": _group_update,
    "group.delete": _simple("delete_group"),
    "group.restore": _simple("restore_group"),
    "group.purge": _simple("purge_group"),
    "group.members": _group_members,
    "other.create": _other_create,
}


def apply(tenant: Tenant, edits: list[Json]) -> list[Json]:
    """Make edits in order; KeyError or ValueError stops at the first that cannot be made."""
    results = []
    for edit in edits:
        operation = EDITS.get(edit.get("op", ""))
        if operation is None:
            raise ValueError(f"unknown edit: {edit.get('op')}")
        results.append(operation(tenant, edit))
    return results


def truth(tenant: Tenant, *, with_groups: bool = True) -> Json:
    """The whole directory as it is now, for orjson to encode.

    `users`: every property, plus `state` (`live` or `deleted`), `manager`, and with groups `groups` (direct) and
    `effective_groups` (through nesting). `groups`: properties, `state`, `members` (direct, with kind) and
    `effective_users` (live users only).
    """
    people, groups = tenant.people, tenant.groups
    direct: dict[str, list[str]] = {}
    effective: dict[str, list[str]] = {}
    shown_groups: list[Json] = []
    for group in groups.all.values() if with_groups else ():
        reached = [member for member in groups.closure(group.id) if member in people.rows]
        shown_groups.append(
            {
                **group.properties,
                "state": "deleted" if group.binned else "live",
                "members": [{"id": member, "kind": tenant.kind_of(member)} for member in group.members()],
                "effective_users": reached,
            }
        )
        if not group.binned:
            for member in group.members():
                direct.setdefault(member, []).append(group.id)
            for member in reached:
                effective.setdefault(member, []).append(group.id)
    users = []
    for state, ids in (("live", people.rows), ("deleted", people.binned)):
        for user_id in ids:
            more: Json = {}
            if with_groups:
                more = {"groups": direct.get(user_id, []), "effective_groups": effective.get(user_id, [])}
            users.append(_user(people, user_id, state, more))
    return {"tenant": tenant.id, "name": tenant.name, "users": users, "groups": shown_groups}


def some_people(tenant: Tenant, start: int, count: int) -> Json:
    """`users` of the truth, without groups, for `count` of all ids ever seen from position `start`; and their `total`.

    For directories too large to be told at once. Purged users are left out, so that there may be fewer than `count`.
    """
    people = tenant.people
    chosen = people.order[start : start + count]
    states = {user_id: "deleted" if user_id in people.binned else "live" for user_id in chosen}
    users = [_user(people, one, state) for one, state in states.items() if state == "deleted" or one in people.rows]
    return {"total": len(people.order), "users": users}


def _user(people: People, user_id: str, state: str, more: Json | None = None) -> orjson.Fragment:
    """A user's JSON. Joined as text: decoding many people only to encode them again takes long."""
    raw = people.binned[user_id] if state == "deleted" else people.rows[user_id]
    told = {"state": state, "manager": people.manager_of(user_id) or None, **(more or {})}
    return orjson.Fragment(raw[:-1] + b"," + orjson.dumps(told)[1:])
