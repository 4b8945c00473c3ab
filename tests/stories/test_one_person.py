"""One person now: an admin has a single person synchronised, and whom only a group mentions is fetched."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import NeedsAdmin, Transient
from sync.core.model import AccountState, MailMark, Presence, Reason
from sync.core.runs import Outcome, Run
from sync.core.sync_settings import Chosen, Scope
from sync.usecases import full_pass, lease, one_person, preview
from tests.fakes.engine import Engine, Tenanted
from tests.fakes.faults import Crash


def sync(connection: Tenanted, object_id: str) -> Run:
    """The admin presses Sync on a person's page."""
    return one_person.sync(connection.engine.services, connection.view, object_id, "admin-1", pause=lambda _: None)


def test_a_change_is_there_before_any_feed_told_of_it(acme: Tenanted) -> None:
    """Fields and the manager are as in Entra when the call returns; the run says who asked, and is done."""
    person, manager = acme.tenant.present_people()[:2]
    acme.tenant.change(person, department="Legal", told=False)
    acme.tenant.set_manager(person, manager, told=False)
    run = sync(acme, person)
    record = acme.person(person)
    assert (record.fields["department"], record.source["manager"]) == ("Legal", manager)
    assert (run.kind, run.cause, run.by, run.outcome) == ("act", "admin", "admin-1", Outcome.COMPLETE)
    assert run.counts == {"update": 1}


def test_again_changes_nothing(acme: Tenanted) -> None:
    """The second time, and the message that the queue brings after it, change no account and mail nobody."""
    person = acme.tenant.present_people()[0]
    acme.tenant.change(person, department="Legal", told=False)
    sync(acme, person)
    before = replace(acme.person(person), order=0, manager_order=0)
    again = sync(acme, person)
    acme.engine.pump()
    assert replace(acme.person(person), order=0, manager_order=0) == before
    assert (again.counts, acme.mailed, acme.engine.poison) == ({}, [], [])


def test_somebody_nobody_told_of_joins_and_is_mailed_once(acme: Tenanted) -> None:
    """A person whom the feeds left out gets the account now, and one mail, though the feed tells of them later."""
    new = acme.tenant.hire("New Comer", told=False)
    sync(acme, new)
    assert acme.person(new).account_state is AccountState.ACTIVE
    acme.engine.pump()
    acme.tenant.change(new, jobTitle="Tester")
    acme.sync()
    assert (acme.mailed, acme.person(new).mail) == (["new.comer@contoso.example"], MailMark.CLAIMED)


def test_somebody_who_is_gone_is_deactivated(acme: Tenanted) -> None:
    """A 404 is a removal: the account is deactivated because the person left."""
    person = acme.tenant.present_people()[0]
    acme.tenant.hard_delete(person, told=False)
    run = sync(acme, person)
    record = acme.person(person)
    assert (record.presence, record.account_state, record.reason) == (
        Presence.ABSENT,
        AccountState.INACTIVE,
        Reason.LEFT,
    )
    assert run.counts == {"deactivate": 1}


def test_the_guard_counts_it(acme: Tenanted) -> None:
    """One by one is no way around the guard: the sixth removal of a day waits on a hold."""
    for person in acme.tenant.present_people()[:6]:
        acme.tenant.hard_delete(person, told=False)
        run = sync(acme, person)
    assert (acme.counts.inactive, run.counts) == (5, {"held": 1})
    assert len(acme.holds) == 1


def test_whom_a_full_pass_is_about_to_remove(acme: Tenanted) -> None:
    """A pass stored that somebody is gone and has not come to removing them: there is no news, and yet they are removed
    now, once.
    """
    person = acme.tenant.present_people()[0]
    acme.engine.directory.manners.repeats = 1.0  # a full read shows tombstones too
    acme.tenant.soft_delete(person)
    acme.request_pass()
    while acme.person(person).presence is Presence.PRESENT:
        acme.engine.deliver()
    assert acme.person(person).account_state is AccountState.ACTIVE
    run = sync(acme, person)
    assert (acme.person(person).reason, run.counts) == (Reason.LEFT, {"deactivate": 1})
    acme.engine.pump()
    assert [run.counts.get("deactivate", 0) for run in acme.runs if run.kind == "pass"] == [0, 0]


