"""What every story begins with."""

from __future__ import annotations

import pytest

from tests.fakes.engine import Engine, Tenanted


@pytest.fixture
def engine() -> Engine:
    """The product over fakes; nothing is connected yet."""
    return Engine()


@pytest.fixture
def acme(engine: Engine) -> Tenanted:
    """A connected workspace of twenty people (`Person 0` …) and one group, nobody mailed."""
    connection = engine.connect()
    tenant = connection.tenant
    people = [tenant.hire(f"Person {number}") for number in range(20)]
    staff = tenant.new_group("Staff")
    for person in people[:10]:
        tenant.join(staff, person)
    return connection.imported()
