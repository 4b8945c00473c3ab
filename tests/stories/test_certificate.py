"""The completeness certificate: after every full pass, Entra's number and Moxso's side by side, to the person."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync.core.certificate import COUNTS
from sync.core.connection import shard_of
from sync.core.counting import recount
from sync.core.decide import digest
from sync.core.model import AccountState, Hand, PersonRecord, Pin
from sync.core.runs import Outcome, Run
from sync.core.sync_settings import Chosen, Scope
from sync.usecases import certificate, full_pass
from tests.fakes.engine import Engine, Tenanted


def last_pass(connection: Tenanted) -> Run:
    """The newest full pass."""
    return next(run for run in connection.runs if run.kind == "pass")


def newest(connection: Tenanted) -> dict[str, Any]:
    """The certificate of the newest full pass; its numbers add up, its digest fits, and the rows say the same."""
    found = certificate.read(connection.engine.services, connection.scope, last_pass(connection).id)
    assert found is not None
    document: dict[str, Any] = json.loads(b"".join(found.text()))
    counts = document["counts"]
    left_out = counts["guests"] + counts["out_of_scope"] + counts["disabled"]
    assert counts["listed"] == counts["eligible"] + left_out
    assert counts["active"] == counts["eligible"] - counts["missing"] + counts["extra"]
    assert [one["side"] for one in document["differences"]].count("missing") == counts["missing"]
    assert len(document["differences"]) == counts["missing"] + counts["extra"]
    assert (counts["listed"], counts["active"]) == (connection.counts.people, connection.counts.active)
    bare = {name: value for name, value in document.items() if name != "sha256"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == document["sha256"]
    return document


def compare(connection: Tenanted) -> None:
    """A full pass, later than every run before it."""
    connection.engine.clock.advance(1)
    connection.reconcile()


def differences(connection: Tenanted) -> dict[str, tuple[str, str]]:
    """Object id -> side and reason."""
    return {one["object_id"]: (one["side"], one["reason"]) for one in newest(connection)["differences"]}


def put(connection: Tenanted, record: PersonRecord) -> None:
    """Write a person's row as an admin's act would."""
    people = connection.engine.services.people
    loaded = people.load(connection.scope, "", [record.object_id])
    counts = recount(loaded.counts, [(loaded.records[record.object_id], record)])
    people.commit(loaded, [record], counts, None)


@pytest.mark.parametrize("digits", [0, 1])
def test_the_first_import_is_certified(engine: Engine, digits: int) -> None:
    """Everybody Entra lists is accounted for: the eligible have accounts, and who has none for a reason is counted."""
    acme = engine.connect(digits=digits)
    for number in range(30):
        acme.tenant.hire(f"Person {number}")
    acme.tenant.hire("Gunnar Guest", userType="Guest")
    acme.tenant.hire("Dora Disabled", accountEnabled=False)
    nowhere = acme.tenant.hire("Nils Nowhere", mail=None, userPrincipalName="nils@contoso.onmicrosoft.com")
    twin = acme.tenant.hire("Twin Two", mail="person.1@contoso.example")
    acme.imported()
    found = newest(acme)
    assert found["counts"] == {
        "listed": 34,
        "guests": 1,
        "out_of_scope": 0,
        "disabled": 1,
        "eligible": 32,
        "missing": 2,
        "extra": 0,
        "active": 30,
    }
    assert set(differences(acme).values()) == {("missing", "no_address"), ("missing", "address_conflict")}
    assert nowhere in differences(acme)
    assert len({twin, *acme.people} & differences(acme).keys()) == 2
    assert (found["cause"], found["tenant_id"]) == ("first", acme.tenant.id)


def test_removals_that_wait_are_extra_by_name(acme: Tenanted) -> None:
    """Too many left: the accounts are still active, Entra has none of them, and each is listed as held."""
    leavers = acme.tenant.present_people()[:7]
    for person in leavers:
        acme.tenant.hard_delete(person, told=False)
    compare(acme)
    assert differences(acme) == dict.fromkeys(leavers, ("extra", "held"))
    assert newest(acme)["counts"]["eligible"] == 13
    acme.approve(acme.holds[0])
    acme.engine.pump()
    compare(acme)
    assert newest(acme)["differences"] == []


def test_removals_of_the_pass_itself_are_counted_after_it(acme: Tenanted) -> None:
    """Who is found gone is deactivated by the pass, so the certificate no longer knows them."""
    for person in acme.tenant.present_people()[:3]:
        acme.tenant.hard_delete(person, told=False)
    compare(acme)
    counts = newest(acme)["counts"]
    assert (counts["listed"], counts["active"], counts["missing"] + counts["extra"]) == (17, 17, 0)


def test_an_empty_answer_is_not_certified_as_an_empty_tenant(acme: Tenanted) -> None:
    """Graph lists nobody, and each of them answers to their own id: they are there, and it says so."""
    acme.tenant.enumerates_nothing = True
    compare(acme)
    counts = newest(acme)["counts"]
    assert (counts["listed"], counts["active"], counts["extra"]) == (20, 20, 0)


def test_what_an_admin_did_by_hand_is_a_difference(acme: Tenanted) -> None:
    """Blocked although Entra has them, kept although they left, and an undone run: each with its name and reason."""
    blocked, kept, undone = sorted(acme.tenant.present_people())[:3]
    put(acme, replace(acme.person(blocked), hand=Hand.BLOCKED))
    put(acme, replace(acme.person(kept), hand=Hand.KEPT))
    acme.tenant.soft_delete(kept)
    acme.tenant.change(undone, accountEnabled=False)
    acme.sync()
    record = acme.person(undone)
    pin = Pin(digest(record), tuple(record.groups))
    put(acme, replace(record, account_state=AccountState.ACTIVE, pin=pin))
    compare(acme)
    compare(acme)
    assert differences(acme) == {
        blocked: ("missing", "blocked"),
        kept: ("extra", "kept"),
        undone: ("extra", "undone"),
    }


def test_scope_and_settings_are_told(engine: Engine) -> None:
    """Who is out of scope is a count, no difference; the version of the settings is the one that was applied."""
    acme = engine.connect()
    staff = acme.tenant.new_group("Staff")
    for number in range(9):
        person = acme.tenant.hire(f"Person {number}")
        if number % 3:
            acme.tenant.join(staff, person)
    connection = acme.connection
    settings = replace(connection.settings, version=7, scope=Scope(Chosen(groups=(staff,))))
    engine.services.connections.save(replace(connection, settings=settings))
    acme.imported()
    found = newest(acme)
    assert (found["counts"]["out_of_scope"], found["counts"]["active"]) == (3, 6)
    assert found["settings_versions"] == [acme.connection.settings.version]


def test_only_complete_passes_have_one(acme: Tenanted) -> None:
    """Pulls have none; the list is newest first and leads on to the older."""
    services = acme.engine.services
    for department in ("Sales", "Legal", "Design"):
        acme.engine.clock.advance(60)
        acme.tenant.change(acme.tenant.present_people()[0], department=department)
        acme.sync()
        acme.engine.clock.advance(60)
        compare(acme)
    passes = [run.id for run in acme.runs if run.kind == "pass"]
    seen: list[str] = []
    place = ""
    while True:
        heads, place = certificate.page(services, acme.scope, place, 1)
        seen += [head["run"] for head in heads]
        if not place:
            break
    assert seen == passes
    assert len(seen) == 4
    pulls = [run for run in acme.runs if run.kind == "pull"]
    assert [certificate.read(services, acme.scope, run.id) for run in pulls] == [None] * len(pulls)


def test_a_pass_that_ended_incomplete_has_none(acme: Tenanted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entra forgot its token in the middle of a pass: nothing is certified of that one, and the next is."""
    monkeypatch.setattr(full_pass, "BLOCK_PAGES", 1)
    acme.engine.directory.manners.page_size = 5
    acme.engine.clock.advance(1)
    acme.request_pass()
    for _ in range(3):
        acme.engine.deliver()
    acme.engine.directory.expire_cursors()
    acme.engine.clock.advance(1)
    acme.engine.pump()
    latest, broken, first = (run for run in acme.runs if run.kind == "pass")
    assert (broken.outcome, broken.error) == (Outcome.INCOMPLETE, "cursor_expired")
    assert certificate.read(acme.engine.services, acme.scope, broken.id) is None
    heads, _ = certificate.page(acme.engine.services, acme.scope, "", 50)
    assert [head["run"] for head in heads] == [latest.id, first.id]


