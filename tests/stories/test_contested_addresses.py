"""Addresses that two want, until the directory settles it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from sync.core.model import AccountState, Hand, Reason
from sync.ports import Addresses, Holder, Waiter
from sync.usecases import by_hand
from tests.fakes.engine import Engine
from tests.fakes.faults import Crash
from tests.property.truth import differences
from tests.stories.matching import SHARDED, connected, held, mail, settled


@SHARDED
@pytest.mark.parametrize("end", ["holder renamed", "holder left", "holder erased", "holder blocked", "waiter renamed"])
def test_one_address_of_two_people(engine: Engine, digits: int, end: str) -> None:
    """The second to come has no account and says whose the address is; it ends with whatever ends it, at once."""
    acme, (holder,) = connected(engine, digits, "Ann Twin")
    waiter = acme.tenant.hire("Bob Twin", mail=mail("Ann Twin"))
    acme.sync()
    record = acme.person(waiter)
    assert (record.account_state, record.reason, record.conflict_with) == (
        AccountState.NONE,
        Reason.ADDRESS_CONFLICT,
        holder,
    )
    account = acme.person(holder).account_id
    if end == "holder renamed":
        acme.tenant.change(holder, mail="ann@contoso.example")
    elif end == "holder left":
        acme.tenant.soft_delete(holder)
    elif end == "holder erased":
        acme.tenant.hard_delete(holder)
    elif end == "holder blocked":
        acme.tenant.change(holder, accountEnabled=False)
    else:
        acme.tenant.change(waiter, mail="bob@contoso.example")
    acme.sync()
    record = acme.person(waiter)
    if end == "holder blocked":  # a blocked person may come back and is who they were
        assert record.reason is Reason.ADDRESS_CONFLICT
        return
    assert (record.account_state, record.conflict_with) == (AccountState.ACTIVE, "")
    assert (record.account_id == account) is (end in {"holder left", "holder erased"})
    settled(acme)


@SHARDED
@pytest.mark.parametrize("length", [2, 3])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("at_once", [True, False])
def test_rotation(engine: Engine, digits: int, length: int, *, backwards: bool, at_once: bool) -> None:
    """Two swap addresses, three pass theirs on: told in one page or one by one, in either order, each has theirs
    without waiting for the next full pass, and everybody keeps their account.
    """
    names = [f"Person {number}" for number in range(length)]
    acme, people = connected(engine, digits, *names)
    accounts = [acme.person(person).account_id for person in people]
    wanted = [mail(name) for name in (*names[1:], names[0])]
    for person, address in sorted(zip(people, wanted, strict=True), reverse=backwards):
        acme.tenant.change(person, mail=address)
        if not at_once:
            acme.sync()
    acme.sync()
    assert held(acme, people) == wanted
    assert [acme.person(person).account_id for person in people] == accounts
    assert [acme.person(person).conflict_with for person in people] == [""] * length
    settled(acme)


@SHARDED
def test_address_moved_within_a_page(engine: Engine, digits: int) -> None:
    """One gives an address up and another gets it, told together: both have what the directory says."""
    acme, people = connected(engine, digits, "Ann Old", "Bob Old")
    acme.tenant.change(people[1], mail=mail("Ann Old"))
    acme.tenant.change(people[0], mail="ann.new@contoso.example")
    acme.sync()
    assert held(acme, people) == ["ann.new@contoso.example", mail("Ann Old")]
    settled(acme)


def test_a_line_of_three(engine: Engine) -> None:
    """Of two who wait one has the address next, and the other goes on waiting for it."""
    acme, (first,) = connected(engine, 1, "Ann Twin")
    waiting = [acme.tenant.hire(name, mail=mail("Ann Twin")) for name in ("Bob Twin", "Cid Twin")]
    acme.sync()
    acme.tenant.change(first, mail="ann@contoso.example")
    acme.sync()
    assert sorted(held(acme, waiting)) == ["", mail("Ann Twin")]
    winner = next(person for person in waiting if acme.person(person).address)
    acme.tenant.change(winner, mail="winner@contoso.example")
    acme.sync()
    assert mail("Ann Twin") in held(acme, waiting)
    assert all(acme.person(person).account_state is AccountState.ACTIVE for person in waiting)
    settled(acme)


def test_between_two_tenants_of_a_workspace(engine: Engine) -> None:
    """Somebody of another tenant has the address: who waits for it gets it when the other is renamed there."""
    acme, (holder,) = connected(engine, 0, "Ann Twin")
    other = engine.connect(tenant_id="99999999-0000-4000-8000-000000000002", digits=1)
    waiter = other.tenant.hire("Ann Twin")
    other.imported()
    assert other.person(waiter).conflict_with == holder
    acme.tenant.change(holder, mail="ann@contoso.example")
    acme.sync()
    assert (other.person(waiter).account_state, other.person(waiter).address) == (AccountState.ACTIVE, mail("Ann Twin"))
    assert "freed" in {run.cause for run in other.runs}


def test_waiting_costs_nothing_twice(engine: Engine) -> None:
    """Who stands in line already is not written again by later passes."""
    acme, _ = connected(engine, 0, "Ann Twin")
    acme.tenant.hire("Bob Twin", mail=mail("Ann Twin"))
    acme.sync()
    before = engine.faults.effects.count("addresses.wait")
    assert before == 1
    acme.reconcile()
    assert engine.faults.effects.count("addresses.wait") == before


class Late:
    """The addresses of a worker that is overtaken just before it frees one."""

    def __init__(self, addresses: Addresses, meanwhile: Callable[[], None]) -> None:
        self._addresses = addresses
        self._meanwhile = [meanwhile]

    def __getattr__(self, name: str) -> Any:
        """Everything else."""
        return getattr(self._addresses, name)

    def release(self, workspace: str, address: str, holder: Holder) -> Sequence[Waiter]:
        """Whatever happens meanwhile, then free it."""
        if self._meanwhile:
            self._meanwhile.pop()()
        return self._addresses.release(workspace, address, holder)


def test_an_address_that_came_back_meanwhile_is_not_freed(engine: Engine) -> None:
    """A name is changed and changed back; two workers are at it: the account keeps what it has been given back."""
    acme, (ann,) = connected(engine, 0, "Ann Berg")
    acme.tenant.change(ann, mail="ann.other@contoso.example")
    acme.hint()
    engine.deliver()
    there = engine.services

    def change_back() -> None:
        engine.services = there
        acme.tenant.change(ann, mail=mail("Ann Berg"))
        acme.sync()

    engine.services = replace(there, addresses=cast("Addresses", Late(there.addresses, change_back)))
    engine.pump()
    assert acme.person(ann).address == mail("Ann Berg")
    assert set(acme.addresses) == {mail("Ann Berg")}
    assert differences(acme) == []


@SHARDED
def test_claimed_for_an_account_that_came_to_nothing(engine: Engine, digits: int) -> None:
    """A worker is killed with an address in its hands, and the person is disabled before their account is made: who is
    hired with that address then gets it, for nobody has it.
    """
    acme, _ = connected(engine, digits, "Person 0")
    first = acme.tenant.hire("Ann Twin")
    acme.hint()
    engine.deliver()
    engine.faults.fail_next("people.commit", Crash("people.commit"))
    engine.deliver()
    acme.tenant.change(first, accountEnabled=False)
    acme.sync()
    assert acme.person(first).reason is Reason.DISABLED
    second = acme.tenant.hire("Bob Twin", mail=mail("Ann Twin"))
    acme.sync()
    assert (acme.person(second).account_state, acme.person(second).address) == (AccountState.ACTIVE, mail("Ann Twin"))
    acme.tenant.change(first, accountEnabled=True)
    acme.sync()
    assert acme.person(first).conflict_with == second
    settled(acme)


@pytest.mark.parametrize("how", ["left", "disabled", "blocked"])
def test_who_loses_the_account_wants_nothing(engine: Engine, how: str) -> None:
    """Somebody with an account wants another's address; once their account is inactive that is no conflict any more,
    and it is one again when they are back.
    """
    acme, (ann, bob) = connected(engine, 0, "Ann Twin", "Bob Twin")
    acme.tenant.change(bob, mail=mail("Ann Twin"))
    acme.sync()
    assert acme.person(bob).conflict_with == ann
    if how == "left":
        acme.tenant.soft_delete(bob)
    elif how == "disabled":
        acme.tenant.change(bob, accountEnabled=False)
    else:
        by_hand.change(engine.services, acme.connection, bob, "ada", hand=Hand.BLOCKED)
    acme.sync()
    assert (acme.person(bob).account_state, acme.person(bob).conflict_with) == (AccountState.INACTIVE, "")
    if how == "left":
        acme.tenant.restore(bob)
    elif how == "disabled":
        acme.tenant.change(bob, accountEnabled=True)
    else:
        by_hand.change(engine.services, acme.connection, bob, "ada", hand=Hand.NONE)
    acme.sync()
    assert (acme.person(bob).account_state, acme.person(bob).conflict_with) == (AccountState.ACTIVE, ann)
