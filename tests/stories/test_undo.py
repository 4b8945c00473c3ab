"""Undo of a run: accounts as they were before it, until the directory says something new; no mail either way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import NeedsAdmin, Transient
from sync.core.model import AccountState, Hand, PersonRecord, Reason
from sync.core.runs import Outcome, Run, Stage
from sync.usecases import by_hand, standstill, undo
from sync.usecases.sending import new_run
from tests.fakes.engine import Engine, Tenanted


def synced(connection: Tenanted) -> None:
    """A second later, so that of two runs the later one is the newer, Entra's changes arrive."""
    connection.engine.clock.advance(timedelta(seconds=1))
    connection.sync()


def reconciled(connection: Tenanted) -> None:
    """Likewise, by a full pass."""
    connection.engine.clock.advance(timedelta(seconds=1))
    connection.reconcile()


def take_back(connection: Tenanted, run: Run | None = None) -> Run:
    """An admin undoes a run, the newest by default; the undo when it has ended."""
    connection.engine.clock.advance(timedelta(seconds=1))
    of = run or connection.runs[0]
    undoing = undo.begin(connection.engine.services, connection.connection, of.id, "ada")
    assert undoing is not None
    connection.engine.pump()
    ended = connection.engine.services.runs.get(connection.scope, undoing.id)
    assert ended is not None
    return ended


def changing(connection: Tenanted) -> Run:
    """The newest run that changed an account."""
    return next(run for run in connection.runs if run.counts.keys() & {"create", "update", "deactivate", "moved"})


def facts(record: PersonRecord) -> tuple[object, ...]:
    """What an undo restores."""
    return record.account_state, record.reason, dict(record.fields), record.groups, record.audience, record.address


@pytest.mark.parametrize("digits", [0, 1])
def test_a_run_is_taken_back(engine: Engine, digits: int) -> None:
    """Renamed, deactivated, created and moved people are as they were before; a full pass later too."""
    acme = engine.connect(digits=digits)
    people = [acme.tenant.hire(f"Person {number}") for number in range(20)]
    staff = acme.tenant.new_group("Staff")
    acme.imported()
    before = {person: facts(record) for person, record in acme.people.items()}
    acme.tenant.change(people[0], displayName="Renamed", mail="renamed@contoso.example")
    acme.tenant.change(people[1], accountEnabled=False)
    acme.tenant.join(staff, people[2])
    new = acme.tenant.hire("New Comer")
    reconciled(acme)
    run = next(run for run in acme.runs if run.kind == "pass")
    assert {person: facts(acme.person(person)) for person in people[:3]} != {one: before[one] for one in people[:3]}
    mails = len(acme.mailed)
    undoing = take_back(acme, run)
    reconciled(acme)
    assert {person: facts(acme.person(person)) for person in people} == before
    assert (acme.person(new).account_state, acme.person(new).reason) == (AccountState.INACTIVE, Reason.UNDONE)
    assert len(acme.mailed) == mails
    assert (undoing.kind, undoing.cause, undoing.by, undoing.of) == ("act", "undo", "ada", run.id)
    assert dict(undoing.counts) == {"accounts": 4, "update": 1, "reactivate": 1, "moved": 1, "deactivate": 1}
    held = acme.addresses
    assert held["person.0@contoso.example"].object_id == people[0]
    assert "renamed@contoso.example" not in held


def test_the_first_news_end_it(acme: Tenanted) -> None:
    """When Entra says something new of a person, the account follows again."""
    person = acme.tenant.present_people()[0]
    acme.tenant.change(person, department="Sales")
    synced(acme)
    take_back(acme, changing(acme))
    assert "department" not in acme.person(person).fields
    acme.tenant.change(person, jobTitle="Director")
    synced(acme)
    assert (acme.person(person).fields["department"], acme.person(person).fields["job_title"]) == ("Sales", "Director")


def test_what_was_created_comes_back_with_the_first_news_and_without_a_mail(acme: Tenanted) -> None:
    """An account whose creation was undone is reactivated by the first news; the one mail is not repeated."""
    person = acme.tenant.hire("New Comer")
    synced(acme)
    take_back(acme, changing(acme))
    acme.tenant.change(person, jobTitle="Director")
    synced(acme)
    assert acme.person(person).account_state is AccountState.ACTIVE
    assert acme.mailed == ["new.comer@contoso.example"]


def test_what_changed_again_is_left_alone(acme: Tenanted) -> None:
    """An account that a later run changed is overtaken: it stays as the later run left it, and is counted."""
    one, other = acme.tenant.present_people()[:2]
    acme.tenant.change(one, department="Sales")
    acme.tenant.change(other, department="Sales")
    synced(acme)
    run = changing(acme)
    acme.tenant.change(one, department="Finance")
    synced(acme)
    undoing = take_back(acme, run)
    assert dict(undoing.counts) == {"accounts": 2, "update": 1, "overtaken": 1}
    assert acme.person(one).fields["department"] == "Finance"
    assert "department" not in acme.person(other).fields


