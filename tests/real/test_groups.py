"""Groups of every kind, on real storage and the simulated cloud: who is in by them, and what their loss does."""

from __future__ import annotations

import uuid

import pytest

from sync.core.model import AccountState, Presence, Reason
from sync.core.sync_settings import Chosen, Scope
from sync.usecases import explain_group
from sync.usecases.chosen_groups import unfit
from tests.fakes.engine import Tenanted
from tests.real.world import RealEngine, active, group, person

pytestmark = pytest.mark.azurite


def named(*numbers: int) -> set[str]:
    """The names of these of the twenty."""
    return {f"Person {number}" for number in numbers}


def scope_by(connection: Tenanted, *groups: str) -> None:
    """The admin chooses groups, and approves what that takes away."""
    connection.sync()
    connection.choose(scope=Scope(Chosen(groups=groups)))
    connection.approve_all()


def test_a_net_of_groups(acme: Tenanted) -> None:
    """A ring of groups, one in two parents and one in itself, with devices and programs among the members: everybody
    is counted once, leaving one of two parents takes nobody out, and leaving the other waits for an admin.
    """
    tenant = acme.tenant
    people = [person(acme, f"Person {number}").object_id for number in range(20)]
    company, sales, support, north = (tenant.new_group(name) for name in ("Company", "Sales", "Support", "North"))
    things = [tenant.new_device(), tenant.new_device("servicePrincipal")]
    tenant.join(company, sales, support, company, *things)
    tenant.join(sales, north, *people[10:12], *things)
    tenant.join(support, north, people[11])
    tenant.join(north, company, *people[12:14])
    scope_by(acme, company)
    assert active(acme) == named(10, 11, 12, 13)
    found = explain_group.group(acme.engine.services, acme.view, company)
    assert (found.effective, found.below, {one.name for one in found.parents}) == (4, 3, {"Company", "North"})
    tenant.leave(sales, north)
    acme.sync()
    assert (active(acme), acme.holds) == (named(10, 11, 12, 13), [])
    tenant.leave(support, north)
    tenant.join(company, people[19])
    acme.sync()
    (hold,) = acme.holds
    assert (hold.cause, {one.name for one in hold.removals}) == ("group vanished or shrank: North", named(12, 13))
    assert active(acme) == named(10, 11, 12, 13, 19)
    acme.approve_all()
    acme.reconcile()
    assert (active(acme), acme.holds) == (named(10, 11, 19), [])
    assert len(acme.people) == 25  # neither group nor device became somebody


def test_dynamic_hidden_and_renamed(acme: Tenanted) -> None:
    """A dynamic group's members come and go as any; of a hidden one Entra tells nobody, so nobody is in by it; a new
    name changes nobody and has nobody decided again.
    """
    tenant = acme.tenant
    people = [person(acme, f"Person {number}").object_id for number in range(20)]
    dynamic = tenant.new_group("Everyone in Sales", groupTypes=["DynamicMembership"], members=people[10:13])
    unified = {"groupTypes": ["Unified"], "mailEnabled": True, "visibility": "HiddenMembership"}
    hidden = tenant.new_group("Works Council", members=people[13:16], **unified)
    scope_by(acme, dynamic, hidden)
    assert active(acme) == named(10, 11, 12)
    assert (acme.groups[hidden].name, acme.groups[hidden].hidden) == ("Works Council", True)
    before = {run.id for run in acme.runs}
    tenant.change_group(dynamic, displayName="Sales")
    acme.sync()
    assert (acme.groups[dynamic].name, active(acme)) == ("Sales", named(10, 11, 12))
    assert {run.kind for run in acme.runs if run.id not in before} == {"pull"}
    tenant.leave(dynamic, people[10])
    tenant.join(dynamic, people[16])
    tenant.join(hidden, people[17])
    acme.sync()
    assert (active(acme), acme.person(people[10]).reason) == (named(11, 12, 16), Reason.OUT_OF_SCOPE)


