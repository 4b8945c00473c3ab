"""The `SignIn` port: where the admin consents, where they prove who they are, and what their id token proves.

microsoft-facts §5.1 and §5.2. The proof runs at `organizations`, where an account is always one of its home tenant.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt

from shared.clock import Clock
from shared.errors import NeedsAdmin, Transient
from sync.adapters.egress import login_rules
from sync.adapters.identity.app import App
from sync.adapters.identity.keys import IssuerKeys
from sync.adapters.identity.login import client
from sync.core.clouds import Endpoints
from sync.core.connection import Cloud
from sync.core.delta import guid
from sync.core.health import CREDENTIAL_CODES, needs_admin, retry_after_seconds
from sync.ports import SignedInAdmin

LEEWAY = 300.0  # seconds our clock and Microsoft's may differ
# Who may grant application permissions for Graph (microsoft-facts §5.2).
ADMIN_ROLES = frozenset({"62e90394-69f5-4237-9190-012177145e10", "e8611ab8-c189-46e8-94e1-60213ab1f814"})
_ANSWER_LIMIT = 256 * 1024


class MicrosoftSignIn:
    """See `sync.ports.SignIn`. Safe to use from several threads."""

    def __init__(
        self, app: App, endpoints: Callable[[Cloud], Endpoints], context: ssl.SSLContext, clock: Clock
    ) -> None:
        self._app = app
        self._endpoints = endpoints
        self._context = context
        self._clock = clock
        self._lock = threading.Lock()
        self._clients: dict[str, httpx.Client] = {}
        self._keys: dict[str, IssuerKeys] = {}

    def consent_url(self, cloud: str, redirect_uri: str, state: str) -> str:
        """Microsoft's page for granting what the app registration asks for."""
        endpoints = self._endpoints(Cloud(cloud))
        query = {
            "client_id": self._app.client_id,
            "scope": f"{endpoints.graph}/.default",
            "redirect_uri": redirect_uri,
            "state": state,
        }
        return f"{endpoints.login}/organizations/v2.0/adminconsent?{urlencode(query)}"

    def authorize_url(self, cloud: str, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Code flow with PKCE."""
        query = {
            "client_id": self._app.client_id,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._endpoints(Cloud(cloud)).login}/organizations/oauth2/v2.0/authorize?{urlencode(query)}"

    def redeem(self, cloud: str, redirect_uri: str, code: str, verifier: str, nonce: str) -> SignedInAdmin:
        """Who signed in. Besides `sign_in_failed` there is `not_admin`: the token lists the account's roles and none
        of them may consent, or the account is a guest. (Tokens list roles only where the registration asks for it.)
        """
        endpoints = self._endpoints(Cloud(cloud))
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            **self._app.form(endpoints),
        }
        address = f"{endpoints.login}/organizations/oauth2/v2.0/token"
        answer = self._call(endpoints, "POST", address, form)
        claims = self._verified(endpoints, answer.get("id_token"), nonce)
        roles = claims.get("wids")
        guest = isinstance(claims.get("idp"), str) and claims["idp"].rstrip("/") != _issuer(endpoints, claims["tid"])
        if guest or (isinstance(roles, list) and not ADMIN_ROLES & {str(role).lower() for role in roles}):
            raise needs_admin("not_admin")
        return SignedInAdmin(
            claims["tid"],
            guid(claims.get("oid")) or "",
            str(claims.get("name", "")),
            str(claims.get("preferred_username", "")),
        )

    def close(self) -> None:
        """Close every pool."""
        with self._lock:
            for held in self._clients.values():
                held.close()
            self._clients.clear()

    def _verified(self, endpoints: Endpoints, token: object, nonce: str) -> dict[str, Any]:
        """The claims of an id token that is good in every respect. The token's own `tid` only chooses which issuer
        must have signed it; header fields other than `kid` (jku, x5u …) are never looked at.
        """
        try:
            if not isinstance(token, str):
                raise jwt.InvalidTokenError("no id token")
            said = jwt.decode(token, options={"verify_signature": False})
            tenant = guid(said.get("tid"))
            key_id = jwt.get_unverified_header(token).get("kid")
            if tenant is None or not isinstance(key_id, str):
                raise jwt.InvalidTokenError("no tenant or no key")
            key = self._key(endpoints, tenant, key_id)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._app.client_id,
                issuer=_issuer(endpoints, tenant),
                leeway=LEEWAY,
                options={"require": ["exp", "nbf", "iss", "aud", "tid", "oid", "nonce"], "verify_iat": False},
            )
            if claims["nonce"] != nonce or not nonce:
                raise jwt.InvalidTokenError("another sign-in's token")
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise needs_admin("sign_in_failed") from error
        return {**claims, "tid": tenant}

    def _key(self, endpoints: Endpoints, tenant: str, key_id: str) -> jwt.PyJWK:
        with self._lock:
            keys = self._keys.get(endpoints.login)
            if keys is None:
                keys = IssuerKeys(lambda address: self._call(endpoints, "GET", address, None), self._clock)
                self._keys[endpoints.login] = keys
        address = f"{endpoints.login}/{tenant}/discovery/v2.0/keys"
        key = keys.find(_issuer(endpoints, tenant), address, key_id)
        if key is None:
            raise jwt.InvalidTokenError("unknown key")
        return key

    def _call(
        self, endpoints: Endpoints, method: str, address: str, form: Mapping[str, str] | None
    ) -> Mapping[str, Any]:
        """One exchange of JSON. Raises Transient, or NeedsAdmin where Microsoft says the code is no good."""
        try:
            response = self._client(endpoints).request(method, address, data=form)
            data = response.json() if len(response.content) <= _ANSWER_LIMIT else None
        except httpx.HTTPError as error:
            raise Transient(f"the login endpoint: {type(error).__name__}") from error
        except ValueError as error:
            raise Transient("an odd answer of the login endpoint") from error
        if not isinstance(data, dict):
            raise Transient("an odd answer of the login endpoint")
        if response.status_code != 200:
            retry_after = retry_after_seconds(response.headers.get("Retry-After"), self._clock.now())
            raise _refusal(response.status_code, data, retry_after)
        return data

    def _client(self, endpoints: Endpoints) -> httpx.Client:
        with self._lock:
            if endpoints.login not in self._clients:
                self._clients[endpoints.login] = client(login_rules(endpoints), self._context)
            return self._clients[endpoints.login]


def _refusal(status: int, data: Mapping[str, Any], retry_after: float | None) -> NeedsAdmin | Transient:
    """The code is single use: whatever Microsoft has against it, only a new sign-in helps; our own credential's
    trouble and Microsoft's pass.
    """
    codes = data.get("error_codes")
    ours = isinstance(codes, list) and bool(CREDENTIAL_CODES & {code for code in codes if isinstance(code, int)})
    if status == 429 or status >= 500 or ours:
        return Transient(f"the login endpoint answered {status}", retry_after=retry_after)
    return needs_admin("sign_in_failed")


def _issuer(endpoints: Endpoints, tenant: str) -> str:
    return f"{endpoints.login}/{tenant}/v2.0"
