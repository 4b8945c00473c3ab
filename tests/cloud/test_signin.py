"""Admin consent, authorize, and the code they end in."""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import pytest

from local.cloud import schema
from local.cloud.apps import DEFAULT_APP, DEFAULT_SECRET
from local.cloud.control import Control
from local.cloud.server import Cloud
from tests.cloud.client import Graph

CONSENTED = "https://app.example/consented"
SIGNED_IN = "https://app.example/signed-in"
VERIFIER = secrets.token_urlsafe(48)
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@pytest.fixture
def fresh(control: Control) -> Iterator[str]:
    """A tenant that has consented to nothing; it is gone afterwards, so that pages list no others."""
    tenant = control.create_tenant()
    yield tenant
    control.delete_tenant(tenant)


def consent_url(cloud: Cloud, segment: str = "organizations", **changes: str | None) -> str:
    """An admin consent request with parameters changed or (None) left out."""
    values: dict[str, str | None] = {
        "client_id": DEFAULT_APP,
        "scope": f"{cloud.base_url}/.default",
        "redirect_uri": CONSENTED,
        "state": "s t&ate",
        **changes,
    }
    return f"/{segment}/v2.0/adminconsent?" + urlencode({k: v for k, v in values.items() if v is not None})


def authorize_url(segment: str = "organizations", **changes: str | None) -> str:
    """An authorize request with parameters changed or (None) left out."""
    values: dict[str, str | None] = {
        "client_id": DEFAULT_APP,
        "response_type": "code",
        "redirect_uri": SIGNED_IN,
        "scope": "openid profile email",
        "state": "st",
        "nonce": "n-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return f"/{segment}/oauth2/v2.0/authorize?" + urlencode({k: v for k, v in values.items() if v is not None})


def landed(answer: httpx.Response) -> dict[str, str]:
    """The parameters that a redirect to the application carries."""
    assert answer.status_code == 302, answer.text
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def admin(control: Control, tenant: str, at: int = 0) -> str:
    """One of the tenant's accounts: 0 global, 1 privileged role, 2 application admin, 3 nobody, 4 guest."""
    state = next(item for item in control.state()["tenants"] if item["id"] == tenant)
    return str(state["sign_in"][at])


def redeem(http: httpx.Client, code: str, segment: str = "organizations", **changes: str) -> httpx.Response:
    """Trade a code for tokens."""
    form = {
        "grant_type": "authorization_code",
        "client_id": DEFAULT_APP,
        "client_secret": DEFAULT_SECRET,
        "code": code,
        "redirect_uri": SIGNED_IN,
        "code_verifier": VERIFIER,
        **changes,
    }
    return http.post(f"/{segment}/oauth2/v2.0/token", data=form)


def test_consent_by_page_grants_and_comes_back(cloud: Cloud, http: httpx.Client, control: Control, fresh: str) -> None:
    """Pick an account, see the rights in plain words, accept: the redirect names the tenant and the app can read."""
    page = http.get(consent_url(cloud))
    assert "Simulated Microsoft – not a real sign-in" in page.text
    form = re.search(r'action="(/_signin/[^"]+)"', page.text)
    assert form
    account = f"{fresh}/{admin(control, fresh)}"
    rights = http.post(form[1], data={"account": account})
    assert schema.PERMISSIONS["GroupMember.Read.All"] in rights.text
    got = landed(http.post(form[1], data={"decision": "accept"}))
    assert got == {"admin_consent": "True", "tenant": fresh, "scope": f"{cloud.base_url}/.default", "state": "s t&ate"}
    assert Graph(cloud, http, fresh).get("/users").status_code == 200


def test_cancelling_says_access_denied_with_admin_consent_true(
    cloud: Cloud, http: httpx.Client, control: Control, fresh: str
) -> None:
    """An error redirect also carries admin_consent=True; the switch chooses the other documented error."""
    form = re.search(r'action="(/_signin/[^"]+)"', http.get(consent_url(cloud)).text)
    assert form
    got = landed(http.post(form[1], data={"decision": "cancel"}))
    assert (got["admin_consent"], got["error"], got["state"]) == ("True", "access_denied", "s t&ate")
    assert "tenant" not in got
    control.sign_in_as(fresh, admin(control, fresh), "cancel")
    control.behave(decline_error="consent_required")
    assert landed(http.get(consent_url(cloud)))["error"] == "consent_required"


@pytest.mark.parametrize("at", [2, 3, 4])
def test_who_is_no_administrator_cannot_consent(
    cloud: Cloud, http: httpx.Client, control: Control, fresh: str, at: int
) -> None:
    """An application administrator, an ordinary user and a guest get no Accept button, nor a grant by forcing it."""
    form = re.search(r'action="(/_signin/[^"]+)"', http.get(consent_url(cloud)).text)
    assert form
    page = http.post(form[1], data={"account": f"{fresh}/{admin(control, fresh, at)}"})
    assert "Need admin approval" in page.text
    assert 'value="accept"' not in page.text
    assert http.post(form[1], data={"decision": "accept"}).status_code == 200
    assert Graph(cloud, http, fresh).token_answer().status_code == 401


def test_a_privileged_role_administrator_can_consent(
    cloud: Cloud, http: httpx.Client, control: Control, fresh: str
) -> None:
    """The second role that may grant application permissions."""
    control.sign_in_as(fresh, admin(control, fresh, 1))
    assert landed(http.get(consent_url(cloud, fresh)))["tenant"] == fresh


@pytest.mark.parametrize(
    ("segment", "changes", "code"),
    [
        ("common", {}, "AADSTS90002"),
        ("organizations", {"redirect_uri": "https://app.example/consented/"}, "AADSTS50011"),
        ("organizations", {"client_id": "nobody"}, "AADSTS700016"),
        ("organizations", {"scope": None}, "AADSTS70011"),
        ("organizations", {"scope": "User.Read.All"}, "AADSTS70011"),
    ],
)
def test_consent_requests_that_are_wrong_stay_on_microsofts_page(
    cloud: Cloud, http: httpx.Client, segment: str, changes: dict[str, str | None], code: str
) -> None:
    """`common`, another redirect URI, an unknown application and a missing or delegated scope never redirect."""
    answer = http.get(consent_url(cloud, segment, **changes))
    assert answer.status_code == 400
    assert code in answer.text
    assert "location" not in answer.headers


def test_authorize_gives_a_code_that_buys_a_verifiable_id_token(
    cloud: Cloud, http: httpx.Client, control: Control, tenant: str
) -> None:
    """Code with PKCE and nonce: an RS256 id token whose issuer, audience, tid, oid, wids and nonce are right."""
    control.sign_in_as(tenant, admin(control, tenant))
    got = landed(http.get(authorize_url()))
    assert got["state"] == "st"
    answer = redeem(http, got["code"]).json()
    keys = http.get("/organizations/discovery/v2.0/keys").json()
    kid = jwt.get_unverified_header(answer["id_token"])["kid"]
    key = next(jwt.PyJWK(item) for item in keys["keys"] if item["kid"] == kid)
    held = jwt.decode(
        answer["id_token"], key, ["RS256"], audience=DEFAULT_APP, issuer=f"{cloud.base_url}/{tenant}/v2.0"
    )
    assert (held["tid"], held["oid"], held["nonce"], held["ver"]) == (tenant, admin(control, tenant), "n-1", "2.0")
    assert schema.GLOBAL_ADMINISTRATOR in held["wids"]
    assert held["preferred_username"].startswith("adele.vance@")
    assert held["sub"] != held["oid"]
    assert {"name", "exp", "nbf", "iat", "email"} <= set(held)


def test_wids_only_come_where_the_registration_asks(http: httpx.Client, control: Control, tenant: str) -> None:
    """Without groupMembershipClaims the id token has no wids; a guest's names its identity provider."""
    control.app(DEFAULT_APP, wids_claim=False)
    control.sign_in_as(tenant, admin(control, tenant, 4))
    token = redeem(http, landed(http.get(authorize_url(tenant)))["code"]).json()["id_token"]
    held = jwt.decode(token, options={"verify_signature": False})
    assert "wids" not in held
    assert "idp" in held


def test_a_code_works_once_for_ten_minutes_and_only_with_its_verifier(
    http: httpx.Client, control: Control, tenant: str
) -> None:
    """A second use is AADSTS54005, a late one 70008, a wrong verifier 50148, an invented one 70000."""
    control.sign_in_as(tenant, admin(control, tenant))

    def code() -> str:
        return landed(http.get(authorize_url()))["code"]

    first = code()
    assert redeem(http, first).status_code == 200
    assert redeem(http, first).json()["error_codes"] == [54005]
    assert redeem(http, code(), code_verifier="x" * 43).json()["error_codes"] == [50148]
    assert redeem(http, code(), redirect_uri=CONSENTED).json()["error_codes"] == [500112]
    assert redeem(http, "invented").json()["error_codes"] == [70000]
    late = code()
    control.advance(601)
    assert redeem(http, late).json()["error_codes"] == [70008]


def test_authorize_by_page_and_cancel(http: httpx.Client, control: Control, fresh: str) -> None:
    """The page offers every account of the tenant; choosing one redirects, cancelling says access_denied."""
    page = http.get(authorize_url(fresh))
    assert page.text.count('name="account"') == 5
    form = re.search(r'action="(/_signin/[^"]+)"', page.text)
    assert form
    answer = http.post(form[1], data={"account": f"{fresh}/{admin(control, fresh, 3)}"})
    assert "code" in landed(answer)
    assert http.post(form[1], data={"decision": "cancel"}).status_code == 400
    form = re.search(r'action="(/_signin/[^"]+)"', http.get(authorize_url(fresh)).text)
    assert form
    assert landed(http.post(form[1], data={"decision": "cancel"}))["error"] == "access_denied"


def test_an_account_of_another_tenant_cannot_sign_in_to_this_one(
    http: httpx.Client, control: Control, tenant: str, fresh: str
) -> None:
    """At a tenant's own endpoint a stranger gets AADSTS50020, by page or by itself."""
    control.sign_in_as(tenant, admin(control, tenant))
    assert "AADSTS50020" in http.get(authorize_url(fresh)).text
    control.sign_in_by_page()
    form = re.search(r'action="(/_signin/[^"]+)"', http.get(authorize_url(fresh)).text)
    assert form
    assert "AADSTS50020" in http.post(form[1], data={"account": f"{tenant}/{admin(control, tenant)}"}).text


def test_hostile_values_stay_text_on_the_pages(http: httpx.Client, control: Control, fresh: str) -> None:
    """A name with markup is escaped on the account page."""
    control.create_user(fresh, displayName="<img src=x onerror=alert(1)>", userPrincipalName="x@y.example", roles=[])
    text = http.get(authorize_url(fresh)).text
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text


def test_form_post_carries_the_code_in_a_form(http: httpx.Client, control: Control, tenant: str) -> None:
    """response_mode=form_post answers a page that posts to the redirect URI."""
    control.sign_in_as(tenant, admin(control, tenant))
    page = http.get(authorize_url(response_mode="form_post"))
    assert f'action="{SIGNED_IN}"' in page.text
    assert 'name="code"' in page.text
