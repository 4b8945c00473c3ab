"""Who is whom: people and the accounts made by hand, by address, alias and employee id."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from sync.core.decide import wanted_address
from sync.core.model import AccountState, PersonRecord, Presence, Reason
from sync.core.scope import Policy
from sync.core.sync_settings import MatchBy
from sync.usecases import claims, manual_accounts
from tests.fakes.engine import Engine, Tenanted
from tests.stories.matching import EVERY, SHARDED, by_hand, connected, mail, settled


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
    foreseen = claims.foresee(engine.services, connection, policy, wants, news)
    assert len(engine.faults.effects) == effects
    assert claims.resolve(engine.services, connection, policy, wants, news, "0" * 23, {}) == foreseen
