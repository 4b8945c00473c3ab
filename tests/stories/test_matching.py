"""Who is whom: matching with accounts made by hand, and addresses that two want until the directory settles it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from sync.core.decide import wanted_address
from sync.core.model import AccountState, PersonRecord, Presence, Reason
from sync.core.scope import Policy
from sync.core.sync_settings import MatchBy
from sync.ports import Addresses, Holder, ManualAccount, Waiter
from sync.usecases import claims, manual_accounts
from sync.usecases.full_pass import PARTS_STANDSTILL
from tests.fakes.engine import Engine, Tenanted
from tests.property.safety import Watchdog
from tests.property.truth import differences
from tests.stories.test_killed_anywhere import effects_of, rest

EVERY: tuple[MatchBy, ...] = ("address", "alias", "employee_id")
SHARDED = pytest.mark.parametrize("digits", [0, 1])


def connected(engine: Engine, digits: int = 0, *names: str) -> tuple[Tenanted, list[str]]:
    """A connection with everybody of these names imported."""
    acme = engine.connect(digits=digits)
    people = [acme.tenant.hire(name) for name in names]
    return acme.imported(), people


def by_hand(acme: Tenanted, address: str, employee_id: str = "") -> ManualAccount:
    """An account that an admin made."""
    return manual_accounts.create(acme.engine.services, acme.connection.workspace, address, "By Hand", employee_id)


def mail(name: str) -> str:
    """The address of somebody of this name."""
    return f"{name.lower().replace(' ', '.')}@contoso.example"


def held(acme: Tenanted, people: Sequence[str]) -> list[str]:
    """The addresses these people's accounts have."""
    return [acme.person(person).address for person in people]


def settled(acme: Tenanted) -> None:
    """Everything is as the directory says, and a full pass finds nothing to add."""
    assert differences(acme) == []
    before = acme.people
    acme.reconcile()
    assert differences(acme) == []
    assert {key: (one.account_id, one.address) for key, one in acme.people.items()} == {
        key: (one.account_id, one.address) for key, one in before.items()
    }


# --- by alias, by employee id --------------------------------------------------------------------------------------


@SHARDED
def test_matched_by_alias(engine: Engine, digits: int) -> None:
    """An account made by hand under somebody's alias is theirs, with their own address; the alias is free again."""
    acme, _ = connected(engine, digits, "Person 0")
    acme.choose(matching=EVERY)
    account = by_hand(acme, "Ann.Maiden@Contoso.example")
    ann = acme.tenant.hire(
        "Ann Wed", proxyAddresses=["SMTP:ann.wed@contoso.example", "smtp:ANN.Maiden@contoso.example"]
    )
    acme.sync()
    record = acme.person(ann)
    assert (record.account_id, record.matched_by, record.origin) == (account.account_id, "alias", "manual")
    assert record.address == mail("Ann Wed")
    assert mail("Ann Maiden") not in acme.addresses
    assert acme.mailed == []
    settled(acme)


@SHARDED
def test_matched_by_employee_id(engine: Engine, digits: int) -> None:
    """An employee id is compared folded and trimmed; who comes later with the same one is a conflict until the other
    leaves.
    """
    acme, _ = connected(engine, digits, "Person 0")
    acme.choose(matching=EVERY)
    account = by_hand(acme, "old@contoso.example", " E-17 ")
    ann = acme.tenant.hire("Ann Wed", employeeId="e-17")
    acme.sync()
    record = acme.person(ann)
    assert (record.account_id, record.matched_by, record.address) == (
        account.account_id,
        "employee_id",
        mail("Ann Wed"),
    )
    assert "old@contoso.example" not in acme.addresses
    bob = acme.tenant.hire("Bob Two", employeeId="E-17")
    acme.sync()
    assert (acme.person(bob).reason, acme.person(bob).conflict_with) == (Reason.ADDRESS_CONFLICT, ann)
    acme.tenant.hard_delete(ann)
    acme.sync()
    assert acme.person(bob).account_state is AccountState.ACTIVE
    assert acme.person(ann).account_id == account.account_id
    settled(acme)


