"""The token endpoint: client credentials and authorization codes."""

import base64
import hashlib
import hmac
import time
import uuid
from typing import Final

import jwt

from local.cloud.aadsts import SHARED, LoginError, no_tenant
from local.cloud.access import is_graph
from local.cloud.apps import Registration
from local.cloud.signin import Code
from local.cloud.tenant import Tenant
from local.cloud.wire import Call, Json, Reply, json_reply
from local.cloud.world import World

_JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NO_STORE: Final = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def token(world: World, call: Call, tenant: str) -> Reply:
    """POST /{tenant}/oauth2/v2.0/token."""
    try:
        return json_reply(_granted(world, call, tenant), headers=_NO_STORE)
    except LoginError as error:
        return json_reply(error.body(world.clock.now()), error.status, _NO_STORE)


def _granted(world: World, call: Call, tenant: str) -> Json:
    form = call.form()
    grant = form.get("grant_type")
    if not grant:
        raise LoginError(900144, "invalid_request", "The request body must contain the parameter 'grant_type'.")
    if grant == "client_credentials":
        return _app_only(world, call, tenant, form)
    if grant == "authorization_code":
        return _code(world, call, tenant, form)
    world.journal.violation(world.clock.now(), f"POST {call.path}", f"grant_type {grant}")
    raise LoginError(70003, "unsupported_grant_type", f"The grant type '{grant}' is not supported.")


def _client(world: World, call: Call, form: dict[str, str], where: str) -> Registration:
    """The application, proven by secret or assertion."""
    client_id, secret = form.get("client_id", ""), form.get("client_secret")
    scheme, _, basic = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        client_id, _, secret = base64.b64decode(basic).decode().partition(":")
    elif scheme.lower() == "bearer":
        world.journal.violation(world.clock.now(), f"POST {call.path}", "a bearer token was sent to the login service")
    app = world.apps.get(client_id)
    if app is None:
        raise LoginError(
            700016,
            "unauthorized_client",
            f"Application with identifier '{client_id}' was not found in the directory '{where}'.",
        )
    if secret is not None:
        if secret in app.expired_secrets:
            raise LoginError(7000222, "invalid_client", "The provided client secret keys are expired.", 401)
        if not any(hmac.compare_digest(secret.encode(), held.encode()) for held in app.secrets):
            raise LoginError(7000215, "invalid_client", "Invalid client secret provided.", 401)
        return app
    if form.get("client_assertion_type") == _JWT_BEARER and form.get("client_assertion"):
        _assertion(form["client_assertion"])
        return app
    raise LoginError(
        7000218, "invalid_client", "The request body must contain 'client_assertion' or 'client_secret'.", 401
    )


def _assertion(text: str) -> None:
    """A federated assertion: well formed and in its time; who signed it is not simulated."""
    try:
        claims = jwt.decode(text, options={"verify_signature": False, "verify_exp": False, "verify_aud": False})
    except jwt.InvalidTokenError as error:
        raise LoginError(50027, "invalid_client", "The client assertion is not a well-formed JWT.", 401) from error
    now = time.time()
    if not claims.get("nbf", 0) - 300 <= now <= claims.get("exp", 0) + 300:
        raise LoginError(700024, "invalid_client", "Client assertion is not within its valid time range.", 401)


def _app_only(world: World, call: Call, tenant: str, form: dict[str, str]) -> Json:
    if tenant in SHARED:
        raise LoginError(
            9001023,
            "invalid_request",
            f"The grant type is not supported over the /{tenant} endpoint. Please use a tenant-specific endpoint.",
        )
    found = world.tenant(tenant)
    if found is None:
        raise no_tenant(tenant)
    app = _client(world, call, form, found.name)
    resource = _resource(world, form.get("scope", ""), found)
    grant = world.grants.get(found.id, app.client_id)
    phase = grant.phase(world.clock.now(), world.behaviour.propagation) if grant else "missing"
    if grant is None or phase == "missing":
        raise LoginError(
            7000229,
            "invalid_client",
            f"The client application {app.client_id} is missing service principal in the tenant {found.id}.",
            401,
        )
    if not grant.enabled:
        raise LoginError(7000112, "unauthorized_client", f"Application '{app.client_id}'({app.name}) is disabled.", 400)
    now = int(time.time())
    claims: Json = {
        "aud": resource,
        "iss": f"https://sts.windows.net/{found.id}/",
        "iat": now,
        "nbf": now,
        "exp": now + world.behaviour.token_seconds + 1,
        "app_displayname": app.name,
        "appid": app.client_id,
        "azp": app.client_id,
        "idtyp": "app",
        "tid": found.id,
        "uti": uuid.uuid4().hex,
        "ver": "1.0",
    }
    if phase != "no_oid":
        claims |= {"oid": grant.object_id, "sub": grant.object_id}
    if phase == "ready" and grant.roles:
        claims["roles"] = sorted(grant.roles)
    seconds = world.behaviour.token_seconds
    return {
        "token_type": "Bearer",
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": world.keys.sign(claims),
    }


