"""Who is whom, on real storage and the simulated cloud: accounts made by hand, people made again, and addresses that
two want.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.core.model import AccountState, Hand, Reason
from sync.core.sync_settings import MatchBy
from sync.ports import ManualAccount
from sync.usecases import by_hand as acts
from sync.usecases import manual_accounts, match_report, purge
from tests.fakes.engine import Tenanted
from tests.real.world import differences, person

pytestmark = pytest.mark.azurite
EVERY: tuple[MatchBy, ...] = ("employee_id", "address", "alias")


def by_hand(connection: Tenanted, address: str, employee_id: str = "") -> ManualAccount:
    """An account that an admin made."""
    services, workspace = connection.engine.services, connection.connection.workspace
    return manual_accounts.create(services, workspace, address, "By Hand", employee_id)


def mail(name: str) -> str:
    """The address of somebody of this name."""
    return f"{name.lower().replace(' ', '.')}@contoso.example"


def report(connection: Tenanted, *, conflicts: bool = False) -> dict[str, tuple[str, str, str]]:
    """The match report: name -> account, way, whose it is."""
    found = match_report.read(connection.engine.services, connection.view, "", 100, conflicts=conflicts)
    return {line.name: (line.account_id, line.by, line.other_name) for line in found.lines}


def test_matched_before_start_in_the_admins_order(empty: Tenanted) -> None:
    """The report before Start says who would be matched with what by what, the admin turns the order round and it says
    so; after Start it is as the report said, nobody matched is mailed, and a conflict ends when its cause does.
    """
    tenant = empty.tenant
    hand, alias, payroll = (
        by_hand(empty, address, number)
        for address, number in (
            ("Ann.Hand@CONTOSO.example ", ""),
            ("maiden@contoso.example", ""),
            ("old@contoso.example", "E-17"),
        )
    )
    tenant.hire("Ann Hand")
    tenant.hire("Bea Wed", proxyAddresses=["SMTP:bea.wed@contoso.example", "smtp:MAIDEN@contoso.example"])
    cid = tenant.hire("Cid Both", employeeId=" e-17", proxyAddresses=["smtp:both@contoso.example"])
    both = by_hand(empty, "both@contoso.example")
    twin = tenant.hire("Dan Twin", mail=mail("Ann Hand").upper())
    empty.choose(matching=EVERY)
    links = {"Ann Hand": hand, "Bea Wed": alias, "Cid Both": payroll}
    planned = report(empty)
    (lost,) = report(empty, conflicts=True)
    assert lost in {"Ann Hand", "Dan Twin"}  # of two with one address whoever is read first
    assert {planned[name][1] for name in ("Ann Hand", "Dan Twin")} == {"address", ""}
    assert planned["Bea Wed"] == (links["Bea Wed"].account_id, "alias", "")
    assert planned["Cid Both"] == (payroll.account_id, "employee_id", "")
    assert empty.people == {}
    empty.choose(matching=("alias", "address", "employee_id"))
    assert report(empty)["Cid Both"][:2] == (both.account_id, "alias")
    empty.choose(matching=EVERY)
    empty.start(mail_existing=True)
    empty.engine.pump()
    assert report(empty) == planned
    linked = empty.person(cid)
    assert (linked.account_id, linked.address, linked.origin) == (payroll.account_id, mail("Cid Both"), "manual")
    assert {mail("Ann Hand"), mail("Bea Wed"), mail("Cid Both")}.isdisjoint(empty.mailed)
    by_hand(empty, "old@contoso.example")  # what the matched account was called before is free
    tenant.change(twin, mail=mail("Dan Twin"))
    empty.sync()
    assert (report(empty, conflicts=True), person(empty, "Ann Hand").account_id) == ({}, hand.account_id)
    assert differences(empty) == []


def test_addresses_that_two_want(acme: Tenanted) -> None:
    """Two people with one address; two who swap theirs, told one after the other; one who takes over what another gave
    up on the same page; an account that is somebody's already: each row waits for itself and says whose it is, the
    rest goes on, and all is as Entra says once Entra is clear.
    """
    tenant = acme.tenant
    acme.choose(matching=EVERY)
    acme.reconcile()
    one, two, three, four = (person(acme, f"Person {number}").object_id for number in range(4))
    accounts = {key: record.account_id for key, record in acme.people.items()}
    shared = by_hand(acme, "shared@contoso.example")
    tenant.change(one, mail=mail("Person 1"))
    acme.sync()
    assert (acme.person(one).conflict_with, acme.person(one).address) == (two, mail("Person 0"))
    tenant.change(two, mail=mail("Person 0"))
    acme.sync()
    assert [acme.person(key).address for key in (one, two)] == [mail("Person 1"), mail("Person 0")]
    tenant.edit(
        {"op": "user.update", "id": four, "set": {"mail": mail("Person 2")}},
        {"op": "user.update", "id": three, "set": {"mail": mail("Person Three")}},
    )
    acme.sync()
    assert [acme.person(key).address for key in (three, four)] == [mail("Person Three"), mail("Person 2")]
    twins = [tenant.hire(name, mail=mail("Person 2"), employeeId="17") for name in ("Eve Twin", "Fay Twin")]
    sharing = [tenant.hire(name, proxyAddresses=["smtp:shared@contoso.example"]) for name in ("Gil One", "Hal Two")]
    acme.sync()
    assert {acme.person(twin).reason for twin in twins} == {Reason.ADDRESS_CONFLICT}
    assert report(acme, conflicts=True) == dict.fromkeys(("Eve Twin", "Fay Twin"), ("", "", "Person 3"))
    assert [acme.person(key).account_id for key in sharing].count(shared.account_id) == 1
    assert {acme.person(key).account_state for key in sharing} == {AccountState.ACTIVE}
    tenant.change(four, mail=mail("Person 3"))
    acme.sync()
    assert [acme.person(twin).address for twin in twins].count(mail("Person 2")) == 1
    (waiting,) = (twin for twin in twins if not acme.person(twin).account_id)
    tenant.change(waiting, mail="at.last@contoso.example")
    acme.sync()
    assert report(acme, conflicts=True) == {}
    assert {key: acme.person(key).account_id for key in accounts} == accounts
    acme.reconcile()
    assert (differences(acme), len(acme.mailed)) == ([], 3)


@pytest.mark.parametrize("gone_first", [True, False])
def test_made_again(empty: Tenanted, *, gone_first: bool) -> None:
    """Deleted, for good or not, and made again with another object id, told in either order and over several shards:
    the account goes on with its history, and there is no second mail.
    """
    tenant = empty.tenant
    empty.imported()
    names = ("Soft Back", "Hard Back", "Late Back")
    old = dict(zip(names, tenant.hire_all(*names), strict=True))
    empty.sync()
    accounts = {name: empty.person(key).account_id for name, key in old.items()}

    def leave() -> None:
        tenant.soft_delete(old["Soft Back"])
        tenant.hard_delete(old["Hard Back"])
        if gone_first:
            tenant.hard_delete(old["Late Back"])
        empty.sync()

    if gone_first:
        leave()
    new = dict(zip(names, tenant.hire_all(*names), strict=True))
    empty.sync()
    if not gone_first:
        assert {empty.person(new[name]).conflict_with for name in names} == {*old.values()}
        leave()
        empty.tenant.cloud.behave(omit_deletions=1)
        tenant.hard_delete(old["Late Back"])
        empty.sync()
        assert empty.person(new["Late Back"]).conflict_with == old["Late Back"]
        empty.reconcile()
    assert {name: empty.person(key).account_id for name, key in new.items()} == accounts
    assert {empty.person(key).matched_by for key in new.values()} == {"rehired"}
    assert empty.mailed == sorted(mail(name) for name in names)
    assert (report(empty, conflicts=True), differences(empty)) == ({}, [])


def test_made_again_with_what_an_admin_did(empty: Tenanted) -> None:
    """An account made by hand and edited, and one that is blocked: their people are made again in Entra, and both go on
    as they were, the one told as made by hand, the other blocked; given up, nothing of what was typed is left.
    """
    tenant, services = empty.tenant, empty.engine.services
    hand = by_hand(empty, mail("Hand Back"), "E-17")
    empty.imported()
    empty.choose(matching=EVERY)
    old = tenant.hire_all("Hand Back", "Block Back")
    empty.sync()
    acts.change(services, empty.connection, old[0], "ada", fields={"department": "Works Council"})
    acts.change(services, empty.connection, old[1], "ada", hand=Hand.BLOCKED)
    blocked = empty.person(old[1]).account_id
    for person_id in old:
        tenant.hard_delete(person_id)
    new = tenant.hire_all("Hand Back", "Block Back")
    empty.sync()
    empty.reconcile()
    first, second = (empty.person(person_id) for person_id in new)
    assert (first.account_id, first.origin, first.matched_by) == (hand.account_id, "manual", "rehired")
    assert (first.account_state, first.fields["department"]) == (AccountState.ACTIVE, "Works Council")
    assert (second.account_id, second.account_state, second.reason) == (blocked, AccountState.INACTIVE, Reason.ADMIN)
    account = services.accounts.get(empty.connection.workspace, hand.account_id)
    assert account is not None
    assert account.linked_person == new[0]
    acts.change(services, empty.connection, new[0], "ada", fields={"department": None})
    acts.change(services, empty.connection, new[1], "ada", hand=Hand.NONE)
    assert (report(empty, conflicts=True), differences(empty)) == ({}, [])
    assert empty.mailed == [mail("Block Back")]
    tenant.hard_delete(new[0])
    empty.sync()
    empty.engine.clock.advance(timedelta(days=empty.connection.settings.purge_days + 1))
    purge.begin_when_due(services, empty.view, empty.engine.clock.now())
    empty.engine.pump()
    assert empty.person(new[0]).account_state is AccountState.NONE
    assert services.accounts.get(empty.connection.workspace, hand.account_id) is None
    assert by_hand(empty, mail("Hand Back"), "E-17").account_id != hand.account_id  # address and employee id are free
