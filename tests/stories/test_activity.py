"""What is told of every account, for how long, and when an inactive account is given up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.clock import iso, parse_iso
from sync.core.model import AccountState, Action, MailMark, Presence, Reason
from sync.core.runs import Outcome
from sync.usecases import history
from sync.usecases.purge import purge_at
from sync.usecases.rows import update_connection
from tests.fakes.engine import Engine, Tenanted


def happenings(connection: Tenanted, limit: int = 7, **filters: Any) -> list[history.Happening]:
    """Everything the filters find, page by page."""
    wanted = history.Wanted(**filters)
    found: list[history.Happening] = []
    cursor = ""
    while True:
        page = history.activity(connection.engine.services, connection.connection, wanted, cursor, limit)
        found += page.happenings
        cursor = page.cursor
        if not cursor:
            return found


def keep(connection: Tenanted, **days: Any) -> None:
    """The admin chose other days."""
    services = connection.engine.services
    update_connection(services, connection.id, lambda c: replace(c, settings=replace(c.settings, **days)))


@pytest.mark.parametrize("digits", [0, 1])
def test_every_change_is_told_once(engine: Engine, digits: int) -> None:
    """Over all shards and pages each account's creation is found once, and a person's story by the person alone."""
    acme = engine.connect(digits=digits)
    people = [acme.tenant.hire(f"Person {number}") for number in range(40)]
    acme.imported()
    engine.clock.advance(timedelta(minutes=1))
    acme.tenant.change(people[0], department="Sales")
    acme.sync()
    found = happenings(acme)
    assert sorted(one.entry.object_id for one in found if one.entry.action is Action.CREATE) == sorted(people)
    story = happenings(acme, person=people[0])
    assert [(one.entry.action, one.run and one.run.cause) for one in story] == [
        (Action.UPDATE, "notification"),
        (Action.CREATE, "first"),
    ]


def test_a_long_walk_stops_and_goes_on(acme: Tenanted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that walked far without finding enough answers with a cursor; following it finds everything."""
    people = acme.tenant.present_people()
    for number in range(12):
        acme.engine.clock.advance(timedelta(minutes=1))
        acme.tenant.change(people[number], department="Sales")
        acme.sync()
    monkeypatch.setattr(history, "WALK_LIMIT", 4)
    wanted = history.Wanted(action=Action.CREATE)
    first = history.activity(acme.engine.services, acme.connection, wanted, "", 5)
    assert (first.happenings, bool(first.cursor)) == ([], True)
    assert len(happenings(acme, action=Action.CREATE)) == 20