def test_what_changed_and_changed_back_is_left_alone(acme: Tenanted) -> None:
    """Somebody disabled, enabled and disabled again stays disabled when the first time is undone: the second one was
    decided on newer news. Who was only put into another group meanwhile is put back.
    """
    again, once = acme.tenant.present_people()[:2]
    for person in (again, once):
        acme.tenant.change(person, accountEnabled=False)
    synced(acme)
    run = changing(acme)
    for enabled in (True, False):
        acme.tenant.change(again, accountEnabled=enabled)
        synced(acme)
    acme.tenant.join(acme.tenant.new_group("Leavers"), once)
    synced(acme)
    undoing = take_back(acme, run)
    assert dict(undoing.counts) == {"accounts": 2, "reactivate": 1, "overtaken": 1}
    assert acme.person(again).account_state is AccountState.INACTIVE
    assert acme.person(once).account_state is AccountState.ACTIVE


def test_an_approval_can_be_undone(acme: Tenanted) -> None:
    """What an admin approved is taken back: everybody is active again, through the next full pass too, and the guard's
    limit is where it was.
    """
    people = acme.tenant.present_people()[:7]
    for person in people:
        acme.tenant.change(person, accountEnabled=False)
    synced(acme)
    acme.engine.clock.advance(timedelta(seconds=1))
    acme.approve_all()
    assert acme.counts.active == 13
    approval = next(run for run in acme.runs if run.cause == "approval")
    undoing = take_back(acme, approval)
    reconciled(acme)
    assert dict(undoing.counts) == {"accounts": 7, "reactivate": 7}
    assert (acme.counts.active, acme.holds) == (20, [])


def test_a_linked_account_is_kept(acme: Tenanted) -> None:
    """An account that was made by hand and linked stays linked and active: it was there before."""
    acme.manual("new.comer@contoso.example")
    person = acme.tenant.hire("New Comer")
    synced(acme)
    undoing = take_back(acme, next(run for run in acme.runs if "link" in run.counts))
    assert acme.person(person).account_state is AccountState.ACTIVE
    assert dict(undoing.counts) == {"accounts": 1, "kept": 1}


def test_an_address_that_somebody_else_has_by_now_stays_theirs(acme: Tenanted) -> None:
    """The account goes back to its former fields, with the address it has."""
    person = acme.tenant.present_people()[0]
    acme.tenant.change(person, mail="new@contoso.example", department="Sales")
    synced(acme)
    run = changing(acme)
    acme.manual("person.0@contoso.example")
    take_back(acme, run)
    record = acme.person(person)
    assert (record.address, record.fields["email"]) == ("new@contoso.example", "new@contoso.example")
    assert "department" not in record.fields


def test_asking_twice_is_one_undo(acme: Tenanted) -> None:
    """The second asking answers with the first undo, and nothing happens twice."""
    acme.tenant.change(acme.tenant.present_people()[0], department="Sales")
    synced(acme)
    run = changing(acme)
    first, second = take_back(acme, run), take_back(acme, run)
    assert first == second
    assert sum(one.cause == "undo" for one in acme.runs) == 1


def test_an_undo_can_be_undone(acme: Tenanted) -> None:
    """Undoing the undo gives the accounts back what the run had made of them."""
    person = acme.tenant.present_people()[0]
    acme.tenant.change(person, department="Sales")
    new = acme.tenant.hire("New Comer")
    synced(acme)
    after = {one: facts(acme.person(one)) for one in (person, new)}
    again = take_back(acme, take_back(acme, changing(acme)))
    assert {one: facts(acme.person(one)) for one in (person, new)} == after
    assert dict(again.counts) == {"accounts": 2, "update": 1, "reactivate": 1}


def test_an_act_by_hand_can_be_undone(acme: Tenanted) -> None:
    """A block and an edited field are taken back, the admin's own field included."""
    person = acme.tenant.present_people()[0]
    services, connection = acme.engine.services, acme.connection
    acme.engine.clock.advance(timedelta(seconds=1))
    by_hand.change(services, connection, person, "ada", fields={"department": "Works Council"})
    take_back(acme)
    assert (acme.person(person).own, "department" in acme.person(person).fields) == ({}, False)
    acme.engine.clock.advance(timedelta(seconds=1))
    by_hand.change(services, connection, person, "ada", hand=Hand.BLOCKED)
    take_back(acme)
    assert (acme.person(person).hand, acme.person(person).account_state) == (Hand.NONE, AccountState.ACTIVE)


def test_an_undo_survives_being_killed_anywhere(engine: Engine) -> None:
    """Killed at every effect of it in turn, the undo ends with the same accounts and the same counts."""
    acme = engine.connect(digits=1)
    people = [acme.tenant.hire(f"Person {number}") for number in range(12)]
    acme.imported()
    for attempt in range(1, 14):
        for person in people:
            acme.tenant.change(person, department=f"Department {attempt}")
        reconciled(acme)
        run = next(one for one in acme.runs if one.kind == "pass")
        engine.faults.crash_after(attempt * 3)
        with engine.attempt():
            undo.begin(engine.services, acme.connection, run.id, "ada")
        engine.pump()
        engine.faults.heal()
        undoing = take_back(acme, run)
        engine.wait(timedelta(minutes=21))
        ended = engine.services.runs.get(acme.scope, undoing.id)
        assert ended is not None
        assert (ended.outcome, dict(ended.counts)) == (Outcome.COMPLETE, {"accounts": 12, "update": 12})
        assert {one.fields.get("department", "") for one in acme.people.values()} <= {f"Department {attempt - 1}", ""}