def test_only_what_the_admin_chose(engine: Engine) -> None:
    """Neither alias nor employee id match unless chosen; where the address is not chosen, it is a conflict."""
    acme, _ = connected(engine, 0, "Person 0")
    by_hand(acme, "maiden@contoso.example", "17")
    ann = acme.tenant.hire("Ann Wed", employeeId="17", proxyAddresses=["smtp:maiden@contoso.example"])
    acme.sync()
    assert (acme.person(ann).origin, acme.person(ann).matched_by) == ("entra", "")
    acme.choose(matching=("employee_id",))
    other = by_hand(acme, mail("Bob Hand"))
    bob = acme.tenant.hire("Bob Hand")
    acme.sync()
    assert (acme.person(bob).reason, acme.person(bob).conflict_with) == (Reason.ADDRESS_CONFLICT, other.account_id)
    acme.choose(matching=("address",))
    assert (acme.person(bob).account_id, acme.person(bob).matched_by) == (other.account_id, "address")


@pytest.mark.parametrize("order", list(itertools.permutations(EVERY)))
def test_the_order_decides(engine: Engine, order: tuple[MatchBy, ...]) -> None:
    """Three accounts match one person by three ways: the first way wins, and where another account has the person's
    address then, that is a conflict for the admin.
    """
    acme, _ = connected(engine, 0, "Person 0")
    acme.choose(matching=order)
    accounts = {
        "address": by_hand(acme, mail("Ann Wed")),
        "alias": by_hand(acme, "maiden@contoso.example"),
        "employee_id": by_hand(acme, "payroll@contoso.example", "17"),
    }
    ann = acme.tenant.hire("Ann Wed", employeeId="17", proxyAddresses=["smtp:maiden@contoso.example"])
    acme.sync()
    record = acme.person(ann)
    if order[0] == "address":
        assert (record.account_id, record.matched_by) == (accounts["address"].account_id, "address")
    else:
        assert (record.reason, record.conflict_with) == (Reason.ADDRESS_CONFLICT, accounts["address"].account_id)
    without = acme.tenant.hire("Eve Free", employeeId="18", proxyAddresses=["smtp:eve.old@contoso.example"])
    by_hand(acme, "eve.old@contoso.example")
    by_hand(acme, "eve.payroll@contoso.example", "18")
    acme.sync()
    assert acme.person(without).matched_by == next(by for by in order if by != "address")


def test_two_accounts_by_two_aliases(engine: Engine) -> None:
    """Between equals nobody guesses: a conflict that names one of them, and ends when the alias goes."""
    acme, _ = connected(engine, 0, "Person 0")
    acme.choose(matching=EVERY)
    one, two = by_hand(acme, "a@contoso.example"), by_hand(acme, "b@contoso.example")
    ann = acme.tenant.hire("Ann Wed", proxyAddresses=["smtp:a@contoso.example", "smtp:b@contoso.example"])
    acme.sync()
    assert acme.person(ann).conflict_with == min(one.account_id, two.account_id)
    acme.tenant.change(ann, proxyAddresses=["smtp:b@contoso.example"])
    acme.sync()
    assert (acme.person(ann).account_id, acme.person(ann).matched_by) == (two.account_id, "alias")
    settled(acme)


def test_who_has_an_account_is_never_matched_again(acme: Tenanted) -> None:
    """Two accounts are never merged: an alias that appears later at somebody with an account changes nothing."""
    acme.choose(matching=EVERY)
    person = acme.tenant.present_people()[0]
    before = acme.person(person).account_id
    account = by_hand(acme, "alias@contoso.example", "17")
    acme.tenant.change(person, proxyAddresses=["smtp:alias@contoso.example"], employeeId="17")
    acme.sync()
    acme.reconcile()
    assert acme.person(person).account_id == before
    found = acme.engine.services.accounts.get(acme.connection.workspace, account.account_id)
    assert found == account


