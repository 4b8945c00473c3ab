"""What is edited in the tenants and chosen by the admin: the rules of the state machine that change what is true."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from sync.core.model import Hand
from sync.core.sync_settings import Chosen, Filter, Scope
from sync.usecases import by_hand
from tests.fakes.engine import Engine, Tenanted
from tests.fakes.tenant import Tenant

NAMES = ("Ada Lind", "Bo Krag", "Cy Holm", "Di Juhl", "Ed Riis", "Fy Skov")
ADDRESSES = tuple(f"{name.split()[0].lower()}@contoso.example" for name in NAMES)
some = st.integers(0, 10**6)
names, addresses = st.sampled_from(NAMES), st.sampled_from(ADDRESSES)


class Edits(RuleBasedStateMachine):
    """Two connected workspaces; the rules edit the first one's tenant, and now and then the other's."""

    engine: Engine
    acme: Tenanted
    tenant: Tenant
    others: Tenant

    @rule(name=names, address=addresses)
    def hire(self, name: str, address: str) -> None:
        """An ordinary employee; the address may be somebody's already."""
        self.tenant.hire(name, mail=address, userPrincipalName=address)

    @rule()
    def hire_skeleton(self) -> None:
        """Somebody whose address and name come later."""
        self.tenant.hire("", userPrincipalName="new@contoso.onmicrosoft.com")

    @rule(name=names)
    def hire_elsewhere(self, name: str) -> None:
        """The other tenant hires."""
        self.others.hire(name)

    @precondition(lambda self: self.tenant.present_people())
    @rule(who=some, name=names, address=addresses, part=st.sampled_from(["both", "name", "mail", "dept", "no mail"]))
    def change(self, who: int, name: str, address: str, part: str) -> None:
        """A person's properties change."""
        properties: dict[str, Any] = {}
        if part in {"both", "name"}:
            properties |= {"displayName": name, "surname": name.split()[1]}
        if part in {"both", "mail"}:
            properties |= {"mail": address, "userPrincipalName": address}
        if part == "no mail":
            properties |= {"mail": None, "userPrincipalName": "x@contoso.onmicrosoft.com"}
        if part == "dept":
            properties["department"] = f"Department {who % 3}"
        self.tenant.change(self._present(who), **properties)

    @precondition(lambda self: self.tenant.present_people())
    @rule(who=some, whom=some)
    def swap_addresses(self, who: int, whom: int) -> None:
        """Two people exchange their addresses."""
        one, two = self._present(who), self._present(whom)
        first, second = self.tenant.people[one][-1].properties, self.tenant.people[two][-1].properties
        for person, given in ((one, second), (two, first)):
            self.tenant.change(person, mail=given.get("mail"), userPrincipalName=given.get("userPrincipalName"))

    @precondition(lambda self: self.tenant.present_people())
    @rule(who=some, enabled=st.booleans(), guest=st.booleans())
    def change_standing(self, who: int, enabled: bool, guest: bool) -> None:
        """Blocked, unblocked, made a guest or a member."""
        kind = "Guest" if guest else "Member"
        self.tenant.change(self._present(who), accountEnabled=enabled, userType=kind)

    @precondition(lambda self: self.tenant.present_people())
    @rule(who=some, whom=some)
    def change_manager(self, who: int, whom: int) -> None:
        """A person gets a manager, or none."""
        manager = self._present(whom)
        person = self._present(who)
        self.tenant.set_manager(person, "" if manager == person else manager)

    @precondition(lambda self: self.tenant.present_people())
    @rule(who=some, how=st.sampled_from(["soft", "hard", "silent"]), again=st.booleans())
    def leave_company(self, who: int, how: str, again: bool) -> None:
        """Somebody leaves, perhaps unnoticed by the feed, and may be made again under another object id."""
        person = self._present(who)
        properties = self.tenant.person(person) or {}
        if how == "soft":
            self.tenant.soft_delete(person)
        else:
            self.tenant.hard_delete(person, told=how == "hard")
        if again:
            self.tenant.hire("", **properties)

    @precondition(lambda self: self.tenant.binned_people())
    @rule(who=some, purge=st.booleans())
    def empty_bin(self, who: int, purge: bool) -> None:
        """Somebody is restored, or gone for good."""
        binned = self.tenant.binned_people()
        (self.tenant.hard_delete if purge else self.tenant.restore)(binned[who % len(binned)])

    @rule(which=some, how=st.sampled_from(["new", "name", "soft", "hard", "back"]))
    def change_groups(self, which: int, how: str) -> None:
        """Groups come, go, come back and are renamed."""
        if how == "new" or not self.tenant.present_groups():
            self.tenant.new_group(f"Group {which % 5}")
            return
        group = self._group(which)
        if how == "name":
            self.tenant.change_group(group, displayName=f"Group {which % 7}")
        elif how == "back":
            gone = [one for one, versions in self.tenant.groups.items() if versions[-1].removed == "changed"]
            if gone:
                self.tenant.restore_group(gone[which % len(gone)])
        else:
            self.tenant.delete_group(group, soft=how == "soft")

    @precondition(lambda self: self.tenant.present_groups() and self.tenant.present_people())
    @rule(which=some, who=some, kind=st.sampled_from(["person", "person", "group", "device"]), joins=st.booleans())
    def change_members(self, which: int, who: int, kind: str, joins: bool) -> None:
        """Somebody, a group or a device joins or leaves a group."""
        group = self._group(which)
        member = self._present(who) if kind == "person" else self._group(who)
        if kind == "device":
            member = self.tenant.new_device()
        (self.tenant.join if joins else self.tenant.leave)(group, member)

    @rule(lags=st.booleans())
    def lag(self, lags: bool) -> None:
        """Replication stops, or catches up."""
        self.tenant.lags_at = self.tenant.visible if lags else None

    @precondition(lambda self: self.tenant.present_people())
    @rule(who=some, where=st.sampled_from(["DK", None]), guest=st.booleans())
    def move(self, who: int, where: str | None, guest: bool) -> None:
        """Somebody moves to a country, becomes a guest, or a member again."""
        self.tenant.change(self._present(who), usageLocation=where, userType="Guest" if guest else "Member")

    @precondition(lambda self: len(self.tenant.present_groups()) > 1)
    @rule(which=some, other=some, joins=st.booleans())
    def nest(self, which: int, other: int, joins: bool) -> None:
        """A group becomes a member of another, or no longer is one; cycles come about."""
        (self.tenant.join if joins else self.tenant.leave)(self._group(which), self._group(other))

    @rule(
        kind=st.sampled_from(["everyone", "groups", "people"]),
        which=some,
        whom=some,
        exclude=st.sampled_from(["nobody", "person", "group"]),
        narrow=st.sampled_from(["", "", "guests", "disabled", "domain", "department", "country"]),
        of=st.sampled_from(["scope", "audience"]),
    )
    def change_settings(self, kind: str, which: int, whom: int, exclude: str, narrow: str, of: str) -> None:
        """Other settings are saved: who is in scope, or who is in the audience."""
        groups, people = sorted(self.tenant.groups), sorted(self.tenant.people)
        group = (groups[which % len(groups)],) if groups else ()
        person = (people[whom % len(people)],) if people else ()
        chosen = Chosen(
            everyone=kind == "everyone",
            groups=group if kind == "groups" else (),
            people=person if kind == "people" else (),
            excluded_groups=(groups[whom % len(groups)],) if groups and exclude == "group" else (),
            excluded_people=(people[which % len(people)],) if people and exclude == "person" else (),
        )
        filters = {
            "department": (Filter("department", "starts_with", ("DEPARTMENT 1",)),),
            "country": (Filter("usageLocation", "present"),),
        }
        scope = Scope(
            chosen,
            guests=narrow == "guests",
            disabled=narrow == "disabled",
            domains=("contoso.example",) if narrow == "domain" else (),
            filters=filters.get(narrow, ()),
        )
        with self.engine.attempt():
            self.acme.save(**({"scope": scope} if of == "scope" else {"audience": chosen}))

    @precondition(lambda self: self.tenant.people)
    @rule(who=some, hand=st.sampled_from(Hand))
    def act_by_hand(self, who: int, hand: Hand) -> None:
        """An admin blocks somebody, keeps them whatever the directory says, or leaves them to it again."""
        people = sorted(self.tenant.people)
        with self.engine.attempt():
            by_hand.change(self.engine.services, self.acme.connection, people[who % len(people)], "admin", hand=hand)

    def _present(self, number: int) -> str:
        people = self.tenant.present_people()
        return people[number % len(people)]

    def _group(self, number: int) -> str:
        groups = self.tenant.present_groups()
        return groups[number % len(groups)]
