"""What the admin does to runs, holds, people and mails; and what they ask, which writes nothing."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from sync.core.model import Hand, Judged
from sync.core.runs import Outcome, changed
from sync.usecases import by_hand, explain_group, lease, suggest, undo
from tests.property.asking import ask, synchronise
from tests.property.edits import Machine
from tests.property.mapped import OWN_TEXTS
from tests.property.reached import act
from tests.property.world import ALIASES, EMPLOYEES, addresses, some

OWN_FIELDS = ("department", "job_title", "label")


class Acts(Machine):
    """An admin acts."""

    @act(address=st.one_of(addresses, st.sampled_from(ALIASES)), employee=st.sampled_from(["", *EMPLOYEES]))
    def make_by_hand(self, address: str, employee: str) -> None:
        """An account is made by hand, perhaps with an employee id."""
        with self.engine.attempt():
            self.acme.manual(address, employee_id=employee)

    @precondition(lambda self: self.acme.holds)
    @act(approve=st.booleans(), which=some)
    def decide_hold(self, approve: bool, which: int) -> None:
        """A hold is approved or rejected."""
        holds = self.acme.holds
        hold = holds[which % len(holds)]
        with self.engine.attempt():
            (self.acme.approve if approve else self.acme.reject)(hold)

    @act()
    def begin_pass(self) -> None:
        """A full pass is asked for."""
        with self.engine.attempt():
            self.acme.request_pass()

    @precondition(lambda self: self.tenant.people)
    @act(who=some, hand=st.sampled_from(Hand))
    def act_by_hand(self, who: int, hand: Hand) -> None:
        """An admin blocks somebody, keeps them whatever the directory says, or leaves them to it again."""
        with self.engine.attempt():
            by_hand.change(self.engine.services, self.acme.connection, self._ever(who), "admin", hand=hand)

    @precondition(lambda self: self.tenant.people)
    @act(
        who=some, field=st.sampled_from(["department", "job_title", "label"]), text=st.sampled_from([*OWN_TEXTS, None])
    )
    def edit_a_field(self, who: int, field: str, text: str | None) -> None:
        """A field is the admin's own, or the directory's again."""
        with self.engine.attempt():
            by_hand.change(self.engine.services, self.acme.connection, self._ever(who), "admin", fields={field: text})

    @precondition(lambda self: self.tenant.people)
    @act(who=some, answer=st.sampled_from(["not_a_person", "not_a_person", "person", ""]))
    def answer_a_suggestion(self, who: int, answer: Judged) -> None:
        """That somebody is nobody is accepted, refused, or the answer taken back."""
        with self.engine.attempt():
            by_hand.change(self.engine.services, self.acme.connection, self._ever(who), "admin", judged=answer)

    @act(which=st.integers(0, 5))
    def undo_a_run(self, which: int) -> None:
        """One of the newest runs that changed something is taken back, an undo too."""
        done = [run for run in self.acme.runs if changed(run) and run.outcome is not Outcome.RUNNING]
        if not done:
            return
        with self.engine.attempt():
            undo.begin(self.engine.services, self.acme.connection, done[which % len(done)].id, "admin")

    @act(which=some, again=st.booleans())
    def decide_mail(self, which: int, again: bool) -> None:
        """A mail is sent again, or one that is due is cancelled."""
        mails = self.acme.mails
        if mails:
            mail = mails[which % len(mails)]
            verb = by_hand.resend if again else by_hand.cancel
            with self.engine.attempt():
                verb(self.engine.services, self.acme.connection, mail.object_id, mail.generation, "admin")

    @precondition(lambda self: self.tenant.people)
    @act(who=some, asks=st.booleans(), beside=st.booleans())
    def sync_one_person(self, who: int, asks: bool, beside: bool) -> None:
        """Somebody is explained and synchronised at once, perhaps while a reader keeps the lease."""
        services, view, person = self.engine.services, self.acme.view, self._ever(who)
        reader = None
        with self.engine.attempt():
            reader = lease.take(services, view) if beside else None
        said = ask(self.acme, person) if asks else None
        if synchronise(self.acme, person, said):
            self.met.add("did what why said")
        if reader is not None:
            with self.engine.attempt():
                lease.give_back(services, view, reader)

    @precondition(lambda self: self.tenant.people)
    @act(who=some, which=some)
    def ask_why(self, who: int, which: int) -> None:
        """Explanations and suggestions write nothing, whatever state everything is in."""
        services, effects = self.engine.services, len(self.engine.faults.effects)
        ask(self.acme, self._ever(who))
        with self.engine.attempt():
            suggest.page(services, self.acme.view, "", 10)
        if self.tenant.groups:
            groups = sorted(self.tenant.groups)
            with self.engine.attempt():
                explain_group.group(services, self.acme.view, groups[which % len(groups)])
        assert len(self.engine.faults.effects) == effects, "an explanation wrote"

    def _ever(self, number: int) -> str:
        people = sorted(self.tenant.people)
        return people[number % len(people)]