def test_an_undo_whose_last_word_fails_is_ended_all_the_same(acme: Tenanted) -> None:
    """Its parts are done and storage fails when it is to be ended: the timer ends it, as complete."""
    acme.tenant.change(acme.tenant.present_people()[0], department="Sales")
    synced(acme)
    acme.engine.clock.advance(timedelta(seconds=1))
    undoing = undo.begin(acme.engine.services, acme.connection, changing(acme).id, "ada")
    assert undoing is not None
    acme.engine.faults.fail_next("runs.save", Transient("503"))
    acme.engine.pump()
    acme.engine.wait(timedelta(minutes=20))
    ended = acme.engine.services.runs.get(acme.scope, undoing.id)
    assert ended is not None
    assert (ended.outcome, dict(ended.counts)) == (Outcome.COMPLETE, {"accounts": 1, "update": 1})


def test_an_undo_that_stands_still_behind_many_pulls_is_ended(acme: Tenanted) -> None:
    """More than a page of newer runs came since the undo's last word failed: the timer finds and ends it."""
    services = acme.engine.services
    acme.tenant.change(acme.tenant.present_people()[0], department="Sales")
    synced(acme)
    acme.engine.clock.advance(timedelta(seconds=1))
    undoing = undo.begin(services, acme.connection, changing(acme).id, "ada")
    assert undoing is not None
    acme.engine.faults.fail_next("runs.save", Transient("503"))
    acme.engine.pump()
    for _ in range(standstill.PAGE * 2):
        acme.engine.clock.advance(timedelta(seconds=1))
        pull = new_run(services, acme.connection, "pull", "notification")
        services.runs.save(replace(pull, stage=Stage.DONE, outcome=Outcome.COMPLETE))
    acme.engine.wait(timedelta(minutes=20))
    ended = services.runs.get(acme.scope, undoing.id)
    assert ended is not None
    assert ended.outcome is Outcome.COMPLETE


def test_not_every_run_can_be_undone(acme: Tenanted) -> None:
    """One that is under way, one that changed nothing, and one whose activity is no longer kept are refused."""
    services, connection = acme.engine.services, acme.connection
    acme.engine.clock.advance(timedelta(seconds=1))
    acme.request_pass()
    acme.engine.deliver()
    with pytest.raises(NeedsAdmin, match="under way"):
        undo.begin(services, connection, acme.runs[0].id, "ada")
    acme.engine.pump()
    with pytest.raises(NeedsAdmin, match="changed no account"):
        undo.begin(services, connection, acme.runs[0].id, "ada")
    first = acme.runs[-1]
    acme.engine.clock.advance(timedelta(days=366))
    with pytest.raises(NeedsAdmin, match="no longer kept"):
        undo.begin(services, connection, first.id, "ada")
    assert undo.begin(services, connection, "0" * 23, "ada") is None


def test_the_first_import_can_be_undone(acme: Tenanted) -> None:
    """Every account it made is deactivated, whatever the guard's limit: the admin asked for exactly that."""
    first = next(run for run in acme.runs if run.first)
    undoing = take_back(acme, first)
    assert dict(undoing.counts) == {"accounts": 20, "deactivate": 20}
    assert (acme.counts.active, acme.counts.inactive, acme.holds) == (0, 20, [])


def test_the_guard_goes_by_who_is_left(engine: Engine) -> None:
    """After the import of a hundred was undone, a tenth of the hundred is no longer unremarkable."""
    acme = engine.connect()
    first = [acme.tenant.hire(f"Person {number}") for number in range(100)]
    acme.imported()
    take_back(acme, next(run for run in acme.runs if run.first))
    for person in first[:8]:
        acme.tenant.change(person, jobTitle="Director")
    synced(acme)
    assert acme.counts.active == 8
    for person in first[:6]:
        acme.tenant.change(person, accountEnabled=False)
    synced(acme)
    assert (acme.counts.active, [len(hold.removals) for hold in acme.holds]) == (8, [6])


def test_a_giants_undo_is_handed_out_by_and_by(engine: Engine) -> None:
    """Of an undo with 256 parts no more than sixteen wait in the queue, so that neighbours get their turn."""
    acme = engine.connect(digits=2)
    for number in range(40):
        acme.tenant.hire(f"Person {number}")
    acme.imported()
    engine.clock.advance(timedelta(seconds=1))
    run = next(run for run in acme.runs if run.first)
    undo.begin(engine.services, acme.connection, run.id, "ada")
    waiting = [len(engine.queue.waiting("changes"))]
    while engine.deliver():
        waiting.append(len(engine.queue.waiting("changes")))
    assert max(waiting) <= 17  # one is being worked on
    assert (acme.counts.active, acme.runs[0].outcome) == (0, Outcome.COMPLETE)
