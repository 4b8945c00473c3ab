"""Graph: subscriptions, created with a handshake, renewed, reauthorized and deleted."""

import re
import uuid
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import orjson

from local.cloud.graph import Ask, route
from local.cloud.subscriptions import Subscription
from local.cloud.wire import GraphError, Json, Reply, bad_request, forbidden, json_reply, words

MAX_MINUTES: Final = 41_760
MIN_MINUTES: Final = 45
_RESOURCE: Final = re.compile(r"/?(users|groups)(?:/([0-9a-fA-F-]{36})(?:/(members|owners))?)?")
_FIELDS: Final = frozenset(
    words(
        "changeType resource notificationUrl lifecycleNotificationUrl expirationDateTime clientState "
        "latestSupportedTlsVersion includeResourceData encryptionCertificate encryptionCertificateId "
        "notificationQueryOptions notificationUrlAppId @odata.type"
    )
)
# The documents warn of PATCH and reauthorize within ten minutes of each other.
_APART: Final = 600.0


def _body(ask: Ask) -> Json:
    try:
        body = orjson.loads(ask.call.body)
    except orjson.JSONDecodeError as error:
        raise bad_request("The body is not JSON.", code="InvalidRequest") from error
    if not isinstance(body, dict):
        raise bad_request("The body is not a JSON object.", code="InvalidRequest")
    unknown = sorted(set(body) - _FIELDS)
    if unknown:
        raise bad_request(f"Unknown properties: {unknown}", code="InvalidRequest", violation=f"fields {unknown}")
    return body


def _expiry(ask: Ask, raw: object) -> float:
    """Seconds since 1970 of a lifetime between the documented bounds, else 400."""
    try:
        moment = datetime.fromisoformat(str(raw))
    except ValueError as error:
        raise bad_request("expirationDateTime is not a date.", code="InvalidRequest") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    now = ask.world.clock.now()
    minutes = (moment.timestamp() - now) / 60
    if minutes > MAX_MINUTES and not ask.world.behaviour.clamp_lifetime:
        raise bad_request(
            f"Subscription expiration can only be {MAX_MINUTES} minutes in the future.", code="InvalidRequest"
        )
    if minutes < MIN_MINUTES - 1:
        raise bad_request(
            f"Subscription expiration must be at least {MIN_MINUTES} minutes in the future.", code="InvalidRequest"
        )
    return now + min(minutes, MAX_MINUTES) * 60


def _url(ask: Ask, raw: object) -> str:
    url = str(raw or "")
    parts = urlsplit(url)
    loopback = parts.hostname in {"localhost", "127.0.0.1", "::1"} and ask.world.behaviour.http_loopback
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and loopback)):
        raise bad_request(f"The notification URL must be https: {url}", code="InvalidRequest")
    return url


def _quotas(ask: Ask) -> None:
    behaviour, held = ask.world.behaviour, ask.world.subscriptions
    tenant, client_id = ask.tenant.id, ask.caller.client_id
    counts = (
        (len(held.live(tenant, client_id)), behaviour.quota_app_tenant, "application and tenant"),
        (len(held.live(tenant)), behaviour.quota_tenant, "tenant"),
        (len(held.live("", client_id)), behaviour.quota_app, "application"),
    )
    for number, limit, whose in counts:
        if number >= limit:
            raise GraphError(403, "Forbidden", f"The {whose} has reached its quota of {limit} subscriptions.")


