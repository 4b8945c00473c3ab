"""The engine of the stories with fakes taken out: Azure tables, Graph over TLS, a tenant in the simulated cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from local.cloud.control import Control
from local.run import expectation
from sync.adapters.microsoft import Microsoft
from sync.adapters.tables import Storage
from sync.core.connection import shards
from sync.core.eligibility import GONE
from sync.core.model import AccountState, Action, PersonRecord, Reason
from tests.fakes.engine import Engine, Tenanted


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
        self.cloud = control

    def edit(self, *edits: dict[str, Any]) -> list[dict[str, Any]]:
        """Several edits in one call, in order; see docs/simulated-cloud.md."""
        return self.cloud.edit(self.id, *edits)

    def hire(self, name: str, **properties: Any) -> str:
        """An ordinary employee, unless `properties` says otherwise."""
        return self.cloud.create_user(self.id, **{**employee(name), **properties})

    def hire_all(self, *names: str) -> list[str]:
        """Ordinary employees, by one call."""
        done = self.edit(*({"op": "user.create", "set": employee(name)} for name in names))
        return [str(one["id"]) for one in done]

    def change(self, object_id: str, **properties: Any) -> None:
        """Set properties; None clears."""
        self.cloud.update_user(self.id, object_id, **properties)

    def soft_delete(self, object_id: str) -> None:
        """To the bin."""
        self.cloud.delete_user(self.id, object_id)

    def restore(self, object_id: str) -> None:
        """Out of the bin."""
        self.cloud.restore_user(self.id, object_id)

    def hard_delete(self, object_id: str) -> None:
        """For good."""
        self.cloud.purge_user(self.id, object_id)

    def new_device(self, kind: str = "device") -> str:
        """Something that may be a member of a group and is no person; or a `servicePrincipal`."""
        return self.cloud.create_other(self.id, kind)

    def new_group(self, name: str, **properties: Any) -> str:
        """A security group; `members` are ids."""
        return self.cloud.create_group(self.id, displayName=name, securityEnabled=True, **properties)

    def change_group(self, group: str, **properties: Any) -> None:
        """Set properties of a group."""
        self.cloud.update_group(self.id, group, **properties)

    def delete_group(self, group: str) -> None:
        """As its kind is deleted."""
        self.cloud.delete_group(self.id, group)

    def restore_group(self, group: str) -> None:
        """Out of the bin."""
        self.cloud.restore_group(self.id, group)

    def join(self, group: str, *members: str) -> None:
        """Direct members more: people, groups or devices."""
        self.cloud.edit_members(self.id, group, add=[*members])

    def leave(self, group: str, *members: str) -> None:
        """Direct members less."""
        self.cloud.edit_members(self.id, group, remove=[*members])

    def truth(self) -> dict[str, Any]:
        """The whole directory."""
        return self.cloud.truth(self.id)


def employee(name: str) -> dict[str, Any]:
    """The properties of an ordinary employee."""
    handle = name.lower().replace(" ", ".")
    first, _, last = name.partition(" ")
    named = {"displayName": name, "givenName": first, "surname": last}
    reached = {"mail": f"{handle}@contoso.example", "userPrincipalName": f"{handle}@contoso.example"}
    return {"accountEnabled": True, "userType": "Member", **named, **reached}


def person(connection: Tenanted, name: str) -> PersonRecord:
    """Who is stored under this display name."""
    (found,) = [one for one in connection.people.values() if one.source.get("displayName") == name]
    return found


def active(connection: Tenanted) -> set[str]:
    """Names of those with an active account."""
    people = connection.people.values()
    return {str(one.source.get("displayName")) for one in people if one.account_state is AccountState.ACTIVE}


def group(connection: Tenanted, name: str) -> str:
    """A stored group's id."""
    return next(one.object_id for one in connection.groups.values() if one.name == name)


def told(connection: Tenanted, object_id: str) -> list[tuple[Action, Reason]]:
    """What the activity has of a person, oldest first."""
    every = shards(connection.connection.digits)
    found = connection.engine.services.people.activity(connection.scope, every, limit=1000)
    entries = [entry for activity, _ in reversed(found) for entry in activity.entries]
    return [(entry.action, entry.reason) for entry in entries if entry.object_id == object_id]


def differences(connection: Tenanted) -> list[str]:
    """How what is stored differs from the directory's truth by the default settings; empty once all has settled."""
    people = [
        {
            "object_id": one.object_id,
            "account": {"state": one.account_state, "address": one.address, "fields": one.fields}
            if one.account_state is not AccountState.NONE
            else None,
            "group_ids": one.groups,
            "reason": one.reason,
        }
        for one in connection.people.values()
        if one.presence not in GONE
    ]
    return expectation.differences(expectation.expect(connection.tenant.truth()), people)
