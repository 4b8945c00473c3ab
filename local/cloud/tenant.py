"""One Entra tenant: its directory and the edits that change it, each logged for delta and announced."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from local.cloud import schema
from local.cloud.behaviour import Behaviour
from local.cloud.changes import Change, ChangeLog
from local.cloud.clock import Clock
from local.cloud.groups import Group, Groups
from local.cloud.people import People
from local.cloud.wire import Json


class Event(NamedTuple):
    """What a subscription may be told about one edit."""

    tenant: str
    resource: str  # users | groups
    id: str
    change: str  # updated | deleted (for good)
    members: tuple[tuple[str, bool], ...] = ()  # groups: (member id, added)


Listener = Callable[[Event], None]


@dataclass(slots=True)
class Other:
    """A device or service principal: only ever a group member."""

    id: str
    kind: str
    name: str


@dataclass
class Tenant:
    """The directory of a tenant. Every method that edits it is an atom: logged, then announced."""

    id: str
    name: str
    domains: list[str]
    clock: Clock
    behaviour: Behaviour
    announce: Listener
    people: People = field(default_factory=People)
    groups: Groups = field(default_factory=Groups)
    others: dict[str, Other] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)  # user id -> directory role template ids
    sign_in: list[str] = field(default_factory=list)  # user ids offered by the sign-in page
    deleted: bool = False
    untold: set[str] = field(default_factory=set)  # users and groups whose last deletion or restoration is kept secret
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    logs: dict[str, ChangeLog] = field(default_factory=lambda: {"users": ChangeLog(), "groups": ChangeLog()})

    def head(self, feed: str) -> int:
        """The position of the newest visible change of a feed."""
        return self.logs[feed].head(self.clock.now())

    def _log(self, feed: str, change: Change, extra_lag: float = 0.0) -> None:
        now = self.clock.now()
        self.logs[feed].add(change, now + self.behaviour.lag_seconds + extra_lag, now)

    def _tell(
        self, feed: str, object_id: str, change: str = "updated", members: tuple[tuple[str, bool], ...] = ()
    ) -> None:
        self.announce(Event(self.id, feed, object_id, change, members))

    def _omitted(self, probability: float, object_id: str) -> bool:
        """Whether the delta feeds are to say nothing of a deletion or restoration (switches)."""
        if self.chance.random() < probability:
            self.untold.add(object_id)
            return True
        self.untold.discard(object_id)
        return False

    # users -----------------------------------------------------------------------------------------------
    def create_user(self, properties: Json, manager: str = "", roles: list[str] | None = None) -> str:
        """Hire somebody. Returns the object id."""
        user_id = self.people.create(properties, self.clock.now())
        if manager:
            self.people.set_manager(user_id, manager)
        if roles is not None:
            self.roles[user_id] = roles
            self.sign_in.append(user_id)
        self._log("users", Change("new", user_id))
        self._tell("users", user_id)
        return user_id

    def update_user(self, user_id: str, properties: Json) -> frozenset[str]:
        """Change properties; None clears. Returns what changed (nothing changed: nothing told)."""
        before = self.people.rows[user_id]
        changed = self.people.update(user_id, properties)
        if changed:
            self.untold.discard(user_id)
            self._log("users", Change("set", user_id, changed))
            if self.behaviour.stale_echo:
                self._log("users", Change("stale", user_id, changed, row=before))
                self._log("users", Change("set", user_id, changed), extra_lag=self.behaviour.stale_echo)
            self._tell("users", user_id)
        return changed

    def set_manager(self, user_id: str, manager: str) -> None:
        """Give somebody another manager ("" none)."""
        if user_id not in self.people.rows:
            raise KeyError(user_id)
        former = self.people.set_manager(user_id, manager)
        if former is not None:
            self.untold.discard(user_id)
            self._log("users", Change("link", user_id, old=former, other=manager))
            self._tell("users", user_id)

    def delete_user(self, user_id: str) -> None:
        """Soft delete: restorable for 30 days; memberships stay."""
        self.people.bin(user_id, self.clock.now())
        if not self._omitted(self.behaviour.omit_deletions, user_id):
            self._log("users", Change("gone", user_id))
        self._tell("users", user_id)

    def restore_user(self, user_id: str) -> None:
        """Undo a soft delete: the user is back in its groups, of which the groups feed need not tell (switch)."""
        self.people.restore(user_id)
        if not self._omitted(self.behaviour.omit_restores, user_id):
            self._log("users", Change("new", user_id))
        self._tell("users", user_id)
        if self.behaviour.restore_in_groups_delta:
            for group in self.groups.holding(user_id):
                self._log("groups", Change("member", group.id, other=user_id))

    def purge_user(self, user_id: str) -> None:
        """Delete for good (live or soft-deleted); memberships and being a manager end with it."""
        reports = self.people.purge(user_id)
        if not self._omitted(self.behaviour.omit_deletions, user_id):
            self._log("users", Change("gone", user_id))
        self._tell("users", user_id, "deleted")
        for report in reports:
            self._log("users", Change("link", report, old=user_id))
        for group in self.groups.all.values():
            if group.remove(user_id) and self.behaviour.hard_delete_in_groups_delta:
                self._log("groups", Change("member", group.id, other=user_id, added=False))

    # groups ----------------------------------------------------------------------------------------------
    def create_group(self, properties: Json, members: list[str] | None = None) -> str:
        """A new group with its first members. Returns the object id."""
        group = self.groups.create(properties, self.clock.now())
        self._log("groups", Change("new", group.id))
        self._tell("groups", group.id)
        self.edit_members(group.id, members or [], [])
        return group.id

    def update_group(self, group_id: str, properties: Json) -> frozenset[str]:
        """Change a group's properties; None clears."""
        held = self.groups.get(group_id).properties
        changed = frozenset(
            key for key, value in properties.items() if (key in held or value is not None) and held.get(key) != value
        )
        held.update({key: properties[key] for key in changed})
        if changed:
            self.untold.discard(group_id)
            self._log("groups", Change("set", group_id, changed))
            self._tell("groups", group_id)
        return changed

    def edit_members(self, group_id: str, add: list[str], remove: list[str]) -> int:
        """Add and remove direct members. Returns how many memberships really changed."""
        group = self.groups.get(group_id)
        for member in add:
            if self.kind_of(member) is None:
                raise KeyError(member)
        edits = [(member, True) for member in add if group.add(member)]
        edits += [(member, False) for member in remove if group.remove(member)]
        for member, added in edits:
            self._log("groups", Change("member", group_id, other=member, added=added))
        if edits:
            self.untold.discard(group_id)
            self._tell("groups", group_id, members=tuple(edits))
        return len(edits)

    def delete_group(self, group_id: str) -> str:
        """Delete as its kind is deleted. Returns `changed` (restorable) or `deleted` (at once for good)."""
        group = self.groups.get(group_id)
        soft = group.kept_on_delete or (group.soft_deletable_security and self.behaviour.security_groups_soft_delete)
        if not soft:
            self.purge_group(group_id)
            return "deleted"
        group.binned = True
        if not self._omitted(self.behaviour.omit_deletions, group_id):
            self._log("groups", Change("gone", group_id))
        self._tell("groups", group_id)
        return "changed"

    def purge_group(self, group_id: str) -> None:
        """Delete for good."""
        parents = [group.id for group in self.groups.all.values() if group.has(group_id)]
        self.groups.purge(group_id)
        if not self._omitted(self.behaviour.omit_deletions, group_id):
            self._log("groups", Change("gone", group_id))
        self._tell("groups", group_id, "deleted")
        for parent in parents:
            self._log("groups", Change("member", parent, other=group_id, added=False))

    def restore_group(self, group_id: str) -> None:
        """Back from the deleted items; its members may or may not be told again (switch)."""
        group = self.groups.all[group_id]
        group.binned = False
        if not self._omitted(self.behaviour.omit_restores, group_id):
            self._log("groups", Change("new", group_id))
            for member in group.members() if self.behaviour.restore_resends_members else ():
                self._log("groups", Change("member", group_id, other=member))
        self._tell("groups", group_id)

    # reading ---------------------------------------------------------------------------------------------
    def standing(self, object_id: str, *, live: bool, gone: bool) -> str:
        """How a change round shows an object: `live`, `gone`, or `nothing`. `gone`: the round holds its deletion."""
        if object_id not in self.untold:
            return "live" if live else "gone"
        if live:  # its restoration is kept secret
            return "gone" if gone else "live"
        return "nothing"

    def kind_of(self, object_id: str) -> str | None:
        """The OData type of a directory object that can be a member, or None if there is none."""
        if object_id in self.people.rows or object_id in self.people.binned:
            return schema.USER
        if object_id in self.groups.all:
            return schema.GROUP
        other = self.others.get(object_id)
        return other.kind if other else None

    def listed(self, member: str) -> bool:
        """Whether a member shows in lists: soft-deleted users and groups do not."""
        if member in self.people.rows or member in self.others:
            return True
        group: Group | None = self.groups.all.get(member)
        return group is not None and not group.binned

    def deleted_user(self, user_id: str) -> Json:
        """A soft-deleted user's properties; KeyError if there is none."""
        row: Json = orjson.loads(self.people.binned[user_id])
        return row
