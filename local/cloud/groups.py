"""The groups of one tenant with their direct members, and the closure over nesting."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from local.cloud.clock import iso
from local.cloud.wire import Json


@dataclass(slots=True)
class Group:
    """One group. Member slots are never reused, so that a page's position in them stays true."""

    id: str
    properties: Json
    slots: list[str | None] = field(default_factory=list)
    binned: bool = False
    _index: dict[str, int] | None = field(default=None, init=False)  # slot of each member, once the group was edited

    def fill(self, members: list[str]) -> None:
        """The first members of a group that has none; none of them twice."""
        self.slots = list(members)

    def has(self, member: str) -> bool:
        """Whether it is a direct member."""
        return member in (self.slots if self._index is None else self._index)

    def members(self) -> list[str]:
        """Direct members in the order of arrival."""
        return [member for member in self.slots if member is not None]

    def _indexed(self) -> dict[str, int]:
        if self._index is None:
            self._index = {member: slot for slot, member in enumerate(self.slots) if member is not None}
        return self._index

    def add(self, member: str) -> bool:
        """True if it was not a member."""
        index = self._indexed()
        if member in index:
            return False
        index[member] = len(self.slots)
        self.slots.append(member)
        return True

    def remove(self, member: str) -> bool:
        """True if it was a member."""
        if not self.has(member):
            return False
        self.slots[self._indexed().pop(member)] = None
        return True

    @property
    def kept_on_delete(self) -> bool:
        """Microsoft 365 groups and cloud security groups go to the deleted items; others vanish at once."""
        return "Unified" in self.properties.get("groupTypes", [])

    @property
    def soft_deletable_security(self) -> bool:
        """A cloud security group, neither mail-enabled nor synced from on premises."""
        held = self.properties
        return bool(
            held.get("securityEnabled") and not held.get("mailEnabled") and not held.get("onPremisesSyncEnabled")
        )


class Groups:
    """Live and soft-deleted groups of a tenant."""

    def __init__(self) -> None:
        self.all: dict[str, Group] = {}
        self.order: list[str] = []
        self.purged: set[str] = set()

    def create(self, properties: Json, now: float) -> Group:
        """A new group from `properties`; missing essentials make it a cloud security group."""
        group_id = str(properties.get("id") or uuid.uuid4())
        row: Json = {
            "id": group_id,
            "createdDateTime": iso(now),
            "groupTypes": [],
            "mailEnabled": False,
            "securityEnabled": True,
            "mailNickname": group_id[:8],
            **{key: value for key, value in properties.items() if value is not None},
        }
        row["id"] = group_id
        group = Group(group_id, row)
        self.all[group_id] = group
        self.order.append(group_id)
        return group

    def get(self, group_id: str) -> Group:
        """A live group; KeyError if there is none."""
        group = self.all[group_id.lower() if group_id not in self.all else group_id]
        if group.binned:
            raise KeyError(group_id)
        return group

    def live(self) -> Iterator[Group]:
        """Live groups in the order of arrival."""
        for group_id in self.order:
            group = self.all.get(group_id)
            if group is not None and not group.binned:
                yield group

    def purge(self, group_id: str) -> None:
        """Gone for good, also from the groups it was nested in."""
        del self.all[group_id]
        self.purged.add(group_id)
        for other in self.all.values():
            other.remove(group_id)

    def closure(self, group_id: str) -> list[str]:
        """Ids of everything reachable from a group through live groups, each once; cycles end."""
        seen: dict[str, None] = {}
        stack = [group_id]
        visited = {group_id}
        while stack:
            for member in self.all[stack.pop()].members():
                seen.setdefault(member)
                nested = self.all.get(member)
                if nested is not None and not nested.binned and member not in visited:
                    visited.add(member)
                    stack.append(member)
        return list(seen)

    def holding(self, member: str, *, transitive: bool = False) -> list[Group]:
        """Live groups that `member` is in, directly or through nesting."""
        found: dict[str, Group] = {}
        front = [member]
        while front:
            looking = front.pop()
            for group in self.live():
                if group.id not in found and group.has(looking):
                    found[group.id] = group
                    if transitive:
                        front.append(group.id)
        return list(found.values())
