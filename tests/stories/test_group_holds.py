"""A group that scope or audience go by vanishes or shrinks: nobody is taken away before an admin has looked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import NeedsAdmin
from sync.core.model import AccountState, Reason
from sync.core.sync_settings import Chosen, Scope
from tests.fakes.engine import Engine, Tenanted


def active(connection: Tenanted) -> set[str]:
    """Who has an active account."""
    return {one for one, record in connection.people.items() if record.account_state is AccountState.ACTIVE}


def audience(connection: Tenanted) -> set[str]:
    """Who receives simulations."""
    return {one for one, record in connection.people.items() if record.audience}


@pytest.fixture
def staff(engine: Engine) -> tuple[Tenanted, str, list[str]]:
    """A workspace whose scope is the group Staff: three of five people, too few for the guard's limit to matter."""
    acme = engine.connect()
    people = [acme.tenant.hire(f"Person {number}") for number in range(5)]
    group = acme.tenant.new_group("Staff")
    for person in people[:3]:
        acme.tenant.join(group, person)
    acme.imported()
    acme.choose(scope=Scope(Chosen(groups=(group,))))
    assert active(acme) == set(people[:3])
    return acme, group, people


def test_a_renamed_group_is_the_same_group(staff: tuple[Tenanted, str, list[str]]) -> None:
    """Groups are known by their ids: a new name changes nobody, and no revisit is begun."""
    acme, group, people = staff
    runs = len(acme.runs)
    acme.tenant.change_group(group, displayName="Personnel")
    acme.sync()
    assert acme.groups[group].name == "Personnel"
    assert active(acme) == set(people[:3])
    assert {run.kind for run in acme.runs[: len(acme.runs) - runs]} == {"pull"}


@pytest.mark.parametrize("how", ["soft", "hard", "untold"])
def test_a_group_that_vanishes_is_a_hold(staff: tuple[Tenanted, str, list[str]], how: str) -> None:
    """Deleted, or missing from a full pass: however few they are, the members wait on a hold that names the group;
    somebody who joins by name meanwhile comes in.
    """
    acme, group, people = staff
    acme.tenant.delete_group(group, soft=how == "soft", told=how != "untold")
    acme.reconcile() if how == "untold" else acme.sync()
    (hold,) = acme.holds
    assert hold.cause == "group vanished or shrank: Staff"
    assert {(one.object_id, one.reason, one.audience) for one in hold.removals} == {
        (person, Reason.OUT_OF_SCOPE, False) for person in people[:3]
    }
    assert active(acme) == set(people[:3])
    acme.choose(scope=Scope(Chosen(groups=(group,), people=(people[4],))))
    assert active(acme) == {*people[:3], people[4]}
    assert {one.object_id for one in acme.holds[0].removals} == set(people[:3])


@pytest.mark.parametrize("how", ["pull", "pass"])
def test_approved_they_go_and_rejected_they_stay(staff: tuple[Tenanted, str, list[str]], how: str) -> None:
    """Approval takes exactly those; rejection leaves them until a full pass asks again."""
    acme, group, people = staff
    acme.tenant.delete_group(group, soft=False, told=how == "pull")
    acme.sync() if how == "pull" else acme.reconcile()
    (hold,) = acme.holds
    acme.reject(hold)
    acme.sync()
    assert (active(acme), acme.holds) == (set(people[:3]), [])
    with pytest.raises(NeedsAdmin, match="hold_decided"):
        acme.approve(hold)
    acme.reconcile()
    (again,) = acme.holds
    assert {one.object_id for one in again.removals} == set(people[:3])
    acme.approve_all()
    assert active(acme) == set()
    assert {acme.person(person).reason for person in people[:3]} == {Reason.OUT_OF_SCOPE}


def test_a_restored_group_makes_the_hold_moot(staff: tuple[Tenanted, str, list[str]]) -> None:
    """Back from the bin: nobody waits any more, and there is nothing left to approve."""
    acme, group, people = staff
    acme.tenant.delete_group(group)
    acme.sync()
    assert acme.holds
    acme.tenant.restore_group(group)
    acme.sync()
    assert acme.holds == []
    assert {record.held for record in acme.people.values()} == {""}
    assert active(acme) == set(people[:3])


def test_a_member_who_changes_while_the_group_vanishes_waits_too(staff: tuple[Tenanted, str, list[str]]) -> None:
    """News of a member arrive between the loss and the hold: they are taken in, and the account stays."""
    acme, group, people = staff
    acme.tenant.delete_group(group)
    acme.hint("groups")
    acme.engine.deliver()  # the pull
    acme.engine.deliver()  # the groups are stored; everybody is about to be decided again
    acme.tenant.change(people[0], department="Moved")
    acme.hint("users")
    for _ in range(2):
        waiting = acme.engine.queue.waiting()
        acme.engine.queue.put_first(waiting[-1].number)
        acme.engine.deliver()
    acme.engine.pump()
    assert active(acme) == set(people[:3])
    assert acme.person(people[0]).source["department"] == "Moved"
    assert {one.object_id for hold in acme.holds for one in hold.removals} == set(people[:3])


