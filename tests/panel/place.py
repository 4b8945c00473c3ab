"""A workspace whose tenant lives: it can be edited, and is compared by full passes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync.core.connection import Connection
from sync.core.messages import PassMessage, decode
from sync.core.model import PersonRecord
from sync.usecases import apply, full_pass
from tests.fakes.tenant import Tenant
from tests.panel.caller import API
from tests.panel.world import TENANT, World


class Place:
    """A connected workspace over a tenant that can be edited, compared by full passes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tenant: Tenant = world.directory.tenant(TENANT)
        self.connection: Connection = world.connect(first_pass_done=True)

    def compare(self) -> None:
        """A full pass from beginning to end."""
        self.world.clock.advance(1)
        self.world.queue.send(PassMessage(self.connection.id, self.connection.epoch, cause="reconcile"))
        self.work()

    def work(self) -> None:
        """Whatever waits is done."""
        work: dict[str, Any] = {"passes": full_pass.run, "changes": apply.run}
        while (delivery := self.world.queue.receive()) is not None:
            if delivery.queue in work:
                work[delivery.queue](self.world.services, decode(delivery.queue, delivery.body))
            self.world.queue.done(delivery)

    def choose(self, **changes: Any) -> None:
        """Save settings."""
        view = self.world.services.connections.load(self.connection.id)
        assert view is not None
        settings = replace(view.connection.settings, **changes)
        self.connection = self.world.services.connections.save(replace(view.connection, settings=settings))

    def path(self, *parts: str) -> str:
        """An address below the connection's."""
        return "/".join((API, "connections", self.connection.id, *parts))

    def record(self, object_id: str) -> PersonRecord | None:
        """What is stored of a person."""
        return self.world.services.people.load(self.connection.scope, "", [object_id]).records.get(object_id)
