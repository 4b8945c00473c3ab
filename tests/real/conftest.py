"""The product over real storage (Azurite) and the simulated Microsoft cloud on TLS."""

from __future__ import annotations

import uuid

import pytest

from local.cloud.server import Cloud
from sync.adapters.microsoft import Microsoft
from tests.adapters.conftest import cloud, microsoft, settings, shared_cloud  # noqa: F401 -- fixtures
from tests.fakes.engine import Tenanted
from tests.real.api import Api
from tests.real.world import RealEngine
from tests.storage_settings import storage_settings


@pytest.fixture
def engine(cloud: Cloud, microsoft: Microsoft, storage: str) -> RealEngine:  # noqa: F811 -- fixtures
    """The product; nothing is connected yet."""
    from sync.adapters.tables import Storage

    return RealEngine(Storage.open(storage_settings(storage)), microsoft, cloud.control)


@pytest.fixture
def empty(engine: RealEngine) -> Tenanted:
    """A connection whose first pass was not read yet, to a tenant with nobody but its four admins and a guest."""
    return engine.connect(f"acme-{uuid.uuid4().hex}", engine.control.create_tenant())


@pytest.fixture
def acme(empty: Tenanted) -> Tenanted:
    """A connected workspace of twenty people (`Person 0` …) and one group of ten, nobody mailed."""
    people = empty.tenant.hire_all(*(f"Person {number}" for number in range(20)))
    empty.tenant.new_group("Staff", members=people[:10])
    return empty.imported()


@pytest.fixture
def api(acme: Tenanted) -> Api:
    """A script of that workspace's admin."""
    return Api(acme)