def test_a_group_that_vanishes_during_a_full_pass_is_a_hold_of_it_too(
    staff: tuple[Tenanted, str, list[str]],
) -> None:
    """A pull tells of it while a pass is being applied: whichever of the two looks first, everybody waits."""
    acme, group, people = staff
    acme.request_pass()
    for _ in range(100):
        if "applying" in {run.stage for run in acme.runs if run.kind == "pass"}:
            break
        acme.engine.deliver()
    acme.tenant.delete_group(group)
    acme.hint("groups")
    for _ in range(3):
        waiting = acme.engine.queue.waiting("pulls") or acme.engine.queue.waiting("changes")
        acme.engine.queue.put_first(waiting[-1].number)
        acme.engine.deliver()
    acme.engine.pump()
    assert active(acme) == set(people[:3])


def test_a_nested_group_that_is_taken_out_is_a_hold(engine: Engine) -> None:
    """The edge in the middle is undone: those who were in by it alone wait; those in directly are untouched."""
    acme = engine.connect()
    tenant = acme.tenant
    people = [tenant.hire(f"Person {number}") for number in range(3)]
    top, low = tenant.new_group("Top"), tenant.new_group("Low")
    tenant.join(top, low)
    tenant.join(top, people[0])
    for person in people[1:]:
        tenant.join(low, person)
    acme.imported()
    acme.choose(scope=Scope(Chosen(groups=(top,))))
    tenant.leave(top, low)
    acme.sync()
    (hold,) = acme.holds
    assert {one.object_id for one in hold.removals} == set(people[1:])
    assert "Low" in hold.cause
    assert active(acme) == set(people)


@pytest.mark.parametrize("how", ["pull", "pass"])
def test_a_group_that_shrinks_too_much_is_a_hold(engine: Engine, how: str) -> None:
    """Seven of eighteen leave the used group at once: held by group, though the guard alone would let seven of a
    hundred go; joins of the same page go on.
    """
    acme = engine.connect()
    tenant = acme.tenant
    people = [tenant.hire(f"Person {number}") for number in range(100)]
    group, rest = tenant.new_group("Staff"), tenant.new_group("Rest")
    for person in people[:18]:
        tenant.join(group, person)
    for person in people[20:]:
        tenant.join(rest, person)
    acme.imported()
    acme.choose(scope=Scope(Chosen(groups=(group, rest), people=(people[19],))))
    acme.approve_all()
    for person in people[:7]:
        tenant.leave(group, person, told=how == "pull")
    tenant.join(group, people[18], told=how == "pull")
    acme.sync() if how == "pull" else acme.reconcile()
    assert people[18] in active(acme)
    assert set(people[:7]) <= active(acme)
    (hold,) = acme.holds
    assert {one.object_id for one in hold.removals} == set(people[:7])
    assert hold.cause == "group vanished or shrank: Staff"


@pytest.mark.parametrize("ways", [("pull",), ("pass",), ("pull", "pass")])
def test_a_group_that_shrinks_by_and_by_is_a_hold(engine: Engine, ways: tuple[str, ...]) -> None:
    """Two of twenty an hour, told by pulls, found by full passes, or by both in turn: six in a day are unremarkable,
    whoever leaves after them waits; a day later two more may go.
    """
    acme = engine.connect()
    tenant = acme.tenant
    people = [tenant.hire(f"Person {number}") for number in range(220)]
    group, rest = tenant.new_group("Staff"), tenant.new_group("Rest")
    for person in people[:20]:
        tenant.join(group, person)
    for person in people[20:]:
        tenant.join(rest, person)
    acme.imported()
    acme.choose(scope=Scope(Chosen(groups=(group, rest))))

    def two_leave(number: int, way: str) -> None:
        for person in people[2 * number : 2 * number + 2]:
            tenant.leave(group, person, told=way == "pull")
        acme.sync() if way == "pull" else acme.reconcile()

    for number in range(5):
        engine.clock.advance(timedelta(hours=1))
        two_leave(number, ways[number % len(ways)])
    assert set(people) - active(acme) == set(people[:6])
    assert {one.object_id for hold in acme.holds for one in hold.removals} == set(people[6:10])
    assert {hold.cause for hold in acme.holds} == {"group vanished or shrank: Staff"}
    engine.clock.advance(timedelta(hours=25))
    two_leave(5, ways[0])
    assert set(people[10:12]) & active(acme) == set()
    assert set(people[6:10]) <= active(acme)