def test_somebody_unknown_everywhere(acme: Tenanted) -> None:
    """Neither Entra nor the store has the person: nothing is written, not even a run."""
    runs = len(acme.runs)
    with pytest.raises(one_person.NoSuchPerson):
        sync(acme, "00000000-0000-4000-8000-000000000000")
    assert (len(acme.runs), len(acme.people)) == (runs, 20)


def test_older_news_that_come_late_are_refused(acme: Tenanted) -> None:
    """What a pull read before the person was synchronised is applied after it, and changes nothing."""
    person = acme.tenant.present_people()[0]
    acme.tenant.change(person, department="Before")
    acme.hint("users")
    acme.engine.deliver()  # read; its changes wait in the queue
    acme.tenant.change(person, department="After", told=False)
    sync(acme, person)
    acme.engine.pump()
    assert acme.person(person).fields["department"] == "After"


def test_waits_briefly_for_the_reader(acme: Tenanted) -> None:
    """A lease that is given back meanwhile is taken."""
    services, person = acme.engine.services, acme.tenant.present_people()[0]
    reader = lease.take(services, acme.view)
    assert reader is not None
    run = one_person.sync(
        services, acme.view, person, "admin-1", pause=lambda _: lease.give_back(services, acme.view, reader)
    )
    assert run.outcome is Outcome.COMPLETE
    assert acme.view.reader.fence == reader.fence + 1
    assert acme.view.reader.lease_until == ""


def test_beside_a_reader_who_keeps_the_lease(acme: Tenanted) -> None:
    """While a full pass reads, the person is there at once, twice over, and the reader's lease is left alone; what
    former readers read is refused when it comes late, and what is read from now on is newer.
    """
    services, person = acme.engine.services, acme.tenant.present_people()[0]
    acme.tenant.change(person, department="Before")
    acme.hint("users")
    acme.engine.deliver()  # read; its changes wait in the queue
    reader = lease.take(services, acme.view)
    assert reader is not None
    for department in ("Legal", "Design"):
        acme.tenant.change(person, department=department, told=False)
        assert sync(acme, person).outcome is Outcome.COMPLETE
        assert acme.person(person).fields["department"] == department
    assert acme.view.reader == reader
    acme.engine.pump(until=acme.engine.clock.now() + timedelta(seconds=40))
    assert acme.person(person).fields["department"] == "Design"
    assert lease.order_for(acme.view, reader, 1) > acme.person(person).order
    lease.give_back(services, acme.view, reader)
    acme.tenant.change(person, department="After")
    acme.sync()
    assert acme.person(person).fields["department"] == "After"


