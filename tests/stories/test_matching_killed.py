"""A worker killed while people are matched and addresses change hands: the end is always the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sync.core.model import AccountState, Action
from sync.usecases import purge, undo
from sync.usecases.full_pass import PARTS_STANDSTILL
from tests.fakes.engine import Engine, Tenanted
from tests.property.safety import Watchdog
from tests.property.truth import differences
from tests.stories.matching import EVERY, by_hand, connected, mail
from tests.stories.test_killed_anywhere import effects_of, rest


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


def passed_on(engine: Engine, crash_at: int) -> Tenanted:
    """Four people of several shards pass their addresses on in a circle, told in one page."""
    names = [f"Person {number}" for number in range(4)]
    acme, people = connected(engine, 1, *names)
    for person, name in zip(people, (*names[1:], names[0]), strict=True):
        acme.tenant.change(person, mail=mail(name))
    engine.faults.crash_after(crash_at)
    with engine.attempt():
        acme.hint()
    engine.pump()
    return acme


def found_absent(engine: Engine, crash_at: int) -> Tenanted:
    """A full pass finds somebody gone of whom no delta told, for whose address somebody waits."""
    acme, (gone,) = connected(engine, 1, "Ann Twin")
    acme.tenant.hire("Bob Twin", mail=mail("Ann Twin"))
    acme.sync()
    acme.tenant.hard_delete(gone, told=False)
    acme.request_pass()
    engine.faults.crash_after(crash_at)
    rest(engine)
    engine.wait(PARTS_STANDSTILL)
    engine.pump()
    return acme


def undone(engine: Engine, crash_at: int) -> Tenanted:
    """A run that gave somebody another address is undone, while somebody waits for that."""
    acme, (ann,) = connected(engine, 0, "Ann Twin")
    acme.tenant.change(ann, mail="wanted@contoso.example")
    acme.sync()
    run = next(run for run in acme.runs if run.counts.get("update"))
    acme.tenant.hire("Bob Twin", mail="wanted@contoso.example")
    acme.sync()
    undo.begin(engine.services, acme.connection, run.id, "ada")
    engine.faults.crash_after(crash_at)
    engine.pump()
    return acme


def given_up(engine: Engine, crash_at: int) -> Tenanted:
    """The accounts of two who were disabled long ago are given up, one made by hand; somebody waits for an address."""
    acme, (ann,) = connected(engine, 0, "Ann Twin")
    acme.choose(matching=EVERY)
    by_hand(acme, mail("Pay Roll"), "E-17")
    disabled = [ann, acme.tenant.hire("Pay Roll", employeeId="e-17")]
    acme.tenant.hire("Bob Twin", mail=mail("Ann Twin"))
    acme.sync()
    for person in disabled:
        acme.tenant.change(person, accountEnabled=False)
    acme.sync()
    engine.clock.advance(timedelta(days=acme.connection.settings.purge_days + 1))
    purge.begin_when_due(engine.services, acme.view, engine.clock.now())
    engine.faults.crash_after(crash_at)
    engine.pump()
    return acme


def linked_otherwise(engine: Engine, crash_at: int) -> Tenanted:
    """An account made by hand is found by employee id while somebody waits for the address that it has."""
    acme, _ = connected(engine, 1, "Person 0")
    acme.choose(matching=("employee_id",))
    by_hand(acme, mail("Bob Twin"), "E-17")
    acme.tenant.hire("Bob Twin")
    acme.sync()
    acme.tenant.hire("Pay Roll", employeeId="E-17")
    engine.faults.crash_after(crash_at)
    with engine.attempt():
        acme.hint()
    engine.pump()
    return acme


def stale(acme: Tenanted) -> list[str]:
    """Addresses held by somebody whose account has another, or by an account that is nobody's."""
    people, services = acme.people, acme.engine.services
    return [
        address
        for address, holder in acme.addresses.items()
        if (holder.scope and people[holder.object_id].address != address and not address.startswith("#"))
        or (services.accounts.get(acme.connection.workspace, holder.account_id) is None and address.startswith("#"))
    ]


@pytest.mark.parametrize("told", [passed_on, found_absent, undone, given_up, linked_otherwise])
def test_nobody_is_left_waiting(told: Callable[[Engine, int], Tenanted]) -> None:
    """Wherever the worker of a pull, a full pass, an undo or a purge is killed: by the time its message came again
    everybody has the address they waited for, and nothing is held that nobody has.
    """
    for crash_at in range(1, effects_of(told) + 1):
        engine = Engine()
        acme = told(engine, crash_at)
        where = f"killed at effect {crash_at}"
        conflicts = [one.object_id for one in acme.people.values() if one.conflict_with]
        assert (conflicts, stale(acme)) == ([], []), where
        Watchdog(engine, [acme]).look()


def test_what_was_made_by_hand_is_given_up_with_the_account() -> None:
    """Nothing is left of an account made by hand once it is given up: no row of it, no address, no employee id."""
    acme = given_up(Engine(), 0)
    services, workspace = acme.engine.services, acme.connection.workspace
    assert services.accounts.page(workspace, "", 9) == ([], "")
    assert set(acme.addresses) == {mail("Ann Twin")}
    states = {one.fields.get("display_name", ""): one.account_state for one in acme.people.values()}
    assert states == {"": AccountState.NONE, "Bob Twin": AccountState.ACTIVE}
    assert [run.counts[Action.PURGE] for run in acme.runs if run.cause == "retention"] == [2]
