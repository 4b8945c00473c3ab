"""A tenant is connected: everything is read and planned, the admin starts, people and groups arrive."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.core.connection import ConnectionState
from sync.core.model import AccountState, MailMark, Reason
from sync.core.runs import Outcome, Stage
from tests.fakes.engine import Engine


def test_nothing_is_written_before_start(engine: Engine) -> None:
    """The first pass reads and plans, then waits: no account, no mail, and the survey tells what is there."""
    acme = engine.connect()
    for number in range(30):
        acme.tenant.hire(f"Person {number}")
    acme.tenant.hire("Guest One", userType="Guest")
    acme.tenant.hire("Blocked One", accountEnabled=False)
    acme.tenant.hire("Nomail One", mail=None, userPrincipalName="nomail@contoso.onmicrosoft.com")
    acme.tenant.hire("Person 0")
    acme.tenant.new_group("Staff")
    engine.pump()
    assert acme.connection.state is ConnectionState.AWAITING_START
    assert acme.runs[0].stage is Stage.WAITING
    assert (acme.people, acme.mails) == ({}, [])
    assert [group.name for group in acme.groups.values()] == ["Staff"]  # to choose from
    survey = acme.connection.survey
    assert survey is not None
    assert (survey.people, survey.guests, survey.disabled, survey.no_address) == (34, 1, 1, 1)
    assert (survey.duplicates, survey.groups, survey.would_create, survey.would_link) == (2, 1, 30, 0)


@pytest.mark.parametrize("digits", [0, 1])
def test_start_brings_everybody(engine: Engine, digits: int) -> None:
    """After Start every employee has an account, groups have their members, and the connection is connected."""
    acme = engine.connect(digits=digits)
    people = [acme.tenant.hire(f"Person {number}", department="Sales") for number in range(150)]
    boss = acme.tenant.hire("The Boss")
    acme.tenant.set_manager(people[0], boss)
    staff, all_of_us = acme.tenant.new_group("Staff"), acme.tenant.new_group("All of us")
    acme.tenant.join(all_of_us, staff)
    for person in people[:70]:
        acme.tenant.join(staff, person)
    acme.tenant.join(staff, acme.tenant.new_device())
    acme.imported()
    assert acme.connection.state is ConnectionState.CONNECTED
    assert (acme.runs[0].outcome, acme.runs[-1].outcome) == (Outcome.COMPLETE, Outcome.COMPLETE)
    assert acme.counts.people == acme.counts.active == 151
    record = acme.person(people[0])
    assert record.account_state is AccountState.ACTIVE
    assert record.fields == {
        "given_name": "Person",
        "family_name": "0",
        "display_name": "Person 0",
        "department": "Sales",
        "email": "person.0@contoso.example",
        "manager": boss,
    }
    assert record.groups == {staff}
    assert acme.groups[staff].members == 70
    assert set(acme.groups[staff].parents) == {all_of_us}
    assert set(acme.people) == {*people, boss}
    assert not engine.errors


def test_nobody_there_is_mailed(engine: Engine) -> None:
    """With `nobody who is there today`, the import mails nobody, and who joins later is mailed."""
    acme = engine.connect()
    acme.tenant.hire("Person 0")
    acme.imported(mail_existing=False)
    acme.tenant.hire("Person 1")
    acme.sync()
    assert acme.mailed == ["person.1@contoso.example"]
    assert {record.mail for record in acme.people.values()} == {MailMark.BASELINE, MailMark.CLAIMED}


def test_everyone_is_mailed(engine: Engine) -> None:
    """With `everyone`, each person with an account is mailed once."""
    acme = engine.connect()
    for number in range(120):
        acme.tenant.hire(f"Person {number}")
    acme.tenant.hire("Blocked One", accountEnabled=False)
    acme.imported(mail_existing=True)
    acme.reconcile()
    assert acme.mailed == sorted(f"person.{number}@contoso.example" for number in range(120))


def test_hired_while_the_import_waits_for_start(engine: Engine) -> None:
    """Somebody hired between the reading and Start was not there at the first full pass: they are mailed."""
    acme = engine.connect()
    acme.tenant.hire("Person 0")
    engine.pump()
    new = acme.tenant.hire("Person 1")
    acme.start()
    engine.pump()
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert acme.mailed == ["person.1@contoso.example"]


def test_hired_between_the_reading_of_people_and_of_groups(engine: Engine) -> None:
    """Somebody the first pass met only as a member of a group joins as a new hire, and is mailed."""
    acme = engine.connect()
    acme.tenant.hire("Person 0")
    staff = acme.tenant.new_group("Staff")
    while acme.view.reader.pass_run == "" or acme.runs[0].feed == "users":
        engine.deliver()
    new = acme.tenant.hire("Person 1")
    acme.tenant.join(staff, new)
    acme.imported()
    assert acme.person(new).groups == {staff}
    assert acme.mailed == ["person.1@contoso.example"]


def test_started_before_it_is_planned(engine: Engine) -> None:
    """Start may be pressed while the first pass is still reading; it then goes on by itself."""
    acme = engine.connect()
    acme.tenant.hire("Person 0")
    engine.deliver()
    acme.start()
    engine.pump()
    assert acme.connection.state is ConnectionState.CONNECTED
    assert acme.counts.active == 1


def test_killed_between_start_and_applying(engine: Engine) -> None:
    """A worker killed right after Start was stored: the timer takes the import on."""
    acme = engine.connect()
    acme.tenant.hire("Person 0")
    engine.pump()
    engine.faults.crash_after(1)
    with pytest.raises(BaseException, match=r"connections\.save"):
        acme.start()
    engine.wait(timedelta(minutes=5))
    assert acme.connection.state is ConnectionState.CONNECTED
    assert acme.counts.active == 1


def test_empty_tenant(engine: Engine) -> None:
    """A tenant of nobody connects, and its first hire arrives."""
    acme = engine.connect().imported()
    assert acme.connection.state is ConnectionState.CONNECTED
    acme.tenant.hire("Person 0")
    acme.sync()
    assert acme.counts.active == 1


def test_guests_disabled_and_nameless_get_no_account(engine: Engine) -> None:
    """Whoever gets no account is stored with the reason."""
    acme = engine.connect()
    hire = acme.tenant.hire
    reasons = {
        hire("Guest One", userType="Guest"): Reason.GUEST,
        hire("Old Guest", userType=None, userPrincipalName="x_y.com#EXT#@contoso.onmicrosoft.com"): Reason.GUEST,
        hire("Blocked One", accountEnabled=False): Reason.DISABLED,
        hire("Nomail One", mail=None, userPrincipalName="nomail@contoso.onmicrosoft.com"): Reason.NO_ADDRESS,
        hire("Bad Mail", mail="a@@b", userPrincipalName="bad@contoso.local"): Reason.NO_ADDRESS,
        hire("", mail="noname@contoso.example"): Reason.NO_NAME,
        hire("Half There", accountEnabled=None): Reason.UNKNOWN,
    }
    acme.imported(mail_existing=True)
    assert {one: record.reason for one, record in acme.people.items()} == reasons
    assert {record.account_state for record in acme.people.values()} == {AccountState.NONE}
    assert acme.counts.skipped == {"disabled": 1, "guest": 2, "no_address": 2, "no_name": 1, "unknown": 1}
    assert acme.mailed == []


def test_rehearsed_import_meets_every_manner_of_the_feed() -> None:
    """Small pages, empty pages, repeats and slices make no difference to what is stored."""
    for seed in range(5):
        engine = Engine(seed=seed)
        manners = engine.directory.manners
        manners.page_size, manners.slice_size, manners.empty_pages, manners.repeats = 7, 3, 0.3, 0.3
        acme = engine.connect()
        people = [acme.tenant.hire(f"Person {number}") for number in range(40)]
        staff = acme.tenant.new_group("Staff")
        for person in people:
            acme.tenant.join(staff, person)
        acme.imported()
        assert acme.counts.active == 40
        assert all(record.groups == {staff} for record in acme.people.values())


def test_an_old_plan_is_read_again(engine: Engine) -> None:
    """Start is pressed the next day, after somebody left and somebody came: both are as they are now, nobody asks."""
    acme = engine.connect()
    for number in range(10):
        acme.tenant.hire(f"Person {number}")
    engine.pump()
    left = acme.tenant.present_people()[0]
    acme.tenant.soft_delete(left)
    new = acme.tenant.hire("New Comer")
    engine.clock.advance(timedelta(days=1))
    acme.start(mail_existing=True)
    engine.pump()
    assert acme.connection.state is ConnectionState.CONNECTED
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert acme.counts.active == 10
    assert len(acme.mailed) == 10
    assert acme.runs[-1].error == "plan_outdated"
