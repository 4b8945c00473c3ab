"""The guard: removals beyond max(5, 10 %) a day wait for an admin, however they come; everything else goes on."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared.errors import NeedsAdmin
from sync.core.model import AccountState, Reason
from sync.core.runs import GuardWindow, Stage
from sync.core.sync_settings import Chosen, Scope
from sync.usecases import holds
from tests.fakes.engine import Engine, Tenanted


def removed(connection: Tenanted) -> int:
    """How many accounts are inactive."""
    return connection.counts.inactive


def test_five_a_day_are_unremarkable(acme: Tenanted) -> None:
    """Five of twenty leave in one go: they are deactivated, and nothing is held."""
    for person in acme.tenant.present_people()[:5]:
        acme.tenant.soft_delete(person)
    acme.sync()
    assert (removed(acme), acme.holds) == (5, [])


def test_a_tenth_of_many_is_unremarkable(engine: Engine) -> None:
    """Of 120 people twelve may go in a day; the thirteenth makes all of a batch wait."""
    acme = engine.connect()
    people = [acme.tenant.hire(f"Person {number}") for number in range(120)]
    acme.imported()
    for person in people[:12]:
        acme.tenant.soft_delete(person)
    acme.sync()
    assert (removed(acme), acme.holds) == (12, [])
    acme.tenant.soft_delete(people[12])
    acme.sync()
    assert (removed(acme), len(acme.holds)) == (12, 1)


def test_too_many_by_a_pull(acme: Tenanted) -> None:
    """Six leave at once: all six wait on one hold with their names and reasons, a joiner in the same page goes on."""
    leavers = acme.tenant.present_people()[:6]
    for person in leavers:
        acme.tenant.change(person, accountEnabled=False)
    new = acme.tenant.hire("New Comer")
    acme.sync()
    assert removed(acme) == 0
    assert acme.person(new).account_state is AccountState.ACTIVE
    (hold,) = acme.holds
    assert {(one.object_id, one.name, one.reason) for one in hold.removals} == {
        (person, f"Person {number}", Reason.DISABLED) for number, person in enumerate(leavers)
    }
    assert {acme.person(person).held for person in leavers} == {hold.id}


def test_what_goes_on_while_a_removal_waits(acme: Tenanted) -> None:
    """The fields of somebody who is held follow Entra, and who is excluded from simulations receives none."""
    acme.choose(audience=Chosen(everyone=True))
    people = acme.tenant.present_people()[:6]
    for person in people:
        acme.tenant.change(person, accountEnabled=False)
    acme.sync()
    acme.tenant.change(people[0], department="Moved")
    acme.sync()
    assert acme.person(people[0]).fields["department"] == "Moved"
    acme.choose(audience=Chosen(everyone=True, excluded_people=(people[0],)))
    waiting = [acme.person(person) for person in people]
    assert {(one.account_state, bool(one.held)) for one in waiting} == {(AccountState.ACTIVE, True)}
    assert [one.audience for one in waiting] == [False, *[True] * 5]


def test_too_many_by_drip(acme: Tenanted) -> None:
    """One by one makes no difference: the sixth of a day waits; a day after the first, there is room again."""
    people = acme.tenant.present_people()
    for person in people[:6]:
        acme.tenant.soft_delete(person)
        acme.sync()
        acme.engine.wait(timedelta(minutes=30))
    assert (removed(acme), len(acme.holds)) == (5, 1)
    acme.engine.clock.advance(timedelta(hours=24))
    acme.tenant.soft_delete(people[6])
    acme.sync()
    assert removed(acme) == 6


@pytest.mark.parametrize("digits", [0, 1])
def test_too_many_by_a_full_pass(engine: Engine, digits: int) -> None:
    """Deletions no delta told of, more than the limit: the full pass finds them and holds all of them together."""
    acme = engine.connect(digits=digits)
    people = [acme.tenant.hire(f"Person {number}") for number in range(20)]
    acme.imported()
    for person in people[:7]:
        acme.tenant.hard_delete(person, told=False)
    new = acme.tenant.hire("New Comer", told=False)
    acme.reconcile()
    assert removed(acme) == 0
    assert acme.person(new).account_state is AccountState.ACTIVE
    (hold,) = acme.holds
    assert {one.object_id for one in hold.removals} == set(people[:7])


def test_an_empty_answer_removes_nobody(acme: Tenanted) -> None:
    """Graph answers a full read with an empty list (200): everybody's removal is held, nothing else happens."""
    acme.tenant.enumerates_nothing = True
    acme.reconcile()
    (hold,) = acme.holds
    assert (removed(acme), len(hold.removals), acme.counts.active) == (0, 20, 20)
    acme.tenant.enumerates_nothing = False
    acme.reconcile()
    assert (removed(acme), acme.holds) == (0, [])


