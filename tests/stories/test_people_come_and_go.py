"""Joiner, mover, leaver, renamed, restored, rehired, linked: what one person's life does to their account."""

from __future__ import annotations

import pytest

from shared.errors import Conflict
from sync.core.model import AccountState, Action, Reason
from tests.fakes.engine import Engine, Tenanted


def test_joiner(acme: Tenanted) -> None:
    """A new hire gets an account and one mail, by a notification alone."""
    new = acme.tenant.hire("New Comer")
    acme.sync()
    record = acme.person(new)
    assert (record.account_state, record.origin, record.address) == (
        AccountState.ACTIVE,
        "entra",
        "new.comer@contoso.example",
    )
    acme.sync()
    acme.reconcile()
    assert acme.mailed == ["new.comer@contoso.example"]


def test_mover(acme: Tenanted) -> None:
    """A new department and another group are in the account and its memberships; the groups' counts follow."""
    person = acme.tenant.present_people()[0]
    staff, sales = acme.tenant.present_groups()[0], acme.tenant.new_group("Sales")
    acme.tenant.change(person, department="Sales")
    acme.tenant.leave(staff, person)
    acme.tenant.join(sales, person)
    acme.sync()
    record = acme.person(person)
    assert record.fields["department"] == "Sales"
    assert record.groups == {sales}
    assert (acme.groups[staff].members, acme.groups[sales].members) == (9, 1)
    assert acme.mailed == []


@pytest.mark.parametrize(
    ("how", "reason"), [("soft", Reason.LEFT), ("hard", Reason.LEFT), ("disabled", Reason.DISABLED)]
)
def test_leaver(acme: Tenanted, how: str, reason: Reason) -> None:
    """Who is deleted or blocked is deactivated with the reason; nothing of the account is lost."""
    person = acme.tenant.present_people()[0]
    before = acme.person(person)
    if how == "disabled":
        acme.tenant.change(person, accountEnabled=False)
    else:
        (acme.tenant.soft_delete if how == "soft" else acme.tenant.hard_delete)(person)
    acme.sync()
    after = acme.person(person)
    assert (after.account_state, after.reason) == (AccountState.INACTIVE, reason)
    assert (after.account_id, after.address, after.fields) == (before.account_id, before.address, before.fields)
    assert (acme.counts.active, acme.counts.inactive) == (19, 1)


def test_guest_conversion_deactivates(acme: Tenanted) -> None:
    """An employee made a guest is out of scope; made a member again, the account comes back."""
    person = acme.tenant.present_people()[0]
    acme.tenant.change(person, userType="Guest")
    acme.sync()
    assert (acme.person(person).account_state, acme.person(person).reason) == (
        AccountState.INACTIVE,
        Reason.OUT_OF_SCOPE,
    )
    acme.tenant.change(person, userType="Member")
    acme.sync()
    assert acme.person(person).account_state is AccountState.ACTIVE


def test_renamed(acme: Tenanted) -> None:
    """A surname and an address change follow the person: the same account, the old address free, no second mail."""
    new = acme.tenant.hire("Ann Old")
    acme.sync()
    before = acme.person(new)
    acme.tenant.change(
        new, surname="New", displayName="Ann New", mail="ann.new@contoso.example", userPrincipalName="ann.new@c.example"
    )
    acme.sync()
    after = acme.person(new)
    assert after.account_id == before.account_id
    assert (after.address, after.fields["family_name"]) == ("ann.new@contoso.example", "New")
    assert "ann.old@contoso.example" not in acme.addresses
    assert acme.mailed == ["ann.old@contoso.example"]


def test_address_without_mailbox(acme: Tenanted) -> None:
    """Who loses the address keeps the account: nothing says that they left."""
    person = acme.tenant.present_people()[0]
    acme.tenant.change(person, mail=None, userPrincipalName="x@contoso.onmicrosoft.com")
    acme.sync()
    acme.reconcile()
    record = acme.person(person)
    assert (record.account_state, record.address) == (AccountState.ACTIVE, "person.0@contoso.example")


def test_restored(acme: Tenanted) -> None:
    """Out of the bin: the same account is active again, with its groups, and nobody is mailed twice."""
    new = acme.tenant.hire("New Comer")
    staff = acme.tenant.present_groups()[0]
    acme.tenant.join(staff, new)
    acme.sync()
    before = acme.person(new)
    acme.tenant.soft_delete(new)
    acme.sync()
    acme.tenant.restore(new)
    acme.sync()
    after = acme.person(new)
    assert (after.account_id, after.account_state) == (before.account_id, AccountState.ACTIVE)
    assert after.groups == {staff}
    assert acme.mailed == ["new.comer@contoso.example"]


def test_restored_after_a_full_pass(acme: Tenanted) -> None:
    """A full pass while somebody is in the bin does not cost them their groups: the feed does not tell them again."""
    person, staff = acme.tenant.present_people()[0], acme.tenant.present_groups()[0]
    acme.tenant.soft_delete(person)
    acme.sync()
    acme.reconcile()
    acme.tenant.restore(person)
    acme.sync()
    assert acme.person(person).groups == {staff}