@pytest.mark.parametrize("told", [True, False])
def test_deleted_and_back(acme: Tenanted, *, told: bool) -> None:
    """A group and somebody in it are binned, a full pass goes by, and both come back, whether or not the groups feed
    tells their memberships again: in scope as before, by one account. Deleted for good, the group is a hold until an
    admin has looked.
    """
    tenant, staff = acme.tenant, group(acme, "Staff")
    tenant.cloud.behave(
        soft_deleted_in_members=told,
        restore_in_groups_delta=told,
        restore_resends_members=told,
        hard_delete_in_groups_delta=told,
    )
    scope_by(acme, staff)
    leaver, purged = (person(acme, name) for name in ("Person 0", "Person 1"))
    tenant.soft_delete(leaver.object_id)
    tenant.hard_delete(purged.object_id)
    acme.sync()
    acme.reconcile()
    assert (active(acme), acme.groups[staff].members) == (named(*range(2, 10)), 8)
    tenant.restore(leaver.object_id)
    acme.sync()
    back = acme.person(leaver.object_id)
    assert (back.account_state, back.account_id, back.groups) == (
        AccountState.ACTIVE,
        leaver.account_id,
        frozenset({staff}),
    )
    assert (acme.person(purged.object_id).presence, acme.groups[staff].members) == (Presence.HARD_DELETED, 9)
    tenant.delete_group(staff)
    acme.sync()
    acme.reconcile()
    (hold,) = acme.holds
    assert (hold.cause, len(hold.removals)) == ("group vanished or shrank: Staff", 9)
    tenant.restore_group(staff)
    acme.sync()
    acme.reconcile()
    assert (active(acme), acme.holds, acme.groups[staff].members) == (named(0, *range(2, 10)), [], 9)
    tenant.cloud.purge_group(tenant.id, staff)
    acme.sync()
    assert (acme.groups[staff].presence, len(active(acme)), len(acme.holds[0].removals)) == ("hard_deleted", 9, 9)
    acme.approve_all()
    acme.reconcile()
    assert (active(acme), acme.holds, acme.mailed) == (set(), [], [])


@pytest.mark.parametrize("how", ["binned", "purged", "unseen"])
def test_an_excluding_group_vanishes(acme: Tenanted, how: str) -> None:
    """The works council's group is deleted, with another one in it: pulls and full passes later nobody of them has an
    account again, a mail or simulations; Entra's return of the groups changes nothing, the admin's settings do.
    """
    tenant = acme.tenant
    people = [person(acme, f"Person {number}").object_id for number in range(20)]
    tenant.cloud.behave(restore_resends_members=False, omit_deletions=1.0 if how == "unseen" else 0.0)
    inner = tenant.new_group("Deputies", members=people[11:13])
    council = tenant.new_group("Works Council", members=[people[10], inner])
    acme.sync()
    excluded = Chosen(everyone=True, excluded_groups=(council,))
    acme.choose(scope=Scope(excluded), audience=excluded)
    outside = named(10, 11, 12)
    assert not active(acme) & outside
    for one in (inner, council):
        tenant.delete_group(one)
        if how == "purged":
            tenant.cloud.purge_group(tenant.id, one)
        acme.sync()
    for _ in range(2):
        acme.reconcile()
        assert (active(acme) & outside, acme.holds) == (set(), [])
    assert [group.name for group in unfit(acme.engine.services, acme.connection).gone] == ["Works Council"] * 2
    if how == "binned":
        for one in (inner, council):
            tenant.restore_group(one)
        acme.sync()
        assert active(acme) & outside == set()
    acme.choose(scope=Scope(), audience=Chosen(everyone=True))
    assert outside <= active(acme)
    assert acme.mailed == []


def test_an_excluding_group_is_emptied(acme: Tenanted) -> None:
    """By a script that fills it again after a pull: nobody of it is let in meanwhile. Emptied for good, a full pass
    lets them in.
    """
    tenant = acme.tenant
    people = [person(acme, f"Person {number}").object_id for number in range(20)]
    council = tenant.new_group("Works Council", members=people[10:])
    acme.sync()
    acme.choose(scope=Scope(Chosen(everyone=True, excluded_groups=(council,))))
    acme.approve_all()
    outside = named(*range(10, 20))
    for change, members in ((tenant.leave, 0), (tenant.join, 10), (tenant.leave, 0)):
        change(council, *people[10:])
        acme.sync()
        assert (active(acme) & outside, acme.groups[council].members) == (set(), members)
    acme.reconcile()
    assert outside <= active(acme)
    assert (acme.holds, acme.mailed) == ([], [])


