"""Scope, audience and groups on real storage and the simulated cloud."""

from __future__ import annotations

import pytest

from sync.core.model import AccountState, Reason
from sync.core.sync_settings import DEFAULT_MAPPING, Chosen, FieldRule, Filter, Scope
from tests.fakes.engine import Tenanted
from tests.real.world import active, group, person

pytestmark = pytest.mark.azurite


def test_scope_follows_nested_groups(acme: Tenanted) -> None:
    """Somebody put into a group three levels below a chosen one gets an account, with no change of their own; and
    loses it when a link in between is taken out, as `out_of_scope`.
    """
    tenant = acme.tenant
    top, middle, low = (tenant.new_group(name) for name in ("Top", "Middle", "Low"))
    tenant.join(top, middle)
    tenant.join(middle, low)
    tenant.join(top, group(acme, "Staff"))
    acme.sync()
    acme.choose(scope=Scope(Chosen(groups=(top,))))
    acme.approve_all()
    assert active(acme) == {f"Person {number}" for number in range(10)}
    outsider = next(one for one in acme.people.values() if one.reason is Reason.OUT_OF_SCOPE)
    tenant.join(low, outsider.object_id)
    acme.sync()
    assert acme.person(outsider.object_id).account_state is AccountState.ACTIVE
    tenant.leave(middle, low)
    acme.sync()
    acme.approve_all()
    after = acme.person(outsider.object_id)
    assert (after.account_state, after.reason) == (AccountState.INACTIVE, Reason.OUT_OF_SCOPE)


def test_a_vanished_group_of_the_scope_is_a_hold(acme: Tenanted) -> None:
    """The chosen group is deleted: its ten keep their accounts and wait under its name; joins go on; the group's
    return ends it.
    """
    staff = group(acme, "Staff")
    acme.choose(scope=Scope(Chosen(groups=(staff,))))
    acme.approve_all()
    acme.tenant.delete_group(staff)
    acme.sync()
    assert len(active(acme)) == 10
    (hold,) = acme.holds
    assert "Staff" in hold.cause
    assert len(hold.removals) == 10
    acme.tenant.restore_group(staff)
    acme.reconcile()
    acme.sync()
    assert (len(active(acme)), acme.holds) == (10, [])


def test_a_mapping_of_an_attribute_that_was_never_read(acme: Tenanted) -> None:
    """A new field from an extension attribute is filled for everybody: the directory is read again with it."""
    one = person(acme, "Person 0").object_id
    acme.tenant.change(one, onPremisesExtensionAttributes={"extensionAttribute4": "cc 77"})
    rule = FieldRule("cost_centre", 'upper(after(extensionAttribute4, " "))')
    acme.choose(mapping=(*DEFAULT_MAPPING, FieldRule("raw", "extensionAttribute4"), rule))
    acme.reconcile()
    fields = acme.person(one).fields
    assert (fields["cost_centre"], fields["raw"]) == ("77", "cc 77")
    acme.tenant.change(one, onPremisesExtensionAttributes={"extensionAttribute4": "cc 78"})
    acme.sync()
    assert acme.person(one).fields["cost_centre"] == "78"


def test_filters_and_the_audience(acme: Tenanted) -> None:
    """A filter on the department decides who is in, excluded people win over chosen groups in the audience."""
    staff = group(acme, "Staff")
    members = [one.object_id for one in acme.people.values() if staff in one.groups]
    for member in members[:6]:
        acme.tenant.change(member, department="Sales")
    acme.sync()
    audience = Chosen(groups=(staff,), excluded_people=(members[0],))
    acme.choose(audience=audience, scope=Scope(filters=(Filter("department", "equals", ("sales",)),)))
    acme.reconcile()
    acme.approve_all()
    assert {one for one, record in acme.people.items() if record.account_state is AccountState.ACTIVE} == {*members[:6]}
    assert {one for one, record in acme.people.items() if record.audience} == {*members[1:6]}
