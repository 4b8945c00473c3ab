"""Ordinary (not delta) reading of directory objects: properties shown, and pages with nextLink."""

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import orjson

from local.cloud import query, schema
from local.cloud.cursor import BadCursor
from local.cloud.delta_users import visible
from local.cloud.graph import Ask, readable
from local.cloud.query import Filter, Selection
from local.cloud.wire import JSON_TYPE, Json, Reply, bad_request

Show = Callable[[str], Json | None]


def user_json(ask: Ask, user_id: str, selection: Selection) -> Json | None:
    """A live user as lists show it: every selected property, null when unset."""
    row = ask.tenant.people.rows.row(user_id)
    if row is None:
        return None
    names = visible(selection, ask.caller.roles)
    return {"id": user_id, **{name: row.get(name, _empty(name)) for name in names}}


def _empty(name: str) -> list[str] | Json | None:
    if name == "onPremisesExtensionAttributes":
        return dict.fromkeys(schema.EXTENSION_ATTRIBUTES)
    return [] if name in schema.COLLECTIONS else None


def group_json(ask: Ask, group_id: str, selection: Selection) -> Json | None:
    """A live group as lists show it."""
    group = ask.tenant.groups.all.get(group_id)
    if group is None or group.binned:
        return None
    held = group.properties
    return {"id": group.id, **{name: held.get(name, _empty(name)) for name in selection.properties}}


def object_json(ask: Ask, object_id: str, selection: Selection | None) -> Json | None:
    """A member of any type; null-filled where the application may not read that type."""
    kind = ask.tenant.kind_of(object_id)
    if kind is None or not ask.tenant.listed(object_id):
        return None
    explicit = selection is not None and selection.explicit
    if kind == schema.USER:
        chosen = selection if selection and explicit else query.selection(ask.tenant, "users", None)
        shown = user_json(ask, object_id, chosen)
    elif kind == schema.GROUP:
        chosen = selection if selection and explicit else query.selection(ask.tenant, "groups", None)
        shown = group_json(ask, object_id, chosen)
    else:
        names = selection.properties if selection and explicit else ("displayName",)
        name = ask.tenant.others[object_id].name
        shown = {"id": object_id, **{key: name if key == "displayName" else None for key in names}}
    if shown is None:
        return None
    if not readable(kind, ask.caller.roles):
        shown = {"id": object_id, **{key: None for key in shown if key != "id"}}
    return {"@odata.type": kind, **shown}


def member_selection(raw: str | None) -> Selection | None:
    """$select on a list of mixed types: properties of users or groups."""
    if raw is None:
        return None
    known = {name.lower(): name for name in schema.PROPERTIES["users"] | schema.PROPERTIES["groups"]}
    names = []
    for name in raw.split(","):
        if name.strip().lower() not in known:
            raise bad_request(
                f"Could not find a property named '{name}' on type 'microsoft.graph.directoryObject'.",
                code="BadRequest",
                violation=f"$select of unknown property {name!r}",
            )
        names.append(known[name.strip().lower()])
    return Selection(tuple(name for name in names if name != "id"), frozenset(), True)


def page(
    ask: Ask,
    source: Sequence[str | None],
    show: Show,
    chosen: dict[str, str],
    context: str,
    *,
    count: int | None = None,
) -> Reply:
    """Up to $top shown objects from `source` (None: nothing there), with a nextLink while there may be more."""
    size = query.top(chosen.get("$top"))
    position = _position(ask, chosen)
    items: list[Json] = []
    while position < len(source) and len(items) < size:
        found = source[position]
        shown = show(found) if found is not None else None
        position += 1
        if shown is not None:
            items.append(shown)
    body: Json = {"@odata.context": f"{ask.call.base}/v1.0/$metadata#{context}"}
    if count is not None:
        body["@odata.count"] = count
    if position < len(source):
        now = ask.world.clock.now()
        token = ask.world.feeds.sealer.seal([ask.tenant.id, ask.call.path, position, now])
        kept = [(key, value) for key, value in ask.call.pairs() if key.lower() != "$skiptoken"]
        again = urlencode([*kept, ("$skiptoken", token)], safe="$,")
        body["@odata.nextLink"] = f"{ask.call.base}{ask.call.path}?{again}"
    body["value"] = items
    return Reply(200, orjson.dumps(body), JSON_TYPE)


def _position(ask: Ask, chosen: dict[str, str]) -> int:
    token = chosen.get("$skiptoken")
    if token is None:
        return 0
    try:
        tenant, path, position, at = ask.world.feeds.sealer.open(token)
    except (BadCursor, ValueError) as error:
        raise bad_request("Invalid page token.") from error
    if (tenant, path) != (ask.tenant.id, ask.call.path):
        raise bad_request("Invalid page token.", violation="page token of another tenant or path")
    lifetime = ask.tenant.behaviour.skiptoken_seconds
    if lifetime and ask.world.clock.now() - at > lifetime:
        raise bad_request("The specified page token value has expired.", code="Directory_ExpiredPageToken")
    return int(position)


def matches(row: Json, wanted: Filter) -> bool:
    """Whether an object's properties satisfy a filter."""
    results = []
    for term in wanted.terms:
        held = row.get(term.name)
        held = held.casefold() if isinstance(held, str) else held
        value = term.value.casefold() if isinstance(term.value, str) else term.value
        results.append((held == value) == (term.operator == "eq"))
    return all(results) if wanted.word == "and" else any(results)