def test_an_account_linked_already_is_nobodys_match(engine: Engine) -> None:
    """Two people with one alias: the first has the account made by hand, the other one of their own."""
    acme, _ = connected(engine, 0, "Person 0")
    acme.choose(matching=EVERY)
    account = by_hand(acme, "shared@contoso.example")
    people = [acme.tenant.hire(name, proxyAddresses=["smtp:shared@contoso.example"]) for name in ("Ann A", "Bob B")]
    acme.sync()
    found = [acme.person(person) for person in people]
    assert [one.account_id for one in found].count(account.account_id) == 1
    assert sorted(one.matched_by for one in found) == ["", "alias"]
    assert all(one.account_state is AccountState.ACTIVE for one in found)
    settled(acme)


def test_an_employee_id_belongs_to_one_account(acme: Tenanted) -> None:
    """A second account by hand with the same employee id is refused, and its address stays free."""
    by_hand(acme, "a@contoso.example", "17")
    with pytest.raises(manual_accounts.EmployeeIdInUse):
        by_hand(acme, "b@contoso.example", " 17")
    assert by_hand(acme, "b@contoso.example").employee_id == ""


# --- addresses that two want ---------------------------------------------------------------------------------------


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


@SHARDED
@pytest.mark.parametrize("gone_first", [True, False])
@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_made_again(digits: int, seed: int, *, gone_first: bool, soft: bool) -> None:
    """Deleted and made again under another object id, in either order of arrival and in any shards: the account goes
    on with its history, and there is no second mail.
    """
    engine = Engine(seed=seed)
    acme, _ = connected(engine, digits, "Person 0")
    old = acme.tenant.hire("Come Back")
    for number in range(seed):  # other object ids, other shards
        acme.tenant.hire(f"Other {number}")
    acme.sync()
    account = acme.person(old).account_id
    remove = acme.tenant.soft_delete if soft else acme.tenant.hard_delete
    if gone_first:
        remove(old)
        acme.sync()
    new = acme.tenant.hire("Come Back")
    acme.sync()
    if not gone_first:
        assert acme.person(new).conflict_with == old
        remove(old)
        acme.sync()
    record = acme.person(new)
    assert (record.account_id, record.matched_by) == (account, "rehired")
    assert acme.mailed.count(mail("Come Back")) == 1
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


# --- killed anywhere -----------------------------------------------------------------------------------------------


def eventful(engine: Engine, crash_at: int) -> Tenanted:
    """A swap, a conflict that ends, somebody made again and matches by alias and employee id, with one kill; then a
    full pass.
    """
    acme, (one, two, twin, left) = connected(engine, 1, "Person 1", "Person 2", "Ann Twin", "Come Back")
    acme.choose(matching=EVERY)
    tenant = acme.tenant
    by_hand(acme, "maiden@contoso.example")
    by_hand(acme, "payroll@contoso.example", "17")
    tenant.hire("Bob Twin", mail=mail("Ann Twin"))
    acme.sync()
    engine.faults.crash_after(crash_at)
    tenant.change(one, mail=mail("Person 2"))
    tenant.change(two, mail=mail("Person 1"))
    tenant.change(twin, mail="ann@contoso.example")
    tenant.hard_delete(left)
    tenant.hire("Come Back")
    tenant.hire("Eve Wed", proxyAddresses=["smtp:maiden@contoso.example"])
    tenant.hire("Pay Roll", employeeId="17")
    with engine.attempt():
        acme.hint()
    rest(engine)
    for _ in range(2):
        with engine.attempt():
            acme.request_pass()
    rest(engine)
    engine.wait(PARTS_STANDSTILL)
    engine.pump()
    return acme


