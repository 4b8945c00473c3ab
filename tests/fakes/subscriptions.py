"""`Subscriptions` in memory: one per tenant and resource, as Graph allows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.clock import iso
from shared.errors import Conflict
from sync.core.connection import Connection
from sync.core.model import FeedName
from sync.ports import RemoteSubscription
from tests.fakes.faults import Faults


@dataclass
class FakeSubscriptions:
    """See `sync.ports.Subscriptions`. `held` has, by tenant, what Graph has; `states` every clientState given."""

    public_url: str
    faults: Faults = field(default_factory=Faults)
    held: dict[str, list[RemoteSubscription]] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def create(
        self, connection: Connection, feed: FeedName, client_state: str, expires_at: datetime
    ) -> RemoteSubscription:
        """Conflict when there is one for this resource."""
        with self.faults.effect("subscriptions.create"):
            self.states.append(client_state)
            listed = self.held.setdefault(connection.tenant_id, [])
            if any(one.resource == feed for one in listed):
                raise Conflict("409")
            url = f"{self.public_url}/graph/notifications/{connection.id}"
            listed.append(RemoteSubscription(f"s{next(self._numbers)}", feed, url, iso(expires_at)))
            return listed[-1]

    def list(self, connection: Connection) -> Sequence[RemoteSubscription]:
        """All of the tenant."""
        self.faults.read("subscriptions.list")
        return tuple(self.held.get(connection.tenant_id, ()))

    def renew(self, connection: Connection, subscription_id: str, expires_at: datetime) -> RemoteSubscription | None:
        """None when it is gone."""
        with self.faults.effect("subscriptions.renew"):
            listed = self.held.get(connection.tenant_id, [])
            for number, one in enumerate(listed):
                if one.subscription_id == subscription_id:
                    listed[number] = one._replace(expires_at=iso(expires_at))
                    return listed[number]
            return None

    def delete(self, connection: Connection, subscription_id: str) -> None:
        """Gone already is fine."""
        with self.faults.effect("subscriptions.delete"):
            listed = self.held.get(connection.tenant_id, [])
            listed[:] = [one for one in listed if one.subscription_id != subscription_id]
