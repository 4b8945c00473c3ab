"""How an admin arrives, what the cookie is, and who may send forms."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.errors import Transient
from sync.panel.app import create_app
from sync.panel.session import COOKIE, LIFETIME_SECONDS, Admin, Session, seal, unseal
from sync.panel.workspace_tokens import KEYS_KEPT, TokenRefused, WorkspaceTokens
from tests.panel.browser import BASE, Browser
from tests.panel.world import World, jwks, settings

READ_FORM = Callable[[Browser], str]


def test_token_is_traded_for_a_cookie_that_scripts_cannot_read(world: World, anonymous: Browser) -> None:
    """A good token gives an HttpOnly, Secure, Lax cookie in the host's safe alphabet, and leads to the panel."""
    answer = anonymous.post("/session", data={"token": world.token()})
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/integrations")
    cookie = answer.headers["set-cookie"]
    value = re.fullmatch(rf"{COOKIE}=([A-Za-z0-9._~-]+); HttpOnly; Max-Age=28800; Path=/; SameSite=lax; Secure", cookie)
    assert value is not None
    assert len(cookie) < 4000
    assert anonymous.get("/settings/integrations").status_code == 200


def test_token_works_once(world: World, anonymous: Browser) -> None:
    """The second use of a token is refused, without a cookie."""
    token = world.token()
    anonymous.post("/session", data={"token": token})
    answer = anonymous.post("/session", data={"token": token})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def _other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    ("why", "make"),
    [
        ("expired", lambda world: world.token(exp=int(world.clock.now().timestamp()) - 1)),
        ("lives_too_long", lambda world: world.token(exp=int(world.clock.now().timestamp()) + 600)),
        ("not_yet_valid", lambda world: world.token(nbf=int(world.clock.now().timestamp()) + 90)),
        ("no expiry", lambda world: world.token(exp=None)),
        ("expiry is text", lambda world: world.token(exp="soon")),
        ("no jti", lambda world: world.token(jti=None)),
        ("no subject", lambda world: world.token(sub=None)),
        ("no workspace", lambda world: world.token(workspace=None)),
        ("empty workspace", lambda world: world.token(workspace="  ")),
        ("endless workspace", lambda world: world.token(workspace="w" * 300)),
        ("workspace is a list", lambda world: world.token(workspace=["ws-contoso"])),
        ("another issuer", lambda world: world.token(iss="https://evil.example")),
        ("another audience", lambda world: world.token(aud="something-else")),
        ("another role", lambda world: world.token(role="owner")),
        ("another key", lambda world: world.token(key=_other_key())),
        ("unknown key id", lambda world: world.token(headers={"kid": "platform-9"})),
        ("not a token", lambda _: "not-a-token"),
        ("nothing", lambda _: ""),
        ("no signature", lambda world: ".".join(world.token().split(".")[:2]) + "."),
    ],
)
def test_bad_tokens_are_refused(why: str, make: Callable[[World], str], world: World, anonymous: Browser) -> None:
    """A token that proves nothing gives a friendly page, no cookie, and a reason in the log."""
    answer = anonymous.post("/session", data={"token": make(world)})
    assert answer.status_code == 401, why
    assert "set-cookie" not in answer.headers
    assert "Open Integrations again" in answer.text


def test_hmac_signed_with_the_public_key_is_refused(world: World, anonymous: Browser) -> None:
    """A token signed with HS256, the oldest trick against RS256, is refused."""
    import base64
    import hashlib
    import hmac

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    head = part({"alg": "HS256", "kid": "platform-1", "typ": "JWT"})
    body = world.token().split(".")[1]
    signature = hmac.digest(jwks().encode(), f"{head}.{body}".encode(), hashlib.sha256)
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert anonymous.post("/session", data={"token": forged}).status_code == 401


def test_session_ends_after_eight_hours(world: World, browser: Browser) -> None:
    """A session is good for eight hours; then the page says where to come back from."""
    world.clock.advance(LIFETIME_SECONDS - 1)
    assert browser.get("/settings/integrations").status_code == 200
    world.clock.advance(1)
    page = browser.get("/settings/integrations")
    assert page.status_code == 401
    assert "Open this page from your workspace" in page.text


def test_cookie_cannot_be_changed(world: World) -> None:
    """Each changed character of a sealed session makes it nobody's."""
    session = Session(Admin("a", "Ada", "", "ws", "Ws", "viewer"), "0" * 32, int(world.clock.now().timestamp()) + 60)
    keys = ("k" * 40, "l" * 40)
    value = seal(session, keys)
    assert unseal(value, keys, world.clock.now()) == session
    for place in range(0, len(value), 7):
        changed = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
        assert unseal(changed, keys, world.clock.now()) is None
    for nonsense in ("", ".", "a.b", "ü.ü", value + ".x"):
        assert unseal(nonsense, keys, world.clock.now()) is None


