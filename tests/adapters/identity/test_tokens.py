"""App-only tokens against the simulated login service."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from local.cloud.server import Cloud
from shared.clock import SystemClock
from shared.errors import Defect, NeedsAdmin, Transient
from shared.settings import Settings
from sync.adapters.microsoft import Microsoft
from sync.core.connection import Connection
from tests.adapters.conftest import APP

MINTED = "POST token 200"


def test_a_token_is_kept(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """One call to the login endpoint for many tokens; forgetting makes the next one new."""
    first = microsoft.tokens.token(connection)
    assert microsoft.tokens.token(connection) == first
    assert cloud.control.counts()[MINTED] == 1
    microsoft.tokens.forget(connection)
    assert microsoft.tokens.token(connection) != first
    assert cloud.control.counts()[MINTED] == 2


def test_a_token_near_its_end_is_not_used(cloud: Cloud, settings: Settings, connection: Connection) -> None:
    """Five minutes before its end it is replaced; how long it lives is read from the token."""
    from sync.adapters.identity.tokens import AppTokens

    now = [0.0]
    made = Microsoft(settings, SystemClock())
    tokens = AppTokens(made.app, made.tokens._endpoints, SystemClock(), monotonic=lambda: now[0])
    first = tokens.token(connection)
    now[0] = 3290.0
    assert tokens.token(connection) == first
    now[0] = 3301.0
    assert tokens.token(connection) != first
    made.close()


def test_tenants_do_not_share_tokens(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """Each has its own, and forgetting one leaves the other."""
    other_tenant = cloud.control.create_tenant()
    cloud.control.consent(other_tenant)
    other = replace(connection, tenant_id=other_tenant)
    first, second = microsoft.tokens.token(connection), microsoft.tokens.token(other)
    assert first != second
    microsoft.tokens.forget(connection)
    assert microsoft.tokens.token(other) == second


def test_the_three_phases_after_consent(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """No service principal, then a token without roles, then the roles; nothing of before is remembered."""
    tenant = cloud.control.create_tenant()
    ours = replace(connection, tenant_id=tenant)
    cloud.control.behave(propagation=[10.0, 10.0, 10.0])
    cloud.control.consent(tenant)
    with pytest.raises(NeedsAdmin, match="consent_missing"):
        microsoft.directory.granted_roles(ours)
    cloud.control.advance(11)
    assert microsoft.directory.granted_roles(ours) == ()
    with pytest.raises(NeedsAdmin, match="consent_missing"):
        microsoft.directory.count_people(ours)
    cloud.control.advance(10)
    assert microsoft.directory.granted_roles(ours) == ()
    with pytest.raises(NeedsAdmin, match="permission_missing"):
        microsoft.directory.count_people(ours)
    cloud.control.advance(10)
    assert microsoft.directory.granted_roles(ours) == ("GroupMember.Read.All", "User.Read.All")
    assert microsoft.directory.count_people(ours) > 0


@pytest.mark.parametrize(("mode", "code"), [("deleted", "consent_missing"), ("disabled", "app_disabled")])
def test_a_revoked_consent_has_a_code(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, mode: str, code: str
) -> None:
    """What the admin can do is named."""
    cloud.control.revoke(connection.tenant_id, mode)
    with pytest.raises(NeedsAdmin, match=code):
        microsoft.tokens.token(connection)


def test_a_tenant_that_is_gone(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """AADSTS90002, whether at discovery or at the token endpoint."""
    tenant = cloud.control.create_tenant()
    cloud.control.delete_tenant(tenant)
    with pytest.raises(NeedsAdmin, match="tenant_gone"):
        microsoft.tokens.token(replace(connection, tenant_id=tenant))


def test_our_own_secrets_trouble_is_ours(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """An expired secret is no customer's business: it passes once somebody mends it."""
    cloud.control.app(APP, secrets=["another"], expired_secrets=["simulated-secret"])
    with pytest.raises(Transient) as caught:
        microsoft.tokens.token(connection)
    assert caught.value.retry_after == 300.0
    assert "simulated-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        ({"status": 429, "message": "AADSTS90055: throttled", "headers": {"Retry-After": "21"}}, 21.0),
        ({"status": 503, "headers": {"Retry-After": "4"}}, 4.0),
        ({"status": 500}, None),
        ({"status": 400, "message": "AADSTS1234567: unheard of"}, None),
        ({"action": "html"}, None),
        ({"action": "body", "body": "{}"}, None),
        ({"action": "body", "body": '{"access_token":"not a token","expires_in":3599,"token_type":"Bearer"}'}, None),
        ({"action": "rst"}, None),
        ({"action": "close"}, None),
        ({"action": "truncate"}, None),
    ],
)
def test_trouble_of_the_login_endpoint_passes(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, fault: dict[str, object], retry_after: float | None
) -> None:
    """Nothing it says or fails to say in a bad moment is a revocation, and the next try works."""
    cloud.control.fault("POST .*/oauth2/v2.0/token", **fault)
    with pytest.raises(Transient) as caught:
        microsoft.tokens.token(connection)
    assert caught.value.retry_after == retry_after
    assert microsoft.tokens.token(connection)


def test_another_tenants_token_is_a_hard_stop(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """Whatever the login service gives out, a token of another tenant is never sent anywhere."""
    other = cloud.control.create_tenant()
    cloud.control.consent(other)
    foreign = microsoft.tokens.token(replace(connection, tenant_id=other))
    body = f'{{"access_token":"{foreign}","expires_in":3599,"token_type":"Bearer"}}'
    cloud.control.fault("POST .*/oauth2/v2.0/token", action="body", body=body)
    with pytest.raises(Defect):
        microsoft.directory.count_people(connection)
    assert not any(request["path"].startswith("/v1.0") for request in cloud.control.requests())


def test_a_connection_without_a_tenant_has_no_token(microsoft: Microsoft, connection: Connection) -> None:
    """`common` and the like never reach the login endpoint."""
    for tenant in ("", "common", "organizations", "../x"):
        with pytest.raises(Defect):
            microsoft.tokens.token(replace(connection, tenant_id=tenant))


def test_a_login_service_that_nobody_vouches_for(settings: Settings, connection: Connection, tmp_path: Path) -> None:
    """Without the private authority no secret leaves."""
    stranger = Microsoft(replace(settings, ca_file=""), SystemClock())
    with pytest.raises(Transient):
        stranger.tokens.token(connection)
    stranger.close()


def test_a_managed_identity_is_the_apps_proof(
    cloud: Cloud, settings: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a secret, the identity's assertion mints the token and redeems the code."""
    import jwt

    import sync.adapters.identity.app as app_module

    asked: list[str] = []

    class Identity:
        """Stands for Azure's identity endpoint, which no machine but Azure's has."""

        def __init__(self, **given: str) -> None:
            assert given == {"client_id": "mi-client"}

        def get_token(self, scope: str) -> object:
            """An assertion by whoever."""
            asked.append(scope)
            return type("Token", (), {"token": jwt.encode({"exp": time.time() + 600}, "k" * 32, algorithm="HS256")})()

    monkeypatch.setattr(app_module, "ManagedIdentityCredential", Identity)
    made = Microsoft(replace(settings, client_secret="", managed_identity="mi-client"), SystemClock())
    assert made.directory.granted_roles(connection)
    assert asked == ["api://AzureADTokenExchange/.default"]
    assert made.app.form(made.tokens._endpoints(connection.cloud))["client_assertion"]
    made.close()