def test_a_group_may_shrink_a_little(staff: tuple[Tenanted, str, list[str]]) -> None:
    """One member leaves: out of scope at once, nothing is held."""
    acme, group, people = staff
    acme.tenant.leave(group, people[0])
    acme.sync()
    assert (active(acme), acme.holds) == (set(people[1:3]), [])


def test_the_audience_by_group(engine: Engine) -> None:
    """Gained by joining, lost by leaving; when the group vanishes the audience stays and waits on a hold."""
    acme = engine.connect()
    tenant = acme.tenant
    people = [tenant.hire(f"Person {number}") for number in range(4)]
    group = tenant.new_group("Phished")
    for person in people[:2]:
        tenant.join(group, person)
    acme.imported()
    assert audience(acme) == set()
    acme.choose(audience=Chosen(groups=(group,)))
    assert audience(acme) == set(people[:2])
    tenant.join(group, people[2])
    tenant.leave(group, people[0])
    acme.sync()
    assert audience(acme) == {people[1], people[2]}
    tenant.delete_group(group)
    acme.sync()
    (hold,) = acme.holds
    assert {(one.object_id, one.audience) for one in hold.removals} == {(people[1], True), (people[2], True)}
    assert audience(acme) == {people[1], people[2]}
    assert active(acme) == set(people)
    acme.approve_all()
    assert audience(acme) == set()
    assert active(acme) == set(people)


def test_news_of_somebody_whose_simulations_are_held(engine: Engine) -> None:
    """The address and fields change with the audience still held: they are stored, audited, and the former address
    is free for somebody else.
    """
    acme = engine.connect()
    tenant = acme.tenant
    one, other = tenant.hire("Person One"), tenant.hire("Person Two")
    group = tenant.new_group("Phished")
    tenant.join(group, one)
    acme.imported()
    acme.choose(audience=Chosen(groups=(group,)))
    tenant.delete_group(group)
    acme.sync()
    assert acme.person(one).held
    tenant.change(one, mail="new@contoso.example", department="Moved")
    acme.sync()
    kept = acme.person(one)
    assert (kept.address, kept.fields["department"], kept.audience) == ("new@contoso.example", "Moved", True)
    tenant.change(other, mail="person.one@contoso.example")
    acme.sync()
    assert acme.person(other).address == "person.one@contoso.example"
    told = [
        entry.after
        for activity, _ in engine.services.people.activity(acme.scope, [""], limit=100)
        for entry in activity.entries
        if entry.object_id == one
    ]
    assert told[0]["department"] == "Moved"


def test_approving_an_audience_takes_no_account(engine: Engine) -> None:
    """Held for the audience, and gone from the directory before the approval: the account's removal is another
    decision, and too many of them still wait.
    """
    acme = engine.connect()
    tenant = acme.tenant
    people = [tenant.hire(f"Person {number}") for number in range(10)]
    group = tenant.new_group("Phished")
    for person in people:
        tenant.join(group, person)
    acme.imported()
    acme.choose(audience=Chosen(groups=(group,)))
    tenant.delete_group(group)
    acme.sync()
    (hold,) = acme.holds
    for person in people:
        tenant.soft_delete(person)
    acme.sync()
    acme.approve(hold)
    acme.engine.pump()
    assert active(acme) == set(people)


@pytest.fixture
def phished(engine: Engine) -> tuple[Tenanted, str, list[str]]:
    """Three of five people receive simulations by a group that has vanished, and wait on a hold for it."""
    acme = engine.connect()
    people = [acme.tenant.hire(f"Person {number}") for number in range(5)]
    group = acme.tenant.new_group("Phished")
    for person in people[:3]:
        acme.tenant.join(group, person)
    acme.imported()
    acme.choose(audience=Chosen(groups=(group,)))
    acme.tenant.delete_group(group)
    acme.sync()
    assert len(acme.holds) == 1
    return acme, group, people


def test_exclusion_waits_on_no_hold(phished: tuple[Tenanted, str, list[str]]) -> None:
    """An admin excludes somebody whose simulations are held: they end at once, the others' go on waiting."""
    acme, group, people = phished
    acme.choose(audience=Chosen(groups=(group,), excluded_people=(people[0],)))
    assert audience(acme) == set(people[1:3])
    assert {one.object_id for hold in acme.holds for one in hold.removals} == set(people[1:3])
    acme.choose(audience=Chosen())
    assert audience(acme) == set()


def test_a_leaver_whose_simulations_are_held_is_deactivated(phished: tuple[Tenanted, str, list[str]]) -> None:
    """The hold is about simulations: the account of one who leaves meanwhile is the guard's to judge, and goes."""
    acme, _, people = phished
    acme.tenant.hard_delete(people[0])
    acme.sync()
    assert active(acme) == set(people[1:])
    assert audience(acme) == set(people[1:3])
