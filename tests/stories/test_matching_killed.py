"""A worker killed while people are matched and addresses change hands: the end is always the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

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
