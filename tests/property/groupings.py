"""What is edited in the tenant's groups: they come, go, are renamed, fill, empty and nest."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from tests.property.edits import Machine
from tests.property.reached import act
from tests.property.world import some

told = st.sampled_from([True, True, True, False])


class EditsOfGroups(Machine):
    """Groups and memberships change; now and then the feed forgets to say so."""

    @act(which=some, how=st.sampled_from(["new", "name", "soft", "hard", "back"]), told=told)
    def change_groups(self, which: int, how: str, told: bool) -> None:
        """Groups come, go, come back and are renamed."""
        if how == "new" or not self.tenant.present_groups():
            self.tenant.new_group(f"Group {which % 5}")
            return
        group = self.group_of(which)
        if how == "name":
            self.tenant.change_group(group, displayName=f"Group {which % 7}")
        elif how == "back":
            gone = [one for one, versions in self.tenant.groups.items() if versions[-1].removed == "changed"]
            if gone:
                self.tenant.restore_group(gone[which % len(gone)], told=told)
        else:
            self.tenant.delete_group(group, soft=how == "soft", told=told)

    @precondition(lambda self: self.tenant.present_groups() and self.tenant.present_people())
    @act(
        which=some,
        who=some,
        kind=st.sampled_from(["person", "person", "group", "device"]),
        joins=st.sampled_from([True, True, False]),
        told=told,
    )
    def change_members(self, which: int, who: int, kind: str, joins: bool, told: bool) -> None:
        """Somebody, a group or a device joins or leaves a group."""
        group = self.group_of(which)
        member = self.person_of(who) if kind == "person" else self.group_of(who)
        if kind == "device":
            member = self.tenant.new_device()
        (self.tenant.join if joins else self.tenant.leave)(group, member, told=told)

    @precondition(lambda self: self.tenant.present_groups() and self.tenant.present_people())
    @act(which=some, joins=st.sampled_from([True, True, False]))
    def change_members_in_numbers(self, which: int, joins: bool) -> None:
        """Everybody joins a group, or it is emptied: it may shrink by more than is unremarkable."""
        group = self.group_of(which)
        for person in self.tenant.present_people():
            (self.tenant.join if joins else self.tenant.leave)(group, person)

    @precondition(lambda self: len(self.tenant.present_groups()) > 1)
    @act(which=some, other=some, joins=st.sampled_from([True, True, False]))
    def nest(self, which: int, other: int, joins: bool) -> None:
        """A group becomes a member of another, or no longer is one; cycles come about."""
        (self.tenant.join if joins else self.tenant.leave)(self.group_of(which), self.group_of(other))
