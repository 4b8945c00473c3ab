"""Graph: organization, getByIds and $batch."""

from urllib.parse import unquote, urlsplit

import orjson

from local.cloud import graph, lists, query, schema
from local.cloud.graph import Ask, route
from local.cloud.wire import Call, Json, Reply, bad_request, forbidden, json_reply, not_found, words

_ORGANIZATION = words(
    "businessPhones city country countryLetterCode createdDateTime displayName id preferredLanguage tenantType "
    "technicalNotificationMails verifiedDomains onPremisesSyncEnabled"
)


@route("GET", "/organization")
@route("GET", "/organization/{}")
def organization(ask: Ask) -> Reply:
    """GET /organization: 403, or a reduced object (switch), without Organization.Read.All."""
    chosen = query.options(ask.call, ("$select",))
    names = chosen["$select"].split(",") if "$select" in chosen else _ORGANIZATION
    for name in names:
        if name.strip() not in _ORGANIZATION:
            raise bad_request(f"Could not find a property named '{name}'.", violation=f"$select={name}")
    full = bool(schema.READ_ORGANIZATION & ask.caller.roles)
    if not full and not ask.tenant.behaviour.organization_reduced:
        raise forbidden()
    row: Json = {"id": ask.tenant.id, "displayName": ask.tenant.name}
    if full:
        row["tenantType"] = "AAD"
        row["preferredLanguage"] = "en"
        row["verifiedDomains"] = [
            {"name": domain, "isDefault": at == 0, "isInitial": domain.endswith(".onmicrosoft.com"), "type": "Managed"}
            for at, domain in enumerate(ask.tenant.domains)
        ]
    shown = {name.strip(): row.get(name.strip()) for name in names}
    return json_reply({"value": [shown]} if not ask.args else shown)


@route("GET", "/directory/deletedItems/{}", schema.READ_USERS)
def deleted_item(ask: Ask) -> Reply:
    """GET /directory/deletedItems/{id} of a user."""
    chosen = query.options(ask.call, ("$select",))
    raw = ask.tenant.people.binned.get(ask.args[0].lower())
    if raw is None:
        raise not_found(ask.args[0])
    selection = query.selection(ask.tenant, "users", chosen.get("$select"))
    row = orjson.loads(raw)
    names = (*selection.properties, "deletedDateTime")
    return json_reply({"@odata.type": schema.USER, "id": row["id"], **{name: row.get(name) for name in names}})


@route("POST", "/directoryObjects/getByIds", schema.READ_DIRECTORY, cost=5)
def get_by_ids(ask: Ask) -> Reply:
    """POST /directoryObjects/getByIds: at most 1,000 ids; unknown ones are left out."""
    chosen = query.options(ask.call, ("$select",))
    body = _object(ask.call)
    ids = body.get("ids")
    if not isinstance(ids, list) or not 0 < len(ids) <= 1000:
        raise bad_request("'ids' must hold 1 to 1,000 ids.", violation="getByIds ids")
    selection = lists.member_selection(chosen.get("$select"))
    shown = [lists.object_json(ask, str(object_id).lower(), selection) for object_id in ids]
    return json_reply({"value": [item for item in shown if item is not None]})


def _object(call: Call) -> Json:
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError as error:
        raise bad_request("The body is not JSON.", code="BadRequest") from error
    if not isinstance(body, dict):
        raise bad_request("The body is not a JSON object.", code="BadRequest")
    return body


@route("POST", "/$batch")
async def batch(ask: Ask) -> Reply:
    """POST /$batch: up to 20 requests, each answered on its own, in any order."""
    if ask.depth:
        raise bad_request("A batch cannot hold a batch.", violation="nested $batch")
    requests = _object(ask.call).get("requests")
    if not isinstance(requests, list) or not 1 <= len(requests) <= 20:
        raise bad_request("A batch holds 1 to 20 requests.", violation="batch size")
    ids = [str(item.get("id")) for item in requests]
    if len(set(ids)) != len(ids):
        raise bad_request("Request ids in a batch must be unique.", violation="batch ids")
    answers: dict[str, Json] = {}
    for item in requests:
        failed = [before for before in item.get("dependsOn", []) if answers.get(before, {}).get("status", 500) >= 400]
        if failed:
            answers[str(item["id"])] = {"id": str(item["id"]), "status": 424, "headers": {}, "body": {}}
        else:
            answers[str(item["id"])] = await _one(ask, item)
    # Real batches answer in the order the parts finish: reversed shows that order means nothing.
    return json_reply({"responses": list(reversed(answers.values()))})


async def _one(ask: Ask, item: Json) -> Json:
    url = str(item["url"])
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        raise bad_request("Batch urls are relative.", violation=f"absolute url in a batch: {url}")
    headers = {name.lower(): value for name, value in item.get("headers", {}).items()}
    if "body" in item and "content-type" not in headers:
        raise bad_request("A body in a batch needs a Content-Type header.", violation="batch body without type")
    headers["authorization"] = ask.call.headers["authorization"]
    body = orjson.dumps(item["body"]) if "body" in item else b""
    path = "/v1.0/" + parts.path.lstrip("/")
    inner = Call(str(item["method"]).upper(), unquote(path), parts.query, headers, body, ask.call.base)
    reply = await graph.answer(ask.world, inner, depth=1)
    ask.world.journal.counts[f"{inner.method} {inner.path} {reply.status} in $batch"] += 1
    content = orjson.loads(reply.body) if reply.content_type.startswith("application/json") and reply.body else None
    if content is None and reply.body:
        content = reply.body.decode()
    shown = {"Content-Type": reply.content_type.split(";")[0], **reply.headers}
    return {"id": str(item["id"]), "status": reply.status, "headers": shown, "body": content}
