"""API v1: the match report before and after Start, and accounts with an employee id."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from sync.core.model import AccountState, Reason
from sync.core.sync_settings import MatchBy
from tests.fakes.engine import Engine, Tenanted
from tests.panel.caller import API, Caller
from tests.panel.world import WORKSPACE, World

MATCHING: tuple[MatchBy, ...] = ("address", "alias", "employee_id")


def first_read(world: World, digits: int) -> Tenanted:
    """A tenant that was read and waits for Start: three people match accounts made by hand, two share an address."""
    engine = Engine(storage=world.storage)
    acme = engine.connect(WORKSPACE, digits=digits)
    connection = acme.connection
    chosen = replace(connection.settings, matching=MATCHING)
    engine.services.connections.save(replace(connection, settings=chosen))
    tenant = acme.tenant
    tenant.hire("Ann Address")
    tenant.hire("Bob Alias", proxyAddresses=["smtp:bob.old@contoso.example"])
    tenant.hire("Cid Number", employeeId="C-3")
    tenant.hire("Dan Twin")
    tenant.hire("Eve Twin", mail="dan.twin@contoso.example")
    engine.pump()
    return acme


def by_hand(caller: Caller, address: str, **more: str) -> str:
    """The id of a new account."""
    answer = caller.post(f"{API}/accounts", json={"address": address, "name": "By Hand", **more})
    assert answer.status_code == 201
    return str(answer.json()["id"])


def report(caller: Caller, acme: Tenanted, **query: Any) -> dict[str, Any]:
    """The whole report, page by page."""
    path, cursor, items = f"{API}/connections/{acme.id}/match-report", "", list[Any]()
    first: dict[str, Any] = {}
    while cursor is not None:
        page = caller.get(path, params={"limit": 2, "cursor": cursor, **query}).json()
        first = first or page
        items += page["items"]
        cursor = page["cursor"]
    return {**first, "items": items}


@pytest.mark.parametrize("digits", [0, 1])
@pytest.mark.parametrize("started", [False, True])
def test_the_match_report(world: World, caller: Caller, digits: int, *, started: bool) -> None:
    """Before Start by the plan and after it by the accounts: who is matched by what, and both names of a conflict."""
    accounts = {
        "Ann Address": by_hand(caller, "ann.address@contoso.example"),
        "Bob Alias": by_hand(caller, "bob.old@contoso.example"),
        "Cid Number": by_hand(caller, "payroll@contoso.example", employee_id="c-3"),
    }
    acme = first_read(world, digits)
    survey = caller.get(f"{API}/connections/{acme.id}").json()["survey"]
    assert (survey["would_link"], survey["would_link_by"]) == (3, {"address": 1, "alias": 1, "employee_id": 1})
    if started:
        acme.start()
        acme.engine.pump()
    found = report(caller, acme)
    assert found["told_by"] == ("accounts" if started else "plan")
    assert found["counts"] == {"address": 1, "alias": 1, "employee_id": 1, "conflict": 1}
    matched = {one["name"]: (one["account_id"], one["matched_by"]) for one in found["items"] if one["matched_by"]}
    assert matched == {
        "Ann Address": (accounts["Ann Address"], "address"),
        "Bob Alias": (accounts["Bob Alias"], "alias"),
        "Cid Number": (accounts["Cid Number"], "employee_id"),
    }
    (conflict,) = report(caller, acme, conflicts=True)["items"]
    assert {conflict["name"], conflict["conflict_with"]["name"]} == {"Dan Twin", "Eve Twin"}
    assert (conflict["address"], conflict["account_id"]) == ("dan.twin@contoso.example", None)


@pytest.mark.parametrize("digits", [0, 2])
@pytest.mark.parametrize("order", list(itertools.permutations(MATCHING)))
def test_an_account_that_several_want(world: World, caller: Caller, digits: int, order: tuple[MatchBy, ...]) -> None:
    """Three people, of different shards, match one account by three ways: it is foreseen for the one whose way comes
    first, counted once, and the others are told whose; and Start does just that.
    """
    account = by_hand(caller, "shared@contoso.example", employee_id="7")
    engine = Engine(storage=world.storage)
    acme = engine.connect(WORKSPACE, digits=digits)
    chosen = replace(acme.connection.settings, matching=order)
    engine.services.connections.save(replace(acme.connection, settings=chosen))
    people: dict[MatchBy, str] = {
        "employee_id": acme.tenant.hire("By Number", employeeId="7"),
        "alias": acme.tenant.hire("By Alias", proxyAddresses=["smtp:shared@contoso.example"]),
        "address": acme.tenant.hire("By Address", mail="shared@contoso.example"),
    }
    for number in range(40):  # so that the shards come in any order
        acme.tenant.hire(f"Person {number}", accountEnabled=False)
    engine.pump()
    winner = people[order[0]]
    found = {one["object_id"]: one for one in report(caller, acme)["items"]}
    assert (found[winner]["account_id"], found[winner]["matched_by"]) == (account, order[0])
    assert [one["object_id"] for one in found.values() if one["account_id"]] == [winner]
    survey = caller.get(f"{API}/connections/{acme.id}").json()["survey"]
    assert (survey["would_link"], survey["would_link_by"]) == (1, {order[0]: 1})
    acme.start()
    engine.pump()
    records = acme.people
    assert (records[winner].account_id, records[winner].matched_by) == (account, order[0])
    active = sum(record.account_state is AccountState.ACTIVE for record in records.values())
    assert survey["would_create"] + survey["would_link"] == active
    lost = records[people["employee_id"]]
    if order[0] != "employee_id":
        assert (lost.reason, lost.conflict_with) == (Reason.ADDRESS_CONFLICT, winner)
    told = report(caller, acme)
    assert told["counts"] == {order[0]: 1, **({"conflict": survey["people"] - 40 - active} if active < 3 else {})}


def test_an_employee_id_in_use(caller: Caller) -> None:
    """A second account with the same employee id is refused with a code of its own."""
    by_hand(caller, "a@contoso.example", employee_id="7")
    answer = caller.post(f"{API}/accounts", json={"address": "b@contoso.example", "employee_id": " 7 "})
    assert (answer.status_code, answer.json()["code"]) == (409, "employee_id_in_use")


def test_nothing_is_matched_in_an_unproven_connection(caller: Caller) -> None:
    """A connection that waits for consent has an empty report; one of another workspace does not exist."""
    made = caller.post(f"{API}/connections", json={}).json()["id"]
    answer = caller.get(f"{API}/connections/{made}/match-report").json()
    assert (answer["items"], answer["cursor"], answer["counts"]) == ([], None, {})
    assert caller.get(f"{API}/connections/{made[:-1]}x/match-report").status_code == 404