def test_in_the_middle_of_a_full_pass(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two steps of a full pass somebody joins, somebody leaves and somebody moves by an admin's press: each
    is so at once. What the pass goes on to read may be older; when the feed was read again, everybody is right.
    """
    monkeypatch.setattr(full_pass, "BLOCK_PAGES", 1)
    acme = engine.connect(digits=1)
    for number in range(60):
        acme.tenant.hire(f"Person {number}")
    acme.imported()
    engine.clock.advance(1)
    acme.request_pass()
    people, joined = acme.tenant.present_people(), []
    for number in range(5):
        engine.deliver()
        mover, leaver = people[number], people[-1 - number]
        acme.tenant.change(mover, department=f"Department {number}")
        acme.tenant.hard_delete(leaver)
        joined.append(acme.tenant.hire(f"New Comer {number}"))
        for person in (mover, leaver, joined[-1]):
            sync(acme, person)
        assert acme.person(mover).fields["department"] == f"Department {number}"
        assert acme.person(leaver).account_state is AccountState.INACTIVE
        assert acme.person(joined[-1]).account_state is AccountState.ACTIVE
    engine.pump()
    acme.sync()
    assert [acme.person(one).fields["department"] for one in people[:5]] == [f"Department {n}" for n in range(5)]
    assert {acme.person(one).account_state for one in people[-5:]} == {AccountState.INACTIVE}
    assert {acme.person(one).account_state for one in joined} == {AccountState.ACTIVE}
    assert (acme.counts.active, len(acme.mailed)) == (60, 5)


def test_throttled(acme: Tenanted) -> None:
    """A 429 is obeyed by everybody who reads the tenant, and the lease is free."""
    acme.tenant.refusals["users"] = Transient("429", retry_after=120)
    with pytest.raises(Transient):
        sync(acme, acme.tenant.present_people()[0])
    calls = len(acme.engine.directory.calls)
    with pytest.raises(Transient, match="asked us to wait"):
        sync(acme, acme.tenant.present_people()[0])
    assert len(acme.engine.directory.calls) == calls
    assert acme.view.reader.lease_until == ""


def test_not_before_the_first_import(engine: Engine) -> None:
    """Before the first import is done it is refused: somebody who was there before would be taken for a joiner."""
    acme = engine.connect()
    person = acme.tenant.hire("Anna Berg")
    with pytest.raises(NeedsAdmin, match="not_started"):
        sync(acme, person)
    engine.pump()
    acme.start()
    with pytest.raises(NeedsAdmin, match="importing"):
        sync(acme, person)


def test_killed_half_way_the_queue_finishes_it(acme: Tenanted) -> None:
    """The worker dies wherever: either nothing happened, or the queue brings the message and the change is in."""
    person = acme.tenant.present_people()[0]
    for number in range(1, 40):
        before, department = acme.person(person).fields.get("department"), f"Department {number}"
        acme.tenant.change(person, department=department, told=False)
        acme.engine.faults.crash_after(number)
        with acme.engine.attempt() as crashed:
            sync(acme, person)
        acme.engine.faults.heal()
        acme.engine.clock.advance(timedelta(seconds=100))
        acme.engine.pump()
        if not crashed:
            break
        assert acme.person(person).fields.get("department") in {before, department}
    else:
        raise AssertionError("it never came to its end")
    assert acme.person(person).fields["department"] == department


@pytest.mark.parametrize("meanwhile", ["asked again", "a pull", "a full pass"])
def test_killed_before_the_mail_was_claimed(acme: Tenanted, meanwhile: str) -> None:
    """The account is made and the worker dies before it claims the mail. The person is told of anew before the message
    comes back: it finds newer news and mails them all the same, once.
    """
    new = acme.tenant.hire("New Comer", told=False)
    acme.engine.faults.fail_next("mails.claim", Crash("mails.claim"))
    with acme.engine.attempt():
        sync(acme, new)
    assert (acme.person(new).account_state, acme.mails) == (AccountState.ACTIVE, [])
    soon = acme.engine.clock.now() + one_person.LATER - timedelta(seconds=5)
    if meanwhile == "asked again":
        sync(acme, new)
    elif meanwhile == "a pull":
        acme.tenant.change(new, department="Legal")
        acme.hint("users")
    else:
        acme.request_pass()
    acme.engine.pump(until=soon)
    acme.engine.pump()
    assert acme.mailed == ["new.comer@contoso.example"]


def scoped(engine: Engine) -> tuple[Tenanted, str]:
    """A workspace whose scope is one group, with twenty people in it; and the group."""
    acme = engine.connect()
    group = acme.tenant.new_group("Staff")
    for number in range(20):
        acme.tenant.join(group, acme.tenant.hire(f"Person {number}"))
    connection = acme.connection
    settings = replace(connection.settings, scope=Scope(Chosen(groups=(group,))))
    engine.services.connections.save(replace(connection, settings=settings))
    acme.imported()
    engine.clock.advance(1)  # what comes next is newer
    return acme, group


@pytest.mark.parametrize("landed", [False, True])
def test_killed_before_anything_was_handed_over_it_says_so(acme: Tenanted, landed: bool) -> None:
    """A run that was saved and has no message ends as interrupted; one that was not saved is none."""
    engine, person = acme.engine, acme.tenant.present_people()[0]
    acme.tenant.change(person, department="Legal", told=False)
    engine.faults.crash_after(3, landed=landed)  # after the lease was taken and given back
    with engine.attempt():
        sync(acme, person)
    engine.wait(timedelta(minutes=20))
    acts = [(run.outcome, run.error, run.counts) for run in acme.runs if run.kind == "act"]
    assert acts == ([(Outcome.INCOMPLETE, "interrupted", {})] if landed else [])


def test_whom_only_a_group_mentions_is_fetched(engine: Engine) -> None:
    """The users feed never told of a person; a group that is in scope does: they are fetched, created and mailed."""
    acme, group = scoped(engine)
    new = acme.tenant.hire("New Comer", told=False)
    acme.tenant.join(group, new)
    acme.hint("groups")
    engine.pump()
    record = acme.person(new)
    assert (record.account_state, record.fields["display_name"]) == (AccountState.ACTIVE, "New Comer")
    assert acme.mailed == ["new.comer@contoso.example"]
    assert acme.runs[0].counts["create"] == 1


def test_whom_a_group_outside_the_scope_mentions_is_not_fetched(engine: Engine) -> None:
    """Nobody is read without need: the membership is stored, and the properties stay unknown."""
    acme, _ = scoped(engine)
    other = acme.tenant.new_group("Other")
    new = acme.tenant.hire("New Comer", told=False)
    acme.tenant.join(other, new)
    acme.hint("groups")
    engine.pump()
    assert acme.person(new).presence is Presence.UNKNOWN
    assert "fetch_people" not in {operation for operation, _ in engine.directory.calls}


def stranger_elsewhere(acme: Tenanted) -> tuple[str, str]:
    """A group outside the scope, and a member of it of whom the users feed never told."""
    other = acme.tenant.new_group("Other")
    new = acme.tenant.hire("New Comer", told=False)
    acme.tenant.join(other, new)
    acme.hint("groups")
    acme.engine.pump()
    return other, new


def test_whom_a_wider_scope_takes_in_is_foreseen_and_fetched(engine: Engine) -> None:
    """The preview asks Entra about a member of whom nothing else is known and names them as added and mailed; saving
    fetches them.
    """
    acme, group = scoped(engine)
    other, new = stranger_elsewhere(acme)
    wider = Scope(Chosen(groups=(group, other)))
    seen = preview.preview(engine.services, acme.view, replace(acme.connection.settings, scope=wider))
    assert seen is not None
    assert [[one.object_id for one in kind.people] for kind in (seen.added, seen.mailed)] == [[new], [new]]
    assert (seen.people, seen.unasked, acme.person(new).presence) == (21, 0, Presence.UNKNOWN)
    acme.choose(scope=wider)
    assert (acme.person(new).account_state, acme.mailed) == (AccountState.ACTIVE, ["new.comer@contoso.example"])
    brought = next(run for run in acme.runs if run.kind == "pull" and run.counts.get("create"))
    assert (brought.cause, brought.by) == ("settings", "admin")


def test_a_preview_goes_without_those_entra_does_not_tell_of(engine: Engine) -> None:
    """Graph says 429: the preview says how many it could not ask about; the save waits, and loses nobody."""
    acme, group = scoped(engine)
    other, new = stranger_elsewhere(acme)
    wider = Scope(Chosen(groups=(group, other)))
    acme.tenant.refusals["users"] = Transient("429", retry_after=90)
    seen = preview.preview(engine.services, acme.view, replace(acme.connection.settings, scope=wider))
    assert seen is not None
    assert (seen.added.count, seen.unasked) == (0, 1)
    acme.save(scope=wider)
    engine.pump(until=engine.clock.now() + timedelta(seconds=60))
    assert acme.person(new).account_state is AccountState.NONE
    del acme.tenant.refusals["users"]
    engine.pump()
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert {run.outcome for run in acme.runs} == {Outcome.COMPLETE}


def test_a_throttled_fetch_is_made_up_for(engine: Engine) -> None:
    """Graph says 429 when the person is asked for: the membership is in, the part comes again, and nothing is lost."""
    acme, group = scoped(engine)
    new = acme.tenant.hire("New Comer", told=False)
    acme.tenant.join(group, new)
    acme.hint("groups")
    engine.deliver()
    acme.tenant.refusals["users"] = Transient("429", retry_after=90)
    engine.deliver()
    assert acme.person(new).presence is Presence.UNKNOWN
    assert not acme.runs[0].finished_at
    del acme.tenant.refusals["users"]
    engine.pump()
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert acme.runs[0].outcome is Outcome.COMPLETE


def test_a_member_who_is_gone_already_is_left_alone(engine: Engine) -> None:
    """Entra answers 404 for somebody a group mentioned: no row is made up of it, and the part is done."""
    acme, group = scoped(engine)
    new = acme.tenant.hire("New Comer", told=False)
    acme.tenant.join(group, new)
    acme.tenant.hard_delete(new, told=False)
    acme.hint("groups")
    engine.pump()
    assert acme.person(new).presence is Presence.UNKNOWN
    assert acme.runs[0].outcome is Outcome.COMPLETE
