"""What is edited in the tenants: the rules of the state machine that change what is true of people."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition

from tests.fakes.engine import Engine, Tenanted
from tests.fakes.tenant import Tenant
from tests.property.reached import act
from tests.property.world import ALIASES, BADGE, EMPLOYEES, LARGE, addresses, names, some


class Machine(RuleBasedStateMachine):
    """Two connected workspaces; the rules edit the first one's tenant, and now and then the other's. `met` has the
    names of the rules and states this run came to.
    """

    engine: Engine
    acme: Tenanted
    tenant: Tenant
    others: Tenant
    connections: list[Tenanted]

    def __init__(self) -> None:
        super().__init__()
        self.met: set[str] = set()

    def look(self) -> None:
        """Raise AssertionError for whatever must never be, at any moment."""
        raise NotImplementedError

    def person_of(self, number: int) -> str:
        """One of the people who are there."""
        people = self.tenant.present_people()
        return people[number % len(people)]

    def group_of(self, number: int) -> str:
        """One of the groups that are there."""
        groups = self.tenant.present_groups()
        return groups[number % len(groups)]


class EditsOfPeople(Machine):
    """People come, change, move and go."""

    @act(name=names, address=addresses)
    def hire(self, name: str, address: str) -> None:
        """An ordinary employee; the address may be somebody's already."""
        self.tenant.hire(name, mail=address, userPrincipalName=address)

    @act()
    def hire_skeleton(self) -> None:
        """Somebody whose address and name come later."""
        self.tenant.hire("", userPrincipalName="new@contoso.onmicrosoft.com")

    @act(name=names)
    def hire_elsewhere(self, name: str) -> None:
        """The other tenant hires."""
        self.others.hire(name)

    @precondition(lambda self: self.tenant.present_people())
    @act(
        who=some,
        name=names,
        address=addresses,
        part=st.sampled_from(["both", "name", "mail", "department", "no mail", "no name"]),
        told=st.sampled_from([True, True, True, False]),
    )
    def change(self, who: int, name: str, address: str, part: str, told: bool) -> None:
        """A person's properties change; now and then the feed forgets to say so."""
        properties: dict[str, Any] = {}
        if part in {"both", "name"}:
            properties |= {"displayName": name, "surname": name.split()[1]}
        if part in {"both", "mail"}:
            properties |= {"mail": address, "userPrincipalName": address}
        if part == "no mail":
            properties |= {"mail": None, "userPrincipalName": "x@contoso.onmicrosoft.com"}
        if part == "no name":
            properties |= {"displayName": None, "givenName": None, "surname": None}
        if part == "department":
            properties["department"] = f"Department {who % 3}"
        self.tenant.change(self.person_of(who), told=told, **properties)

    @precondition(lambda self: self.tenant.present_people())
    @act(who=some, what=st.sampled_from(["aliases", "employee", "title", "badge", "centre", "others"]), which=some)
    def change_attribute(self, who: int, what: str, which: int) -> None:
        """An attribute that is not read at the beginning changes, or is cleared."""
        badge, employee = f"B{which % 4}", EMPLOYEES[which % len(EMPLOYEES)]
        values: dict[str, dict[str, Any]] = {
            "aliases": {"proxyAddresses": [f"smtp:{ALIASES[which % 3]}", f"smtp:{ALIASES[which // 3 % 3]}", "sip:x"]},
            "employee": {"employeeId": None if which % 4 == 3 else employee},
            "title": {"jobTitle": None if which % 3 == 2 else f"Title {which % 3}"},
            "badge": {BADGE: None if which % 4 == 3 else badge},
            "centre": {"onPremisesExtensionAttributes": {"extensionAttribute3": None if which % 4 == 3 else badge}},
            "others": {"otherMails": [] if which % 4 == 3 else [f"{badge}@elsewhere.example"]},
        }
        self.tenant.change(self.person_of(who), **values[what])

    @precondition(lambda self: self.tenant.present_people())
    @act(who=some, whom=some)
    def swap_addresses(self, who: int, whom: int) -> None:
        """Two people exchange their addresses."""
        one, two = self.person_of(who), self.person_of(whom)
        first, second = self.tenant.people[one][-1].properties, self.tenant.people[two][-1].properties
        for person, given in ((one, second), (two, first)):
            self.tenant.change(person, mail=given.get("mail"), userPrincipalName=given.get("userPrincipalName"))

    @precondition(lambda self: self.tenant.present_people())
    @act()
    def rename_domain(self) -> None:
        """Everybody's address moves to another domain, and back the next time."""
        for person in self.tenant.present_people():
            properties = self.tenant.person(person) or {}
            moved = {
                name: address.replace("contoso.example", "new.example")
                if "contoso.example" in address
                else address.replace("new.example", "contoso.example")
                for name in ("mail", "userPrincipalName")
                if (address := properties.get(name))
            }
            self.tenant.change(person, **moved)

    @precondition(lambda self: self.tenant.present_people())
    @act(who=some, enabled=st.sampled_from([True, True, False, False, None]), guest=st.booleans())
    def change_standing(self, who: int, enabled: bool | None, guest: bool) -> None:
        """Blocked, unblocked, made a guest or a member; now and then Entra no longer says whether they are blocked."""
        kind = "Guest" if guest else "Member"
        self.tenant.change(self.person_of(who), accountEnabled=enabled, userType=kind)

    @precondition(lambda self: self.tenant.present_people())
    @act(who=some, whom=some)
    def change_manager(self, who: int, whom: int) -> None:
        """A person gets a manager, or none."""
        manager, person = self.person_of(whom), self.person_of(who)
        self.tenant.set_manager(person, "" if manager == person else manager)

    @precondition(lambda self: self.tenant.present_people())
    @act(who=some, where=st.sampled_from(["DK", None]), guest=st.booleans())
    def move(self, who: int, where: str | None, guest: bool) -> None:
        """Somebody moves to a country, becomes a guest, or a member again."""
        self.tenant.change(self.person_of(who), usageLocation=where, userType="Guest" if guest else "Member")

    @precondition(lambda self: self.tenant.present_people())
    @act(who=some, how=st.sampled_from(["soft", "hard", "silent", "silently binned"]), again=st.booleans())
    def leave_company(self, who: int, how: str, again: bool) -> None:
        """Somebody leaves, perhaps unnoticed by the feed, and may be made again under another object id."""
        person = self.person_of(who)
        properties = self.tenant.person(person) or {}
        if how in {"soft", "silently binned"}:
            self.tenant.soft_delete(person, told=how == "soft")
        else:
            self.tenant.hard_delete(person, told=how == "hard")
        if again:
            self.tenant.hire("", **properties)

    @precondition(lambda self: len(self.tenant.present_people()) > 1)
    @act(many=st.integers(2, 12))
    def leave_in_numbers(self, many: int) -> None:
        """Many leave at once, perhaps more than the guard allows."""
        for person in self.tenant.present_people()[:many]:
            self.tenant.soft_delete(person)

    @act()
    def hire_in_numbers(self) -> None:
        """Six at once, so that there are enough for the guard to have a say."""
        for number in range(6):
            handle = f"p{len(self.tenant.people) + number}"
            self.tenant.hire(f"{handle.title()} Holm", mail=f"{handle}@contoso.example")

    @precondition(lambda self: self.tenant.binned_people())
    @act(who=some, purge=st.booleans(), told=st.booleans())
    def empty_bin(self, who: int, purge: bool, told: bool) -> None:
        """Somebody is restored, or gone for good; the feed may leave it out."""
        binned = self.tenant.binned_people()
        (self.tenant.hard_delete if purge else self.tenant.restore)(binned[who % len(binned)], told=told)

    @precondition(lambda self: self.tenant.present_people())
    @act(who=some, large=st.booleans())
    def outgrow_a_row(self, who: int, large: bool) -> None:
        """Somebody has more to tell than a row holds, or no longer."""
        self.tenant.change(self.person_of(who), department=LARGE if large else "Department 1")

    @act(lags=st.booleans())
    def lag(self, lags: bool) -> None:
        """Replication stops, or catches up."""
        self.tenant.lags_at = self.tenant.visible if lags else None
