"""Messages are doubled, reordered, old or too many: what is stored does not depend on it."""

from __future__ import annotations

import random

import pytest

from sync.core.messages import MailMessage
from sync.core.model import AccountState
from tests.fakes.engine import Engine, Tenanted
from tests.property.truth import differences


@pytest.mark.parametrize("seed", range(10))
def test_doubled_and_reordered(seed: int) -> None:
    """A month of changes whose messages come twice and in any order ends as the directory says."""
    engine = Engine(seed=seed)
    chance = random.Random(seed)
    engine.directory.manners.repeats = 0.3
    acme = engine.connect(digits=seed % 2)
    people = [acme.tenant.hire(f"Person {number}") for number in range(12)]
    groups = [acme.tenant.new_group(f"Group {number}") for number in range(3)]
    acme.imported()
    for step in range(12):
        person, group = chance.choice(people), chance.choice(groups)
        acme.tenant.change(person, department=f"Department {step}")
        (acme.tenant.join if chance.random() < 0.6 else acme.tenant.leave)(group, person)
        acme.tenant.hire(f"Later {step}")
        acme.hint("users")
        acme.hint("groups")
        for _ in range(chance.randrange(6)):
            engine.reshuffle()
            engine.deliver()
    engine.reshuffle()
    acme.sync()
    assert differences(acme) == []
    assert acme.mailed == sorted(f"later.{step}@contoso.example" for step in range(12))


def test_made_again_by_a_message_that_comes_twice(acme: Tenanted) -> None:
    """Somebody who was mailed is made again under another object id: a doubled message mails nobody twice."""
    engine = acme.engine
    old = acme.tenant.hire("Come Back")
    acme.sync()
    acme.tenant.hard_delete(old)
    new = acme.tenant.hire("Come Back")
    acme.hint("users")
    engine.deliver()
    for delivery in engine.queue.waiting("changes"):
        engine.queue.duplicate(delivery.number)
    engine.pump()
    assert acme.person(new).matched_by == "rehired"
    assert acme.mailed == ["come.back@contoso.example"]


def test_late_message_after_a_full_pass(acme: Tenanted) -> None:
    """A change that was read before a full pass and is delivered after it is superseded."""
    engine, person = acme.engine, acme.tenant.present_people()[0]
    staff, other = acme.tenant.present_groups()[0], acme.tenant.new_group("Other")
    acme.sync()
    acme.tenant.change(person, department="Old News")
    acme.tenant.join(other, person)
    acme.tenant.leave(staff, person)
    acme.hint("users")
    acme.hint("groups")
    engine.deliver()
    engine.deliver()
    late = engine.queue.waiting("changes")
    for delivery in late:
        engine.queue.drop(delivery.number)
    acme.tenant.change(person, department="New News")
    acme.tenant.leave(other, person)
    acme.tenant.join(staff, person)
    acme.reconcile()
    for delivery in late:
        engine.queue.send(delivery.message)
    engine.pump()
    assert differences(acme) == []
    assert acme.person(person).fields["department"] == "New News"


def test_disconnected(acme: Tenanted) -> None:
    """Messages of before are no-ops after a disconnect: no call to Graph, no write, no mail."""
    engine, connection = acme.engine, acme.connection
    acme.tenant.hire("New Comer")
    acme.hint("users")
    engine.deliver()
    acme.request_pass()
    engine.queue.send(MailMessage(connection.id, connection.epoch, acme.tenant.present_people()[0]))
    acme.hint("groups")
    acme.disconnect()
    calls, effects = len(engine.directory.calls), len(engine.faults.effects)
    engine.pump()
    engine.tick()
    assert len(engine.directory.calls) == calls
    assert len(engine.faults.effects) == effects
    assert acme.mailed == []


def test_connected_again(acme: Tenanted) -> None:
    """Disconnected and connected again, with messages of the first time still about: everybody is known again, in
    the same accounts, and nobody is mailed a second time.
    """
    engine = acme.engine
    new = acme.tenant.hire("New Comer")
    acme.sync()
    account = acme.person(new).account_id
    acme.tenant.hire("Late One")
    acme.hint("users")
    engine.deliver()
    acme.disconnect()
    again = engine.connect().imported(mail_existing=True)
    assert again.connection.epoch > acme.connection.epoch - 1
    assert (again.person(new).account_id, again.person(new).account_state) == (account, AccountState.ACTIVE)
    assert differences(again) == []
    assert again.mailed.count("new.comer@contoso.example") == 1


def test_two_tenants_stay_apart(engine: Engine) -> None:
    """Two workspaces with people of the same addresses share nothing."""
    acme = engine.connect()
    beta = engine.connect("beta", "99999999-0000-4000-8000-000000000002")
    for connection in (acme, beta):
        for number in range(5):
            connection.tenant.hire(f"Person {number}")
        connection.imported()
    acme.tenant.hire("New Comer")
    acme.sync()
    assert (acme.counts.active, beta.counts.active) == (6, 5)
    assert not acme.people.keys() & beta.people.keys()
