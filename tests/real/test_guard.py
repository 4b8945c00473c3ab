"""The guard over several runs and a day, on real storage and the simulated cloud."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import NeedsAdmin
from sync.core.model import AccountState, Reason
from tests.fakes.engine import Tenanted
from tests.real.world import active, differences, person

pytestmark = pytest.mark.azurite


def ids(connection: Tenanted, *numbers: int) -> list[str]:
    """The object ids of these of the twenty."""
    known = {str(one.source.get("displayName")): one.object_id for one in connection.people.values()}
    return [known[f"Person {number}"] for number in numbers]


def inactive(connection: Tenanted) -> set[str]:
    """Who has a deactivated account."""
    return {key for key, one in connection.people.items() if one.account_state is AccountState.INACTIVE}


def test_a_slow_drip(acme: Tenanted) -> None:
    """One leaves every hour, by whatever cause and kind of run: five go, the sixth waits while people join and change
    as ever; a day after the first there is room again.
    """
    tenant, engine = acme.tenant, acme.engine
    people = ids(acme, *range(8))
    for number, leaver in enumerate(people[:6]):
        engine.clock.advance(timedelta(hours=1))
        tenant.cloud.behave(omit_deletions=number % 2)
        edits = (tenant.soft_delete, tenant.hard_delete, lambda one: tenant.change(one, accountEnabled=False))
        edits[number % 3](leaver)
        new = tenant.hire(f"New {number}")
        tenant.change(people[7], department=f"Moved {number}")
        acme.sync()
        acme.reconcile()
        assert acme.person(new).account_state is AccountState.ACTIVE
        assert acme.person(people[7]).fields["department"] == f"Moved {number}"
    (hold,) = acme.holds
    assert inactive(acme) == {*people[:5]}
    assert [(one.object_id, one.name, one.reason) for one in hold.removals] == [
        (people[5], "Person 5", Reason.DISABLED),
    ]
    tenant.cloud.behave(omit_deletions=0)
    engine.clock.advance(timedelta(hours=20))
    tenant.soft_delete(people[6])
    acme.sync()
    assert inactive(acme) == {*people[:5], people[6]}


def test_approved_rejected_expired(acme: Tenanted) -> None:
    """Approval takes exactly the six it names, less who is back, once; a rejected one leaves the accounts until a full
    pass asks again; one that nobody decides expires, and the next pass asks again.
    """
    tenant, engine = acme.tenant, acme.engine
    people = ids(acme, *range(20))
    for leaver in people[:6]:
        tenant.soft_delete(leaver)
    acme.sync()
    (first,) = acme.holds
    assert ({one.object_id for one in first.removals}, inactive(acme)) == ({*people[:6]}, set())
    tenant.soft_delete(people[6])
    tenant.restore(people[0])
    acme.sync()
    acme.approve(first)
    engine.pump()
    with pytest.raises(NeedsAdmin, match="hold_decided"):
        acme.approve(first)
    assert inactive(acme) == {*people[1:7]}  # the seventh by the day's own five, not by this approval
    for leaver in people[10:16]:
        tenant.hard_delete(leaver)
    acme.sync()
    (second,) = acme.holds
    acme.reject(second)
    with pytest.raises(NeedsAdmin, match="hold_decided"):
        acme.approve(second)
    acme.sync()
    assert (len(inactive(acme)), acme.holds) == (6, [])
    acme.reconcile()
    (third,) = acme.holds
    assert {one.object_id for one in third.removals} == {*people[10:16]}
    engine.clock.advance(timedelta(hours=24))
    with pytest.raises(NeedsAdmin, match="hold_decided"):
        acme.approve(third)
    engine.wait(timedelta(minutes=10))
    (fourth,) = acme.holds  # the daily pass was due as well
    assert (fourth.id != third.id, {one.object_id for one in fourth.removals}) == (True, {*people[10:16]})
    assert len(inactive(acme)) == 6
    acme.approve_all()
    assert (inactive(acme), acme.holds) == ({*people[1:7], *people[10:16]}, [])
    assert (differences(acme), acme.mailed) == ([], [])


def test_a_hold_nobody_is_concerned_by_any_more_ends(acme: Tenanted) -> None:
    """Six are blocked at once and wait; all are let in again: nobody waits, and the hold is gone before the next full
    pass.
    """
    tenant, people = acme.tenant, ids(acme, *range(6))
    tenant.edit(*({"op": "user.update", "id": one, "set": {"accountEnabled": False}} for one in people))
    acme.sync()
    acme.engine.wait(timedelta(minutes=11))
    assert len(acme.holds[0].removals) == 6
    tenant.edit(*({"op": "user.update", "id": one, "set": {"accountEnabled": True}} for one in people[1:]))
    acme.sync()
    acme.engine.wait(timedelta(minutes=11))
    assert acme.person(people[0]).held == acme.holds[0].id
    tenant.change(people[0], accountEnabled=True)
    acme.sync()
    acme.engine.wait(timedelta(minutes=11))
    assert (acme.holds, len(active(acme)), person(acme, "Person 0").held) == ([], 24, "")
