"""Who calls Graph: the bearer token, checked as Graph checks it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import jwt

from local.cloud.tenant import Tenant
from local.cloud.wire import Call, GraphError, Json
from local.cloud.world import World

_KEPT = 512


@dataclass(frozen=True, slots=True)
class Caller:
    """An application acting in one tenant with the roles its token carries."""

    tenant: Tenant
    client_id: str
    roles: frozenset[str]
    object_id: str


def _refused(message: str, code: str = "InvalidAuthenticationToken") -> GraphError:
    return GraphError(401, code, message, headers={"WWW-Authenticate": 'Bearer realm="", error="invalid_token"'})


def is_graph(resource: str, world: World) -> bool:
    """Whether a resource identifier (`https://host[:port]`) names this Graph. The port does not count."""
    parts = urlsplit(resource)
    return parts.scheme == "https" and parts.hostname in world.hosts


def bearer(call: Call) -> str:
    """The token of the Authorization header; 401 when there is none."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _refused("Access token is empty.")
    return token


def _claims(world: World, token: str) -> Json:
    known = world.verified
    if token in known:
        return known[token]
    try:
        claims = world.keys.verify(token)
    except jwt.ExpiredSignatureError as error:
        raise _refused("Lifetime validation failed, the token is expired.") from error
    except jwt.InvalidTokenError as error:
        raise _refused("CompactToken validation failed.") from error
    known[token] = claims
    while len(known) > _KEPT:
        known.popitem(last=False)
    return claims


def authenticate(world: World, call: Call, now: float) -> Caller:
    """The caller, or the 401 that Graph gives. `now` is real time, which tokens are bound to."""
    claims = _claims(world, bearer(call))
    if claims["exp"] <= now:
        raise _refused("Lifetime validation failed, the token is expired.")
    if not is_graph(str(claims.get("aud", "")), world):
        raise _refused("Access token validation failure. Invalid audience.")
    tenant = world.tenants.get(str(claims.get("tid")))
    if tenant is None or tenant.deleted:
        raise _refused("Invalid tenant.")
    client_id = str(claims.get("appid", ""))
    if "oid" not in claims:
        raise _refused(
            "The identity of the calling application could not be established.", "Authorization_IdentityNotFound"
        )
    if world.behaviour.cae:
        _continuous(world, tenant.id, client_id, set(claims.get("roles", [])))
    return Caller(tenant, client_id, frozenset(claims.get("roles", [])), str(claims["oid"]))


def _continuous(world: World, tenant: str, client_id: str, roles: set[str]) -> None:
    """Continuous access evaluation: a token outlived by its grant is refused at once."""
    if not roles <= set(world.roles_of(tenant, client_id)):
        raise _refused("Continuous access evaluation resulted in challenge.", "TokenRevoked")
