"""What admins do by hand: synchronising never overrides it, and the activity says who did it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import NeedsAdmin
from sync.core.model import AccountState, Action, ActivityEntry, Hand, Reason
from sync.core.runs import MailState, Outcome
from sync.ports import SendResult
from sync.usecases import by_hand
from tests.fakes.engine import Engine, Tenanted


def entries(connection: Tenanted, run: str = "") -> list[ActivityEntry]:
    """What was told, the newest first."""
    found = connection.engine.services.people.activity(connection.scope, [""], run, 1000)
    return [entry for activity, _ in found for entry in activity.entries]


def act(connection: Tenanted, person: str, hand: Hand | None = None, **fields: str | None) -> None:
    """The admin does something to an account."""
    by_hand.change(connection.engine.services, connection.connection, person, "ada", hand=hand, fields=fields)


def test_a_blocked_account_stays_blocked(acme: Tenanted) -> None:
    """Blocked by an admin: deactivated at once, and neither a change in Entra nor a full pass brings it back."""
    person = acme.tenant.present_people()[0]
    act(acme, person, Hand.BLOCKED)
    acme.tenant.change(person, jobTitle="Director")
    acme.sync()
    acme.reconcile()
    record = acme.person(person)
    assert (record.account_state, record.reason) == (AccountState.INACTIVE, Reason.ADMIN)
    act(acme, person, Hand.NONE)
    assert acme.person(person).account_state is AccountState.ACTIVE
    assert acme.person(person).fields["job_title"] == "Director"


def test_a_kept_account_survives_the_person(acme: Tenanted) -> None:
    """Kept by an admin: leaving Entra deactivates nothing; without the hand the directory's word counts again."""
    person = acme.tenant.present_people()[0]
    act(acme, person, Hand.KEPT)
    acme.tenant.soft_delete(person)
    acme.sync()
    acme.reconcile()
    assert acme.person(person).account_state is AccountState.ACTIVE
    act(acme, person, Hand.NONE)
    assert (acme.person(person).account_state, acme.person(person).reason) == (AccountState.INACTIVE, Reason.LEFT)


def test_a_kept_account_follows_the_persons_address(acme: Tenanted) -> None:
    """Kept although Entra disabled the person: a new address arrives all the same, and nobody is said to have it."""
    person = acme.tenant.present_people()[0]
    act(acme, person, Hand.KEPT)
    acme.tenant.change(person, accountEnabled=False, mail="renamed@contoso.example")
    acme.sync()
    record = acme.person(person)
    assert (record.account_state, record.address, record.conflict_with) == (
        AccountState.ACTIVE,
        "renamed@contoso.example",
        "",
    )


def test_a_field_of_the_admins_wins(acme: Tenanted) -> None:
    """An edited field is the admin's until they give it back; the others go on following Entra."""
    person = acme.tenant.present_people()[0]
    act(acme, person, department="Works Council", job_title="")
    acme.tenant.change(person, department="Sales", jobTitle="Clerk", officeLocation="Aarhus")
    acme.sync()
    fields = acme.person(person).fields
    assert (fields.get("department"), fields.get("job_title"), fields.get("office")) == (
        "Works Council",
        None,
        "Aarhus",
    )
    act(acme, person, department=None, job_title=None)
    fields = acme.person(person).fields
    assert (fields["department"], fields["job_title"]) == ("Sales", "Clerk")


def test_an_act_is_a_run_that_says_who(acme: Tenanted) -> None:
    """One run of kind act with its admin and counts that add up, and one entry with before and after."""
    person = acme.tenant.present_people()[0]
    act(acme, person, Hand.BLOCKED)
    run = acme.runs[0]
    assert (run.kind, run.cause, run.by, run.outcome) == ("act", "admin", "ada", Outcome.COMPLETE)
    assert dict(run.counts) == {"deactivate": 1}
    (entry,) = entries(acme, run.id)
    assert (entry.before["state"], entry.after["state"], entry.after["by_hand"]) == ("active", "inactive", "blocked")


def test_the_same_act_again_is_none(acme: Tenanted) -> None:
    """Blocking twice makes one run."""
    person = acme.tenant.present_people()[0]
    act(acme, person, Hand.BLOCKED)
    runs = len(acme.runs)
    act(acme, person, Hand.BLOCKED)
    assert len(acme.runs) == runs


def test_keeping_is_told_though_nothing_happens_to_the_account(acme: Tenanted) -> None:
    """An active account that is kept stays as it is, and the activity tells of it all the same."""
    person = acme.tenant.present_people()[0]
    act(acme, person, Hand.KEPT)
    (entry,) = entries(acme, acme.runs[0].id)
    assert (entry.action, entry.before.get("by_hand"), entry.after["by_hand"]) == (Action.UPDATE, None, "kept")


