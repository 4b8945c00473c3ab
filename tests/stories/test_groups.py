"""Groups as they come and go: what a feed that misbehaves, a lost right and a killed worker make of memberships."""

from __future__ import annotations

import pytest

from shared.errors import NeedsAdmin
from sync.core.model import FEEDS, AccountState
from sync.core.sync_settings import Chosen, Scope
from sync.usecases.full_pass import PARTS_STANDSTILL
from tests.fakes.engine import Engine, Tenanted
from tests.property.safety import Watchdog
from tests.property.truth import differences
from tests.stories.test_killed_anywhere import effects_of, rest


def chosen_staff(acme: Tenanted) -> tuple[str, list[str]]:
    """Scope and audience go by the one group; its ten members stay."""
    group = next(iter(acme.groups))
    acme.choose(scope=Scope(Chosen(groups=(group,))), audience=Chosen(groups=(group,)))
    acme.approve_all()
    return group, acme.tenant.present_people()[:10]


def active(connection: Tenanted) -> set[str]:
    """Who has an active account."""
    return {one for one, record in connection.people.items() if record.account_state is AccountState.ACTIVE}


def test_an_enumeration_of_nothing_keeps_every_membership(acme: Tenanted) -> None:
    """The groups answer 200 with an empty list while the people are there: memberships, scope and audience stay."""
    group, members = chosen_staff(acme)
    before = {one: record.groups for one, record in acme.people.items()}
    acme.tenant.enumerates_nothing = True
    acme.reconcile()
    assert {one: record.groups for one, record in acme.people.items()} == before
    assert acme.groups[group].members == len(members)
    assert active(acme) == set(members)


def test_the_right_to_groups_is_lost(acme: Tenanted) -> None:
    """Groups freeze as they are, people go on, nobody leaves scope; with the right back everything is caught up."""
    group, members = chosen_staff(acme)
    acme.tenant.refusals["groups"] = NeedsAdmin("permission_missing", "grant it")
    acme.tenant.leave(group, members[0])
    acme.tenant.change(members[1], department="Moved")
    acme.sync()
    acme.reconcile()
    assert active(acme) == set(members)
    assert acme.person(members[1]).fields["department"] == "Moved"
    assert {record.audience for one, record in acme.people.items() if one in members} == {True}
    del acme.tenant.refusals["groups"]
    acme.reconcile()
    assert active(acme) == set(members[1:])


@pytest.mark.parametrize("passes", [0, 1])
def test_somebody_restored_comes_back_with_their_memberships(acme: Tenanted, passes: int) -> None:
    """Out of the bin, a full pass in between or not: in scope by the group at once, the same account, and simulated."""
    group, members = chosen_staff(acme)
    account = acme.person(members[0]).account_id
    acme.tenant.soft_delete(members[0])
    acme.sync()
    assert (acme.person(members[0]).account_state, acme.person(members[0]).audience) == (AccountState.INACTIVE, False)
    for _ in range(passes):
        acme.reconcile()
    acme.tenant.restore(members[0])
    acme.hint("users")
    acme.engine.pump()
    back = acme.person(members[0])
    assert (back.account_state, back.account_id, back.audience) == (AccountState.ACTIVE, account, True)
    assert group in back.groups


def test_the_right_to_hidden_members_is_lost(engine: Engine) -> None:
    """A group hides its members and told them while the right was there: without it Graph tells the group without a
    member, which is no empty group. Nobody leaves scope, pass after pass; a group that never told is said to hide.
    """
    acme = engine.connect()
    tenant = acme.tenant
    tenant.roles = (*tenant.roles, "Member.Read.Hidden")
    people = [tenant.hire(f"Person {number}") for number in range(4)]
    group, nested = tenant.new_group("Board", visibility="HiddenMembership"), tenant.new_group("Deputies")
    tenant.join(group, nested)
    tenant.join(nested, people[1])
    for person in (people[0], people[2]):
        tenant.join(group, person)
    acme.imported()
    acme.choose(scope=Scope(Chosen(groups=(group,))))
    assert active(acme) == set(people[:3])
    tenant.leave(group, people[2])
    acme.sync()
    tenant.roles = tenant.roles[:2]
    never = tenant.new_group("Council", visibility="HiddenMembership")
    tenant.join(never, people[3])
    for _ in range(2):
        acme.reconcile()
    assert (active(acme), acme.holds, acme.groups[group].members) == (set(people[:2]), [], 1)
    assert (acme.groups[never].hidden, acme.groups[group].hidden) == (True, False)
    tenant.leave(group, people[0])
    tenant.join(group, people[3])
    tenant.roles = (*tenant.roles, "Member.Read.Hidden")
    acme.reconcile()
    assert active(acme) == {people[1], people[3]}


def story(engine: Engine, crash_at: int) -> Tenanted:
    """Scope by a nested group, and the worker killed once while settings and nesting have everybody decided again."""
    acme = engine.connect(digits=1)
    tenant = acme.tenant
    people = [tenant.hire(f"Person {number}") for number in range(6)]
    top, low, out = tenant.new_group("Top"), tenant.new_group("Low"), tenant.new_group("Out")
    tenant.join(top, low)
    for person in people[:3]:
        tenant.join(low, person)
    tenant.join(top, people[3])
    tenant.join(out, people[0])
    acme.imported()
    engine.faults.effects.clear()
    engine.faults.crash_after(crash_at)
    for _ in range(3):  # a worker killed while saving is no reason to give up
        with engine.attempt() as failed:
            acme.save(scope=Scope(Chosen(groups=(top,), excluded_groups=(out,))), audience=Chosen(groups=(low,)))
        if not failed:
            break
    rest(engine)
    tenant.leave(top, low)
    tenant.join(top, people[5])
    for feed in FEEDS:
        with engine.attempt():
            acme.hint(feed)
    rest(engine)
    engine.wait(PARTS_STANDSTILL)
    engine.pump()
    return acme


@pytest.mark.parametrize("part", range(4))
def test_a_revisit_killed_at_every_effect(part: int) -> None:
    """Whichever effect the worker is killed at: those whom the undone nesting takes out wait, everybody else is as
    the settings say, and after the approval everything is.
    """
    for crash_at in range(1 + part, TOTAL + 1, 4):
        engine = Engine()
        acme = story(engine, crash_at)
        where = f"killed at effect {crash_at} of {TOTAL}"
        people = list(acme.tenant.people)
        assert {people[3], people[5]} <= active(acme), where
        out = acme.person(people[4])  # by the settings; who was not decided when the nesting changed waits with them
        assert out.account_state is AccountState.INACTIVE or out.held, where
        Watchdog(engine, [acme]).look()
        assert {people[1], people[2]} <= active(acme), where
        for _ in range(2):
            acme.reconcile()
            acme.approve_all()
        assert differences(acme) == [], where
        assert active(acme) == {people[3], people[5]}, where


TOTAL = effects_of(story)
