"""An act by hand does what it says and no more: whose removal waits, or is still to be judged, is let go by none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.core.model import AccountState, Action, Hand, Judged, Reason
from sync.core.sync_settings import Chosen, Scope
from sync.usecases import by_hand
from tests.fakes.engine import Tenanted
from tests.stories.test_by_hand import entries

Act = Callable[[Tenanted, str], None]


def edited(acme: Tenanted, person: str) -> None:
    """A field is typed over."""
    by_hand.change(acme.engine.services, acme.connection, person, "ada", fields={"department": "Works Council"})


def edited_by_a_form(acme: Tenanted, person: str) -> None:
    """Likewise, and the hand is sent along as it was."""
    fields = {"department": "Works Council"}
    by_hand.change(acme.engine.services, acme.connection, person, "ada", hand=Hand.NONE, fields=fields)


def answered(acme: Tenanted, person: str) -> None:
    """A suggestion is refused: it is a person."""
    by_hand.change(acme.engine.services, acme.connection, person, "ada", judged="person")


ACTS: tuple[Act, ...] = (edited, edited_by_a_form, answered)


@pytest.mark.parametrize("act", ACTS)
def test_whose_removal_waits_goes_on_waiting(acme: Tenanted, act: Act) -> None:
    """Too many are disabled and wait; one is edited or judged. The account stays active with what was done, the hold
    names the person as before, and only its approval takes the account away.
    """
    leaving = acme.tenant.present_people()[:6]
    for one in leaving:
        acme.tenant.change(one, accountEnabled=False)
    acme.sync()
    (hold,) = acme.holds
    act(acme, leaving[0])
    acme.engine.pump()
    record = acme.person(leaving[0])
    assert (record.account_state, record.held) == (AccountState.ACTIVE, hold.id)
    assert record.fields.get("department", "") == record.own.get("department", "")
    newest = entries(acme)[0]
    assert (newest.object_id, newest.action, newest.reason) == (leaving[0], Action.UPDATE, Reason.HELD)
    assert acme.holds == [hold]
    acme.approve_all()
    assert {acme.person(one).account_state for one in leaving} == {AccountState.INACTIVE}
    assert acme.person(leaving[0]).own == record.own


@pytest.mark.parametrize("act", ACTS)
def test_what_is_not_judged_yet_is_left_to_the_guard(acme: Tenanted, act: Act) -> None:
    """Settings are saved that leave everybody out; before that is applied one is edited or judged. Nothing goes but
    through the guard, which then holds all of them.
    """
    everybody = {key for key, one in acme.people.items() if one.account_state is AccountState.ACTIVE}
    person = acme.tenant.present_people()[0]
    acme.save(scope=Scope(Chosen(people=("00000000-0000-4000-8000-0000000000ff",))))
    act(acme, person)
    assert (acme.person(person).account_state, acme.person(person).held) == (AccountState.ACTIVE, "")
    assert entries(acme)[0].reason is Reason.OK
    acme.engine.pump()
    (hold,) = acme.holds
    assert {one.object_id for one in hold.removals} == everybody


@pytest.mark.parametrize(
    ("hand", "judged", "reason"),
    [(Hand.BLOCKED, None, Reason.ADMIN), (None, "not_a_person", Reason.OUT_OF_SCOPE)],
)
def test_who_is_taken_out_by_the_act_goes_at_once(
    acme: Tenanted, hand: Hand | None, judged: Judged | None, reason: Reason
) -> None:
    """Blocked, or judged to be nobody: that is the admin's own removal, whether or not another one waits."""
    leaving = acme.tenant.present_people()[:6]
    for one in leaving:
        acme.tenant.change(one, accountEnabled=False)
    acme.sync()
    by_hand.change(acme.engine.services, acme.connection, leaving[0], "ada", hand=hand, judged=judged)
    record = acme.person(leaving[0])
    assert (record.account_state, record.reason, record.held) == (AccountState.INACTIVE, reason, "")
    assert all(acme.person(one).account_state is AccountState.ACTIVE for one in leaving[1:])
