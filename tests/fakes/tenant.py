"""An Entra tenant in memory, with its history: what people edit, what the delta feeds tell of it, and what is true.

Written from microsoft-facts §1, §2 and §10, not from our client. Every edit is a new version at the next moment; a
delta round tells what changed between two moments. `told=False` makes an edit that the feeds never mention.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shared.errors import SyncError
from sync.core.model import FeedName

Removed = Literal["", "changed", "deleted"]  # microsoft-facts §1.4: soft deleted, gone for good
MEMBER_TYPES = {"user": "#microsoft.graph.user", "group": "#microsoft.graph.group", "device": "#microsoft.graph.device"}


@dataclass(frozen=True)
class Version:
    """An object as it was from one moment on. A property that was never set has no key; a cleared one is None."""

    at: int
    properties: Mapping[str, Any]
    removed: Removed = ""
    manager: str = ""
    told: bool = True


@dataclass(frozen=True)
class Edge:
    """A membership that was made or undone at a moment."""

    at: int
    group: str
    member: str
    present: bool
    told: bool = True


class Tenant:
    """See the module. Object ids are random GUIDs of the seed."""

    def __init__(self, tenant_id: str, *, seed: int = 0) -> None:
        self.id = tenant_id
        self.at = 0
        self.lags_at: int | None = None  # what happened after this moment has not reached the feeds yet
        self.enumerates_nothing = False  # a full read answers 200 with an empty list (a right was lost silently)
        self.finds_nobody = False
        self.refusals: dict[FeedName, SyncError] = {}  # raised for every page of a feed, until removed
        self.roles: tuple[str, ...] = ("GroupMember.Read.All", "User.Read.All")
        self.people: dict[str, list[Version]] = {}
        self.groups: dict[str, list[Version]] = {}
        self.edges: list[Edge] = []
        self.kinds: dict[str, str] = {}
        self._chance = random.Random(f"{tenant_id}{seed}")

    # --- edits -------------------------------------------------------------------------------------------------

    def hire(self, name: str = "", *, told: bool = True, manager: str = "", **properties: Any) -> str:
        """A new user; with a name an ordinary employee unless `properties` says otherwise. Returns the object id."""
        given: dict[str, Any] = {"accountEnabled": True, "userType": "Member"}
        if name:
            handle = name.lower().replace(" ", ".")
            first, _, last = name.partition(" ")
            given |= {"displayName": name, "givenName": first, "surname": last}
            given |= {"mail": f"{handle}@contoso.example", "userPrincipalName": f"{handle}@contoso.example"}
        object_id = self._new_id("user")
        kept = {key: value for key, value in {**given, **properties}.items() if value is not None}
        self.people[object_id] = [Version(self._tick(), kept, manager=manager, told=told)]
        return object_id

    def change(self, object_id: str, *, told: bool = True, **properties: Any) -> None:
        """Set properties; None clears one that was ever set."""
        last = self.people[object_id][-1]
        merged = dict(last.properties)
        for key, value in properties.items():
            if value is not None or key in merged:
                merged[key] = value
        self._put(self.people, object_id, properties=merged, told=told)

    def set_manager(self, object_id: str, manager: str, *, told: bool = True) -> None:
        """Set the manager; the empty string removes it."""
        self._put(self.people, object_id, manager=manager, told=told)

    def soft_delete(self, object_id: str, *, told: bool = True) -> None:
        """To the bin, restorable for 30 days; memberships are kept (microsoft-facts §2.3)."""
        self._put(self.people, object_id, removed="changed", told=told)

    def restore(self, object_id: str, *, told: bool = True) -> None:
        """Back from the bin, with the same id."""
        self._put(self.people, object_id, removed="", told=told)

    def hard_delete(self, object_id: str, *, told: bool = True) -> None:
        """Gone for good; the memberships vanish, and the groups feed need not say so (microsoft-facts §2.3)."""
        self._put(self.people, object_id, removed="deleted", told=told)
        for group in sorted(self.groups_of(object_id, at_all=True)):
            self._edge(group, object_id, present=False, told=False)

    def new_group(self, name: str, *, told: bool = True, **properties: Any) -> str:
        """A new security group. Returns the object id."""
        object_id = self._new_id("group")
        given = {"displayName": name, "securityEnabled": True, "groupTypes": [], **properties}
        self.groups[object_id] = [Version(self._tick(), given, told=told)]
        return object_id

    def change_group(self, group: str, *, told: bool = True, **properties: Any) -> None:
        """Set properties of a group."""
        self._put(self.groups, group, properties={**self.groups[group][-1].properties, **properties}, told=told)

    def delete_group(self, group: str, *, soft: bool = True, told: bool = True) -> None:
        """Delete a group; a soft-deleted one keeps its members."""
        self._put(self.groups, group, removed="changed" if soft else "deleted", told=told)

    def restore_group(self, group: str, *, told: bool = True) -> None:
        """Bring a soft-deleted group back, with its members."""
        self._put(self.groups, group, removed="", told=told)

    def new_device(self) -> str:
        """Something that may be a member of a group and is no person. Returns the object id."""
        return self._new_id("device")

    def join(self, group: str, member: str, *, told: bool = True) -> None:
        """Make somebody (or a group, or a device) a direct member."""
        if member not in self.members_of(group, at_all=True):
            self._edge(group, member, present=True, told=told)

    def leave(self, group: str, member: str, *, told: bool = True) -> None:
        """Undo a membership."""
        if member in self.members_of(group, at_all=True):
            self._edge(group, member, present=False, told=told)

    # --- what is true now ----------------------------------------------------------------------------------------

    def person(self, object_id: str) -> dict[str, Any] | None:
        """A user's properties that are set; None for somebody who is not there (any more)."""
        versions = self.people.get(object_id)
        if not versions or versions[-1].removed:
            return None
        return {key: value for key, value in versions[-1].properties.items() if value is not None}

    def present_people(self) -> list[str]:
        """Who is there."""
        return [object_id for object_id, versions in self.people.items() if not versions[-1].removed]

    def binned_people(self) -> list[str]:
        """Who could be restored."""
        return [object_id for object_id, versions in self.people.items() if versions[-1].removed == "changed"]

    def present_groups(self) -> list[str]:
        """Which groups are there."""
        return [object_id for object_id, versions in self.groups.items() if not versions[-1].removed]

    def manager_of(self, object_id: str) -> str:
        """The manager's object id, or the empty string."""
        return self.people[object_id][-1].manager

    def members_of(self, group: str, *, at_all: bool = False) -> set[str]:
        """Direct members; those in the bin only if `at_all`."""
        return {member for member in self._edges_at(group, self.at) if at_all or self._there(member, self.at)}

    def groups_of(self, member: str, *, at_all: bool = False) -> set[str]:
        """The (present, unless `at_all`) groups somebody is a direct member of."""
        groups = self.groups if at_all else self.present_groups()
        return {group for group in groups if member in self._edges_at(group, self.at)}

    # --- what a feed sees ----------------------------------------------------------------------------------------

    @property
    def visible(self) -> int:
        """The last moment that has reached the feeds."""
        return self.at if self.lags_at is None else self.lags_at

    def version_at(self, feed: FeedName, object_id: str, at: int) -> Version | None:
        """An object as it was at a moment; None before it existed."""
        rows = self.people if feed == "users" else self.groups
        found = None
        for version in rows.get(object_id, ()):
            if version.at <= at:
                found = version
        return found

    def told_between(self, feed: FeedName, since: int, until: int) -> dict[str, list[Version]]:
        """Objects the feed has news of, each with its versions of that time, oldest first."""
        rows = self.people if feed == "users" else self.groups
        found: dict[str, list[Version]] = {}
        for object_id, versions in rows.items():
            news = [version for version in versions if since < version.at <= until and version.told]
            if news:
                found[object_id] = news
        return found

    def edges_between(self, since: int, until: int) -> list[Edge]:
        """Memberships the groups feed tells of, in the order in which they happened."""
        return [edge for edge in self.edges if since < edge.at <= until and edge.told]

    def members_at(self, group: str, at: int) -> list[str]:
        """Direct members a full read shows: not those in the bin."""
        return [member for member in self._edges_at(group, at) if self._there(member, at)]

    def _edges_at(self, group: str, at: int) -> dict[str, None]:
        members: dict[str, None] = {}
        for edge in self.edges:
            if edge.group == group and edge.at <= at:
                if edge.present:
                    members[edge.member] = None
                else:
                    members.pop(edge.member, None)
        return members

    def _there(self, member: str, at: int) -> bool:
        kind = self.kinds[member]
        if kind == "device":
            return True
        version = self.version_at("users" if kind == "user" else "groups", member, at)
        return version is not None and not version.removed

    def _tick(self) -> int:
        self.at += 1
        return self.at

    def _new_id(self, kind: str) -> str:
        digits = f"{self._chance.getrandbits(128):032x}"
        object_id = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        self.kinds[object_id] = kind
        return object_id

    def _put(
        self,
        rows: dict[str, list[Version]],
        object_id: str,
        *,
        properties: Mapping[str, Any] | None = None,
        removed: Removed | None = None,
        manager: str | None = None,
        told: bool,
    ) -> None:
        last = rows[object_id][-1]
        rows[object_id].append(
            Version(
                self._tick(),
                last.properties if properties is None else properties,
                last.removed if removed is None else removed,
                last.manager if manager is None else manager,
                told,
            )
        )

    def _edge(self, group: str, member: str, *, present: bool, told: bool) -> None:
        self.edges.append(Edge(self._tick(), group, member, present, told))