def test_somebody_without_an_account_can_be_blocked_but_not_kept(acme: Tenanted) -> None:
    """Blocked before there is an account: none is made when the person would get one."""
    guest = acme.tenant.hire("Gunnar Guest", userType="Guest")
    acme.sync()
    with pytest.raises(NeedsAdmin, match="no account"):
        act(acme, guest, Hand.KEPT)
    act(acme, guest, Hand.BLOCKED)
    acme.tenant.change(guest, userType="Member")
    acme.sync()
    assert (acme.person(guest).account_state, acme.person(guest).reason) == (AccountState.NONE, Reason.ADMIN)
    assert "Gunnar" not in str(acme.mailed)


@pytest.mark.parametrize("field", ["email", "manager", "no_such_field"])
def test_fields_that_are_nobodys_to_edit(acme: Tenanted, field: str) -> None:
    """The address and the manager are the directory's, and what the mapping does not know is no field."""
    with pytest.raises(by_hand.NotAField, match=field):
        by_hand.change(
            acme.engine.services, acme.connection, acme.tenant.present_people()[0], "ada", fields={field: "x"}
        )
    assert acme.runs[0].kind != "act"


def test_an_act_that_was_killed_can_be_repeated(acme: Tenanted) -> None:
    """Killed at any effect of the act: the admin does it again, and the account is blocked, counted once."""
    people = acme.tenant.present_people()
    for effects in range(1, 5):
        acme.engine.faults.crash_after(effects)
        with acme.engine.attempt():
            act(acme, people[effects], Hand.BLOCKED)
        acme.engine.faults.heal()
        act(acme, people[effects], Hand.BLOCKED)
    acme.engine.wait(timedelta(minutes=21))
    assert [acme.person(people[effects]).reason for effects in range(1, 5)] == [Reason.ADMIN] * 4
    assert acme.counts.inactive == 4
    ended = {(run.outcome, run.error) for run in acme.runs}
    assert ended == {(Outcome.COMPLETE, ""), (Outcome.INCOMPLETE, "interrupted")}


def refused(engine: Engine) -> tuple[Tenanted, str]:
    """A joiner whose mail the server refused for good."""
    acme = engine.connect()
    acme.imported()
    engine.mail_server.script(SendResult.REFUSED, "550 no such user")
    person = acme.tenant.hire("New Comer")
    acme.sync()
    assert [mail.state for mail in acme.mails] == [MailState.REFUSED]
    return acme, person


def test_a_refused_mail_is_sent_again_when_an_admin_says_so(engine: Engine) -> None:
    """As a new generation with the admin's name on it; the old one stays as it was, and can be repeated only once."""
    acme, person = refused(engine)
    services = engine.services
    by_hand.resend(services, acme.connection, person, 1, "ada")
    engine.pump()
    assert {(mail.generation, mail.state, mail.by) for mail in acme.mails} == {
        (1, MailState.REFUSED, ""),
        (2, MailState.SENT, "ada"),
    }
    assert len(acme.mailed) == 1
    for generation in (1, 2):
        with pytest.raises(NeedsAdmin, match="newest mail"):
            by_hand.resend(services, acme.connection, person, generation, "ada")


def test_nobody_without_an_active_account_is_mailed_again(engine: Engine) -> None:
    """A leaver's mail is not resent."""
    acme, person = refused(engine)
    acme.tenant.soft_delete(person)
    acme.sync()
    with pytest.raises(NeedsAdmin, match="no active account"):
        by_hand.resend(engine.services, acme.connection, person, 1, "ada")


def test_a_due_mail_can_be_cancelled(engine: Engine) -> None:
    """It is not sent, and says who cancelled it; once sent, it is too late."""
    acme = engine.connect()
    acme.imported()
    engine.mail_server.script(SendResult.NOT_SENT)
    person = acme.tenant.hire("New Comer")
    acme.hint()
    engine.pump(until=engine.clock.now() + timedelta(seconds=4))
    cancelled = by_hand.cancel(engine.services, acme.connection, person, 1, "ada")
    assert cancelled is not None
    assert (cancelled.state, cancelled.by) == (MailState.CANCELLED, "ada")
    engine.pump()
    assert acme.mailed == []
    with pytest.raises(NeedsAdmin, match="no longer waiting"):
        by_hand.cancel(engine.services, acme.connection, person, 1, "ada")
