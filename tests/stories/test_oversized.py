"""Rows that are too large for a message or for storage: one of them never stops the others, and it is not lost."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from sync.core.model import AccountState, Reason
from sync.core.sync_settings import Chosen, Scope
from sync.usecases import one_person
from tests.fakes.engine import Engine, Tenanted

PER_VALUE = 16_000  # characters; a value longer than 16,384 is not read at all


def aliases(count: int) -> list[str]:
    """So many addresses that nothing compresses: 20 are more than a message holds, 160 more than a row."""
    chance = random.Random(count)
    return [chance.randbytes(PER_VALUE // 2).hex() for _ in range(count)]


@pytest.fixture
def by_alias(acme: Tenanted) -> Tenanted:
    """A workspace that matches by alias too, so that `proxyAddresses` are read."""
    acme.choose(matching=("address", "alias"))
    return acme


def test_more_than_a_message_holds(by_alias: Tenanted, caplog: pytest.LogCaptureFixture) -> None:
    """What fits is applied at once with everybody else's news, and the feed moves on; the values that were left out
    come with the next full pass.
    """
    acme, person = by_alias, by_alias.tenant.present_people()[0]
    many = aliases(20)
    acme.tenant.change(person, department="Sales", proxyAddresses=many)
    new = acme.tenant.hire("New Comer")
    acme.sync()
    record = acme.person(person)
    assert (record.fields["department"], record.source.get("proxyAddresses")) == ("Sales", None)
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert '"reason":"values_left_out"' in caplog.text
    acme.reconcile()
    assert acme.person(person).source["proxyAddresses"] == many
    acme.tenant.change(person, department="Legal")
    acme.sync()
    record = acme.person(person)
    assert (record.fields["department"], record.source["proxyAddresses"]) == ("Legal", many)
    assert not acme.engine.poison


def test_one_person_now_who_is_more_than_a_message_holds(by_alias: Tenanted) -> None:
    """What an admin asked for is applied, and clears nothing that was left out."""
    acme, person = by_alias, by_alias.tenant.present_people()[0]
    many = aliases(20)
    acme.tenant.change(person, proxyAddresses=many)
    acme.reconcile()
    acme.tenant.change(person, department="Sales", told=False)
    one_person.sync(acme.engine.services, acme.view, person, "admin", pause=lambda _: None)
    record = acme.person(person)
    assert (record.fields["department"], record.source["proxyAddresses"]) == ("Sales", many)


def test_more_than_a_row_holds(by_alias: Tenanted, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody who joins is parked with the reason, somebody with an account keeps it as it was; the others of the
    same transaction are written, and both are taken up again when their source is small enough.
    """
    acme, person = by_alias, by_alias.tenant.present_people()[0]
    large = acme.tenant.hire("Large One", told=False, proxyAddresses=aliases(160))
    acme.tenant.change(person, told=False, department="Sales", proxyAddresses=aliases(160))
    new = acme.tenant.hire("New Comer", told=False)
    acme.reconcile()
    assert (acme.person(large).account_state, acme.person(large).reason) == (AccountState.NONE, Reason.TOO_LARGE)
    assert acme.person(new).account_state is AccountState.ACTIVE
    kept = acme.person(person)
    assert (kept.account_state, "department" in kept.fields) == (AccountState.ACTIVE, False)
    assert all(f'"person":"{one}","reason":"too_large"' in caplog.text for one in (large, person))
    for one in (large, person):
        acme.tenant.change(one, proxyAddresses=[])
    acme.sync()
    assert acme.person(large).account_state is AccountState.ACTIVE
    assert acme.person(person).fields["department"] == "Sales"
    assert acme.mailed == ["large.one@contoso.example", "new.comer@contoso.example"]


def test_a_group_of_which_a_message_holds_too_little(engine: Engine) -> None:
    """A description of any length stops neither the other groups nor the members."""
    acme = engine.connect()
    staff, person = acme.tenant.new_group("Staff"), acme.tenant.hire("Person 0")
    acme.imported()
    acme.choose(scope=Scope(Chosen(groups=(staff,), everyone=True)))
    chance = random.Random(1)
    long = {name: chance.randbytes(8_000).hex() for name in ("description", "mail", "membershipRule")}
    acme.tenant.change_group(staff, displayName="All staff", **long, mailNickname=chance.randbytes(8_000).hex())
    other = acme.tenant.new_group("Other")
    acme.tenant.join(other, person)
    acme.sync()
    assert (acme.groups[staff].name, acme.groups[other].members) == ("All staff", 1)
    assert not engine.poison


def test_who_is_more_than_a_row_holds_takes_nothing_of_the_guards_day(by_alias: Tenanted) -> None:
    """Somebody who would be removed and whose news no row can hold stays as they were: no full pass counts them, none
    holds them, and as many others may leave that day as ever.
    """
    acme, people = by_alias, by_alias.tenant.present_people()
    acme.tenant.change(people[0], accountEnabled=False, proxyAddresses=aliases(160))
    for _ in range(6):
        acme.reconcile()
        acme.sync()
    assert acme.person(people[0]).account_state is AccountState.ACTIVE
    assert acme.holds == []
    for person in people[1:6]:
        acme.tenant.soft_delete(person)
    acme.sync()
    assert acme.holds == []
    assert [acme.person(one).account_state for one in people[1:6]] == [AccountState.INACTIVE] * 5
    acme.tenant.change(people[0], proxyAddresses=[])
    acme.engine.clock.advance(timedelta(days=1, minutes=1))
    acme.reconcile()
    assert acme.person(people[0]).reason is Reason.DISABLED
