"""Live subscriptions: which edits they hear of, when they end, and what is sent to them."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.cloud.clock import iso_ticks
from local.cloud.delivery import Delivery
from local.cloud.tenant import Event
from local.cloud.wire import GraphError, Json

if TYPE_CHECKING:
    from local.cloud.world import World


@dataclass
class Subscription:
    """One live subscription."""

    id: str
    tenant: str
    client_id: str
    creator: str
    resource: str
    feed: str  # users | groups
    target: str  # object id, or "" for all
    change_types: frozenset[str]
    notification_url: str
    lifecycle_url: str
    client_state: str | None
    expires: float
    tls: str
    renewed_at: float = 0.0
    reauthorized_at: float = 0.0
    warned: bool = False  # reauthorizationRequired was sent since the last renewal

    def as_json(self) -> Json:
        """The documented resource."""
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.client_id,
            "changeType": ",".join(sorted(self.change_types, reverse=True)),
            "clientState": self.client_state,
            "notificationUrl": self.notification_url,
            "lifecycleNotificationUrl": self.lifecycle_url or None,
            "expirationDateTime": iso_ticks(self.expires),
            "creatorId": self.creator,
            "latestSupportedTlsVersion": self.tls,
            "includeResourceData": None,
            "encryptionCertificate": None,
            "encryptionCertificateId": None,
            "notificationQueryOptions": None,
            "notificationUrlAppId": None,
        }

    def hears(self, event: Event) -> bool:
        """Whether an edit of the directory is told to this subscription."""
        return (
            event.tenant == self.tenant
            and event.resource == self.feed
            and event.change in self.change_types
            and self.target in {"", event.id}
            and (not self.resource.endswith("/members") or bool(event.members))
        )


class Subscriptions:
    """All live subscriptions, and the delivery of what they hear."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._held: dict[str, Subscription] = {}
        self.delivery = Delivery(world.behaviour, world.clock)

    def live(self, tenant: str = "", client_id: str = "") -> list[Subscription]:
        """Subscriptions not expired, of one tenant and application if given; expired ones vanish here."""
        now = self._world.clock.now()
        for gone in [sub.id for sub in self._held.values() if sub.expires <= now]:
            del self._held[gone]
        return [sub for sub in self._held.values() if tenant in {"", sub.tenant} and client_id in {"", sub.client_id}]

    def get(self, subscription_id: str, tenant: str, client_id: str) -> Subscription:
        """A live subscription of this application in this tenant, or 404."""
        for sub in self.live(tenant, client_id):
            if sub.id == subscription_id.lower():
                return sub
        raise GraphError(404, "ResourceNotFound", "The object was not found.")

    def add(self, sub: Subscription) -> None:
        """Keep a new one."""
        self._held[sub.id] = sub

    def drop(self, subscription_id: str) -> None:
        """End one silently, as the service itself sometimes does."""
        self._held.pop(subscription_id, None)

    def announce(self, event: Event) -> None:
        """Queue notifications of an edit for everybody who hears of it and still may."""
        for sub in self.live(event.tenant):
            if sub.hears(event) and self.role(sub.feed) in self._world.roles_of(sub.tenant, sub.client_id):
                self.delivery.notify(sub.notification_url, sub.as_json(), event)

    def role(self, feed: str) -> str:
        """The permission that a subscription to users or groups needs."""
        return "User.Read.All" if feed == "users" else self._world.behaviour.groups_subscription_role

    def lifecycle(self, sub: Subscription, kind: str) -> None:
        """Send a lifecycle notification, if the subscription has a URL for them."""
        if sub.lifecycle_url:
            self.delivery.lifecycle(sub.lifecycle_url, sub.as_json(), sub.tenant, kind)

    def revoked(self, tenant: str, client_id: str, mode: str) -> None:
        """A grant was taken back: subscriptions of a deleted service principal end, others are warned."""
        for sub in self.live(tenant, client_id):
            if mode == "deleted":
                self.drop(sub.id)
            else:
                self.lifecycle(sub, "reauthorizationRequired")

    def warn_of_expiry(self) -> None:
        """Send reauthorizationRequired to those that end soon, once for each renewal."""
        before = self._world.behaviour.reauthorize_before
        now = self._world.clock.now()
        for sub in self.live():
            if before and not sub.warned and sub.expires - now <= before:
                sub.warned = True
                self.lifecycle(sub, "reauthorizationRequired")

    async def watch(self) -> None:
        """Look for subscriptions that end soon, for ever."""
        while True:
            self.warn_of_expiry()
            await asyncio.sleep(0.5)