def _resource(world: World, scope: str, tenant: Tenant) -> str:
    resource, slash, default = scope.rpartition("/")
    if not slash or default != ".default" or " " in scope.strip():
        raise LoginError(
            1002012, "invalid_scope", f"The provided value for scope {scope} is not valid; it must end in /.default."
        )
    if not is_graph(resource, world):
        raise LoginError(
            500011,
            "invalid_resource",
            f"The resource principal named {resource} was not found in the tenant named {tenant.name}.",
        )
    return resource


def _code(world: World, call: Call, tenant: str, form: dict[str, str]) -> Json:
    app = _client(world, call, form, tenant)
    code = world.signins.redeem(form.get("code", ""))
    if code is None:
        raise LoginError(70000, "invalid_grant", "The provided authorization code is not valid.")
    if code.uses > 1:
        raise LoginError(54005, "invalid_grant", "OAuth2 Authorization code was already redeemed.")
    if world.clock.now() > code.expires:
        raise LoginError(70008, "invalid_grant", "The provided authorization code or refresh token has expired.")
    if code.client_id != app.client_id or code.redirect_uri != form.get("redirect_uri"):
        raise LoginError(500112, "invalid_client", "The reply address does not match the one of the code.")
    if tenant not in SHARED and world.tenant(tenant) is not world.tenants.get(code.tenant):
        raise LoginError(50020, "invalid_grant", "The code was issued for another tenant.")
    if code.challenge:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        made = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if not hmac.compare_digest(made, code.challenge):
            raise LoginError(50148, "invalid_grant", "The code_verifier does not match the code_challenge.")
    now = int(time.time())
    access = {
        "aud": "00000003-0000-0000-c000-000000000000",
        "iss": f"https://sts.windows.net/{code.tenant}/",
        "iat": now,
        "exp": now + world.behaviour.token_seconds,
        "tid": code.tenant,
        "oid": code.user,
        "appid": app.client_id,
        "scp": code.scope,
    }
    answer: Json = {
        "token_type": "Bearer",
        "scope": code.scope,
        "expires_in": world.behaviour.token_seconds,
        "access_token": world.keys.sign(access),
    }
    if "openid" in code.scope.split():
        answer["id_token"] = world.keys.sign(_id_claims(world, call, app, code, now))
    return answer


def _id_claims(world: World, call: Call, app: Registration, code: Code, now: int) -> Json:
    tenant = world.tenants[code.tenant]
    row = tenant.people.get(code.user)
    pairwise = hashlib.sha256(f"{app.client_id}|{code.tenant}|{code.user}".encode()).digest()
    claims: Json = {
        "aud": app.client_id,
        "iss": f"{call.base}/{code.tenant}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "name": row.get("displayName", ""),
        "oid": code.user,
        "preferred_username": row["userPrincipalName"],
        "rh": uuid.uuid4().hex,
        "sub": base64.urlsafe_b64encode(pairwise).decode().rstrip("="),
        "tid": code.tenant,
        "uti": uuid.uuid4().hex,
        "ver": "2.0",
    }
    if code.nonce:
        claims["nonce"] = code.nonce
    if "email" in code.scope.split() and row.get("mail"):
        claims["email"] = row["mail"]
    if app.wids_claim:
        claims["wids"] = [*tenant.roles.get(code.user, []), "b79fbf4d-3ef9-4689-8143-76b194e85509"]
    if row.get("userType") == "Guest":
        claims["idp"] = "https://sts.windows.net/00000000-0000-4000-8000-00000000feed/"
    return claims
