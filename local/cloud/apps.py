"""App registrations, and what each tenant granted to them (service principals)."""

import uuid
from dataclasses import dataclass, field
from typing import Final

from local.cloud.wire import Json

DEFAULT_APP: Final = "11111111-aaaa-4aaa-8aaa-111111111111"
DEFAULT_SECRET: Final = "simulated-secret"
DEFAULT_ROLES: Final = ("User.Read.All", "GroupMember.Read.All")


@dataclass
class Registration:
    """A multi-tenant application as its maker registered it."""

    client_id: str
    name: str
    secrets: list[str]
    redirect_uris: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=lambda: list(DEFAULT_ROLES))
    wids_claim: bool = True  # groupMembershipClaims: DirectoryRole
    expired_secrets: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        """For the control API; secrets are left out."""
        return {
            "client_id": self.client_id,
            "name": self.name,
            "redirect_uris": self.redirect_uris,
            "roles": self.roles,
            "wids_claim": self.wids_claim,
        }


@dataclass
class Grant:
    """The service principal of an application in a tenant and its application permissions."""

    tenant: str
    client_id: str
    roles: list[str]
    created_at: float
    roles_at: float  # when `roles` was granted last; they reach tokens only some time later
    enabled: bool = True
    object_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def phase(self, now: float, durations: list[float]) -> str:
        """`missing`, `no_oid`, `no_roles` or `ready`: how far the consent has spread by `now`."""
        first, second, third = durations
        age = now - self.created_at
        if age < first:
            return "missing"
        if age < first + second:
            return "no_oid"
        fresh = self.roles_at == self.created_at
        wait = first + second + third if fresh else third
        return "no_roles" if now - self.roles_at < wait else "ready"

    def as_json(self) -> Json:
        """For the control API."""
        return {
            "tenant": self.tenant,
            "client_id": self.client_id,
            "roles": self.roles,
            "enabled": self.enabled,
            "object_id": self.object_id,
            "created_at": self.created_at,
        }


class Grants:
    """Every tenant's grants."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Grant] = {}

    def get(self, tenant: str, client_id: str) -> Grant | None:
        """The grant, or None when the tenant has no service principal of the app."""
        return self._held.get((tenant, client_id))

    def consent(self, tenant: str, client_id: str, roles: list[str], now: float) -> Grant:
        """Grant `roles`: a new service principal, or more roles for the one there."""
        held = self.get(tenant, client_id)
        if held is None:
            held = self._held[tenant, client_id] = Grant(tenant, client_id, list(roles), now, now)
        elif set(roles) - set(held.roles):
            held.roles = sorted({*held.roles, *roles})
            held.roles_at = now
        return held

    def revoke(self, tenant: str, client_id: str, mode: str) -> None:
        """`deleted` (service principal gone), `disabled`, or `roles` (all permissions removed)."""
        held = self._held[tenant, client_id]
        if mode == "deleted":
            del self._held[tenant, client_id]
        elif mode == "disabled":
            held.enabled = False
        elif mode == "roles":
            held.roles = []
        else:
            raise ValueError(f"unknown way to revoke: {mode}")

    def everything(self) -> list[Grant]:
        """All grants."""
        return list(self._held.values())
