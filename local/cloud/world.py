"""Everything the simulated cloud holds, in one place; used only from the server's event loop."""

import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.cloud.apps import DEFAULT_APP, DEFAULT_SECRET, Grants, Registration
from local.cloud.behaviour import Behaviour
from local.cloud.clock import Clock
from local.cloud.cursor import Sealer
from local.cloud.delta import DeltaFeeds
from local.cloud.faults import Faults
from local.cloud.journal import Journal
from local.cloud.keys import Keys
from local.cloud.tenant import Event, Tenant
from local.cloud.throttle import Throttle
from local.cloud.wire import Json

if TYPE_CHECKING:
    from local.cloud.signin import SignIns
    from local.cloud.subscriptions import Subscriptions


@dataclass
class World:
    """The state of the service."""

    keys: Keys
    clock: Clock = field(default_factory=Clock)
    behaviour: Behaviour = field(default_factory=Behaviour)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    apps: dict[str, Registration] = field(default_factory=dict)
    grants: Grants = field(default_factory=Grants)
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1")
    verified: OrderedDict[str, Json] = field(default_factory=OrderedDict)  # bearers checked lately, their claims
    subscriptions: "Subscriptions" = field(init=False)
    signins: "SignIns" = field(init=False)
    feeds: DeltaFeeds = field(init=False)
    throttle: Throttle = field(init=False)

    def __post_init__(self) -> None:
        """Join the parts that need the world."""
        from local.cloud.signin import SignIns  # noqa: PLC0415 the world owns what looks back at it
        from local.cloud.subscriptions import Subscriptions  # noqa: PLC0415

        self.feeds = DeltaFeeds(Sealer(self.keys.cursor))
        self.throttle = Throttle(self.clock.now)
        self.subscriptions = Subscriptions(self)
        self.signins = SignIns(self)
        self.register(Registration(DEFAULT_APP, "Moxso directory sync", [DEFAULT_SECRET]))

    def register(self, app: Registration) -> Registration:
        """Put an app registration there, replacing one of the same id."""
        self.apps[app.client_id] = app
        return app

    def create_tenant(self, name: str, domains: list[str], tenant_id: str = "") -> Tenant:
        """An empty tenant. Its first domain is the default one."""
        tenant = Tenant(tenant_id or str(uuid.uuid4()), name, domains, self.clock, self.behaviour, self._announce)
        self.tenants[tenant.id] = tenant
        return tenant

    def _announce(self, event: Event) -> None:
        self.subscriptions.announce(event)

    def tenant(self, id_or_domain: str) -> Tenant | None:
        """A tenant that exists, by id or by one of its verified domains."""
        key = id_or_domain.lower()
        for tenant in self.tenants.values():
            if not tenant.deleted and (tenant.id == key or key in tenant.domains):
                return tenant
        return None

    def roles_of(self, tenant: str, client_id: str) -> list[str]:
        """Application permissions in force now for an app in a tenant; empty if none or disabled."""
        grant = self.grants.get(tenant, client_id)
        return grant.roles if grant and grant.enabled else []

    def overview(self) -> Json:
        """What there is, for the control API."""
        return {
            "now": self.clock.now(),
            "tenants": [
                {
                    "id": tenant.id,
                    "name": tenant.name,
                    "domains": tenant.domains,
                    "deleted": tenant.deleted,
                    "users": len(tenant.people.rows),
                    "groups": sum(1 for _ in tenant.groups.live()),
                    "sign_in": tenant.sign_in,
                }
                for tenant in self.tenants.values()
            ],
            "apps": [app.as_json() for app in self.apps.values()],
            "grants": [grant.as_json() for grant in self.grants.everything()],
            "behaviour": self.behaviour.as_json(),
        }
