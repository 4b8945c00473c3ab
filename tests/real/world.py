"""The engine of the stories with fakes taken out: Azure tables, Graph over TLS, a tenant in the simulated cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from local.cloud.control import Control
from sync.adapters.microsoft import Microsoft
from sync.adapters.tables import Storage
from tests.fakes.engine import Engine


class RealEngine(Engine):
    """What stays a fake: the clock, the queue (so that a test says when what is delivered) and the mail server."""

    def __init__(self, storage: Storage, microsoft: Microsoft, control: Control) -> None:
        super().__init__(storage=storage)
        self.control = control
        self.services = replace(self.services, directory=microsoft.directory)

    def tenant(self, tenant_id: str) -> RealTenant:
        """A tenant of the cloud that has consented."""
        self.control.consent(tenant_id)
        return RealTenant(self.control, tenant_id)


class RealTenant:
    """The verbs of `tests.fakes.tenant.Tenant`, done in the simulated cloud."""

    def __init__(self, control: Control, tenant_id: str) -> None:
        self.id = tenant_id
        self._control = control

    def hire(self, name: str, **properties: Any) -> str:
        """An ordinary employee, unless `properties` says otherwise."""
        handle = name.lower().replace(" ", ".")
        first, _, last = name.partition(" ")
        given = {"accountEnabled": True, "userType": "Member", "displayName": name, "givenName": first, "surname": last}
        given |= {"mail": f"{handle}@contoso.example", "userPrincipalName": f"{handle}@contoso.example"}
        return self._control.create_user(self.id, **{**given, **properties})

    def change(self, object_id: str, **properties: Any) -> None:
        """Set properties; None clears."""
        self._control.update_user(self.id, object_id, **properties)

    def soft_delete(self, object_id: str) -> None:
        """To the bin."""
        self._control.delete_user(self.id, object_id)

    def restore(self, object_id: str) -> None:
        """Out of the bin."""
        self._control.restore_user(self.id, object_id)

    def hard_delete(self, object_id: str) -> None:
        """For good."""
        self._control.purge_user(self.id, object_id)

    def new_group(self, name: str, **properties: Any) -> str:
        """A security group."""
        return self._control.create_group(self.id, displayName=name, securityEnabled=True, **properties)

    def change_group(self, group: str, **properties: Any) -> None:
        """Set properties of a group."""
        self._control.update_group(self.id, group, **properties)

    def delete_group(self, group: str) -> None:
        """As its kind is deleted."""
        self._control.delete_group(self.id, group)

    def restore_group(self, group: str) -> None:
        """Out of the bin."""
        self._control.restore_group(self.id, group)

    def join(self, group: str, member: str) -> None:
        """A direct member more: a person or a group."""
        self._control.edit_members(self.id, group, add=[member])

    def leave(self, group: str, member: str) -> None:
        """A direct member less."""
        self._control.edit_members(self.id, group, remove=[member])