def test_linked_to_an_account_made_by_hand(acme: Tenanted) -> None:
    """A hire whose address has an account already is linked to it, once, and not mailed."""
    made = acme.manual("Hand.Made@contoso.example")
    new = acme.tenant.hire("Hand Made")
    acme.sync()
    record = acme.person(new)
    assert (record.account_id, record.origin, record.account_state) == (made.account_id, "manual", AccountState.ACTIVE)
    assert acme.mailed == []
    with pytest.raises(Conflict):
        acme.manual("hand.made@contoso.example")


def test_address_swap(acme: Tenanted) -> None:
    """Two people exchange their addresses: each account gets the other's."""
    one, two = acme.tenant.present_people()[:2]
    acme.tenant.change(one, mail="person.1@contoso.example")
    acme.tenant.change(two, mail="person.0@contoso.example")
    acme.sync()
    assert (acme.person(one).address, acme.person(two).address) == (
        "person.1@contoso.example",
        "person.0@contoso.example",
    )


def test_address_swap_over_shards(engine: Engine) -> None:
    """People of different shards exchange their addresses: by the next full pass each has the other's."""
    acme = engine.connect(digits=1)
    people = [acme.tenant.hire(f"Person {number}") for number in range(6)]
    acme.imported()
    for number, person in enumerate(people):  # a ring of six
        acme.tenant.change(person, mail=f"person.{(number + 1) % 6}@contoso.example")
    acme.sync()
    acme.reconcile()
    assert [acme.person(person).address for person in people] == [
        f"person.{(number + 1) % 6}@contoso.example" for number in range(6)
    ]


def test_conflict_does_not_stop_the_rest(acme: Tenanted) -> None:
    """Two people with one address: the first keeps it, the second waits with the reason, the others go on; once the
    first has another address, the second gets the account at the latest by the next full pass.
    """
    first, second = acme.tenant.present_people()[0], acme.tenant.hire("Twin", mail="Person.0@contoso.example")
    third = acme.tenant.hire("Third One")
    acme.sync()
    record = acme.person(second)
    assert (record.account_state, record.reason, record.conflict_with) == (
        AccountState.NONE,
        Reason.ADDRESS_CONFLICT,
        first,
    )
    assert acme.person(third).account_state is AccountState.ACTIVE
    acme.tenant.change(first, mail="other@contoso.example")
    acme.sync()
    acme.reconcile()
    record = acme.person(second)
    assert (record.account_state, record.conflict_with) == (AccountState.ACTIVE, "")
    assert acme.mailed == ["person.0@contoso.example", "third.one@contoso.example"]


def test_skeleton_is_mailed_once_it_is_whole(acme: Tenanted) -> None:
    """Somebody made without address and name waits; the account and the one mail come when both are there."""
    new = acme.tenant.hire("", accountEnabled=True, userPrincipalName="new@contoso.onmicrosoft.com")
    acme.sync()
    assert acme.person(new).reason is Reason.NO_ADDRESS
    acme.tenant.change(new, mail="late@contoso.example")
    acme.sync()
    assert acme.person(new).reason is Reason.NO_NAME
    acme.tenant.change(new, displayName="Late Comer")
    acme.sync()
    assert acme.person(new).account_state is AccountState.ACTIVE
    acme.tenant.change(new, displayName="Late R. Comer")
    acme.sync()
    assert acme.mailed == ["late@contoso.example"]


def test_activity_tells_before_and_after(acme: Tenanted) -> None:
    """Every change of an account is in the activity once, with what it was and what it became."""
    person = acme.tenant.present_people()[0]
    acme.tenant.change(person, jobTitle="Chief")
    acme.engine.clock.advance(60)
    acme.sync()
    found = acme.engine.services.people.activity(acme.scope, [""], limit=1)[0][0]
    assert [(entry.object_id, entry.action) for entry in found.entries] == [(person, Action.UPDATE)]
    assert "job_title" not in found.entries[0].before
    assert found.entries[0].after["job_title"] == "Chief"
    assert acme.runs[0].counts == {"update": 1}


def test_nested_groups_and_devices_make_nobody(acme: Tenanted) -> None:
    """Groups in groups (a circle too) and devices are stored as what they are, and nobody gets an account for them."""
    one, two = acme.tenant.new_group("One"), acme.tenant.new_group("Two")
    acme.tenant.join(one, two)
    acme.tenant.join(two, one)
    acme.tenant.join(one, acme.tenant.new_device())
    acme.sync()
    acme.reconcile()
    assert set(acme.groups[one].parents) == {two}
    assert set(acme.groups[two].parents) == {one}
    assert len(acme.people) == 20


def test_group_deleted_and_restored(acme: Tenanted) -> None:
    """A deleted group is marked so; restored, it is present with its members again."""
    staff = acme.tenant.present_groups()[0]
    acme.tenant.delete_group(staff)
    acme.sync()
    assert acme.groups[staff].presence.value == "soft_deleted"
    acme.tenant.restore_group(staff)
    acme.sync()
    assert acme.groups[staff].presence.value == "present"
    assert sum(record.groups == {staff} for record in acme.people.values()) == 10
