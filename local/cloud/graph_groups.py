"""Graph: groups and their members."""

from collections.abc import Sequence

from local.cloud import lists, query, schema
from local.cloud.graph import Ask, route
from local.cloud.groups import Group
from local.cloud.wire import Json, Reply, bad_request, json_reply, not_found


def delta(ask: Ask) -> Reply:
    """GET /groups/delta."""
    return ask.world.feeds.read(ask.tenant, "groups", ask.call, ask.caller.roles)


for _form in (
    "/groups/delta",
    "/groups/delta()",
    "/groups/microsoft.graph.delta()",
    "/groups/microsoft.graph.delta",
):
    route("GET", _form, schema.READ_GROUPS)(delta)


@route("GET", "/groups/$count", schema.READ_GROUPS)
def count(ask: Ask) -> Reply:
    """GET /groups/$count, an advanced query."""
    query.options(ask.call, ())
    query.eventual(ask.call, "/groups/$count")
    return Reply(200, str(sum(1 for _ in ask.tenant.groups.live())).encode(), "text/plain")


@route("GET", "/groups", schema.READ_GROUPS)
def list_groups(ask: Ask) -> Reply:
    """GET /groups."""
    chosen = query.options(
        ask.call,
        ("$select", "$top", "$filter", "$count", "$skiptoken"),
        ("$orderby", "$search", "$expand", "$skip"),
    )
    selection = query.selection(ask.tenant, "groups", chosen.get("$select"))
    source = [group.id for group in ask.tenant.groups.live()]
    if "$filter" in chosen:
        wanted = query.parse_filter("groups", chosen["$filter"])
        if any(term.operator == "ne" for term in wanted.terms):
            query.advanced(ask.call, chosen, "'ne' in $filter")
        held = ask.tenant.groups.all
        source = [group_id for group_id in source if lists.matches(held[group_id].properties, wanted)]
    total: int | None = None
    if chosen.get("$count") == "true":
        query.eventual(ask.call, "$count")
        total = len(source)
    return lists.page(
        ask,
        source,
        lambda group_id: lists.group_json(ask, group_id, selection),
        chosen,
        f"groups{selection.context}",
        count=total,
    )


def _group(ask: Ask) -> Group:
    try:
        return ask.tenant.groups.get(ask.args[0])
    except KeyError as error:
        raise not_found(ask.args[0]) from error


@route("GET", "/groups/{}", schema.READ_GROUPS)
def get_group(ask: Ask) -> Reply:
    """GET /groups/{id}."""
    chosen = query.options(ask.call, ("$select",))
    selection = query.selection(ask.tenant, "groups", chosen.get("$select"))
    shown = lists.group_json(ask, _group(ask).id, selection)
    context = f"{ask.call.base}/v1.0/$metadata#groups{selection.context}/$entity"
    return json_reply({"@odata.context": context, **(shown or {})})


def _places(ask: Ask, *, transitive: bool) -> Sequence[str | None]:
    """Where members are to be found: the group's slots, or all that is reachable; nothing where they are hidden."""
    group = _group(ask)
    hidden = group.properties.get("visibility") == "HiddenMembership"
    if hidden and schema.HIDDEN_MEMBERS_ROLE not in ask.caller.roles:
        return ()
    return ask.tenant.groups.closure(group.id) if transitive else group.slots


def _counts(ask: Ask, member: str | None, kind: str | None, *, transitive: bool) -> bool:
    """Whether a member is listed, of one kind if `kind`; v1.0 leaves service principals out of direct members."""
    if member is None or not ask.tenant.listed(member):
        return False
    found = ask.tenant.kind_of(member)
    robots = transitive or ask.tenant.behaviour.service_principals_in_members
    return (robots or found != schema.SERVICE_PRINCIPAL) and kind in {None, found}


def _cast(ask: Ask) -> str | None:
    if len(ask.args) < 2:
        return None
    kind = schema.CASTS.get(ask.args[1])
    if kind is None:
        raise bad_request(f"Cast to {ask.args[1]} is not known.", violation=f"cast to {ask.args[1]}")
    return kind


def _members(ask: Ask, *, transitive: bool) -> Reply:
    chosen = query.options(ask.call, ("$select", "$top", "$count", "$skiptoken"), ("$orderby", "$search", "$expand"))
    selection = lists.member_selection(chosen.get("$select"))
    places, kind = _places(ask, transitive=transitive), _cast(ask)
    if kind is not None:
        query.advanced(ask.call, chosen, "A cast")
    total: int | None = None
    if chosen.get("$count") == "true":
        query.eventual(ask.call, "$count")
        total = sum(_counts(ask, member, kind, transitive=transitive) for member in places)

    def show(member: str) -> Json | None:
        shown = _counts(ask, member, kind, transitive=transitive)
        return lists.object_json(ask, member, selection) if shown else None

    return lists.page(ask, places, show, chosen, "directoryObjects", count=total)


@route("GET", "/groups/{}/members/$count", schema.READ_GROUPS, cost=3)
@route("GET", "/groups/{}/transitiveMembers/$count", schema.READ_GROUPS, cost=5)
@route("GET", "/groups/{}/transitiveMembers/{}/$count", schema.READ_GROUPS, cost=5)
def members_count(ask: Ask) -> Reply:
    """GET …/members/$count and …/transitiveMembers[/cast]/$count, advanced queries."""
    query.options(ask.call, ())
    query.eventual(ask.call, "$count")
    transitive = "/transitiveMembers" in ask.call.path
    places, kind = _places(ask, transitive=transitive), _cast(ask)
    number = sum(_counts(ask, member, kind, transitive=transitive) for member in places)
    return Reply(200, str(number).encode(), "text/plain")


@route("GET", "/groups/{}/members", schema.READ_GROUPS, cost=3)
@route("GET", "/groups/{}/members/{}", schema.READ_GROUPS, cost=3)
def members(ask: Ask) -> Reply:
    """GET /groups/{id}/members[/cast]: direct members."""
    return _members(ask, transitive=False)


@route("GET", "/groups/{}/transitiveMembers", schema.READ_GROUPS, cost=5)
@route("GET", "/groups/{}/transitiveMembers/{}", schema.READ_GROUPS, cost=5)
def transitive_members(ask: Ask) -> Reply:
    """GET /groups/{id}/transitiveMembers[/cast]: each reachable member once, cycles or not."""
    return _members(ask, transitive=True)


@route("GET", "/directory/deletedItems/microsoft.graph.group", schema.READ_DELETED_GROUPS)
def deleted_groups(ask: Ask) -> Reply:
    """GET /directory/deletedItems/microsoft.graph.group."""
    chosen = query.options(ask.call, ("$select", "$top", "$skiptoken"))
    selection = query.selection(ask.tenant, "groups", chosen.get("$select"))
    binned = [group.id for group in ask.tenant.groups.all.values() if group.binned]

    def show(group_id: str) -> Json | None:
        held = ask.tenant.groups.all[group_id].properties
        return {"id": group_id, **{name: held.get(name) for name in selection.properties}}

    return lists.page(ask, binned, show, chosen, "groups")
