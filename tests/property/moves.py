"""Moves that take several steps, and only together come to something: as an admin, Entra or the weather makes them in
a row. What must hold at any moment is looked at within them too.

Nothing is healed first. Whatever was planned to fail may fail here, and then a move comes to something else.
"""

from __future__ import annotations

from typing import Literal

from hypothesis import strategies as st

from sync.core.model import Hand
from sync.core.runs import Outcome, Run, changed
from sync.core.sync_settings import DEFAULT_MAPPING, Chosen, FieldRule, MatchBy, Scope
from sync.usecases import by_hand, undo
from tests.property.edits import Machine
from tests.property.reached import act
from tests.property.world import ALIASES, EMPLOYEES, LARGE, NAMES, addresses, names, some

TOO_MANY = 7  # of so few people: more than the guard allows in a day, and more than a group may lose
Saying = Literal["approve", "reject", "wait"]
sayings = st.sampled_from(["approve", "reject", "wait"])


class Moves(Machine):
    """See the module."""

    @act(how=st.sampled_from(["left", "disabled", "untold", "and back"]), saying=sayings)
    def lose_too_many(self, how: str, saying: Saying) -> None:
        """More leave than the guard allows, perhaps unnoticed until a full pass; they may come back before the admin
        says anything.
        """
        people = self.staffed()[:TOO_MANY]
        for person in people:
            if how == "disabled":
                self.tenant.change(person, accountEnabled=False)
            else:
                self.tenant.soft_delete(person, told=how != "untold")
        self.follow(passes=how == "untold")
        if how == "and back":
            for person in people:
                self.tenant.restore(person)
            self.follow()
        self.decide(saying)

    @act(of=st.sampled_from(["scope", "audience"]), how=st.sampled_from(["emptied", "deleted"]), saying=sayings)
    def lose_a_chosen_group(self, of: str, how: str, saying: Saying) -> None:
        """A group that everybody was chosen by is emptied, or deleted."""
        group = self.tenant.new_group("Chosen")
        for person in self.staffed():
            self.tenant.join(group, person)
        self.follow()
        chosen = Chosen(groups=(group,))
        with self.engine.attempt():
            self.acme.save(**({"scope": Scope(chosen)} if of == "scope" else {"audience": chosen}))
        self.engine.pump()
        self.look()
        if how == "deleted":
            self.tenant.delete_group(group)
        for person in self.tenant.members_of(group) if how == "emptied" else ():
            self.tenant.leave(group, person)
        self.follow()
        self.decide(saying)

    @act(which=some, between=st.booleans())
    def undo_and_undo_that(self, which: int, between: bool) -> None:
        """A run is taken back, and so is that; meanwhile the directory may have told something."""
        done = [run for run in self.acme.runs if changed(run) and run.outcome is not Outcome.RUNNING]
        if not done:
            return
        begun: Run | None = None
        with self.engine.attempt():
            begun = undo.begin(self.engine.services, self.acme.connection, done[which % len(done)].id, "admin")
        self.engine.pump()
        self.look()
        if between:
            self.follow()
        if begun is not None:
            with self.engine.attempt():
                undo.begin(self.engine.services, self.acme.connection, begun.id, "admin")
            self.engine.pump()

    @act(hand=st.sampled_from([Hand.BLOCKED, Hand.KEPT]), who=some, news=st.sampled_from(["", "left", "disabled"]))
    def decide_by_hand(self, hand: Hand, who: int, news: str) -> None:
        """An admin blocks or keeps an employee, of whom Entra then tells something else."""
        people = self.staffed(2)
        if not people:
            return
        person = people[who % len(people)]
        with self.engine.attempt():
            by_hand.change(self.engine.services, self.acme.connection, person, "admin", hand=hand)
        self.look()
        if news == "left":
            self.tenant.soft_delete(person)
        elif news == "disabled":
            self.tenant.change(person, accountEnabled=False)
        self.follow()

    @act(name=names, address=addresses, gone=st.booleans())
    def share_an_address(self, name: str, address: str, gone: bool) -> None:
        """Two people of one address; the first may leave again."""
        first = self.tenant.hire(name, mail=address)
        self.tenant.hire(name, mail=address)
        self.follow()
        if gone:
            self.tenant.soft_delete(first)
            self.follow()

    @act(way=st.sampled_from(["address", "alias", "employee_id"]), which=some)
    def find_an_account(self, way: MatchBy, which: int) -> None:
        """Somebody comes for whom an account was made by hand before."""
        number, handle = EMPLOYEES[which % len(EMPLOYEES)], f"by.hand.{len(self.tenant.people)}"
        address = f"{handle}@contoso.example" if way == "address" else ALIASES[which % len(ALIASES)]
        with self.engine.attempt():
            self.acme.save(matching=(way,) if way == "address" else (way, "address"))
        self.engine.pump()
        with self.engine.attempt():
            self.acme.manual(address, employee_id=number if way == "employee_id" else "")
        self.tenant.hire(
            "By Hand",
            mail=address if way == "address" else f"{handle}@contoso.example",
            proxyAddresses=[f"smtp:{address}"] if way == "alias" else [],
            employeeId=number if way == "employee_id" else None,
        )
        self.follow()

    @act(who=some, purged=st.booleans())
    def make_again(self, who: int, purged: bool) -> None:
        """Somebody is gone, and there again under another object id."""
        people = self.staffed(1)
        if not people:
            return
        person = people[who % len(people)]
        properties = self.tenant.person(person) or {}
        (self.tenant.hard_delete if purged else self.tenant.soft_delete)(person)
        self.follow()
        self.tenant.hire("", **properties)
        self.follow()

    @act(name=names, shrinks=st.booleans())
    def hire_too_large(self, name: str, shrinks: bool) -> None:
        """Somebody comes who is more than a row holds; they may become less."""
        person = self.tenant.hire(name, mail=f"large.{len(self.tenant.people)}@contoso.example", department=LARGE)
        self.follow()
        if shrinks:
            self.tenant.change(person, department="Department 1")
            self.follow()

    @act(of=st.sampled_from(["scope", "mapping"]), delivered=st.integers(1, 4))
    def save_while_a_pass_runs(self, of: str, delivered: int) -> None:
        """Settings are saved in the midst of a full pass, and what follows waits."""
        with self.engine.attempt():
            self.acme.request_pass()
        for _ in range(delivered):
            self.engine.deliver()
        self.look()
        badge = FieldRule(target="badge", value="usageLocation" if delivered % 2 else "employeeId")
        chosen = Chosen(everyone=True, excluded_people=tuple(self.tenant.present_people()[: delivered % 3]))
        with self.engine.attempt():
            self.acme.save(**({"scope": Scope(chosen)} if of == "scope" else {"mapping": (*DEFAULT_MAPPING, badge)}))

    # --- what they are made of -----------------------------------------------------------------------------------

    def staffed(self, many: int = TOO_MANY + 1) -> list[str]:
        """Everybody with an active account who is there; so many, at least, where scope and weather allow it."""
        for number in range(max(0, many - len(self._active()))):
            self.tenant.hire(NAMES[number % 6], mail=f"d{len(self.tenant.people)}@new.example")
        if len(self._active()) < many:
            self.follow()
        return self._active()

    def _active(self) -> list[str]:
        there, people = self.tenant.present_people(), self.acme.people
        return [one for one in there if one in people and people[one].account_state == "active"]

    def follow(self, *, passes: bool = False) -> None:
        """Both feeds are read, or a full pass is made, and everything that follows is done, as far as nothing fails."""
        with self.engine.attempt():
            if passes:
                self.acme.request_pass()
            else:
                self.acme.hint("users")
                self.acme.hint("groups")
        self.engine.pump()
        self.look()

    def decide(self, saying: Saying) -> None:
        """The admin's word on everything that waits, and what follows."""
        if saying == "wait":
            return
        for hold in self.acme.holds:
            with self.engine.attempt():
                (self.acme.approve if saying == "approve" else self.acme.reject)(hold)
        self.look()
        self.engine.pump()