def _read(ask: Ask) -> Subscription:
    """A subscription from the request, checked in the order of the documents."""
    body = _body(ask)
    match = _RESOURCE.fullmatch(str(body.get("resource", "")))
    if match is None:
        raise bad_request(f"Resource '{body.get('resource')}' is not supported.", code="InvalidRequest")
    kinds = frozenset(str(body.get("changeType", "")).replace(" ", "").split(","))
    allowed = {"updated", "deleted"} | ({"created"} if ask.world.behaviour.created_allowed else set())
    if not kinds or not kinds <= allowed:
        raise bad_request("Only changeType updated and deleted are supported.", code="InvalidRequest")
    state = body.get("clientState")
    if state is not None and len(str(state)) > 128:
        raise bad_request("clientState is longer than 128 characters.", code="InvalidRequest")
    feed = match[1]
    lifecycle = body.get("lifecycleNotificationUrl")
    return Subscription(
        id=str(uuid.uuid4()),
        tenant=ask.tenant.id,
        client_id=ask.caller.client_id,
        creator=ask.caller.object_id,
        resource=str(body["resource"]),
        feed=feed,
        target=(match[2] or "").lower(),
        change_types=kinds,
        notification_url=_url(ask, body.get("notificationUrl")),
        lifecycle_url=_url(ask, lifecycle) if lifecycle else "",
        client_state=None if state is None else str(state),
        expires=_expiry(ask, body.get("expirationDateTime")),
        tls=str(body.get("latestSupportedTlsVersion", "v1_2")),
    )


@route("POST", "/subscriptions")
async def create(ask: Ask) -> Reply:
    """POST /subscriptions: rights, duplicates, quotas, then the handshake with both URLs."""
    sub = _read(ask)
    held = ask.world.subscriptions
    if held.role(sub.feed) not in ask.caller.roles:
        raise forbidden()
    same = [
        other
        for other in held.live(ask.tenant.id, ask.caller.client_id)
        if (other.resource.strip("/"), other.change_types) == (sub.resource.strip("/"), sub.change_types)
    ]
    if same:
        raise GraphError(409, "Conflict", f"Subscription Id {same[0].id} already exists for the requested combination")
    _quotas(ask)
    urls = [url for url in (sub.notification_url, sub.lifecycle_url) if url]
    for url in urls:
        if not await held.delivery.validated(url):
            raise bad_request(
                "Subscription validation request failed. Notification endpoint must respond with 200 OK to "
                "validation request.",
                code=ask.world.behaviour.validation_code,
            )
    held.add(sub)
    context = {"@odata.context": f"{ask.call.base}/v1.0/$metadata#subscriptions/$entity"}
    return json_reply({**context, **sub.as_json()}, 201)


@route("GET", "/subscriptions")
def listing(ask: Ask) -> Reply:
    """GET /subscriptions: the application's own in this tenant."""
    subs = ask.world.subscriptions.live(ask.tenant.id, ask.caller.client_id)
    return json_reply({"value": [sub.as_json() for sub in subs]})


def _own(ask: Ask) -> Subscription:
    return ask.world.subscriptions.get(ask.args[0], ask.tenant.id, ask.caller.client_id)


@route("GET", "/subscriptions/{}")
def read_one(ask: Ask) -> Reply:
    """GET /subscriptions/{id}."""
    return json_reply(_own(ask).as_json())


@route("PATCH", "/subscriptions/{}")
def renew(ask: Ask) -> Reply:
    """PATCH /subscriptions/{id}: only expirationDateTime; also reauthorizes."""
    sub = _own(ask)
    body = _body(ask)
    if set(body) != {"expirationDateTime"}:
        raise bad_request("Only expirationDateTime can be changed.", code="InvalidRequest", violation="PATCH fields")
    _keep_apart(ask, sub.reauthorized_at)
    sub.expires = _expiry(ask, body["expirationDateTime"])
    sub.renewed_at = ask.world.clock.now()
    sub.warned = False
    return json_reply(sub.as_json())


@route("POST", "/subscriptions/{}/reauthorize")
def reauthorize(ask: Ask) -> Reply:
    """POST /subscriptions/{id}/reauthorize: does not extend."""
    sub = _own(ask)
    _keep_apart(ask, sub.renewed_at)
    sub.reauthorized_at = ask.world.clock.now()
    return Reply(204)


def _keep_apart(ask: Ask, other: float) -> None:
    now = ask.world.clock.now()
    if now - other < _APART:
        ask.world.journal.violation(
            now, f"{ask.call.method} {ask.call.path}", "PATCH and reauthorize within ten minutes of each other"
        )


@route("DELETE", "/subscriptions/{}")
def delete(ask: Ask) -> Reply:
    """DELETE /subscriptions/{id}."""
    ask.world.subscriptions.drop(_own(ask).id)
    return Reply(204)