@pytest.mark.parametrize("part", range(4))
def test_killed_at_every_effect_of_matching(part: int) -> None:
    """Wherever the worker is killed, everybody ends with the one account and the address that are theirs."""
    for crash_at in range(1 + part, effects_of(eventful) + 1, 4):
        engine = Engine()
        acme = eventful(engine, crash_at)
        where = f"killed at effect {crash_at}"
        assert differences(acme) == [], where
        Watchdog(engine, [acme]).look()
        matched = sorted(one.matched_by for one in acme.people.values() if one.matched_by)
        assert matched == ["alias", "employee_id", "rehired"], where
        assert len(acme.mailed) == len(set(acme.mailed)), where


def two_of_one_address(engine: Engine, crash_at: int) -> Tenanted:
    """Two wait for the addresses of two others, who are given another and leave, with one kill and no full pass."""
    acme, (renamed, left) = connected(engine, 0, "Ann Twin", "Per Left")
    acme.tenant.hire("Bob Twin", mail=mail("Ann Twin"))
    acme.tenant.hire("Pia Next", mail=mail("Per Left"))
    acme.sync()
    engine.faults.crash_after(crash_at)
    acme.tenant.change(renamed, mail="ann@contoso.example")
    acme.tenant.hard_delete(left)
    with engine.attempt():
        acme.hint()
    rest(engine)
    engine.wait(timedelta(minutes=15))
    engine.pump()
    return acme


def test_who_waits_is_woken_though_the_worker_was_killed() -> None:
    """Whoever was killed after writing that an address is given up wakes those who wait for it when the message comes
    again: no full pass is needed.
    """
    for crash_at in range(1, effects_of(two_of_one_address) + 1):
        acme = two_of_one_address(Engine(), crash_at)
        assert differences(acme) == [], f"killed at effect {crash_at}"
        assert sum(run.kind == "pass" for run in acme.runs) == 1


# --- foreseen as it comes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(80))
def test_foreseen_is_what_comes(seed: int) -> None:
    """For any crowd of people, manual accounts and orders of matching, what claims foresee is what resolving answers,
    and foreseeing writes nothing.
    """
    chance = random.Random(seed)
    engine = Engine(seed=seed)
    acme, people = connected(engine, 1, *(f"Person {number}" for number in range(6)))
    order = tuple(chance.sample(EVERY, chance.randint(1, 3)))
    acme.choose(matching=order)
    pool = [f"p{number}@contoso.example" for number in range(8)] + [mail(f"Person {number}") for number in range(6)]
    for address in chance.sample(pool[:8], 4):
        by_hand(acme, address, chance.choice(["", f"e{chance.randint(1, 4)}-{address}", address[:2]]))
    for person in chance.sample(people, 2):
        acme.tenant.soft_delete(person)
    acme.sync()
    connection = acme.connection
    stored = acme.people
    news: dict[str, PersonRecord] = {}
    for number in range(8):
        source = {"accountEnabled": True, "displayName": f"New {number}", "mail": chance.choice(pool)}
        source["proxyAddresses"] = tuple(f"smtp:{one}" for one in chance.sample(pool, chance.randint(0, 2)))
        source["employeeId"] = chance.choice(["", "p1", "P2", "p3 "])
        object_id = f"00000000-0000-4000-8000-{number:012d}"
        news[object_id] = PersonRecord(object_id, order=1, presence=Presence.PRESENT, source=source)
    for person in chance.sample(people, 3):
        record = stored[person]
        news[person] = replace(record, source={**record.source, "mail": chance.choice(pool)})
    policy = Policy(connection.settings)
    wants = {one.object_id: (found, one.account_id) for one in news.values() if (found := wanted_address(one, policy))}
    effects = len(engine.faults.effects)
    foreseen = claims.foresee(engine.services, connection, wants, news)
    assert len(engine.faults.effects) == effects
    assert claims.resolve(engine.services, connection, wants, news, "0" * 23) == foreseen
