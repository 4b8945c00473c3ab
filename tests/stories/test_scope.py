"""Scope: who gets an account by the admin's choice, how people enter and leave it, and what is never taken away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sync.core.model import AccountState, Reason
from sync.core.sync_settings import DEFAULT_MAPPING, Chosen, FieldRule, Filter, Scope
from tests.fakes.engine import Engine, Tenanted


def active(connection: Tenanted) -> set[str]:
    """Who has an active account."""
    return {one for one, record in connection.people.items() if record.account_state is AccountState.ACTIVE}


def lose_passes(connection: Tenanted) -> None:
    """The full pass that is to read everybody anew does not come about."""
    for delivery in connection.engine.queue.waiting("passes"):
        connection.engine.queue.drop(delivery.number)


@pytest.fixture
def few(engine: Engine) -> Tenanted:
    """A connected workspace of four people, everybody in scope."""
    acme = engine.connect()
    for number in range(4):
        acme.tenant.hire(f"Person {number}")
    return acme.imported()


def test_only_the_members_of_a_group(few: Tenanted) -> None:
    """Scope is narrowed to a group: the others are deactivated as out of scope; who joins it later gets in again."""
    people, tenant = few.tenant.present_people(), few.tenant
    staff = tenant.new_group("Staff")
    tenant.join(staff, people[0])
    few.sync()
    few.choose(scope=Scope(Chosen(groups=(staff,))))
    assert active(few) == {people[0]}
    assert {few.person(one).reason for one in people[1:]} == {Reason.OUT_OF_SCOPE}
    tenant.join(staff, people[2])
    few.sync()
    assert active(few) == {people[0], people[2]}


def test_a_group_brings_somebody_in_whom_no_user_change_mentions(engine: Engine) -> None:
    """Never had an account: a change of the group alone makes one, and does not mail who was there from the start."""
    acme = engine.connect()
    tenant = acme.tenant
    staff, people = tenant.new_group("Staff"), [tenant.hire(f"Person {number}") for number in range(3)]
    tenant.join(staff, people[0])
    engine.pump()
    acme.choose(scope=Scope(Chosen(groups=(staff,))))
    acme.start()
    engine.pump()
    assert active(acme) == {people[0]}
    tenant.join(staff, people[1])
    acme.hint("groups")
    engine.pump()
    assert active(acme) == {people[0], people[1]}
    assert acme.mailed == []
    tenant.leave(staff, people[1])
    acme.hint("groups")
    engine.pump()
    assert (acme.person(people[1]).account_state, acme.person(people[1]).reason) == (
        AccountState.INACTIVE,
        Reason.OUT_OF_SCOPE,
    )


def test_three_deep(few: Tenanted) -> None:
    """Members of a group in a group in the chosen group are in; undoing an edge in the middle takes them out."""
    tenant, people = few.tenant, few.tenant.present_people()
    top, middle, low = (tenant.new_group(name) for name in ("Top", "Middle", "Low"))
    tenant.join(top, middle)
    tenant.join(middle, low)
    tenant.join(low, people[0])
    tenant.join(top, people[1])
    few.sync()
    few.choose(scope=Scope(Chosen(groups=(top,))))
    assert active(few) == {people[0], people[1]}
    tenant.join(middle, people[2])
    few.sync()
    assert active(few) == {people[0], people[1], people[2]}
    tenant.leave(middle, low)
    few.sync()
    few.approve_all()
    assert active(few) == {people[1], people[2]}
    tenant.join(top, low)
    few.sync()
    assert active(few) == {people[0], people[1], people[2]}


def test_a_cycle_and_several_parents(few: Tenanted) -> None:
    """Groups that contain each other are ordinary; somebody stays as long as one way up is left."""
    tenant, people = few.tenant, few.tenant.present_people()
    top, left, right, low = (tenant.new_group(name) for name in ("Top", "Left", "Right", "Low"))
    for parent, child in ((top, left), (top, right), (left, low), (right, low), (low, top)):
        tenant.join(parent, child)
    tenant.join(low, people[0])
    few.sync()
    few.choose(scope=Scope(Chosen(groups=(top,))))
    assert active(few) == {people[0]}
    tenant.leave(left, low)
    few.sync()
    assert active(few) == {people[0]}
    tenant.leave(right, low)
    few.sync()
    few.approve_all()
    assert active(few) == set()


def test_exclusion_wins(few: Tenanted) -> None:
    """Over everyone, over a chosen person, over a chosen group; it ends when the membership ends."""
    tenant, people = few.tenant, few.tenant.present_people()
    board, staff = tenant.new_group("Board"), tenant.new_group("Staff")
    for person in people[:2]:
        tenant.join(board, person)
    tenant.join(staff, people[1])
    few.sync()
    few.choose(scope=Scope(Chosen(everyone=True, people=(people[0],), groups=(staff,), excluded_groups=(board,))))
    assert active(few) == {people[2], people[3]}
    tenant.leave(board, people[0])
    few.sync()
    assert active(few) == {people[0], people[2], people[3]}


def test_a_person_excluded_by_name(few: Tenanted) -> None:
    """Excluded: deactivated; no longer excluded: the same account is active again."""
    one = few.tenant.present_people()[0]
    account = few.person(one).account_id
    few.choose(scope=Scope(Chosen(everyone=True, excluded_people=(one,))))
    assert (few.person(one).account_state, few.person(one).reason) == (AccountState.INACTIVE, Reason.OUT_OF_SCOPE)
    few.choose(scope=Scope())
    assert (few.person(one).account_state, few.person(one).account_id) == (AccountState.ACTIVE, account)


@pytest.mark.parametrize(
    ("properties", "scope"),
    [
        ({"userType": "Guest"}, Scope(guests=True)),
        ({"accountEnabled": False}, Scope(disabled=True)),
        ({"mail": "who@fabrikam.example"}, Scope(domains=("fabrikam.example",))),
        ({"department": "Sales"}, Scope(filters=(Filter("department", "equals", ("SALES",)),))),
        ({"department": "Sales"}, Scope(filters=(Filter("department", "present"),))),
    ],
)
def test_a_switch_in_and_out(few: Tenanted, properties: dict[str, Any], scope: Scope) -> None:
    """Guests, disabled people, a domain, a filter: the switch brings somebody in; switched back, they are out again
    where the former settings leave them out.
    """
    who = few.tenant.hire("Who Ever", **properties)
    few.sync()
    before = active(few)
    few.choose(scope=scope)
    assert who in active(few)
    few.choose(scope=Scope())
    assert active(few) == before


def test_a_filter_on_what_was_never_read_takes_nobody_away(few: Tenanted) -> None:
    """An attribute that no feed told so far is not null: nobody is judged by it before everybody was read again."""
    tenant, people = few.tenant, few.tenant.present_people()
    for person in people[:3]:
        tenant.change(person, employeeType="Employee", told=False)
    few.save(scope=Scope(filters=(Filter("employeeType", "equals", ("employee",)),)))
    lose_passes(few)
    tenant.change(people[0], department="Moved")
    few.sync()
    assert active(few) == set(people)
    new = tenant.hire("New Comer", employeeType="Employee")
    few.sync()
    few.reconcile()
    assert active(few) == {*people[:3], new}
    assert few.person(people[3]).reason is Reason.OUT_OF_SCOPE


def test_a_field_from_what_was_never_read_keeps_its_value(few: Tenanted) -> None:
    """A rule is changed to another attribute: the field stays as it is until that attribute was read."""
    tenant, one = few.tenant, few.tenant.present_people()[0]
    tenant.change(one, department="Sales", employeeType="Employee")
    few.sync()
    rules = tuple(replace(r, value="employeeType") if r.target == "department" else r for r in DEFAULT_MAPPING)
    few.save(mapping=(*rules, FieldRule("kind", "employeeType")))
    lose_passes(few)
    tenant.change(one, jobTitle="Seller")
    few.sync()
    assert few.person(one).fields["department"] == "Sales"
    few.reconcile()
    assert (few.person(one).fields["department"], few.person(one).fields["kind"]) == ("Employee", "Employee")


def test_narrowing_beyond_the_limit_is_held(acme: Tenanted) -> None:
    """New settings would take ten of twenty away: all wait, named; approval applies exactly those."""
    people = acme.tenant.present_people()
    staff = next(iter(acme.groups))
    acme.choose(scope=Scope(Chosen(groups=(staff,))))
    assert active(acme) == set(people)
    (hold,) = acme.holds
    assert {one.object_id for one in hold.removals} == set(people[10:])
    assert hold.cause == "changed settings"
    acme.approve_all()
    assert active(acme) == set(people[:10])


def test_widening_again_makes_the_hold_moot(acme: Tenanted) -> None:
    """Held by new settings, and the settings taken back: nothing waits, and nobody is marked as waiting."""
    staff = next(iter(acme.groups))
    acme.choose(scope=Scope(Chosen(groups=(staff,))))
    assert acme.holds
    acme.choose(scope=Scope())
    assert acme.holds == []
    assert {record.held for record in acme.people.values()} == {""}


def test_what_was_held_is_not_released_by_being_few(acme: Tenanted) -> None:
    """Six wait; five of them are re-enabled: the one that is left still waits, run after run."""
    people = acme.tenant.present_people()
    for person in people[:6]:
        acme.tenant.change(person, accountEnabled=False)
    acme.sync()
    for person in people[:5]:
        acme.tenant.change(person, accountEnabled=True)
    acme.sync()
    acme.choose(audience=Chosen(everyone=True))
    acme.reconcile()
    acme.tenant.change(people[5], department="Elsewhere")
    acme.sync()
    assert active(acme) == set(people)
    (hold,) = acme.holds
    assert [one.object_id for one in hold.removals] == [people[5]]


def test_settings_saved_again_while_everybody_is_decided(acme: Tenanted) -> None:
    """The later settings win, whatever the earlier revisit had done by then."""
    people = acme.tenant.present_people()
    acme.save(scope=Scope(Chosen(everyone=True, excluded_people=tuple(people[:3]))))
    acme.engine.deliver()
    acme.save(scope=Scope(Chosen(everyone=True, excluded_people=(people[4],))))
    acme.engine.pump()
    assert active(acme) == {*people} - {people[4]}
    assert sorted(run.error for run in acme.runs if run.kind == "revisit") == ["", "superseded"]
    assert acme.view.reader.revisit_run == ""


def test_a_revisit_and_a_full_pass_at_once(acme: Tenanted) -> None:
    """Their messages mixed in any order: both end, and the settings and the directory are what is stored."""
    people = acme.tenant.present_people()
    acme.tenant.hard_delete(people[0], told=False)
    acme.request_pass()
    acme.engine.deliver()
    acme.save(scope=Scope(Chosen(everyone=True, excluded_people=(people[1],))), audience=Chosen(everyone=True))
    for _ in range(30):
        acme.engine.reshuffle()
        acme.engine.deliver()
    acme.engine.pump()
    assert active(acme) == set(people[2:])
    assert all(record.audience for one, record in acme.people.items() if one in people[2:])
    assert {run.outcome for run in acme.runs} == {"complete"}
