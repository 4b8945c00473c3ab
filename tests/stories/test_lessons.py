"""What users of systems like this one ran into (docs/lessons.md), told as it would happen here; see docs/traces.md."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from shared.clock import parse_iso
from shared.errors import Transient
from sync.core.connection import ConnectionState
from sync.core.model import AccountState, Reason
from sync.core.runs import Outcome
from sync.core.sync_settings import Chosen, Scope
from sync.usecases.purge import purge_at
from tests.fakes.engine import Engine, Tenanted


def active(connection: Tenanted) -> set[str]:
    """Who has an active account."""
    return {one for one, record in connection.people.items() if record.account_state is AccountState.ACTIVE}


@pytest.mark.parametrize("leaves", ["soft", "disabled", "scope"])
def test_the_day_that_is_said_is_the_day_it_is_given_up(acme: Tenanted, leaves: str) -> None:
    """Whatever made the account inactive: the date that an admin reads is the one on which it goes, to the day."""
    person = acme.tenant.present_people()[0]
    if leaves == "soft":
        acme.tenant.soft_delete(person)
        acme.sync()
    elif leaves == "disabled":
        acme.tenant.change(person, accountEnabled=False)
        acme.sync()
    else:
        acme.choose(scope=Scope(Chosen(everyone=True, excluded_people=(person,))))
    view = acme.view
    brief = replace(view.connection.settings, purge_days=1)  # fewer than an admin may choose
    acme.engine.services.connections.save(replace(view.connection, settings=brief))
    said = parse_iso(purge_at(acme.person(person), acme.connection.settings))
    assert said - parse_iso(acme.person(person).since) == timedelta(days=1)
    acme.engine.wait(said - acme.engine.clock.now() - timedelta(minutes=1))
    assert acme.person(person).account_id
    acme.engine.wait(timedelta(hours=25))
    assert acme.person(person).account_id == ""


def test_people_who_are_gone_already_do_not_meet_the_guard(acme: Tenanted) -> None:
    """Ten left over weeks and are purged from the bin in one night, told and found by a full pass: nothing is to be
    removed, nothing is held.
    """
    people = acme.tenant.present_people()
    for number, person in enumerate(people[:10]):
        acme.tenant.soft_delete(person)
        acme.sync()
        if number % 5 == 4:
            acme.engine.wait(timedelta(hours=25))
    assert (acme.counts.inactive, acme.holds) == (10, [])
    for person in people[:10]:
        acme.tenant.hard_delete(person, told=person != people[0])
    acme.sync()
    acme.reconcile()
    assert (acme.counts.inactive, acme.holds, active(acme)) == (10, [], set(people[10:]))


def test_a_clean_up_goes_through_by_one_approval(acme: Tenanted) -> None:
    """Most of the tenant is meant to go: one approval takes exactly these, and the limit is what it was before."""
    people = acme.tenant.present_people()
    for person in people[:14]:
        acme.tenant.hard_delete(person)
    acme.sync()
    assert acme.counts.inactive == 0
    acme.approve_all()
    assert active(acme) == set(people[14:])
    acme.engine.wait(timedelta(hours=25))
    for person in people[14:]:
        acme.tenant.hard_delete(person)
    acme.sync()
    assert (acme.counts.inactive, len(acme.holds)) == (14, 1)


def test_trouble_that_passes_tells_nobody_however_long(acme: Tenanted) -> None:
    """Three hours of 5xx: the connection stays connected, without a problem, and what happened meanwhile arrives."""
    acme.tenant.refusals = {"users": Transient("502"), "groups": Transient("500")}
    new = acme.tenant.hire("New Comer")
    acme.engine.wait(timedelta(hours=3))
    assert (acme.connection.state, acme.connection.problem) == (ConnectionState.CONNECTED, None)
    acme.tenant.refusals = {}
    acme.engine.wait(timedelta(minutes=15))
    assert new in active(acme)


def test_whom_an_admin_takes_out_is_not_made_again(acme: Tenanted) -> None:
    """Synchronised by mistake and excluded: changes in Entra, full passes and a day's pulls leave the account off, and
    it keeps its history.
    """
    person = acme.tenant.present_people()[0]
    account = acme.person(person).account_id
    acme.choose(scope=Scope(Chosen(everyone=True, excluded_people=(person,))))
    acme.tenant.change(person, department="Sales")
    acme.sync()
    acme.tenant.change(person, accountEnabled=False)
    acme.tenant.change(person, accountEnabled=True)
    acme.reconcile()
    acme.engine.wait(timedelta(hours=25))
    record = acme.person(person)
    assert (record.account_state, record.reason, record.account_id) == (
        AccountState.INACTIVE,
        Reason.OUT_OF_SCOPE,
        account,
    )
    assert len(active(acme)) == 19


def test_a_tombstone_beside_the_one_who_came_back(acme: Tenanted) -> None:
    """A full read lists the deleted and the re-created person side by side, pass after pass: the one who is there
    wins every time, in the same account.
    """
    old = acme.tenant.present_people()[0]
    account = acme.person(old).account_id
    acme.tenant.hard_delete(old)
    new = acme.tenant.hire("Person 0")
    acme.engine.directory.manners.repeats = 1.0  # tombstones in full reads, and everything twice
    for _ in range(3):
        acme.reconcile()
        assert acme.person(new).account_id == account
        assert len(active(acme)) == 20
    acme.engine.directory.manners.repeats = 0.0
    before = len(acme.engine.faults.effects)
    acme.reconcile()
    assert Counter(acme.engine.faults.effects[before:])["people.commit"] == 0


def test_accounts_that_are_not_ours_are_never_taken_away(acme: Tenanted) -> None:
    """Made by hand and matched with nobody: full passes, an empty answer and a narrow scope leave it alone."""
    made = acme.manual("external@partner.example")
    acme.reconcile()
    acme.tenant.enumerates_nothing = True
    acme.reconcile()
    acme.tenant.enumerates_nothing = False
    acme.choose(scope=Scope(Chosen()))
    acme.approve_all()
    assert acme.engine.services.accounts.get(acme.connection.workspace, made.account_id) == made
    assert "external@partner.example" in acme.addresses


@pytest.mark.parametrize("other", [{"accountEnabled": False}, {"userType": "Guest"}])
def test_copies_that_get_no_account_are_no_duplicates(engine: Engine, other: dict[str, object]) -> None:
    """A disabled copy or a guest with somebody's address: neither the survey counts it nor does it take the address,
    whichever of the two was there first.
    """
    acme = engine.connect()
    copies = [acme.tenant.hire("Ada Lind", **other)]
    ada = acme.tenant.hire("Ada Lind")
    copies.append(acme.tenant.hire("Ada Lind", **other))
    engine.pump()
    survey = acme.connection.survey
    assert survey is not None
    assert (survey.duplicates, survey.would_create) == (0, 1)
    acme.start()
    engine.pump()
    assert active(acme) == {ada}
    assert {acme.person(copy).reason for copy in copies} <= {Reason.DISABLED, Reason.GUEST}


def test_a_disabled_former_self_gives_the_address_up(acme: Tenanted) -> None:
    """The old account is disabled and a new one made for the same person: who they are now is not kept waiting by it
    once it is deleted, and until then the conflict says who has the address.
    """
    old = acme.tenant.present_people()[0]
    acme.tenant.change(old, accountEnabled=False)
    acme.sync()
    new = acme.tenant.hire("Person 0")
    acme.sync()
    assert (acme.person(new).reason, acme.person(new).conflict_with) == (Reason.ADDRESS_CONFLICT, old)
    acme.tenant.hard_delete(old)
    acme.sync()
    assert new in active(acme)


def test_renamed_before_the_mail_was_sent(acme: Tenanted) -> None:
    """Married between the account and the mail: it goes out once, to the address of now."""
    new = acme.tenant.hire("Ann Old")
    acme.hint("users")
    while not acme.engine.queue.waiting("mails"):
        acme.engine.deliver()
    (held,) = acme.engine.queue.waiting("mails")
    acme.engine.queue.drop(held.number)
    acme.tenant.change(new, displayName="Ann New", surname="New", mail="ann.new@contoso.example")
    acme.sync()
    acme.engine.queue.send(held.message)
    acme.engine.pump()
    acme.reconcile()
    assert acme.mailed == ["ann.new@contoso.example"]


def test_an_import_asks_for_pages_and_nothing_else(engine: Engine) -> None:
    """However many people and groups, nested or not: the calls are the pages of the two feeds."""
    engine.directory.manners.page_size = 10
    acme = engine.connect()
    people = [acme.tenant.hire(f"Person {number}") for number in range(60)]
    groups = [acme.tenant.new_group(f"Group {number}") for number in range(10)]
    for parent, child in pairwise(groups):
        acme.tenant.join(parent, child)
    for person in people:
        acme.tenant.join(groups[-1], person)
    acme.imported()
    acme.choose(scope=Scope(Chosen(groups=(groups[0],))))
    calls = Counter(operation for operation, _ in engine.directory.calls)
    assert calls.keys() == {"read_page"}
    assert calls["read_page"] <= 14  # 6 of people, 2 of groups in slices, and pulls that find nothing
    assert active(acme) == set(people)


def test_a_run_tells_what_was_written_and_not_what_was_read(acme: Tenanted) -> None:
    """Three people are told: one changed, one is as before, one is in conflict. One update is what the run counts."""
    people = acme.tenant.present_people()
    acme.engine.clock.advance(1)
    acme.tenant.change(people[0], department="Sales")
    acme.tenant.change(people[1], displayName="Person 1")
    acme.tenant.hire("Twin", mail="person.2@contoso.example")
    acme.hint("users")
    acme.engine.pump()
    run = acme.runs[0]
    assert (run.outcome, run.read, run.counts["update"], run.counts.get("create", 0)) == (Outcome.COMPLETE, 3, 1, 0)
    assert acme.counts.skipped == {"address_conflict": 1}


def test_a_bad_row_in_every_page_stops_no_good_one(acme: Tenanted) -> None:
    """Addresses that are none, nobody's name, values of other types, members of every kind: everybody else gets in,
    and no failure is counted against the connection.
    """
    staff = acme.tenant.new_group("Mixed")
    bad = [
        acme.tenant.hire("No Mail", mail="not an address", userPrincipalName="x@contoso.onmicrosoft.com"),
        acme.tenant.hire("", mail="nameless@contoso.example"),
        acme.tenant.hire("Odd Types", mail=["a@contoso.example"], userPrincipalName=7, department={"a": 1}),
    ]
    for member in (acme.tenant.new_device(), acme.tenant.new_group("Nested"), *bad):
        acme.tenant.join(staff, member)
    good = [acme.tenant.hire(f"Good {number}") for number in range(3)]
    acme.sync()
    assert {*good} <= active(acme)
    assert not {*bad} & active(acme)
    assert (acme.view.reader.failures, acme.connection.problem, acme.engine.poison) == (0, None, [])
    assert acme.counts.skipped == {"no_address": 2, "no_name": 1}


def test_memberships_that_no_feed_told_are_found(acme: Tenanted) -> None:
    """The groups feed left out a joining and a leaving: the next full pass has both, with the scope that follows."""
    staff, people = acme.tenant.present_groups()[0], acme.tenant.present_people()
    acme.choose(scope=Scope(Chosen(groups=(staff,), people=tuple(people[11:]))))
    assert people[10] not in active(acme)
    acme.tenant.join(staff, people[10], told=False)
    acme.tenant.leave(staff, people[0], told=False)
    acme.sync()
    assert (people[10] in active(acme), people[0] in active(acme)) == (False, True)
    acme.reconcile()
    assert (people[10] in active(acme), people[0] in active(acme)) == (True, False)
    assert acme.groups[staff].members == 10


def test_one_form_of_an_address_on_both_sides(acme: Tenanted) -> None:
    """By hand in capitals with blanks around it, in Entra in mixed case and with an international domain: one account,
    pass after pass.
    """
    made = acme.manual("  ANNA.BERG@EXÄMPLE.DE ")
    anna = acme.tenant.hire("Anna Berg", mail="Anna.Berg@xn--exmple-cua.de")
    for _ in range(2):
        acme.sync()
        acme.reconcile()
    record = acme.person(anna)
    assert (record.account_id, record.origin) == (made.account_id, "manual")
    assert len([one for one in acme.addresses if "berg" in one]) == 1
    assert acme.holds == []
