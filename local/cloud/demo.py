"""The demo tenant: Contoso Shoes, 1,000 people and 40 groups, with everything awkward that real tenants hold."""

import random

from local.cloud import crowd
from local.cloud.tenant import Tenant


def plant(tenant: Tenant, rng: random.Random) -> None:
    """People first, then groups."""
    crowd.plant(tenant, 1000, rng)
