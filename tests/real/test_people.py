"""What a person's life does to their account, on real storage and the simulated cloud."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sync.core.model import AccountState, Action, Hand, Reason
from sync.core.sync_settings import Chosen, Scope
from sync.usecases import by_hand, undo
from sync.usecases.purge import purge_at
from tests.fakes.engine import Tenanted
from tests.real.world import active, differences, employee, group, person, told

pytestmark = pytest.mark.azurite
ACTIVE, INACTIVE = AccountState.ACTIVE, AccountState.INACTIVE


def test_one_life(acme: Tenanted) -> None:
    """Hired, moved, renamed, blocked and let in, binned and restored, out of scope and in again, erased and hired once
    more: one account with its history and one mail; the activity tells each step with its reason.
    """
    tenant, staff = acme.tenant, group(acme, "Staff")
    sales = tenant.new_group("Sales")
    acme.sync()
    acme.choose(scope=Scope(Chosen(groups=(staff, sales))))
    acme.approve_all()
    ann = tenant.hire("Ann Old", jobTitle="Trainee")
    tenant.join(sales, ann)
    acme.sync()
    account = acme.person(ann).account_id
    named = {"displayName": "Ann New", "surname": "New", "mail": "ann.new@contoso.example"}
    steps: list[tuple[Callable[[], None], AccountState, Reason, Action]] = [
        (lambda: tenant.change(ann, department="Sales", jobTitle=None), ACTIVE, Reason.OK, Action.UPDATE),
        (lambda: tenant.change(ann, **named), ACTIVE, Reason.OK, Action.UPDATE),
        (lambda: tenant.change(ann, accountEnabled=False), INACTIVE, Reason.DISABLED, Action.DEACTIVATE),
        (lambda: tenant.change(ann, accountEnabled=True), ACTIVE, Reason.OK, Action.REACTIVATE),
        (lambda: tenant.soft_delete(ann), INACTIVE, Reason.LEFT, Action.DEACTIVATE),
        (lambda: tenant.restore(ann), ACTIVE, Reason.OK, Action.REACTIVATE),
        (lambda: tenant.leave(sales, ann), INACTIVE, Reason.OUT_OF_SCOPE, Action.DEACTIVATE),
        (lambda: tenant.join(sales, ann), ACTIVE, Reason.OK, Action.REACTIVATE),
        (lambda: tenant.hard_delete(ann), INACTIVE, Reason.LEFT, Action.DEACTIVATE),
    ]
    for edit, state, reason, action in steps:
        acme.engine.clock.advance(timedelta(hours=12))
        edit()
        acme.sync()
        found = acme.person(ann)
        assert (found.account_state, found.reason, told(acme, ann)[-1]) == (state, reason, (action, reason))
        assert (found.account_id, found.fields["given_name"]) == (account, "Ann")
        if state is INACTIVE:
            assert found.since == acme.runs[0].finished_at
            assert purge_at(found, acme.connection.settings) > found.since
    again = tenant.hire("Ann New")
    tenant.join(sales, again)
    acme.sync()
    found = acme.person(again)
    assert (found.account_id, found.matched_by, found.account_state) == (account, "rehired", ACTIVE)
    assert (found.fields["email"], found.fields.get("job_title"), acme.holds) == ("ann.new@contoso.example", None, [])
    assert told(acme, again) == [(Action.LINK, Reason.OK)]
    assert acme.mailed == ["ann.old@contoso.example"]


def test_a_domain_is_renamed(acme: Tenanted) -> None:
    """Every address and user name of the tenant changes at once, told over several pages: nothing but updates, nobody
    is deactivated, held or mailed, and the old addresses are free.
    """
    acme.engine.clock.advance(1)
    acme.tenant.cloud.behave(page_size=7)
    before = {key: one.account_id for key, one in acme.people.items()}
    staff = {
        key: f"{one.address.partition('@')[0]}@fabrikam.example" for key, one in acme.people.items() if one.address
    }
    sets = {key: {"mail": address, "userPrincipalName": address} for key, address in staff.items()}
    acme.tenant.edit(*({"op": "user.update", "id": key, "set": told} for key, told in sets.items()))
    acme.sync()
    counts = {action: number for action, number in acme.runs[0].counts.items() if action in {*Action}}
    assert (acme.runs[0].kind, counts) == ("pull", {Action.UPDATE: len(staff)})
    assert {key: one.account_id for key, one in acme.people.items()} == before
    acme.reconcile()
    acme.manual("person.0@contoso.example")
    assert (acme.holds, acme.mailed, differences(acme)) == ([], [], [])


def test_what_an_admin_did_by_hand_stays(acme: Tenanted) -> None:
    """Blocked, kept, edited and put back by an undo: neither Entra's news nor a full pass override it; given back,
    what Entra says counts again.
    """
    services, tenant = acme.engine.services, acme.tenant
    blocked, kept, edited, undone = (person(acme, f"Person {number}").object_id for number in range(4))

    def act(object_id: str, hand: Hand | None = None, **fields: str | None) -> None:
        by_hand.change(services, acme.connection, object_id, "ada", hand=hand, fields=fields)

    act(blocked, Hand.BLOCKED)
    act(kept, Hand.KEPT)
    act(edited, department="Works Council")
    acme.engine.clock.advance(1)
    tenant.change(undone, accountEnabled=False)
    acme.sync()
    undo.begin(services, acme.connection, acme.runs[0].id, "ada")
    tenant.change(blocked, jobTitle="Director")
    tenant.soft_delete(kept)
    tenant.change(edited, department="Sales", officeLocation="Aarhus")
    acme.sync()
    acme.reconcile()
    found = [acme.person(one) for one in (blocked, kept, edited, undone)]
    assert [one.account_state for one in found] == [INACTIVE, ACTIVE, ACTIVE, ACTIVE]
    assert (found[0].reason, found[0].fields["job_title"]) == (Reason.ADMIN, "Director")
    assert (found[2].fields["department"], found[2].fields["office"]) == ("Works Council", "Aarhus")
    act(blocked, Hand.NONE)
    act(kept, Hand.NONE)
    act(edited, department=None)
    tenant.change(undone, department="Gone")  # something new: the undo is over
    acme.sync()
    assert active(acme) & {f"Person {number}" for number in range(4)} == {"Person 0", "Person 2"}
    assert (acme.person(kept).reason, acme.person(undone).reason) == (Reason.LEFT, Reason.DISABLED)
    assert (acme.person(edited).fields["department"], acme.mailed, differences(acme)) == ("Sales", [], [])


def test_nobody_yet(acme: Tenanted) -> None:
    """Somebody made in steps, as on premises: no account and no mail before address, name and right to sign in are
    there, then one of each. A guest never has one, until made a member.
    """
    tenant = acme.tenant
    new = tenant.hire("", **{**dict.fromkeys(employee("")), "userPrincipalName": "new@contoso.onmicrosoft.com"})
    guest = tenant.hire("Gus Guest", userType="Guest")
    for properties, reason in (
        ({}, Reason.UNKNOWN),
        ({"accountEnabled": True}, Reason.NO_ADDRESS),
        ({"mail": "New.Comer@Contoso.example"}, Reason.NO_NAME),
        ({"displayName": "New Comer"}, Reason.OK),
    ):
        tenant.change(new, **properties)
        acme.sync()
        assert acme.person(new).reason is reason
    assert acme.person(guest).reason is Reason.GUEST
    tenant.change(guest, userType="Member")
    acme.sync()
    acme.reconcile()
    assert acme.mailed == ["gus.guest@contoso.example", "new.comer@contoso.example"]
    assert differences(acme) == []
