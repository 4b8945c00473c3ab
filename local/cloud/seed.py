"""Planting a tenant: empty, the demo company, or any number of people."""

import random
import re
import uuid
from typing import TYPE_CHECKING, Final

from local.cloud import schema
from local.cloud.tenant import Tenant
from local.cloud.wire import Json

if TYPE_CHECKING:
    from local.cloud.world import World


_NUMBERS: Final = re.compile(r"(\d+)(?::(\d+))?")  # people, groups


def stable_id(*parts: str) -> str:
    """The same GUID for the same words, in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("urn:simulated", *parts))))


def plant(
    world: "World",
    seed: str,
    *,
    name: str | None = None,
    domains: list[str] | None = None,
    tenant_id: str = "",
) -> Tenant:
    """A new tenant from `empty`, `demo`, or numbers of people and groups. ValueError for anything else."""
    from local.cloud import crowd, demo  # noqa: PLC0415 they plant with what stands here

    numbers = _NUMBERS.fullmatch(seed)
    if seed not in {"empty", "demo"} and numbers is None:
        raise ValueError(f"seed is empty, demo, a number of people, or people:groups, not {seed!r}")
    if seed == "demo":
        name, domains = name or "Contoso Shoes", domains or ["contoso-shoes.example", "contososhoes.onmicrosoft.com"]
    else:
        name = name or (f"Tenant of {seed}" if numbers else f"Empty tenant {len(world.tenants) + 1}")
        slug = f"t{len(world.tenants) + 1}"
        domains = domains or [f"{slug}.example", f"{slug}.onmicrosoft.com"]
    wanted = tenant_id or (stable_id("tenant", name) if seed == "demo" else "")
    if wanted in world.tenants:
        raise ValueError(f"tenant {wanted} is there already")
    tenant = world.create_tenant(name, domains, wanted)
    plant_admins(tenant)
    if seed == "demo":
        demo.plant(tenant, random.Random(20_26))
    elif numbers is not None:
        crowd.plant(tenant, int(numbers[1]), int(numbers[2]) if numbers[2] else None)
    return tenant


def plant_admins(tenant: Tenant) -> None:
    """The accounts that the sign-in page offers: two who may consent, and three who may not."""
    domain = tenant.domains[0]
    accounts: tuple[tuple[str, str, str, list[str]], ...] = (
        ("Adele", "Vance", "Chief Information Officer", [schema.GLOBAL_ADMINISTRATOR]),
        ("Priya", "Raman", "Identity Lead", [schema.PRIVILEGED_ROLE_ADMINISTRATOR]),
        ("Omar", "Haddad", "Application Owner", [schema.APPLICATION_ADMINISTRATOR]),
        ("Lee", "Gu", "Accountant", []),
    )
    for given, family, title, roles in accounts:
        address = f"{given}.{family}@{domain}".lower()
        user_id = stable_id(tenant.id, address)
        row: Json = {
            "id": user_id,
            "accountEnabled": True,
            "createdDateTime": "2021-03-01T08:00:00Z",
            "department": "IT" if roles else "Finance",
            "displayName": f"{given} {family}",
            "givenName": given,
            "jobTitle": title,
            "mail": address,
            "surname": family,
            "userPrincipalName": address,
            "userType": "Member",
        }
        _account(tenant, user_id, row, roles)
    upn = f"guest_partner.example#EXT#@{tenant.domains[-1]}"
    guest_id = stable_id(tenant.id, upn)
    guest: Json = {
        "id": guest_id,
        "accountEnabled": True,
        "createdDateTime": "2023-05-04T08:00:00Z",
        "creationType": "Invitation",
        "displayName": "Gael Guest (Partner)",
        "externalUserState": "Accepted",
        "mail": "guest@partner.example",
        "userPrincipalName": upn,
        "userType": "Guest",
    }
    _account(tenant, guest_id, guest, [])


def _account(tenant: Tenant, user_id: str, row: Json, roles: list[str]) -> None:
    tenant.people.load(user_id, row)
    tenant.roles[user_id] = roles
    tenant.sign_in.append(user_id)