def test_approving_an_empty_answer_removes_nobody(acme: Tenanted) -> None:
    """Even approved, an absence is confirmed person by person: who answers to their own id stays."""
    acme.tenant.enumerates_nothing = True
    acme.reconcile()
    acme.approve(acme.holds[0])
    acme.engine.pump()
    assert (removed(acme), acme.counts.active) == (0, 20)


def test_deletion_the_delta_left_out(acme: Tenanted) -> None:
    """A deletion that no delta told is found by the full pass, and confirmed by the person's own id."""
    gone, lagging = acme.tenant.present_people()[:2]
    acme.tenant.hard_delete(gone, told=False)
    acme.sync()
    assert acme.person(gone).account_state is AccountState.ACTIVE
    acme.reconcile()
    assert (acme.person(gone).account_state, acme.person(gone).reason) == (AccountState.INACTIVE, Reason.LEFT)
    assert acme.person(lagging).account_state is AccountState.ACTIVE


def test_approve_applies_exactly_that_set_once(acme: Tenanted) -> None:
    """Approval takes away the six it names, not a seventh who left meanwhile, and works a single time."""
    people = acme.tenant.present_people()
    for person in people[:6]:
        acme.tenant.soft_delete(person)
    acme.sync()
    (hold,) = acme.holds
    acme.tenant.soft_delete(people[6])
    acme.tenant.restore(people[0])
    acme.approve(hold)
    with pytest.raises(NeedsAdmin, match="hold_decided"):
        acme.approve(hold)
    acme.engine.pump()
    assert {one for one, record in acme.people.items() if record.account_state is AccountState.INACTIVE} == set(
        people[:6]
    )
    acme.sync()
    assert acme.person(people[0]).account_state is AccountState.ACTIVE