def test_one_persons_story_is_found_past_everybody_elses(acme: Tenanted, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much happened to others, a request walks over one person's entries alone, newest first; the other
    filters choose among them.
    """
    one, *others = acme.tenant.present_people()
    for number, other in enumerate(others[:6]):
        acme.engine.clock.advance(timedelta(days=1))
        acme.tenant.change(other, department=f"Department {number}")
        if number % 3 == 0:
            acme.tenant.change(one, department=f"Department {number}")
        acme.sync()
    monkeypatch.setattr(history, "STORY_LIMIT", 3)
    wanted = history.Wanted(person=one)
    page = history.activity(acme.engine.services, acme.connection, wanted, "", 50)
    told = [item.entry.after.get("department", "") for item in page.happenings]
    assert told == ["Department 3", "Department 0", ""]
    moment = page.happenings[0].at
    since = parse_iso(moment)
    assert [item.at for item in happenings(acme, person=one, since=since)] == [moment]
    assert len(happenings(acme, person=one, until=since)) == len(told) - 1
    assert len(happenings(acme, person=one, cause="first")) == 1
    assert len(happenings(acme, person=one, run=page.happenings[0].run_id)) == 1


def test_a_file_has_every_entry_once(engine: Engine) -> None:
    """In the order of the search, whatever a page of it holds."""
    acme = engine.connect(digits=1)
    people = [acme.tenant.hire(f"Person {number}") for number in range(40)]
    acme.imported()
    for person in people[:3]:
        engine.clock.advance(timedelta(minutes=1))
        acme.tenant.change(person, department="Sales")
        acme.sync()
    for wanted in (history.Wanted(), history.Wanted(action=Action.UPDATE), history.Wanted(person=people[0])):
        every = list(history.every(engine.services, acme.connection, wanted))
        filters = {name: value for name, value in wanted._asdict().items() if value}
        assert every == happenings(acme, **filters)
        assert every


def test_group_moves_are_found_by_the_group(acme: Tenanted) -> None:
    """Who joined or left a group, and nobody who only belongs to it."""
    staff = acme.tenant.present_groups()[0]
    inside, outside = acme.tenant.present_people()[0], acme.tenant.present_people()[15]
    acme.tenant.leave(staff, inside)
    acme.tenant.join(staff, outside)
    acme.tenant.change(acme.tenant.present_people()[1], department="Sales")
    acme.sync()
    assert {one.entry.object_id for one in happenings(acme, group=staff)} == {inside, outside}


def left(acme: Tenanted) -> str:
    """Somebody who left and is deactivated."""
    person: str = acme.tenant.present_people()[0]
    acme.tenant.hard_delete(person)
    acme.sync()
    assert acme.person(person).account_state is AccountState.INACTIVE
    return person


def test_an_account_inactive_for_long_enough_is_given_up(acme: Tenanted) -> None:
    """On its day and not before: account, fields and address go; who the person was to mail and directory stays."""
    keep(acme, purge_days=3)
    person = left(acme)
    due = purge_at(acme.person(person), acme.connection.settings)
    acme.engine.wait(timedelta(days=2, hours=20))
    assert acme.person(person).account_state is AccountState.INACTIVE
    acme.engine.wait(timedelta(days=1, hours=6))
    record = acme.person(person)
    assert (record.account_id, record.account_state, dict(record.fields), record.address) == (
        "",
        AccountState.NONE,
        {},
        "",
    )
    assert (record.presence, record.mail, record.reason) == (Presence.HARD_DELETED, MailMark.BASELINE, Reason.LEFT)
    assert record.order > 0
    assert "person.0@contoso.example" not in acme.addresses
    (told,) = happenings(acme, person=person, action=Action.PURGE)
    assert told.at >= due
    assert told.run is not None
    assert (told.run.cause, told.run.outcome, told.run.counts["purge"]) == ("retention", Outcome.COMPLETE, 1)
    assert acme.counts.active == 19


def test_nobody_active_is_ever_given_up(acme: Tenanted) -> None:
    """However short the days, an active account stays."""
    keep(acme, purge_days=0)
    acme.engine.wait(timedelta(days=2))
    assert (acme.counts.active, happenings(acme, action=Action.PURGE)) == (20, [])


def test_whoever_comes_back_after_that_gets_a_new_account_and_no_second_mail(acme: Tenanted) -> None:
    """Disabled for so long that the account was given up, then enabled: a new account, no mail."""
    keep(acme, purge_days=1)
    person = acme.tenant.hire("New Comer")
    acme.sync()
    former = acme.person(person).account_id
    acme.tenant.change(person, accountEnabled=False)
    acme.sync()
    acme.engine.wait(timedelta(days=2, hours=1))
    assert acme.person(person).account_state is AccountState.NONE
    acme.tenant.change(person, accountEnabled=True)
    acme.sync()
    record = acme.person(person)
    assert (record.account_state, record.account_id != former) == (AccountState.ACTIVE, True)
    assert acme.mailed == ["new.comer@contoso.example"]


def test_old_activity_and_runs_are_forgotten(acme: Tenanted) -> None:
    """What is older than the days to keep goes, day by day; what is younger stays."""
    keep(acme, retention_days=3)
    acme.engine.wait(timedelta(days=2))
    acme.tenant.change(acme.tenant.present_people()[0], department="Sales")
    acme.sync()
    assert len(happenings(acme)) == 21
    acme.engine.wait(timedelta(days=2, hours=1))
    assert [one.entry.action for one in happenings(acme)] == [Action.UPDATE]
    oldest = acme.engine.clock.now() - timedelta(days=4, hours=1)
    assert all(run.started_at >= oldest.isoformat()[:19] for run in acme.runs)


def test_old_holds_are_forgotten(acme: Tenanted) -> None:
    """A decided hold, which names people, is kept as long as activity is; one that waits stays."""
    keep(acme, retention_days=3)
    for person in acme.tenant.present_people()[:6]:
        acme.tenant.soft_delete(person)
    acme.sync()
    acme.reject(acme.holds[0])
    services = acme.engine.services
    acme.engine.wait(timedelta(days=2, hours=12))
    assert services.runs.holds(acme.scope)[-1].state == "rejected"
    acme.engine.wait(timedelta(days=2))
    oldest = iso(acme.engine.clock.now() - timedelta(days=4))
    assert acme.holds
    assert all(hold.created_at > oldest for hold in services.runs.holds(acme.scope))


@pytest.mark.parametrize("digits", [0, 2])
def test_counts_are_entries_where_accounts_change_hands(engine: Engine, digits: int) -> None:
    """Somebody comes back under another object id, two swap addresses: each run counts as many accounts by action as it
    has entries, wherever the others' rows are; those who yielded have an entry of their own and are not counted.
    """
    acme = engine.connect(digits=digits)
    people = [acme.tenant.hire(f"Person {number}") for number in range(10)]
    acme.imported()
    addresses = [acme.tenant.person(person)["mail"] for person in people]
    for number in range(3):
        engine.clock.advance(timedelta(minutes=1))
        acme.tenant.hard_delete(people[number])
        acme.sync()
        engine.clock.advance(timedelta(minutes=1))
        acme.tenant.hire(f"Person {number}", mail=addresses[number])
        acme.sync()
    engine.clock.advance(timedelta(minutes=1))
    acme.tenant.change(people[5], mail=addresses[6])
    acme.tenant.change(people[6], mail=addresses[5])
    acme.sync()
    yielded = 0
    for run in acme.runs:
        told = Counter(one.entry.action.value for one in happenings(acme, run=run.id))
        yielded += told.pop("yield", 0)
        assert {name: n for name, n in history.counted(run).items() if name in history.ACTIONS} == dict(told)
    assert yielded >= 4


def test_it_happens_once_a_day(acme: Tenanted) -> None:
    """However often the timer fires."""
    acme.engine.wait(timedelta(days=3, minutes=30))
    assert sum(run.cause == "retention" for run in acme.runs) == 3
