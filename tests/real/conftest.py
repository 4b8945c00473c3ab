"""The product over real storage (Azurite) and the simulated Microsoft cloud on TLS."""

from __future__ import annotations

import uuid

import pytest

from local.cloud.server import Cloud
from sync.adapters.microsoft import Microsoft
from tests.adapters.conftest import cloud, microsoft, settings, shared_cloud  # noqa: F401 -- fixtures
from tests.fakes.engine import Tenanted
from tests.real.world import RealEngine
from tests.storage_settings import storage_settings


@pytest.fixture
def acme(cloud: Cloud, microsoft: Microsoft, storage: str) -> Tenanted:  # noqa: F811 -- fixtures
    """A connected workspace of twenty people (`Person 0` …) and one group of ten, nobody mailed."""
    from sync.adapters.tables import Storage

    engine = RealEngine(Storage.open(storage_settings(storage)), microsoft, cloud.control)
    connection = engine.connect(f"acme-{uuid.uuid4().hex}", cloud.control.create_tenant())
    tenant = connection.tenant
    people = [tenant.hire(f"Person {number}") for number in range(20)]
    staff = tenant.new_group("Staff")
    for person in people[:10]:
        tenant.join(staff, person)
    return connection.imported()