def test_the_right_to_hidden_members_is_taken_away(acme: Tenanted) -> None:
    """Entra told who is in a hidden group, and no longer does: nobody leaves scope by it, and nobody is held."""
    tenant = acme.tenant
    people = [person(acme, f"Person {number}").object_id for number in range(20)]
    rights = ["User.Read.All", "GroupMember.Read.All"]
    tenant.cloud.set_roles(tenant.id, [*rights, "Member.Read.Hidden"])
    acme.engine.services.directory.granted_roles(acme.connection)
    unified = {"groupTypes": ["Unified"], "mailEnabled": True, "visibility": "HiddenMembership"}
    hidden = tenant.new_group("Board", members=people[13:16], **unified)
    scope_by(acme, hidden)
    assert active(acme) == named(13, 14, 15)
    tenant.cloud.set_roles(tenant.id, rights)
    acme.engine.services.directory.granted_roles(acme.connection)
    for _ in range(2):
        acme.reconcile()
    assert (active(acme), acme.holds, acme.groups[hidden].members) == (named(13, 14, 15), [], 3)


def test_a_large_group_in_slices(engine: RealEngine) -> None:
    """A group of a thousand, told in slices over many pages by the full pass and by each round: one group with all its
    members. Half of them gone in one round are one hold with their names; when they are back, nobody waits any more.
    """
    engine.control.behave(member_slice=150, page_size=40, repeat_every=7)
    acme = engine.connect(f"acme-{uuid.uuid4().hex}", engine.control.create_tenant("1000"))
    tenant = acme.tenant
    everybody = [user["id"] for user in tenant.cloud.people(tenant.id) if user["userType"] == "Member"]
    large = tenant.new_group("Large", members=everybody)
    acme.imported()
    acme.choose(scope=Scope(Chosen(groups=(large,))))
    assert (acme.groups[large].members, acme.counts.active) == (len(everybody), len(everybody))
    gone = everybody[::2]
    tenant.leave(large, *gone)
    acme.sync()
    (hold,) = acme.holds
    assert {one.object_id for one in hold.removals} == {*gone}
    assert (acme.groups[large].members, acme.counts.active) == (len(everybody) - len(gone), len(everybody))
    tenant.join(large, *gone)
    acme.sync()
    assert {record.held for record in acme.people.values()} == {""}
    acme.reconcile()
    assert (acme.holds, acme.groups[large].members) == ([], len(everybody))


def test_members_that_are_ids_only(empty: Tenanted) -> None:
    """Entra does not say of what kind members are: people are people, groups within groups still give membership, by
    the first pass and by a pull, and no group becomes anybody.
    """
    tenant = empty.tenant
    tenant.cloud.behave(untyped_members=True, page_size=4, member_slice=2)
    people = tenant.hire_all(*(f"Person {number}" for number in range(8)))
    top, low = tenant.new_group("Top", members=people[:3]), tenant.new_group("Low", members=people[3:5])
    tenant.join(top, low)
    empty.imported()
    assert (len(empty.people), empty.groups[top].members, empty.groups[low].members) == (13, 3, 2)
    scope_by(empty, top)
    assert active(empty) == named(0, 1, 2, 3, 4)
    deep = tenant.new_group("Deep", members=[people[5]])
    tenant.join(low, deep)
    tenant.leave(low, people[3])
    empty.sync()
    assert (active(empty), len(empty.people)) == (named(0, 1, 2, 4, 5), 13)
    empty.reconcile()
    tenant.leave(low, deep)
    empty.sync()
    empty.approve_all()
    assert (active(empty), len(empty.people)) == (named(0, 1, 2, 4), 13)