def test_two_workers_at_the_same_instant(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers that ask for three removals each, having both read that none was used, do not get six: whoever writes
    second looks again.
    """
    acme = engine.connect(digits=1).imported()
    runs, both_have_read = engine.services.runs, threading.Barrier(2)
    read, first = runs.window, threading.local()

    def window(scope: str) -> GuardWindow:
        found = read(scope)
        if not hasattr(first, "over"):
            first.over = both_have_read.wait(timeout=30)
        return found

    monkeypatch.setattr(runs, "window", window)
    with ThreadPoolExecutor(2) as workers:
        parts = [f"run:{part}" for part in range(2)]
        answers = list(workers.map(lambda part: holds.permit(engine.services, acme.connection, part, 3), parts))
    assert sorted(answers) == [(False, 5), (True, 5)]
    assert [count for _, count in read(acme.scope).removals.values()] == [3]


def test_settings_saved_while_a_pass_removes(engine: Engine) -> None:
    """Eight are to lose only their simulations by a full pass; settings saved just then have them lose their accounts:
    that is more than a day's limit, and waits like all else that settings bring about.
    """
    acme = engine.connect()
    people = [acme.tenant.hire(f"Person {number}") for number in range(20)]
    staff = acme.tenant.new_group("Staff")
    for person in people:
        acme.tenant.join(staff, person)
    acme.imported()
    acme.choose(audience=Chosen(everyone=False, groups=(staff,)), shrink_percent=50)
    for person in people[:8]:
        acme.tenant.leave(staff, person)
    engine.clock.advance(timedelta(seconds=1))
    acme.request_pass()
    while not any(run.kind == "pass" and run.stage is Stage.REMOVING for run in acme.runs):
        assert engine.deliver()
    engine.clock.advance(timedelta(seconds=1))
    acme.choose(scope=Scope(Chosen(everyone=False, groups=(staff,))))
    (hold,) = acme.holds
    assert (removed(acme), hold.cause) == (0, "changed settings")
    assert {one.object_id for one in hold.removals} == {*people[:8]}


def test_approval_is_for_the_set_that_was_seen(engine: Engine) -> None:
    """While a pull is under way its hold may grow: what was seen before it did approves nobody, and rejects nobody."""
    acme = engine.connect(digits=1)
    people = [acme.tenant.hire(f"Person {number}") for number in range(60)]
    acme.imported()
    for person in people[:40]:
        acme.tenant.soft_delete(person)
    acme.hint()
    while not acme.holds:
        assert engine.deliver()
    (seen,) = acme.holds
    engine.pump()
    (grown,) = acme.holds
    assert len(seen.removals) < len(grown.removals)
    for decide in (holds.approve, holds.reject):
        with pytest.raises(NeedsAdmin, match="hold_changed"):
            decide(engine.services, acme.connection, grown.id, "admin", seen.digest)
    assert (len(acme.holds), removed(acme) + len(grown.removals)) == (1, 40)
    holds.approve(engine.services, acme.connection, grown.id, "admin", grown.digest)
    engine.pump()
    assert removed(acme) == 40


def test_the_later_of_two_holds_decides(acme: Tenanted) -> None:
    """Somebody on a hold comes back and is disabled again, on a hold of its own that is rejected: approving the former
    one takes away the others it names.
    """
    people = acme.tenant.present_people()

    def disabled(*who: str, enabled: bool = False) -> None:
        acme.engine.clock.advance(timedelta(seconds=1))
        for person in who:
            acme.tenant.change(person, accountEnabled=enabled)
        acme.sync()

    disabled(*people[:6])
    (former,) = acme.holds
    disabled(people[0], enabled=True)
    disabled(*people[6:11])
    disabled(people[0])
    (later,) = [hold for hold in acme.holds if hold.id != former.id]
    assert [one.object_id for one in later.removals] == [people[0]]
    acme.reject(later)
    acme.approve(former)
    acme.engine.pump()
    assert acme.person(people[0]).account_state is AccountState.ACTIVE
    assert removed(acme) == 5 + 5


def test_reject_leaves_the_accounts(acme: Tenanted) -> None:
    """Rejected: the accounts stay, until a full pass finds the people still gone and asks again."""
    for person in acme.tenant.present_people()[:6]:
        acme.tenant.soft_delete(person)
    acme.sync()
    acme.reject(acme.holds[0])
    with pytest.raises(NeedsAdmin, match="hold_decided"):
        acme.approve(acme.engine.services.runs.holds(acme.scope)[0])
    acme.engine.wait(timedelta(minutes=20))
    assert (removed(acme), acme.holds) == (0, [])
    acme.reconcile()
    assert (removed(acme), len(acme.holds[0].removals)) == (0, 6)


def test_hold_expires(acme: Tenanted) -> None:
    """After a day a hold cannot be approved any more."""
    for person in acme.tenant.present_people()[:6]:
        acme.tenant.soft_delete(person)
    acme.sync()
    (hold,) = acme.holds
    acme.engine.clock.advance(timedelta(hours=24))
    with pytest.raises(NeedsAdmin, match="hold_decided"):
        acme.approve(hold)
    acme.engine.tick()
    assert acme.holds == []


def test_held_people_may_change(acme: Tenanted) -> None:
    """News of somebody held are stored, a group's too; re-enabled, the hold no longer concerns them."""
    people = acme.tenant.present_people()
    for person in people[:6]:
        acme.tenant.change(person, accountEnabled=False)
    acme.sync()
    (hold,) = acme.holds
    group = acme.tenant.new_group("Leavers")
    acme.tenant.join(group, people[0])
    acme.tenant.change(people[1], accountEnabled=True, department="Back")
    acme.sync()
    assert group in acme.person(people[0]).groups
    back = acme.person(people[1])
    assert (back.account_state, back.held, back.fields["department"]) == (AccountState.ACTIVE, "", "Back")
    acme.approve(hold)
    acme.engine.pump()
    assert acme.person(people[1]).account_state is AccountState.ACTIVE
    assert removed(acme) == 5


def test_an_approval_that_was_interrupted_is_taken_up_again(acme: Tenanted) -> None:
    """The worker dies between the admin's yes and the messages: the timer hands them out."""
    leavers = acme.tenant.present_people()[:6]
    for person in leavers:
        acme.tenant.soft_delete(person)
    acme.sync()
    (hold,) = acme.holds
    acme.engine.queue.faults.crash_after(1)
    with acme.engine.attempt() as crashed:
        acme.approve(hold)
    acme.engine.queue.faults.heal()
    assert crashed
    assert removed(acme) == 0
    acme.engine.wait(timedelta(minutes=20))
    assert removed(acme) == 6


@pytest.mark.parametrize("scope", ["as before", "everybody again"])
def test_who_waited_for_the_scope_and_is_gone_is_counted_anew(acme: Tenanted, scope: str) -> None:
    """Ten wait as a changed scope would remove them, leave meanwhile unnoticed, and the tenant is connected once more:
    whatever the first pass takes them for, their removals wait.
    """
    people = acme.tenant.present_people()
    acme.choose(scope=Scope(Chosen(people=tuple(people[10:]))))
    assert len(acme.holds[0].removals) == 10
    for person in people[:10]:
        acme.tenant.hard_delete(person, told=False)
    acme.disconnect()
    again = acme.engine.connect()
    if scope == "as before":
        again.save(scope=Scope(Chosen(people=tuple(people[10:]))))
    again.imported()
    assert removed(again) == 0
    assert {one.object_id for hold in again.holds for one in hold.removals} == set(people[:10])
