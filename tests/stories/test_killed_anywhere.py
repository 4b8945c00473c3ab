"""A worker is killed right after every single effect (which is right before the next): the end is always the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sync.core.model import FEEDS
from sync.usecases.full_pass import PARTS_STANDSTILL
from tests.fakes.engine import Engine, Tenanted
from tests.property.safety import Watchdog
from tests.property.truth import differences

NUDGED = timedelta(minutes=4)  # the timer takes up what has stood still for two minutes; see full_pass


def rest(engine: Engine) -> None:
    """Everything is delivered, a killed worker's message too (after ten minutes), and what stood still is nudged."""
    engine.pump()
    engine.wait(NUDGED)
    engine.pump()


def story(engine: Engine, crash_at: int) -> Tenanted:
    """An import, then a page of every kind of change, then a full pass; the worker is killed once on the way."""
    engine.directory.manners.page_size = 3
    acme = engine.connect()
    tenant = acme.tenant
    people = [tenant.hire(f"Person {number}") for number in range(4)]
    staff = tenant.new_group("Staff")
    for person in people:
        tenant.join(staff, person)
    engine.pump()
    acme.start(mail_existing=True)
    engine.faults.crash_after(crash_at)
    rest(engine)
    tenant.hire("New Comer")
    tenant.change(people[0], department="Moved", mail="moved@contoso.example")
    tenant.soft_delete(people[1])
    tenant.hire("Person 1")
    tenant.leave(staff, people[2])
    tenant.new_group("Later")
    tenant.hard_delete(people[3], told=False)
    for feed in FEEDS:
        with engine.attempt():
            acme.hint(feed)
    rest(engine)
    for _ in range(2):  # a worker killed at the request is no reason to give up
        with engine.attempt():
            acme.request_pass()
    rest(engine)
    engine.wait(PARTS_STANDSTILL)
    engine.pump()
    return acme


def effects_of(told: Callable[[Engine, int], Tenanted]) -> int:
    """How many effects of a story there are to be killed at."""
    engine = Engine()
    told(engine, 0)
    return len(engine.faults.effects)


TOTAL = effects_of(story)
MAILED = sorted(
    ["new.comer@contoso.example", *(f"person.{number}@contoso.example" for number in range(4))],
)


@pytest.mark.parametrize("part", range(4))
def test_killed_at_every_effect(part: int) -> None:
    """Whichever effect the worker is killed at, everything ends as the directory says and nobody is mailed twice or
    left out; only a mail in the server's hands at that moment is left to a person.
    """
    for crash_at in range(1 + part, TOTAL + 1, 4):
        engine = Engine()
        acme = story(engine, crash_at)
        where = f"killed at effect {crash_at}"
        assert differences(acme) == [], where
        Watchdog(engine, [acme]).look()
        review = [mail.address for mail in acme.mails if mail.state == "needs_review"]
        assert sorted({*acme.mailed, *review}) == MAILED, where
        assert len(review) <= 1, where
        left = [run for run in acme.runs if run.outcome == "running"]
        assert len(left) <= 1, where