def test_it_outlives_the_pass_and_can_be_forgotten(acme: Tenanted) -> None:
    """What the shards left is cleared with the pass; the certificate stays until it is forgotten."""
    services, run = acme.engine.services, last_pass(acme)
    assert list(services.staging.get(acme.scope, f"{run.id}balances", "")) == []
    certificate.issue(services, acme.connection, run)
    assert newest(acme)["counts"]["active"] == 20
    certificate.forget(services, acme.scope, run.id)
    assert certificate.read(services, acme.scope, run.id) is None


def test_it_is_kept_as_long_as_activity(acme: Tenanted) -> None:
    """When runs are forgotten because they are old, their certificates are too; the newer ones stay."""
    services, old = acme.engine.services, last_pass(acme)
    acme.engine.clock.advance(timedelta(days=300))
    compare(acme)
    acme.engine.clock.advance(timedelta(days=100))
    acme.engine.tick()
    acme.engine.pump()
    assert services.runs.get(acme.scope, old.id) is None
    assert certificate.read(services, acme.scope, old.id) is None
    assert list(services.staging.get(acme.scope, f"{old.id}certificate", "head")) == []
    assert newest(acme)["counts"]["active"] == 20


def test_many_differences_come_in_pieces(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """More differences than a row is meant to hold: all of them are there, a part's in the order of object ids."""
    monkeypatch.setattr(certificate, "PIECE", 10)
    acme = engine.connect(digits=1)
    nobody = [acme.tenant.hire(f"Person {number}", mail=None, userPrincipalName=None) for number in range(35)]
    acme.imported()
    found = [one["object_id"] for one in newest(acme)["differences"]]
    assert found == sorted(nobody, key=lambda one: (shard_of(one, 1), one))


def test_memory_does_not_grow_with_the_differences(acme: Tenanted) -> None:
    """Nobody of 60,000 has an address: to add up, seal and keep the certificate, and to tell it, takes the memory of a
    part, and not of the whole.
    """
    services, run = acme.engine.services, replace(last_pass(acme), id="9" * 23)
    for part in range(30):
        people = [[f"{part * 2_000 + n:036}", f"Person {n} of {part}", "missing", "no_address"] for n in range(2_000)]
        left = {"settings": 1, "counts": {**dict.fromkeys(COUNTS, 0), "missing": 2_000}, "differences": people}
        services.staging.put(acme.scope, f"{run.id}balances", part, {"": json.dumps(left).encode()})
    tracemalloc.start()
    certificate.issue(services, acme.connection, run)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    found = certificate.read(services, acme.scope, run.id)
    assert found is not None
    length = sum(map(len, found.text()))
    told = tracemalloc.get_traced_memory()[1] - kept
    tracemalloc.stop()
    assert found.head["counts"]["missing"] == 60_000
    assert length > 6_000_000
    assert max(peak - kept, told) < 5_000_000  # all of them as objects are five times that
    assert certificate.seal(found) == found.head["sha256"]


@pytest.mark.parametrize("after", range(1, 60, 3))
def test_killed_anywhere_it_still_adds_up(acme: Tenanted, after: int) -> None:
    """The worker dies at some step of a pass that removes and creates: the certificate is exact all the same."""
    people = acme.tenant.present_people()
    for person in people[:3]:
        acme.tenant.hard_delete(person, told=False)
    acme.tenant.hire("New Comer", told=False)
    acme.engine.clock.advance(1)
    acme.request_pass()
    acme.engine.faults.crash_after(after)
    acme.engine.pump()
    acme.engine.faults.heal()
    for _ in range(3):
        acme.engine.cycle()
    counts = newest(acme)["counts"]
    assert (counts["listed"], counts["active"]) == (18, 18)
