"""Groups that the settings name and that vanish are told, whatever they were used for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import NeedsAdmin
from sync.core.model import AccountState
from sync.core.scope import Rule
from sync.core.sync_settings import Chosen, Scope
from sync.panel import words
from sync.usecases import explain
from sync.usecases.chosen_groups import unfit
from tests.fakes.engine import Engine, Tenanted


def told(acme: Tenanted) -> list[tuple[str, str]]:
    """Name and use of each."""
    return [(group.name, group.use) for group in unfit(acme.engine.services, acme.connection).gone]


@pytest.fixture
def chosen(engine: Engine) -> Tenanted:
    """A workspace with a group for each use: `scope`, `scope_excluded`, `audience`, `audience_excluded`."""
    acme = engine.connect()
    uses = ("scope", "scope_excluded", "audience", "audience_excluded")
    groups = {use: (acme.tenant.new_group(use),) for use in uses}
    for number in range(4):
        acme.tenant.join(groups["scope"][0], acme.tenant.hire(f"Person {number}"))
    acme.imported()
    scope = Chosen(groups=groups["scope"], excluded_groups=groups["scope_excluded"])
    acme.choose(
        scope=Scope(scope), audience=Chosen(groups=groups["audience"], excluded_groups=groups["audience_excluded"])
    )
    return acme


@pytest.mark.parametrize("soft", [False, True])
def test_a_vanished_group_is_told_with_its_use(chosen: Tenanted, soft: bool) -> None:
    """Each by the name it had last, until it comes back or the settings no longer name it."""
    assert told(chosen) == []
    for group in [*chosen.tenant.present_groups()]:
        chosen.tenant.delete_group(group, soft=soft)
        chosen.sync()
    uses = ["scope", "scope_excluded", "audience", "audience_excluded"]
    assert told(chosen) == [(use, use) for use in uses]
    chosen.reconcile()
    assert told(chosen) == [(use, use) for use in uses]
    if soft:
        chosen.tenant.restore_group(next(group for group, record in chosen.groups.items() if record.name == "scope"))
        chosen.sync()
        assert told(chosen) == [(use, use) for use in uses[1:]]
    chosen.choose(scope=Scope(), audience=Chosen(everyone=True))
    assert told(chosen) == []


def test_a_group_that_never_was_is_told_by_its_id(chosen: Tenanted) -> None:
    """Settings may be saved by a script: an id that Entra does not know is told as it is."""
    stranger = "11111111-2222-4333-8444-555555555555"
    chosen.choose(audience=Chosen(everyone=True, excluded_groups=(stranger,)))
    (group,) = unfit(chosen.engine.services, chosen.connection).gone
    assert (group.name, group.use) == (stranger, "audience_excluded")
    assert stranger in words.gone_group(group)
    assert "receives no simulations" in words.gone_group(group)


def test_a_group_that_hides_its_members_is_told(chosen: Tenanted) -> None:
    """Chosen for whatever use, it does nothing: that is said, until Entra tells of somebody in it."""
    tenant = chosen.tenant
    hiding = tenant.new_group("Quiet", visibility="HiddenMembership")
    tenant.join(hiding, tenant.present_people()[0])
    chosen.sync()
    excluded = Chosen(everyone=True, excluded_groups=(hiding,))
    chosen.choose(scope=Scope(Chosen(everyone=True, groups=(hiding,), excluded_groups=(hiding,))), audience=excluded)
    found = unfit(chosen.engine.services, chosen.connection)
    assert [group.use for group in found.hidden] == ["scope", "scope_excluded", "audience_excluded"]
    assert found.gone == []
    assert "Quiet hides its members" in words.hidden_group(found.hidden[0])
    tenant.roles = (*tenant.roles, "Member.Read.Hidden")
    chosen.reconcile()
    assert unfit(chosen.engine.services, chosen.connection).hidden == []


def test_nothing_is_told_before_groups_were_read(engine: Engine) -> None:
    """Until the first import is done nobody knows which groups there are."""
    acme = engine.connect()
    acme.tenant.hire("Person 1")
    engine.pump()
    acme.choose(audience=Chosen(groups=("11111111-2222-4333-8444-555555555555",)))
    assert told(acme) == []


@pytest.fixture
def council(engine: Engine) -> tuple[Tenanted, str, str, list[str]]:
    """Five people, all in scope and audience but the works council: one in the group itself, one in a group in it."""
    acme = engine.connect(digits=1)
    tenant = acme.tenant
    people = [tenant.hire(f"Person {number}") for number in range(5)]
    outer, inner = tenant.new_group("Works council"), tenant.new_group("Deputies")
    tenant.join(outer, inner)
    tenant.join(outer, people[0])
    tenant.join(inner, people[1])
    acme.imported()
    excluded = Chosen(everyone=True, excluded_groups=(outer,))
    acme.choose(scope=Scope(excluded), audience=excluded)
    return acme, outer, inner, people


def left_out(acme: Tenanted) -> set[str]:
    """Who has no active account, and so no simulations."""
    people = acme.people.items()
    return {one for one, record in people if not record.audience and record.account_state is not AccountState.ACTIVE}


@pytest.mark.parametrize("how", ["soft", "hard", "taken out too", "untold"])
@pytest.mark.parametrize("which", ["outer", "inner", "both"])
def test_whom_a_vanished_group_excludes_stays_out(
    council: tuple[Tenanted, str, str, list[str]], how: str, which: str
) -> None:
    """A works council's group is deleted, the one in it, or both, whether or not Graph tells too that the deleted one
    is no member any more: pull after pass after pass nobody of it gets an account, a mail or a simulation, until the
    admin takes the exclusion out of the settings.
    """
    acme, outer, inner, people = council
    for group in {"outer": [outer], "inner": [inner], "both": [inner, outer]}[which]:
        if how == "taken out too" and group == inner:
            acme.tenant.leave(outer, inner)
        acme.tenant.delete_group(group, soft=how == "soft", told=how != "untold")
        acme.sync()
    for _ in range(2):
        acme.reconcile()
        assert left_out(acme) == set(people[:2])
    acme.tenant.change(people[1], department="Moved")
    new = acme.tenant.hire("New Comer")
    acme.sync()
    assert left_out(acme) == set(people[:2])
    assert (acme.holds, acme.mailed) == ([], ["new.comer@contoso.example"])
    acme.choose(scope=Scope(), audience=Chosen(everyone=True))
    assert left_out(acme) == set()
    acme.reconcile()
    assert {one for one, record in acme.people.items() if record.audience} == {*people, new}


def test_who_was_taken_out_of_an_excluding_group_is_in(council: tuple[Tenanted, str, str, list[str]]) -> None:
    """First the group is taken out of the works council's, and its member comes in; that it is deleted afterwards, by
    the next pull or after a full pass, excludes nobody again.
    """
    acme, outer, inner, people = council
    acme.tenant.leave(outer, inner)
    acme.sync()
    assert left_out(acme) == {people[0]}
    acme.tenant.delete_group(inner)
    acme.sync()
    for _ in range(2):
        assert left_out(acme) == {people[0]}
        acme.reconcile()


@pytest.mark.parametrize("resent", [True, False])
def test_a_restored_group_has_its_members_at_once(
    council: tuple[Tenanted, str, str, list[str]], *, resent: bool
) -> None:
    """Both groups spend two full passes in the bin: back, they exclude whom they did, whether or not Graph tells the
    members again; and who is taken out of them is in.
    """
    acme, outer, inner, people = council
    acme.engine.directory.manners.resend_members = resent
    for group in (outer, inner):
        acme.tenant.delete_group(group)
    acme.sync()
    for _ in range(2):
        acme.reconcile()
    for group in (outer, inner):
        acme.tenant.restore_group(group)
    acme.sync()
    assert left_out(acme) == set(people[:2])
    acme.tenant.leave(inner, people[1])
    acme.sync()
    assert left_out(acme) == {people[0]}
    acme.reconcile()
    assert (acme.groups[outer].members, acme.groups[inner].members, left_out(acme)) == (1, 0, {people[0]})


def test_who_comes_back_unannounced_comes_back_with_the_memberships(
    council: tuple[Tenanted, str, str, list[str]],
) -> None:
    """No feed told that somebody went to the bin, a full pass missed them: restored, they are a member as before."""
    acme, _, inner, people = council
    acme.tenant.soft_delete(people[1], told=False)
    for _ in range(2):
        acme.reconcile()
    acme.tenant.restore(people[1])
    acme.hint("users")
    acme.engine.pump()
    assert acme.person(people[1]).groups == {inner}
    assert left_out(acme) == set(people[:2])


@pytest.fixture
def large(engine: Engine) -> tuple[Tenanted, str, list[str]]:
    """Twenty people over shards, twelve of them excluded as the works council."""
    acme = engine.connect(digits=1)
    people = [acme.tenant.hire(f"Person {number}") for number in range(20)]
    group = acme.tenant.new_group("Works council")
    for person in people[:12]:
        acme.tenant.join(group, person)
    acme.imported()
    excluded = Chosen(everyone=True, excluded_groups=(group,))
    acme.choose(scope=Scope(excluded), audience=excluded)
    acme.approve_all()
    assert left_out(acme) == set(people[:12])
    return acme, group, people


def test_an_excluding_group_is_emptied_and_filled_again(large: tuple[Tenanted, str, list[str]]) -> None:
    """By a script, with a pull in between: nobody of it gets an account, a mail or a simulation meanwhile."""
    acme, group, people = large
    for change, members in ((acme.tenant.leave, 0), (acme.tenant.join, 12)):
        for person in people[:12]:
            change(group, person)
        acme.sync()
        assert (left_out(acme), acme.groups[group].members) == (set(people[:12]), members)
    acme.reconcile()
    assert (left_out(acme), acme.mailed) == (set(people[:12]), [])
    acme.engine.clock.advance(timedelta(hours=25))
    acme.tenant.leave(group, people[0])
    acme.sync()
    assert left_out(acme) == set(people[1:12])


@pytest.mark.parametrize("between", ["nothing", "news", "settings"])
def test_an_emptied_excluding_group_is_confirmed_by_a_full_pass(
    large: tuple[Tenanted, str, list[str]], between: str
) -> None:
    """Whoever was taken out with many others stays out, and is told why, until a full pass has found the same: news of
    them, other settings and groups that move change nothing about it.
    """
    acme, group, people = large
    for person in people[:12]:
        acme.tenant.leave(group, person)
    acme.sync()
    if between == "news":
        for person in people[:12]:
            acme.tenant.change(person, department="Moved")
        acme.sync()
    elif between == "settings":
        acme.choose(shrink_percent=40)
        acme.tenant.join(group, acme.tenant.new_group("Deputies"))
        acme.sync()
    assert left_out(acme) == set(people[:12])
    why = explain.person(acme.engine.services, acme.view, people[0])
    assert (why.scope.verdict.rule, why.scope.verdict.detail) == (Rule.LATELY_EXCLUDED, group)
    acme.reconcile()
    assert (left_out(acme), acme.holds) == (set(), [])


def test_an_excluding_group_that_shrinks_by_and_by(large: tuple[Tenanted, str, list[str]]) -> None:
    """One an hour: five are let in and stay in, the sixth and all after it wait for the full pass."""
    acme, group, people = large
    for person in people[:8]:
        acme.engine.clock.advance(timedelta(hours=1))
        acme.tenant.leave(group, person)
        acme.sync()
    assert left_out(acme) == set(people[5:12])
    for person in people[:12]:
        acme.tenant.change(person, department="Moved")
    acme.sync()
    assert left_out(acme) == set(people[5:12])
    acme.reconcile()
    assert left_out(acme) == set(people[8:12])


def test_the_right_to_groups_is_lost_while_an_excluding_group_is_emptied(
    large: tuple[Tenanted, str, list[str]],
) -> None:
    """A full pass that may not read groups confirms nothing."""
    acme, group, people = large
    for person in people[:12]:
        acme.tenant.leave(group, person)
    acme.sync()
    acme.tenant.refusals["groups"] = NeedsAdmin("permission_missing", "grant it")
    acme.reconcile()
    assert left_out(acme) == set(people[:12])
    del acme.tenant.refusals["groups"]
    acme.reconcile()
    assert left_out(acme) == set()
