"""Faults of docs/invariants.md that no other story tells: whole domains, troubles of other tenants, things unsaid."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import Defect, Transient
from sync.core.connection import ConnectionState
from sync.core.messages import ChangesMessage
from sync.core.model import FEEDS, AccountState, Reason
from sync.core.trail import FEW_PAGES
from sync.usecases import full_pass, pull
from tests.fakes.engine import Engine, Tenanted
from tests.property.truth import differences

BETA = "99999999-0000-4000-8000-000000000002"


def accounts(connection: Tenanted) -> dict[str, str]:
    """Active accounts by object id."""
    people = connection.people.items()
    return {one: record.account_id for one, record in people if record.account_state is AccountState.ACTIVE}


@pytest.mark.parametrize("digits", [0, 1])
def test_a_domain_is_renamed(engine: Engine, digits: int) -> None:
    """Every address and username changes in one night: updates and nothing else, in the same accounts, over shards."""
    acme = engine.connect(digits=digits)
    people = [acme.tenant.hire(f"Person {number}") for number in range(60)]
    acme.imported(mail_existing=True)
    before = accounts(acme)
    engine.clock.advance(1)
    for number, person in enumerate(people):
        address = f"person.{number}@fabrikam.example"
        acme.tenant.change(person, mail=address, userPrincipalName=address)
    acme.sync()
    acme.reconcile()
    assert accounts(acme) == before
    assert {record.address for record in acme.people.values()} == {
        f"person.{number}@fabrikam.example" for number in range(60)
    }
    assert (len(acme.mailed), acme.holds, len(acme.addresses)) == (60, [], 60)
    assert {name for run in acme.runs[:-1] for name, count in run.counts.items() if count} & {
        "create",
        "link",
        "deactivate",
        "reactivate",
    } == set()


def test_a_restoration_that_no_delta_told(acme: Tenanted) -> None:
    """Out of the bin without a word of the feed: the next full pass has them back, in the same account, unmailed."""
    person = acme.tenant.present_people()[0]
    before = accounts(acme)
    acme.tenant.soft_delete(person)
    acme.sync()
    acme.tenant.restore(person, told=False)
    acme.sync()
    assert (acme.person(person).account_state, acme.person(person).reason) == (AccountState.INACTIVE, Reason.LEFT)
    acme.reconcile()
    assert (accounts(acme), acme.mailed) == (before, [])


def test_a_giant_tenant_delays_nobody(engine: Engine) -> None:
    """While a tenant of many blocks is read, another tenant's joiner is there after a handful of messages, and so is
    a leaver of the giant itself.
    """
    engine.directory.manners.page_size = 1
    giant, acme = engine.connect("beta", BETA), engine.connect()
    for number in range(600):
        giant.tenant.hire(f"Person {number}")
    giant.imported()
    acme.imported()
    giant.request_pass()
    for _ in range(2):
        engine.deliver()
    assert giant.view.reader.pass_run
    new, leaver = acme.tenant.hire("New Comer"), giant.tenant.present_people()[0]
    giant.tenant.soft_delete(leaver)
    acme.hint("users")
    giant.hint("users")
    for _ in range(12):
        following = engine.queue.next_at()
        assert following is not None
        engine.clock.advance(max(following - engine.clock.now(), following - following))
        engine.deliver()
    assert giant.view.reader.pass_run, "the giant is still being read"
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert giant.person(leaver).account_state is AccountState.INACTIVE
    engine.pump()
    assert differences(giant) == []


def test_a_message_that_always_fails_stops_nobody_else(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """One tenant's message is damaged: it is put aside after five tries and told every minute, the other tenant and
    the rest of its own go on, and the full pass makes up for it.
    """
    caplog.set_level(logging.INFO)
    acme, other = engine.connect(), engine.connect("beta", BETA)
    for connection in (acme, other):
        connection.imported()
    acme.tenant.hire("Lost One")
    acme.hint("users")
    engine.deliver()
    (carrying,) = engine.queue.waiting("changes")
    message = carrying.message
    assert isinstance(message, ChangesMessage)
    engine.queue.drop(carrying.number)
    engine.queue.send(replace(message, changes="no!"))
    for connection in (acme, other):
        connection.tenant.hire("Next One")
        connection.sync()
    assert len(engine.poison) == 1
    assert all(isinstance(error, Defect) for error in engine.errors)
    assert (acme.counts.active, other.counts.active) == (1, 1)
    engine.tick()
    assert '"event":"poison.waiting","queue":"changes","messages":1' in caplog.text
    acme.reconcile()
    assert acme.counts.active == 2


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_jumps_delays_and_decides_nothing(acme: Tenanted, minutes: int) -> None:
    """Ten minutes back or ahead, again and again in the middle of the work: the same accounts, one mail each, the same
    limit of removals, the same answer to a hold; at most it takes a little longer.
    """
    engine, people = acme.engine, acme.tenant.present_people()

    def jump() -> None:
        engine.clock.advance(timedelta(minutes=minutes))

    for number in range(7):
        acme.tenant.hire(f"Comer {number}")
        acme.tenant.change(people[10 + number], department=f"Department {number}")
        acme.tenant.hard_delete(people[number])
        acme.hint("users")
        engine.deliver()
        jump()
        engine.deliver()
        engine.pump()
    assert acme.counts.inactive == 5
    assert {one.object_id for hold in acme.holds for one in hold.removals} == {*people[5:7]}
    acme.request_pass()
    engine.deliver()
    jump()
    engine.pump()
    engine.wait(timedelta(minutes=40))
    assert (acme.counts.inactive, len(acme.mailed)) == (5, 7)
    acme.approve_all()
    engine.wait(timedelta(minutes=10))
    assert differences(acme) == []
    assert acme.mailed == [f"comer.{number}@contoso.example" for number in range(7)]
    assert not engine.poison


@pytest.mark.parametrize("reading", ["pull", "pass"])
@pytest.mark.parametrize("length", [1, 2, 7])
def test_pages_that_lead_in_a_circle(acme: Tenanted, length: int, reading: str) -> None:
    """Each page leads to the next and the last to the first: neither a pull nor a full pass reads for ever, nothing of
    it is stored, and once Graph finds the way out everything is there.
    """
    engine = acme.engine
    for number in range(12):
        acme.tenant.hire(f"Comer {number}")
    engine.directory.manners.page_size, engine.directory.manners.circle = 1, length
    acme.hint("users") if reading == "pull" else acme.request_pass()
    calls = len(engine.directory.calls)
    engine.wait(timedelta(minutes=4))
    assert 2 <= len(engine.directory.calls) - calls < 50
    assert (acme.counts.active, acme.counts.inactive) == (20, 0)
    engine.directory.manners.circle = 0
    engine.directory.expire_cursors()
    engine.wait(timedelta(minutes=20))
    acme.sync()
    assert (acme.counts.active, acme.connection.problem, engine.poison) == (32, None, [])


@pytest.mark.parametrize("reading", ["pull", "pass"])
def test_a_circle_of_more_pages_than_a_block_has(acme: Tenanted, reading: str) -> None:
    """It is noticed over the blocks, by whichever worker reads; the pass ends incomplete and removes nobody, the round
    is read again from its deltaLink, and neither asks Graph for more than a few times the circle.
    """
    engine, circle = acme.engine, 2 * max(full_pass.BLOCK_PAGES, pull.BLOCK_PAGES) + 30
    for number in range(circle + 5):
        acme.tenant.hire(f"Comer {number}")
    engine.directory.manners.page_size, engine.directory.manners.circle = 1, circle
    acme.hint("users") if reading == "pull" else acme.request_pass()
    calls = len(engine.directory.calls)
    engine.pump(until=engine.clock.now() + timedelta(seconds=59))
    assert circle < len(engine.directory.calls) - calls <= 3 * circle
    if reading == "pass":
        assert {run.error for run in acme.runs if run.kind == "pass"} == {"endless_feed", ""}
        assert acme.view.reader.pass_run == ""
    else:
        assert (acme.view.reader.feeds["users"].next_link, engine.queue.waiting("pulls") != []) == ("", True)
    assert acme.counts.inactive == 0
    engine.directory.manners.circle = 0
    engine.wait(timedelta(minutes=20))
    assert (acme.counts.active, acme.connection.problem, engine.poison) == (20 + circle + 5, None, [])
    assert differences(acme) == []


@pytest.mark.parametrize("reading", ["pull", "pass"])
def test_pages_without_end(acme: Tenanted, reading: str) -> None:
    """Every page leads to one that was never read before: beyond as many as a tenant of its size can have, it is given
    up, and taken up again later.
    """
    engine = acme.engine
    new = acme.tenant.hire("New Comer")
    engine.directory.manners.endless = True
    acme.hint("users") if reading == "pull" else acme.request_pass()
    calls = len(engine.directory.calls)
    engine.pump(until=engine.clock.now() + timedelta(seconds=59))
    pages = len(engine.directory.calls) - calls
    assert FEW_PAGES < pages < FEW_PAGES + 2 * full_pass.BLOCK_PAGES
    assert ("count_people" in {name for name, _ in engine.directory.calls[calls:]}, acme.counts.inactive) == (True, 0)
    engine.directory.manners.endless = False
    engine.wait(timedelta(minutes=20))
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert (acme.view.reader.pass_run, differences(acme), engine.poison) == ("", [], [])


def test_a_day_of_throttling_for_everybody(engine: Engine) -> None:
    """Graph answers 429 to all tenants for a day: nothing changes, nobody is mailed, Graph is asked as seldom as it
    said; afterwards each tenant has its changes within a cycle.
    """
    both = [engine.connect(), engine.connect("beta", BETA)]
    for connection in both:
        for number in range(8):
            connection.tenant.hire(f"Person {number}")
    for connection in both:
        connection.imported()
        connection.tenant.hire("New Comer")
        connection.tenant.soft_delete(connection.tenant.present_people()[0])
        for feed in FEEDS:
            connection.tenant.refusals[feed] = Transient("429", retry_after=600)
    calls = len(engine.directory.calls)
    engine.wait(timedelta(hours=24))
    assert len(engine.directory.calls) - calls <= 2 * 6 * 24 + 4
    for connection in both:
        assert (connection.counts.active, connection.counts.inactive, connection.mailed) == (8, 0, [])
        assert (connection.connection.state, connection.connection.problem) == (ConnectionState.CONNECTED, None)
        connection.tenant.refusals.clear()
    engine.wait(timedelta(minutes=16))
    assert [(one.counts.active, one.counts.inactive) for one in both] == [(8, 1), (8, 1)]
    assert not engine.poison
