"""The simulated Microsoft cloud on TLS, and the product's adapters to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud.server import Cloud
from shared.clock import SystemClock
from shared.settings import Settings, load
from sync.adapters.microsoft import Microsoft
from sync.core.connection import Connection, ConnectionState

APP, SECRET = "11111111-aaaa-4aaa-8aaa-111111111111", "simulated-secret"
PUBLIC_URL = "https://sync.moxso.example"


@pytest.fixture(scope="session")
def shared_cloud() -> Iterator[Cloud]:
    """One simulated cloud for the session."""
    with Cloud() as running:
        yield running


@pytest.fixture
def cloud(shared_cloud: Cloud) -> Iterator[Cloud]:
    """The cloud as if it were new. Fails the test on whatever Microsoft would not accept."""
    make_new(shared_cloud)
    yield shared_cloud
    assert shared_cloud.control.violations() == []


@pytest.fixture
def settings(cloud: Cloud, tmp_path: Path) -> Settings:
    """The settings for the simulated cloud."""
    return settings_for(cloud, tmp_path)


def make_new(cloud: Cloud) -> None:
    """As it behaves by default, with the app as it is registered, and nothing seen so far."""
    control = cloud.control
    control.behave(preset="plain", propagation=[0.0, 0.0, 0.0], http_loopback=False)
    control.clear_faults()
    control.clear_requests()
    control.clear_violations()
    control.app(
        APP,
        secrets=[SECRET],
        expired_secrets=[],
        wids_claim=True,
        redirect_uris=[f"{PUBLIC_URL}/connect/consented", f"{PUBLIC_URL}/connect/signed-in"],
    )


def settings_for(cloud: Cloud, folder: Path) -> Settings:
    """The settings for a simulated cloud, its authority in a file of this folder."""
    authority = folder / "ca.pem"
    authority.write_bytes(cloud.ca_pem)
    return load(
        {
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "PUBLIC_URL": PUBLIC_URL,
            "ENTRA_LOGIN_ENDPOINT": cloud.base_url,
            "GRAPH_ENDPOINT": cloud.base_url,
            "ENTRA_CLIENT_ID": APP,
            "ENTRA_CLIENT_SECRET": SECRET,
            "MAIL_URL": "smtp://localhost:25",
            "MAIL_SENDER": "no-reply@moxso.example",
            "SIGNING_KEYS": "k" * 32,
            "WORKSPACE_ISSUER": "https://moxso.example",
            "WORKSPACE_AUDIENCE": "sync",
            "WORKSPACE_JWKS": "{}",
            "SSL_CERT_FILE": str(authority),
        }
    )


@pytest.fixture
def microsoft(settings: Settings) -> Iterator[Microsoft]:
    """The product's ports to Microsoft."""
    made = Microsoft(settings, SystemClock())
    yield made
    made.close()


@pytest.fixture
def tenant(cloud: Cloud) -> str:
    """An empty tenant that has consented."""
    created = cloud.control.create_tenant()
    cloud.control.consent(created)
    return created


@pytest.fixture
def connection(tenant: str) -> Connection:
    """A connection to it."""
    return Connection("c" * 32, "acme", "Acme", ConnectionState.CONNECTED, epoch=3, tenant_id=tenant)