def test_earlier_signing_key_still_opens(world: World) -> None:
    """After the keys were rotated, a session sealed with the earlier key goes on; with a removed one it ends."""
    session = Session(Admin("a", "Ada", "", "ws", "Ws", "admin"), "0" * 32, int(world.clock.now().timestamp()) + 60)
    value = seal(session, ("old" * 20,))
    assert unseal(value, ("new" * 20, "old" * 20), world.clock.now()) == session
    assert unseal(value, ("new" * 20,), world.clock.now()) is None


def test_signing_out_forgets_the_session(browser: Browser, form_token: READ_FORM) -> None:
    """After Sign out the panel asks to come from the workspace again."""
    answer = browser.post("/session/end", data={"form_token": form_token(browser)})
    assert answer.status_code == 200
    assert browser.get("/settings/integrations").status_code == 401


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True, 303),
        ({"Origin": BASE}, True, 303),
        ({}, True, 303),
        ({"Sec-Fetch-Site": "cross-site"}, True, 403),
        ({"Sec-Fetch-Site": "same-site"}, True, 403),
        ({"Origin": "https://evil.example"}, True, 403),
        ({"Origin": "null"}, True, 403),
        ({"Sec-Fetch-Site": "same-origin"}, False, 403),
    ],
)
def test_forms_of_other_sites_are_refused(
    headers: dict[str, str], token: bool, status: int, browser: Browser, form_token: READ_FORM
) -> None:
    """A form needs the session's own token, and must not come from another site's page."""
    data = {"form_token": form_token(browser) if token else "A" * 43}
    assert browser.post("/connections", data=data, headers=headers).status_code == status


def test_viewer_cannot_send_forms(viewer: Browser, form_token: READ_FORM) -> None:
    """A viewer's form is answered with 403."""
    answer = viewer.post("/connections", data={"form_token": form_token(viewer)})
    assert answer.status_code == 403
    assert "You may look, but not change" in answer.text


def test_log_says_nothing_of_the_person(world: World, anonymous: Browser, caplog: pytest.LogCaptureFixture) -> None:
    """Opening a session is logged without the token, the name or the address."""
    with caplog.at_level(logging.INFO):
        token = world.token()
        anonymous.post("/session", data={"token": token})
    assert '"event":"session.opened"' in caplog.text
    for secret in (token, "Ada", "ada@contoso.example", "ws-contoso"):
        assert secret not in caplog.text


def test_keys_are_fetched_once_and_again_when_needed(world: World) -> None:
    """Keys from a URL are kept; an unknown key id asks again, but a storm of them does not."""
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return jwks().encode()

    tokens = WorkspaceTokens(settings(WORKSPACE_JWKS="https://app.moxso.example/jwks"), world.clock, fetch)
    tokens.verify(world.token())
    tokens.verify(world.token())
    assert asked == ["https://app.moxso.example/jwks"]
    for _ in range(20):
        with pytest.raises(TokenRefused):
            tokens.verify(world.token(headers={"kid": "another"}))
    assert len(asked) == 1
    world.clock.advance(31)
    with pytest.raises(TokenRefused):
        tokens.verify(world.token(headers={"kid": "another"}))
    assert len(asked) == 2


def test_old_keys_hold_while_the_platform_is_away(world: World) -> None:
    """When the keys cannot be fetched again, those we have go on; a first fetch that fails is a passing fault."""
    answers = [jwks().encode()]

    def fetch(_: str) -> bytes:
        if answers:
            return answers.pop()
        raise Transient("away")

    tokens = WorkspaceTokens(settings(WORKSPACE_JWKS="https://app.moxso.example/jwks"), world.clock, fetch)
    tokens.verify(world.token())
    world.clock.advance(KEYS_KEPT.total_seconds() + 1)
    assert tokens.verify(world.token()).admin.subject == "admin-1"
    fresh = WorkspaceTokens(settings(WORKSPACE_JWKS="https://app.moxso.example/jwks"), world.clock, fetch)
    with pytest.raises(Transient):
        fresh.verify(world.token())


def test_plain_http_has_no_secure_cookie() -> None:
    """Where PUBLIC_URL is http (one machine), the cookie is not Secure, or browsers would drop it."""
    world = World(PUBLIC_URL="http://127.0.0.1:7071")
    browser = Browser(create_app(world.services, lambda _: b""), "http://127.0.0.1:7071")
    answer = browser.post("/session", data={"token": world.token()})
    assert "Secure" not in answer.headers["set-cookie"]
    assert browser.get("/settings/integrations").status_code == 200
