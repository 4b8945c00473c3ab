"""The sign-in proof against the simulated login service, and a zoo of tokens that prove nothing."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.cloud.server import Cloud
from shared.errors import NeedsAdmin, Transient
from shared.settings import Settings
from sync.adapters.identity.keys import IssuerKeys
from sync.adapters.microsoft import Microsoft
from sync.adapters.trust import trust
from sync.core.signing import challenge
from sync.ports import SignedInAdmin
from tests.adapters.conftest import APP, PUBLIC_URL
from tests.fakes import FakeClock

REDIRECT = f"{PUBLIC_URL}/connect/signed-in"
NONCE, VERIFIER = "n" * 64, "v" * 64
GLOBAL_ADMIN = "62e90394-69f5-4237-9190-012177145e10"


@pytest.fixture
def admin(cloud: Cloud, tenant: str) -> str:
    """A Global Administrator who signs in without a page."""
    (created,) = cloud.control.edit(
        tenant, {"op": "user.create", "set": {"displayName": "Ann"}, "roles": [GLOBAL_ADMIN]}
    )
    cloud.control.sign_in_as(tenant, created["id"])
    return str(created["id"])


def land(settings: Settings, url: str) -> dict[str, str]:
    """Follow Microsoft's redirect: the parameters the browser comes back with."""
    with httpx.Client(verify=trust(settings.ca_file)) as browser:
        location = browser.get(url).headers["Location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def authorize(microsoft: Microsoft, settings: Settings) -> str:
    """Sign in: the code."""
    url = microsoft.sign_in.authorize_url("default", REDIRECT, "state", NONCE, challenge(VERIFIER))
    return land(settings, url)["code"]


def test_consent_comes_back_with_tenant_and_state(
    cloud: Cloud, microsoft: Microsoft, settings: Settings, tenant: str, admin: str
) -> None:
    """The consent page accepts our request as it is."""
    url = microsoft.sign_in.consent_url("default", f"{PUBLIC_URL}/connect/consented", "the state")
    landed = land(settings, url)
    assert (landed["admin_consent"], landed["tenant"], landed["state"]) == ("True", tenant, "the state")
    assert admin


def test_who_signed_in_is_proven(microsoft: Microsoft, settings: Settings, tenant: str, admin: str) -> None:
    """Tenant and object id of the account, from a verified token."""
    found = microsoft.sign_in.redeem("default", REDIRECT, authorize(microsoft, settings), VERIFIER, NONCE)
    assert isinstance(found, SignedInAdmin)
    assert (found.tenant_id, found.object_id, found.name) == (tenant, admin, "Ann")


@pytest.mark.parametrize(
    ("redirect", "verifier", "nonce"),
    [(REDIRECT, "w" * 64, NONCE), (REDIRECT, VERIFIER, "m" * 64), (f"{PUBLIC_URL}/connect/consented", VERIFIER, NONCE)],
)
def test_code_verifier_and_nonce_belong_together(
    microsoft: Microsoft, settings: Settings, admin: str, redirect: str, verifier: str, nonce: str
) -> None:
    """Another sign-in's verifier, nonce or address is refused."""
    code = authorize(microsoft, settings)
    with pytest.raises(NeedsAdmin, match="sign_in_failed"):
        microsoft.sign_in.redeem("default", redirect, code, verifier, nonce)
    assert admin


def test_a_code_is_good_once(microsoft: Microsoft, settings: Settings, admin: str) -> None:
    """Replayed or made up: refused."""
    code = authorize(microsoft, settings)
    microsoft.sign_in.redeem("default", REDIRECT, code, VERIFIER, NONCE)
    for used in (code, "made-up"):
        with pytest.raises(NeedsAdmin, match="sign_in_failed"):
            microsoft.sign_in.redeem("default", REDIRECT, used, VERIFIER, NONCE)
    assert admin


@pytest.mark.parametrize(
    ("roles", "guest"), [([], False), (["9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"], False), ([GLOBAL_ADMIN], True)]
)
def test_an_account_that_may_not_consent_proves_nothing(
    cloud: Cloud, microsoft: Microsoft, settings: Settings, tenant: str, roles: list[str], guest: bool
) -> None:
    """A plain member, an application administrator and a guest are refused."""
    kind = {"userType": "Guest"} if guest else {}
    (created,) = cloud.control.edit(
        tenant, {"op": "user.create", "set": {"displayName": "Bob", **kind}, "roles": roles}
    )
    cloud.control.sign_in_as(tenant, created["id"])
    with pytest.raises(NeedsAdmin, match="not_admin"):
        microsoft.sign_in.redeem("default", REDIRECT, authorize(microsoft, settings), VERIFIER, NONCE)


def test_a_token_that_lists_no_roles_leaves_it_to_entra(
    cloud: Cloud, microsoft: Microsoft, settings: Settings, tenant: str, admin: str
) -> None:
    """Where the registration does not ask for roles, Entra's own consent rule is what counts."""
    cloud.control.app(APP, wids_claim=False)
    found = microsoft.sign_in.redeem("default", REDIRECT, authorize(microsoft, settings), VERIFIER, NONCE)
    assert (found.tenant_id, found.object_id) == (tenant, admin)


@pytest.mark.parametrize("drop_old", [False, True])
def test_microsoft_may_change_its_keys(
    cloud: Cloud, microsoft: Microsoft, settings: Settings, admin: str, drop_old: bool
) -> None:
    """A key id that is new is looked for again."""
    cloud.control.rotate_keys(drop_old=drop_old)
    assert (
        microsoft.sign_in.redeem("default", REDIRECT, authorize(microsoft, settings), VERIFIER, NONCE).object_id
        == admin
    )


@pytest.mark.parametrize(
    "fault",
    [{"status": 503}, {"status": 429, "headers": {"Retry-After": "3"}}, {"action": "html"}, {"action": "rst"}],
)
@pytest.mark.parametrize("where", ["POST .*/token", "GET .*/keys"])
def test_a_login_service_in_trouble_is_tried_again(
    cloud: Cloud, microsoft: Microsoft, settings: Settings, admin: str, where: str, fault: dict[str, Any]
) -> None:
    """Neither a refusal nor a proof."""
    code = authorize(microsoft, settings)
    cloud.control.fault(where, **fault)
    with pytest.raises(Transient):
        microsoft.sign_in.redeem("default", REDIRECT, code, VERIFIER, NONCE)
    assert admin


# --- the zoo ------------------------------------------------------------------------------------------------------

OWN = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = OWN.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
TENANT, OTHER = "11111111-0000-4000-8000-000000000000", "22222222-0000-4000-8000-000000000000"
Claims = dict[str, Any]


def claims(login: str) -> Claims:
    """What a good token of this tenant says."""
    now = int(time.time())
    return {
        "aud": APP,
        "iss": f"{login}/{TENANT}/v2.0",
        "tid": TENANT,
        "oid": "aaaaaaaa-0000-4000-8000-000000000001",
        "nonce": NONCE,
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "wids": [GLOBAL_ADMIN],
    }


def signed(said: Claims, algorithm: str = "RS256", key: Any = OWN, **header: Any) -> str:
    """A token."""
    return jwt.encode(said, key, algorithm=algorithm, headers={"kid": "ours", **header})


def changed(**changes: Any) -> Callable[[str], str]:
    """A token with other claims; None leaves one out."""

    def make(login: str) -> str:
        said = {name: value for name, value in {**claims(login), **changes}.items() if value is not None}
        if isinstance(issuer := changes.get("iss"), str):
            said["iss"] = issuer.replace("{login}", login)
        return signed(said)

    return make


def now(seconds: int) -> int:
    """A Unix time."""
    return int(time.time()) + seconds


ZOO: dict[str, Callable[[str], Any]] = {
    "no token": lambda _: None,
    "not text": lambda _: 7,
    "not a token": lambda _: "x.y.z",
    "alg none": lambda login: jwt.encode(claims(login), "", algorithm="none", headers={"kid": "ours"}),
    "alg HS256, secret key": lambda login: signed(claims(login), "HS256", "k" * 32),
    "alg HS256, the public key as the secret": lambda login: _confused(claims(login)),
    "alg RS384": lambda login: signed(claims(login), "RS384"),
    "alg PS256": lambda login: signed(claims(login), "PS256"),
    "another key": lambda login: signed(
        claims(login), key=rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ),
    "unknown kid": lambda login: signed(claims(login), kid="theirs"),
    "kid is a path": lambda login: signed(claims(login), kid="../../dev/null"),
    "jku and x5u with an unknown kid": lambda login: signed(
        claims(login), kid="theirs", jku="https://evil.example/keys", x5u="https://evil.example/cert"
    ),
    "embedded jwk": lambda login: signed(claims(login), kid="theirs", jwk={"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
    "changed after signing": lambda login: _bent(signed(claims(login))),
    "signature cut": lambda login: signed(claims(login))[:-10],
    "another issuer": changed(iss="https://evil.example/v2.0"),
    "another tenant's issuer": changed(iss=f"{{login}}/{OTHER}/v2.0"),
    "v1 issuer": changed(iss=f"https://sts.windows.net/{TENANT}/"),
    "templated issuer": changed(iss="{login}/{tenantid}/v2.0"),
    "tid of another tenant": changed(tid=OTHER),
    "tid is no tenant": changed(tid="common"),
    "no tid": changed(tid=None),
    "another audience": changed(aud="00000003-0000-0000-c000-000000000000"),
    "no audience": changed(aud=None),
    "audience list without us": changed(aud=["x", "y"]),
    "expired": changed(exp=now(-400)),
    "no expiry": changed(exp=None),
    "expiry is text": changed(exp="soon"),
    "not yet valid": changed(nbf=now(400)),
    "no nbf": changed(nbf=None),
    "another nonce": changed(nonce="m" * 64),
    "no nonce": changed(nonce=None),
    "nonce is a list": changed(nonce=[NONCE]),
    "no oid": changed(oid=None),
}


def _confused(said: Claims) -> str:
    """HS256 with our public key as the secret, which PyJWT itself refuses to make."""
    import base64
    import hashlib
    import hmac
    import json

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signing = part({"alg": "HS256", "typ": "JWT", "kid": "ours"}) + b"." + part(said)
    mac = base64.urlsafe_b64encode(hmac.digest(PEM, signing, hashlib.sha256)).rstrip(b"=")
    return (signing + b"." + mac).decode()


def _bent(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{body[:-2]}{'AA' if body[-2:] != 'AA' else 'BB'}.{signature}"


def serve(cloud: Cloud, token: Any, issuer: str | None = None) -> None:
    """Let the login service give out this token, and our key as the tenant's."""
    import json

    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OWN.public_key()))
    jwk |= {"kid": "ours", "use": "sig", "issuer": issuer or f"{cloud.base_url}/{TENANT}/v2.0"}
    for pattern, body in (
        ("POST .*/token", {"id_token": token}),
        ("GET .*/keys", {"keys": ["odd", {"kty": "RSA"}, jwk]}),
    ):
        cloud.control.fault(pattern, action="body", body=json.dumps(body), count=0)


def test_the_zoos_pattern_is_a_good_token(cloud: Cloud, microsoft: Microsoft) -> None:
    """What the others differ from is accepted, so that each is refused for its own reason."""
    serve(cloud, signed(claims(cloud.base_url)))
    assert microsoft.sign_in.redeem("default", REDIRECT, "code", VERIFIER, NONCE).tenant_id == TENANT


@pytest.mark.parametrize("name", sorted(ZOO))
def test_a_token_that_proves_nothing(cloud: Cloud, microsoft: Microsoft, name: str) -> None:
    """Refused with one code, whatever is wrong with it."""
    serve(cloud, ZOO[name](cloud.base_url))
    with pytest.raises(NeedsAdmin, match="sign_in_failed"):
        microsoft.sign_in.redeem("default", REDIRECT, "code", VERIFIER, NONCE)


@pytest.mark.parametrize("issuer", [f"https://login.example/{OTHER}/v2.0", "https://login.example/{tenantid}/v2.0"])
def test_another_issuers_key_signs_nothing_here(cloud: Cloud, microsoft: Microsoft, issuer: str) -> None:
    """A key that says it belongs to another issuer is not used, even from the right address (Storm-0558)."""
    serve(cloud, signed(claims(cloud.base_url)), issuer)
    with pytest.raises(NeedsAdmin, match="sign_in_failed"):
        microsoft.sign_in.redeem("default", REDIRECT, "code", VERIFIER, NONCE)


def test_keys_are_kept_and_asked_for_again_sparingly() -> None:
    """Once an issuer, again for a new key id after a minute, again after half a day."""
    clock, fetched = FakeClock(), []
    issuer = f"https://login.example/{TENANT}/v2.0"

    def fetch(address: str) -> Claims:
        fetched.append(address)
        return {"keys": []}

    keys = IssuerKeys(fetch, clock)
    assert keys.find(issuer, "a", "k1") is None
    assert keys.find(issuer, "a", "k2") is None
    assert len(fetched) == 1
    clock.advance(61)
    assert keys.find(issuer, "a", "k2") is None
    assert len(fetched) == 2
    clock.advance(timedelta(hours=13))
    keys.find(issuer, "a", "k1")
    keys.find(f"https://login.example/{OTHER}/v2.0", "b", "k1")
    assert fetched == ["a", "a", "a", "b"]
