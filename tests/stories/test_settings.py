"""Settings: an admin sees what a choice would do, saves it, and everybody is decided by it; also what goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Conflict, Transient
from sync.core.connection import ConnectionState
from sync.core.model import AccountState
from sync.core.runs import Outcome, Stage
from sync.core.sync_settings import Chosen, FieldRule, Filter, Scope, SyncSettings
from sync.usecases import preview, settings_change
from sync.usecases.preview import Kind, Preview
from sync.usecases.versions import Author
from tests.fakes.engine import Engine, Tenanted

ADA = Author("admin-1", "Ada")


def wanted(acme: Tenanted, **changes: Any) -> SyncSettings:
    """The present settings with changes."""
    return replace(acme.connection.settings, **changes)


def save(acme: Tenanted, **changes: Any) -> None:
    """An admin saves changes."""
    settings_change.save(acme.engine.services, acme.view, wanted(acme, **changes), ADA)


def foresee(acme: Tenanted, **changes: Any) -> Preview:
    """An admin previews changes."""
    found = preview.preview(acme.engine.services, acme.view, wanted(acme, **changes))
    assert found is not None
    return found


def ids(kind: Kind) -> set[str]:
    """Who is named."""
    return {one.object_id for one in kind.people}


def revisits(acme: Tenanted) -> list[tuple[str, str]]:
    """Cause and admin of every revisit, newest first."""
    return [(run.cause, run.by) for run in acme.runs if run.kind == "revisit"]


def active(acme: Tenanted) -> set[str]:
    """Who has an active account."""
    return {one for one, record in acme.people.items() if record.account_state is AccountState.ACTIVE}


@pytest.mark.parametrize("digits", [0, 1])
def test_what_was_previewed_is_what_happens(engine: Engine, digits: int) -> None:
    """A choice by department, an audience by group, a new field: preview and outcome name the same people."""
    acme = engine.connect(digits=digits)
    people = [
        acme.tenant.hire(f"Person {number}", department="Works" if number < 4 else "Office") for number in range(30)
    ]
    staff = acme.tenant.new_group("Staff")
    for person in people[:10]:
        acme.tenant.join(staff, person)
    acme.imported()
    choice: dict[str, Any] = {
        "scope": Scope(filters=(Filter("department", "equals", ("office",)),)),
        "audience": Chosen(groups=(staff,)),
        "mapping": (FieldRule("unit", "upper(department)"),),
    }
    before = acme.people
    seen = foresee(acme, **choice)
    assert acme.people == before
    save(acme, **choice)
    engine.pump()
    after = acme.people
    assert ids(seen.removed) == {one for one in people if after[one].account_state is AccountState.INACTIVE}
    assert ids(seen.removed) == set(people[:4])
    assert ids(seen.changed) == set(people[4:])
    assert ids(seen.audience_gained) == {one for one in people if after[one].audience} == set(people[4:10])
    assert (seen.added.count, seen.mailed.count, seen.audience_lost.count, seen.conflicts.count) == (0, 0, 0, 0)
    assert (seen.guard.held, seen.guard.limit, seen.people, seen.reads_again) == (False, 5, 30, False)
    assert after[people[9]].fields["unit"] == "OFFICE"
    assert revisits(acme) == [("settings", "admin-1")]


def test_a_preview_says_why(acme: Tenanted) -> None:
    """Each name comes with the reason, and with the rule and what of it decided."""
    group = acme.tenant.new_group("Excluded")
    leaver = acme.tenant.present_people()[0]
    acme.tenant.join(group, leaver)
    acme.sync()
    seen = foresee(acme, scope=Scope(Chosen(everyone=True, excluded_groups=(group,))))
    (one,) = seen.removed.people
    assert (one.object_id, one.name, one.reason) == (leaver, "Person 0", "out_of_scope")
    assert (one.verdict.rule, one.verdict.detail) == ("excluded_group", group)


def test_who_would_join_is_told_with_mails_and_conflicts(engine: Engine) -> None:
    """Guests come into scope: two share an address, one joins, one conflicts; only who came later is mailed."""
    acme = engine.connect(digits=1)
    for number in range(3):
        acme.tenant.hire(f"Person {number}")
    guests = [acme.tenant.hire(f"Guest {number}", userType="Guest", mail="twin@contoso.example") for number in range(2)]
    acme.imported()
    late = acme.tenant.hire("Late Guest", userType="Guest", mail="late@contoso.example")
    acme.sync()
    seen = foresee(acme, scope=Scope(guests=True))
    assert ids(seen.added) | ids(seen.conflicts) == {*guests, late}
    assert (seen.added.count, seen.conflicts.count, ids(seen.mailed)) == (2, 1, {late})
    save(acme, scope=Scope(guests=True))
    engine.pump()
    assert len(active(acme)) == 3 + seen.added.count
    assert len(acme.mailed) == 1


def test_too_many_removals_are_held(acme: Tenanted) -> None:
    """Preview says that the guard would hold them; saved, they wait, and joins and updates are in."""
    choice = {"scope": Scope(Chosen(people=tuple(acme.tenant.present_people()[:3])))}
    seen = foresee(acme, **choice)
    assert (seen.removed.count, seen.guard.held, seen.guard.limit) == (17, True, 5)
    save(acme, **choice)
    acme.engine.pump()
    (hold,) = acme.holds
    assert (len(hold.removals), hold.cause, len(active(acme))) == (17, "changed settings", 20)


def test_an_attribute_that_was_never_read_is_read_first(acme: Tenanted) -> None:
    """The preview asks Entra about a few; saving reads the directory again, and the field is there for everybody."""
    for number, person in enumerate(acme.tenant.present_people()):
        acme.tenant.change(person, city=f"City {number}")
    acme.sync()
    choice = {"mapping": (FieldRule("city", "city"),)}
    seen = foresee(acme, **choice)
    assert seen.reads_again
    assert len(seen.samples) == 20
    assert {one.after["city"] for one in seen.samples} == {f"City {number}" for number in range(20)}
    assert all("city" not in one.before for one in seen.samples)
    save(acme, **choice)
    acme.engine.pump()
    assert {record.fields["city"] for record in acme.people.values()} == {f"City {number}" for number in range(20)}
    assert revisits(acme) == []


def test_the_same_again_is_no_new_version(acme: Tenanted) -> None:
    """Nor is anybody decided again; ids in upper case are the same ids."""
    person = acme.tenant.present_people()[0]
    save(acme, audience=Chosen(people=(person,)))
    acme.engine.pump()
    version, runs = acme.connection.settings.version, len(acme.runs)
    save(acme, audience=Chosen(people=(person.upper(), person)))
    acme.engine.pump()
    assert (acme.connection.settings.version, len(acme.runs)) == (version, runs)


def test_only_one_of_two_admins_saves(acme: Tenanted) -> None:
    """Both read the same version: the second is told, and nothing of theirs is saved."""
    view = acme.view
    settings_change.save(acme.engine.services, view, wanted(acme, purge_days=90), ADA)
    with pytest.raises(Conflict):
        settings_change.save(acme.engine.services, view, replace(view.connection.settings, purge_days=60), ADA)
    assert acme.connection.settings.purge_days == 90


def test_every_version_is_kept_and_can_be_gone_back_to(acme: Tenanted) -> None:
    """Who, when, what; going back is a new version with the old content, and people are as before."""
    person = acme.tenant.present_people()[0]
    services = acme.engine.services
    first = acme.connection.settings
    save(acme, scope=Scope(Chosen(everyone=True, excluded_people=(person,))))
    acme.engine.pump()
    assert person not in active(acme)
    kept = settings_change.version(services, acme.connection, first.version)
    assert kept is not None
    settings_change.save(services, acme.view, kept.settings, Author("admin-2", "Bo"))
    acme.engine.pump()
    assert person in active(acme)
    versions, _ = settings_change.history(services, acme.connection, "", 10)
    assert [one.settings.version for one in versions] == [
        first.version + 2,
        first.version + 1,
        *range(first.version, 0, -1),
    ]
    assert [one.by_name for one in versions[:2]] == ["Bo", "Ada"]
    assert replace(versions[0].settings, version=first.version) == first


@pytest.mark.parametrize("effects", range(1, 8))
@pytest.mark.parametrize("landed", [True, False])
def test_killed_anywhere_while_saving(acme: Tenanted, effects: int, landed: bool) -> None:
    """Saved means done: the timer takes up what is missing; not saved means that nothing happened."""
    person = acme.tenant.present_people()[0]
    version = acme.connection.settings.version
    acme.engine.faults.crash_after(effects, landed=landed)
    with acme.engine.attempt():
        save(acme, scope=Scope(Chosen(everyone=True, excluded_people=(person,))))
    acme.engine.faults.heal()
    saved = acme.connection.settings.version > version
    acme.engine.wait(timedelta(minutes=3))
    assert (person in active(acme)) is not saved
    assert acme.connection.settled_version == acme.connection.settings.version
    history, _ = settings_change.history(acme.engine.services, acme.connection, "", 10)
    assert history[0].settings.version == version + saved


def test_before_start_the_plan_is_made_anew(engine: Engine) -> None:
    """The survey follows the settings: the first pass that waits for Start is planned again, nothing is applied."""
    acme = engine.connect()
    for number in range(6):
        acme.tenant.hire(f"Person {number}", department="Works" if number < 2 else "Office")
    engine.pump()
    choice = {"scope": Scope(filters=(Filter("department", "equals", ("Works",)),))}
    seen = foresee(acme, **choice)
    assert (seen.added.count, seen.people) == (2, 6)
    save(acme, **choice)
    engine.pump()
    survey = acme.connection.survey
    assert survey is not None
    assert (survey.would_create, acme.connection.state, acme.people) == (2, ConnectionState.AWAITING_START, {})
    acme.start()
    engine.pump()
    assert (len(active(acme)), revisits(acme)) == (2, [])


def test_before_start_an_unread_attribute_reads_the_directory_again(engine: Engine) -> None:
    """The waiting pass gives way to one that reads it; its plan waits for Start like the first."""
    acme = engine.connect()
    for number in range(4):
        acme.tenant.hire(f"Person {number}", city="Oslo" if number else "Bergen")
    engine.pump()
    save(acme, scope=Scope(filters=(Filter("city", "equals", ("oslo",)),)))
    engine.pump()
    former, current = sorted(acme.runs, key=lambda run: run.outcome)
    assert (former.outcome, former.error) == (Outcome.INCOMPLETE, "plan_outdated")
    assert (current.outcome, current.stage) == (Outcome.RUNNING, Stage.WAITING)
    acme.start()
    engine.pump()
    assert len(active(acme)) == 3


def test_saved_while_the_first_import_is_applied(engine: Engine) -> None:
    """Some shards were applied by the old choice: once the import is done, everybody is decided by the new one."""
    acme = engine.connect(digits=1)
    people = [acme.tenant.hire(f"Person {number}") for number in range(20)]
    engine.pump()
    acme.start()
    for _ in range(6):
        engine.deliver()
    save(acme, audience=Chosen(everyone=True))
    engine.pump()
    engine.wait(timedelta(minutes=3))
    assert {one for one, record in acme.people.items() if record.audience} == set(people)
    assert acme.connection.settled_version == acme.connection.settings.version


def test_refused_settings_change_nothing(acme: Tenanted) -> None:
    """Everything that is wrong is told, nothing is saved."""
    before = acme.connection
    with pytest.raises(settings_change.Refused) as refused:
        save(acme, mapping=(FieldRule("state", "nick"),), shrink_percent=0)
    assert [problem.path for problem in refused.value.problems] == [
        "mapping.0.target",
        "mapping.0.value",
        "shrink_percent",
    ]
    assert acme.connection == before


def test_fields_of_chosen_people_are_tried(acme: Tenanted) -> None:
    """Fields now and then, of exactly those asked for, in their order; an unknown person is left out."""
    one, two = acme.tenant.present_people()[:2]
    rules = (FieldRule("shout", "upper(displayName)"),)
    asked = [two, "99999999-9999-4999-8999-999999999999", one]
    found = preview.fields(acme.engine.services, acme.view, wanted(acme, mapping=rules), asked)
    assert found is not None
    assert [(each.object_id, each.after.get("shout")) for each in found] == [(two, "PERSON 1"), (one, "PERSON 0")]
    assert found[0].before["display_name"] == "Person 1"
    assert "display_name" not in found[0].after


def test_saved_while_a_removal_asks_entra(acme: Tenanted) -> None:
    """A full pass asks about somebody it missed, before it takes a disabled person away; meanwhile an admin saves that
    disabled people have accounts, and everybody is decided by that: the pass does not decide by the former settings.
    """
    missed, disabled = acme.tenant.present_people()[:2]
    acme.tenant.soft_delete(missed, told=False)
    acme.tenant.change(disabled, accountEnabled=False, told=False)
    acme.engine.directory.meanwhile["fetch_people"] = lambda: acme.choose(scope=Scope(disabled=True))
    acme.reconcile()
    assert acme.engine.directory.meanwhile == {}
    assert revisits(acme) == [("settings", "admin")]
    assert active(acme) == set(acme.people) - {missed}


def test_who_waits_already_is_not_counted_again(acme: Tenanted) -> None:
    """The removals of a former choice wait on a hold; the same choice and another field for everybody remove nobody
    more, and change the waiting people's fields too.
    """
    acme.choose(scope=Scope(Chosen(people=tuple(acme.tenant.present_people()[:3]))))
    waiting = {one.object_id for hold in acme.holds for one in hold.removals}
    assert len(waiting) == 17
    seen = foresee(acme, mapping=(FieldRule("kind", '"employee"'),))
    assert (seen.removed.count, seen.guard.held, seen.changed.count) == (0, False, 20)
    save(acme, mapping=(FieldRule("kind", '"employee"'),))
    acme.engine.pump()
    assert {one.object_id for hold in acme.holds for one in hold.removals} == waiting
    assert {record.fields["kind"] for record in acme.people.values()} == {"employee"}


@pytest.mark.parametrize("digits", [0, 1])
def test_two_people_of_one_account(engine: Engine, digits: int) -> None:
    """An alias of both finds the same account made by hand: one is linked to it, the other gets an account and a mail,
    wherever they are stored; the preview says as much.
    """
    acme = engine.connect(digits=digits)
    acme.save(matching=("alias", "address"))
    acme.manual("x@contoso.example")
    acme.tenant.hire("Somebody")
    acme.imported()
    for number in range(2):
        alias = {"mail": f"guest{number}@fabrikam.example", "proxyAddresses": ["smtp:x@contoso.example"]}
        acme.tenant.hire(f"Guest {number}", userType="Guest", **alias)
    acme.sync()
    seen = foresee(acme, scope=Scope(guests=True))
    assert sorted(one.reason for one in seen.added.people) == ["create", "link"]
    assert seen.mailed.count == 1
    save(acme, scope=Scope(guests=True))
    acme.engine.pump()
    assert len(acme.mailed) == 1


def test_after_disconnecting_a_preview_asks_nobody(acme: Tenanted) -> None:
    """What is stored is told; Entra is not asked, neither about an attribute that was never read nor about somebody
    whom a group alone mentions. The fields of single people are told as they are.
    """
    person = acme.tenant.present_people()[0]
    acme.tenant.join(acme.tenant.present_groups()[0], acme.tenant.hire("New Comer"))
    acme.hint("groups")
    acme.engine.pump()
    acme.disconnect()
    mapping = (*acme.connection.settings.mapping, FieldRule("badge", "employeeId"))
    before = len(acme.engine.directory.calls)
    told = foresee(acme, mapping=mapping, scope=Scope(Chosen(groups=tuple(acme.tenant.present_groups()))))
    tried = preview.fields(acme.engine.services, acme.view, wanted(acme, mapping=mapping), [person])
    assert (told.reads_again, list(told.samples), told.unasked) == (True, [], 1)
    assert tried is not None
    assert tried[0].before == tried[0].after
    assert len(acme.engine.directory.calls) == before


def test_a_preview_asks_nobody_while_microsoft_wants_to_be_left_alone(acme: Tenanted) -> None:
    """The numbers are told without samples; single people's fields, which only Entra knows, are told later."""
    acme.engine.faults.fail_next("directory.read_page", Transient("429", retry_after=300))
    acme.hint("users")
    acme.engine.deliver()
    mapping = (*acme.connection.settings.mapping, FieldRule("badge", "employeeId"))
    before = len(acme.engine.directory.calls)
    assert not foresee(acme, mapping=mapping).samples
    with pytest.raises(Transient) as waits:
        preview.fields(acme.engine.services, acme.view, wanted(acme, mapping=mapping), acme.tenant.present_people()[:1])
    assert waits.value.retry_after == 300
    assert len(acme.engine.directory.calls) == before
