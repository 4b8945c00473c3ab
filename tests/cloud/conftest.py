"""A cloud for the session, a tenant for each test, and a listener for notifications."""

from collections.abc import Iterator

import httpx
import pytest
import trustme

from local.cloud.apps import DEFAULT_APP, DEFAULT_ROLES
from local.cloud.control import Control
from local.cloud.server import Cloud
from tests.cloud.client import Graph, https
from tests.cloud.listener import Listener


@pytest.fixture(scope="session")
def outside() -> trustme.CA:
    """The authority of the world outside: whoever receives notifications."""
    return trustme.CA()


@pytest.fixture(scope="session")
def running(outside: trustme.CA) -> Iterator[Cloud]:
    """One running cloud."""
    with Cloud(notify_ca=outside.cert_pem.bytes()) as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Iterator[Cloud]:
    """The cloud with everything as documented; afterwards no rule may have been broken unnoticed."""
    control = running.control
    control.behave(preset="plain", notify_delay=0.01, propagation=[0, 0, 0], http_loopback=False)
    control.app(
        DEFAULT_APP,
        redirect_uris=["https://app.example/consented", "https://app.example/signed-in"],
        roles=list(DEFAULT_ROLES),
        wids_claim=True,
    )
    control.clear_faults()
    control.clear_requests()
    control.clear_violations()
    control.sign_in_by_page()
    yield running
    control.clear_faults()
    assert control.violations() == []


@pytest.fixture
def control(cloud: Cloud) -> Control:
    """The control API."""
    return cloud.control


@pytest.fixture
def http(cloud: Cloud) -> Iterator[httpx.Client]:
    """A TLS client."""
    with https(cloud) as client:
        yield client


@pytest.fixture
def tenant(control: Control) -> str:
    """An empty tenant (its five accounts aside) that granted the application its permissions."""
    tenant = control.create_tenant()
    control.consent(tenant)
    return tenant


@pytest.fixture
def graph(cloud: Cloud, http: httpx.Client, tenant: str) -> Graph:
    """Graph in that tenant."""
    return Graph(cloud, http, tenant)


@pytest.fixture
def listener(outside: trustme.CA) -> Iterator[Listener]:
    """An HTTPS endpoint that answers handshakes and keeps what it is sent."""
    with Listener(outside) as listener:
        yield listener
