"""Somebody who is gone and comes back under another object id goes on with their account."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.core.model import AccountState, Hand, Reason
from sync.core.sync_settings import Chosen, Scope
from sync.usecases import by_hand, preview
from tests.fakes.engine import Engine, Tenanted
from tests.property.safety import Watchdog
from tests.property.truth import differences
from tests.stories import matching
from tests.stories.matching import EVERY, SHARDED, connected, mail, settled
from tests.stories.test_killed_anywhere import effects_of, rest


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


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("soft", [True, False])
def test_rehired(acme: Tenanted, *, soft: bool, at_once: bool) -> None:
    """Deleted and made again under another object id: the same account goes on, and there is no second mail."""
    old = acme.tenant.hire("Come Back")
    acme.sync()
    account = acme.person(old).account_id
    (acme.tenant.soft_delete if soft else acme.tenant.hard_delete)(old)
    if not at_once:
        acme.sync()
    new = acme.tenant.hire("Come Back")
    acme.sync()
    assert (acme.person(new).account_id, acme.person(new).account_state) == (account, AccountState.ACTIVE)
    assert (acme.person(old).account_id, acme.person(old).account_state) == ("", AccountState.NONE)
    acme.reconcile()
    assert acme.mailed == ["come.back@contoso.example"]
    assert acme.counts.active == 21


def test_both_come_back(acme: Tenanted) -> None:
    """Somebody is deleted and hired again under another object id, gets another address, and the first is restored:
    the account stays with the second, and the first gets one of their own, without a second mail.
    """
    old = acme.tenant.hire("Come Back")
    acme.sync()
    account = acme.person(old).account_id
    acme.tenant.soft_delete(old)
    new = acme.tenant.hire("Come Back")
    acme.sync()
    acme.tenant.change(new, mail="other@contoso.example")
    acme.sync()
    acme.tenant.restore(old)
    acme.sync()
    assert acme.person(new).account_id == account
    assert acme.person(old).account_id not in {"", account}
    assert (acme.person(old).account_state, acme.person(old).address) == (
        AccountState.ACTIVE,
        "come.back@contoso.example",
    )
    assert acme.mailed == ["come.back@contoso.example"]


def test_rehired_unnoticed(acme: Tenanted) -> None:
    """Deleted without a word of the feed and hired again: when the full pass finds the absence, the account goes to
    who they are now, who waited for its address.
    """
    old = acme.tenant.present_people()[0]
    account = acme.person(old).account_id
    acme.tenant.hard_delete(old, told=False)
    new = acme.tenant.hire("Person 0")
    acme.sync()
    assert acme.person(new).conflict_with == old
    acme.reconcile()
    assert (acme.person(old).account_id, acme.person(old).account_state) == ("", AccountState.NONE)
    assert (acme.person(new).account_id, acme.person(new).account_state) == (account, AccountState.ACTIVE)
    assert acme.mailed == []


def test_an_address_written_otherwise(acme: Tenanted) -> None:
    """Made again with the address in other letters and spaces, the account goes on, and the claim on a mail holds."""
    old = acme.tenant.hire("Come Back")
    acme.sync()
    account = acme.person(old).account_id
    acme.tenant.hard_delete(old)
    new = acme.tenant.hire("Come Back", mail=" COME.Back@Contoso.EXAMPLE ")
    acme.sync()
    assert (acme.person(new).account_id, acme.person(new).matched_by) == (account, "rehired")
    assert acme.mailed == ["come.back@contoso.example"]


ACTS = {
    "blocked": (AccountState.INACTIVE, Reason.ADMIN),
    "kept": (AccountState.ACTIVE, Reason.OK),
    "edited": (AccountState.ACTIVE, Reason.OK),
    "judged": (AccountState.INACTIVE, Reason.OUT_OF_SCOPE),
}


def act(acme: Tenanted, person: str, what: str) -> None:
    """The admin does one of ACTS."""
    services, connection = acme.engine.services, acme.connection
    if what == "edited":
        by_hand.change(services, connection, person, "ada", fields={"department": "Works Council"})
    elif what == "judged":
        by_hand.change(services, connection, person, "ada", judged="not_a_person")
    else:
        by_hand.change(services, connection, person, "ada", hand=Hand(what))
    acme.engine.pump()


@SHARDED
@pytest.mark.parametrize("gone_first", [True, False])
@pytest.mark.parametrize("what", ACTS)
def test_what_an_admin_did_goes_with_the_account(engine: Engine, digits: int, what: str, *, gone_first: bool) -> None:
    """Blocked, kept, edited or judged by hand, the account stays so for who the person is now; what the admin does to
    it from then on is theirs.
    """
    acme, _ = connected(engine, digits, "Person 0")
    acme.choose(audience=Chosen(everyone=True))
    old = acme.tenant.hire("Come Back", department="Sales")
    acme.sync()
    act(acme, old, what)
    account = acme.person(old).account_id
    if gone_first:
        acme.tenant.hard_delete(old)
        acme.sync()
    new = acme.tenant.hire("Come Back", department="Sales")
    acme.sync()
    if not gone_first:
        assert acme.person(new).conflict_with == old
        acme.tenant.hard_delete(old)
        acme.sync()
    acme.reconcile()
    record = acme.person(new)
    assert (record.account_id, record.matched_by, record.account_state, record.reason) == (
        account,
        "rehired",
        *ACTS[what],
    )
    assert record.fields["department"] == ("Works Council" if what == "edited" else "Sales")
    assert record.audience is (record.account_state is AccountState.ACTIVE)
    by_hand.change(engine.services, acme.connection, new, "ada", hand=Hand.NONE, judged="", fields={"department": None})
    engine.pump()
    record = acme.person(new)
    assert (record.account_state, record.fields["department"]) == (AccountState.ACTIVE, "Sales")
    assert acme.mailed.count(mail("Come Back")) == 1
    settled(acme)


@pytest.mark.parametrize("what", ["audience", "scope"])
def test_who_is_excluded_by_name_stays_excluded(acme: Tenanted, what: str) -> None:
    """Excluded by name from simulations, or from Moxso, and made again with another object id, even twice: the person
    is the same and stays out.
    """
    person = acme.tenant.hire("Come Back")
    acme.sync()
    account = acme.person(person).account_id
    if what == "audience":
        acme.choose(audience=Chosen(everyone=True, excluded_people=(person,)))
    else:
        acme.choose(audience=Chosen(everyone=True), scope=Scope(Chosen(everyone=True, excluded_people=(person,))))
    for _ in range(2):
        acme.tenant.hard_delete(person)
        person = acme.tenant.hire("Come Back")
        acme.sync()
        acme.reconcile()
        record = acme.person(person)
        assert (record.account_id, record.audience) == (account, False)
        assert record.account_state is (AccountState.ACTIVE if what == "audience" else AccountState.INACTIVE)
        assert record.reason is (Reason.OK if what == "audience" else Reason.OUT_OF_SCOPE)
    assert all(one.audience for one in acme.people.values() if one.account_id not in {"", account})


def test_a_preview_knows_who_goes_on_without_an_active_account(acme: Tenanted) -> None:
    """Who was judged to be nobody and is made again outside the scope is not told as joining where the scope widens:
    they go on with the account, and with what the admin answered.
    """
    services, former = acme.engine.services, acme.tenant.present_people()[0]
    by_hand.change(services, acme.connection, former, "admin", judged="not_a_person")
    properties = acme.tenant.person(former) or {}
    acme.tenant.hard_delete(former)
    acme.sync()
    again = acme.tenant.hire("", **{**properties, "userType": "Guest"})
    acme.sync()
    seen = preview.preview(services, acme.view, replace(acme.connection.settings, scope=Scope(guests=True)))
    assert seen is not None
    assert (seen.added.count, seen.mailed.count) == (0, 0)
    acme.choose(scope=Scope(guests=True))
    record = acme.person(again)
    assert (record.account_state, record.judged, record.formerly) == (AccountState.INACTIVE, "not_a_person", (former,))


def test_kept_and_restored(acme: Tenanted) -> None:
    """An account that an admin kept moved on; who had it is restored with another address: their new account follows
    Entra again, for it is not the one that was kept.
    """
    old = acme.tenant.hire("Come Back")
    acme.sync()
    act(acme, old, "kept")
    acme.tenant.soft_delete(old)
    acme.tenant.hire("Come Back")
    acme.sync()
    acme.tenant.restore(old)
    acme.tenant.change(old, mail="other@contoso.example")
    acme.sync()
    assert (acme.person(old).account_state, acme.person(old).hand) == (AccountState.ACTIVE, Hand.NONE)
    acme.tenant.soft_delete(old)
    acme.sync()
    assert acme.person(old).account_state is AccountState.INACTIVE


def made_by_hand(engine: Engine, crash_at: int) -> Tenanted:
    """Two accounts made by hand, one with an employee id, are linked and edited; their people are made again, one kill
    on the way.
    """
    acme, _ = connected(engine, 1, "Person 0")
    acme.choose(matching=EVERY)
    matching.by_hand(acme, mail("Come Back"))
    matching.by_hand(acme, "payroll@contoso.example", "E-17")
    people = [acme.tenant.hire("Come Back"), acme.tenant.hire("Pay Roll", employeeId="e-17")]
    acme.sync()
    for person in people:
        act(acme, person, "edited")
    engine.faults.crash_after(crash_at)
    for person in people:
        acme.tenant.hard_delete(person)
    acme.tenant.hire("Come Back")
    acme.tenant.hire("Pay Roll", employeeId="e-17")
    with engine.attempt():
        acme.hint()
    rest(engine)
    engine.faults.heal()
    acme.sync()
    return acme


def test_an_account_made_by_hand_goes_on() -> None:
    """Wherever the worker is killed, an account made by hand goes on with who its person is now: still told as made by
    hand, with what was edited and with its employee id, which nobody else gets an account by.
    """
    for crash_at in range(1, effects_of(made_by_hand) + 1):
        engine = Engine()
        acme = made_by_hand(engine, crash_at)
        where = f"killed at effect {crash_at}"
        again = {one.fields["display_name"]: one for one in acme.people.values() if one.matched_by == "rehired"}
        accounts = {one.address: one for one in engine.services.accounts.page(acme.connection.workspace, "", 9)[0]}
        for name, address in (("Come Back", mail("Come Back")), ("Pay Roll", "payroll@contoso.example")):
            record, account = again[name], accounts[address]
            assert (record.account_id, record.origin) == (account.account_id, "manual"), where
            assert account.linked_person == record.object_id, where
            assert record.own == {"department": "Works Council"}, where
        assert acme.addresses["#employee:e-17"].object_id == again["Pay Roll"].object_id, where
        assert acme.mailed == [], where
        Watchdog(engine, [acme]).look()
        for record in again.values():
            by_hand.change(engine.services, acme.connection, record.object_id, "ada", fields={"department": None})
        assert differences(acme) == [], where
