"""Graph: users."""

import re
from collections.abc import Sequence

import orjson

from local.cloud import lists, query, schema
from local.cloud.graph import Ask, route
from local.cloud.query import Filter, Selection
from local.cloud.wire import Json, Reply, bad_request, json_reply, not_found, unsupported

_MANAGER = re.compile(r"manager(?:\(\$select=([\w,]+)\))?", re.IGNORECASE)


def delta(ask: Ask) -> Reply:
    """GET /users/delta."""
    return ask.world.feeds.read(ask.tenant, "users", ask.call, ask.caller.roles)


for _form in ("/users/delta", "/users/delta()", "/users/microsoft.graph.delta()", "/users/microsoft.graph.delta"):
    route("GET", _form, schema.READ_USERS)(delta)


@route("GET", "/users/$count", schema.READ_USERS)
def count(ask: Ask) -> Reply:
    """GET /users/$count, an advanced query."""
    chosen = query.options(ask.call, ("$filter",))
    query.eventual(ask.call, "/users/$count")
    if "$filter" not in chosen:
        number = len(ask.tenant.people.rows)
    else:
        number = len(_filtered(ask, query.parse_filter("users", chosen["$filter"])))
    return Reply(200, str(number).encode(), "text/plain")


@route("GET", "/users", schema.READ_USERS, cost=2)
def list_users(ask: Ask) -> Reply:
    """GET /users."""
    chosen = query.options(
        ask.call,
        ("$select", "$top", "$filter", "$count", "$skiptoken", "$expand"),
        ("$orderby", "$search", "$skip"),
    )
    selection = query.selection(ask.tenant, "users", chosen.get("$select"))
    expand = _expand(ask, chosen.get("$expand"))
    source: Sequence[str] = ask.tenant.people.order
    total: int | None = None
    if chosen.get("$count") == "true":
        query.eventual(ask.call, "$count")
        total = len(ask.tenant.people.rows)
    if "$filter" in chosen:
        wanted = query.parse_filter("users", chosen["$filter"])
        if any(term.operator == "ne" for term in wanted.terms):
            query.advanced(ask.call, chosen, "'ne' in $filter")
        source = _filtered(ask, wanted)
        total = len(source) if total is not None else None
    return lists.page(
        ask,
        source,
        lambda user_id: _shown(ask, user_id, selection, expand),
        chosen,
        f"users{selection.context}",
        count=total,
    )


def _filtered(ask: Ask, wanted: Filter) -> list[str]:
    people = ask.tenant.people
    if wanted.word == "or" and all(term.operator == "eq" for term in wanted.terms):
        found: dict[str, None] = {}
        for term in wanted.terms:
            found.update(dict.fromkeys(people.where(term.name, term.value)))
        return list(found)
    first = wanted.terms[0]
    start = people.where(first.name, first.value) if first.operator == "eq" else list(people.live())
    return [user_id for user_id in start if lists.matches(people.get(user_id), wanted)]


def _expand(ask: Ask, raw: str | None) -> Selection | None:
    if raw is None:
        return None
    match = _MANAGER.fullmatch(raw)
    if match is None:
        raise unsupported(f"$expand={raw} is not supported; only manager is.")
    return query.selection(ask.tenant, "users", match[1])


def _shown(ask: Ask, user_id: str, selection: Selection, expand: Selection | None) -> Json | None:
    shown = lists.user_json(ask, user_id, selection)
    if shown is not None and expand is not None:
        manager = ask.tenant.people.manager_of(user_id)
        held = lists.user_json(ask, manager, expand) if manager else None
        if held is not None:
            shown["manager"] = {"@odata.type": schema.USER, **held}
    return shown


def _user(ask: Ask) -> str:
    user_id = ask.tenant.people.find(ask.args[0])
    if user_id is None:
        raise not_found(ask.args[0])
    return user_id


@route("GET", "/users/{}", schema.READ_USERS)
def get_user(ask: Ask) -> Reply:
    """GET /users/{id or userPrincipalName}."""
    chosen = query.options(ask.call, ("$select", "$expand"))
    selection = query.selection(ask.tenant, "users", chosen.get("$select"))
    shown = _shown(ask, _user(ask), selection, _expand(ask, chosen.get("$expand")))
    context = f"{ask.call.base}/v1.0/$metadata#users{selection.context}/$entity"
    return json_reply({"@odata.context": context, **(shown or {})})


@route("GET", "/users/{}/manager", schema.READ_USERS)
def manager(ask: Ask) -> Reply:
    """GET /users/{id}/manager."""
    chosen = query.options(ask.call, ("$select",))
    held = ask.tenant.people.manager_of(_user(ask))
    shown = lists.user_json(ask, held, query.selection(ask.tenant, "users", chosen.get("$select"))) if held else None
    if shown is None:
        raise not_found("manager")
    return json_reply({"@odata.type": schema.USER, **shown})


def _groups_of(ask: Ask, *, transitive: bool) -> Reply:
    chosen = query.options(ask.call, ("$select", "$top", "$count", "$skiptoken"))
    selection = lists.member_selection(chosen.get("$select"))
    holding = [group.id for group in ask.tenant.groups.holding(_user(ask), transitive=transitive)]
    if len(ask.args) > 1:
        query.advanced(ask.call, chosen, "A cast")
        if schema.CASTS.get(ask.args[1]) != schema.GROUP:
            raise bad_request(f"Cast to {ask.args[1]} is not simulated.", violation=f"cast to {ask.args[1]}")
    return lists.page(
        ask, holding, lambda group_id: lists.object_json(ask, group_id, selection), chosen, "directoryObjects"
    )


@route("GET", "/users/{}/memberOf", schema.READ_DIRECTORY, cost=2)
@route("GET", "/users/{}/memberOf/{}", schema.READ_DIRECTORY, cost=2)
def member_of(ask: Ask) -> Reply:
    """GET /users/{id}/memberOf[/cast]: Directory.Read.All only."""
    return _groups_of(ask, transitive=False)


@route("GET", "/users/{}/transitiveMemberOf", schema.READ_DIRECTORY, cost=2)
@route("GET", "/users/{}/transitiveMemberOf/{}", schema.READ_DIRECTORY, cost=2)
def transitive_member_of(ask: Ask) -> Reply:
    """GET /users/{id}/transitiveMemberOf[/cast]: Directory.Read.All only."""
    return _groups_of(ask, transitive=True)


@route("GET", "/directory/deletedItems/microsoft.graph.user", schema.READ_USERS)
def deleted_users(ask: Ask) -> Reply:
    """GET /directory/deletedItems/microsoft.graph.user."""
    chosen = query.options(ask.call, ("$select", "$top", "$skiptoken"))
    raw = chosen.get("$select")
    selection = query.selection(
        ask.tenant, "users", raw if raw is not None else ",".join((*schema.USER_DEFAULT, "deletedDateTime"))
    )
    binned = ask.tenant.people.binned

    def show(user_id: str) -> Json | None:
        row = orjson.loads(binned[user_id])
        return {"id": user_id, **{name: row.get(name) for name in selection.properties}}

    return lists.page(ask, list(binned), show, chosen, "users")
