"""Explanations, one person at once and certificates on real storage and the simulated cloud."""

from __future__ import annotations

import time

import pytest

from sync.core.model import AccountState, Action, Reason
from sync.core.runs import Outcome, Run
from sync.core.sync_settings import Chosen, Scope
from sync.usecases import certificate, explain, explain_group, lease, one_person
from sync.usecases.explain import Answer
from tests.fakes.engine import Tenanted

pytestmark = pytest.mark.azurite
STRANGER = "11111111-2222-4333-8444-555555555555"


def last_pass(acme: Tenanted) -> Run:
    """The newest full pass."""
    return next(run for run in acme.runs if run.kind == "pass")


def test_one_person_within_five_seconds(acme: Tenanted) -> None:
    """Explained as to be updated, then synchronised while the caller waits; somebody deleted is deactivated; a stranger
    is nobody.
    """
    services = acme.engine.services
    one, gone = sorted(key for key, person in acme.people.items() if person.fields.get("given_name") == "Person")[:2]
    acme.engine.clock.advance(1)
    acme.tenant.change(one, department="Legal")
    found = explain.person(services, acme.view, one)
    assert (found.answer, found.then.action) == (Answer.FOUND, Action.UPDATE)
    began = time.monotonic()
    run = one_person.sync(services, acme.view, one, "admin-1")
    assert time.monotonic() - began < 5
    assert (run.outcome, run.counts["update"], acme.person(one).fields["department"]) == (Outcome.COMPLETE, 1, "Legal")
    told = explain.person(services, acme.view, one).happened[0]
    assert told.run is not None
    assert (told.run_id, told.run.cause, told.run.by) == (run.id, "admin", "admin-1")
    acme.tenant.soft_delete(gone)
    one_person.sync(services, acme.view, gone, "admin-1")
    record = acme.person(gone)
    assert (record.account_state, record.reason) == (AccountState.INACTIVE, Reason.LEFT)
    with pytest.raises(one_person.NoSuchPerson):
        one_person.sync(services, acme.view, STRANGER, "admin-1")
    with pytest.raises(explain.Unknown):
        explain.person(services, acme.view, STRANGER)


def test_within_five_seconds_beside_a_full_pass(acme: Tenanted) -> None:
    """A full pass is at its reading and keeps the lease: the person is there all the same, and the pass goes on."""
    services = acme.engine.services
    one = min(key for key, person in acme.people.items() if person.fields.get("given_name") == "Person")
    acme.engine.clock.advance(1)
    acme.request_pass()
    acme.engine.deliver()  # begun; its first block waits
    reader = lease.take(services, acme.view)
    assert reader is not None
    acme.tenant.change(one, department="Legal")
    began = time.monotonic()
    run = one_person.sync(services, acme.view, one, "admin-1")
    assert time.monotonic() - began < 5
    assert (run.outcome, acme.person(one).fields["department"]) == (Outcome.COMPLETE, "Legal")
    lease.give_back(services, acme.view, reader)
    acme.engine.pump()
    assert (last_pass(acme).outcome, acme.person(one).fields["department"]) == (Outcome.COMPLETE, "Legal")


def test_a_group_and_its_people_explained(acme: Tenanted) -> None:
    """The chain from the chosen group down to the person's own, and how many are in it."""
    services, tenant = acme.engine.services, acme.tenant
    staff = next(iter(acme.groups))
    whole = tenant.new_group("Whole")
    tenant.join(whole, staff)
    acme.sync()
    acme.choose(scope=Scope(Chosen(groups=(whole,))))
    acme.approve_all()
    member = next(one.object_id for one in acme.people.values() if staff in one.groups)
    found = explain.person(services, acme.view, member)
    assert [step.name for step in found.scope.path] == ["Whole", "Staff"]
    group = explain_group.group(services, acme.view, whole)
    assert (group.answer, group.effective, group.exact, group.below) == (Answer.FOUND, 10, True, 1)
    with pytest.raises(explain.Unknown):
        explain_group.group(services, acme.view, STRANGER)


def test_certificates_stay(acme: Tenanted) -> None:
    """The first pass and a later one each have theirs; the counts are those of the rows, the differences by name."""
    services = acme.engine.services
    first = certificate.read(services, acme.scope, last_pass(acme).id)
    assert first is not None
    counts = first.head["counts"]
    assert (counts["listed"], counts["active"]) == (acme.counts.people, acme.counts.active)
    assert (counts["active"] >= 20, list(first.differences)) == (True, [])
    acme.engine.clock.advance(1)
    nobody = acme.tenant.hire("Nils Nowhere", mail=None, userPrincipalName="nils@contoso.onmicrosoft.com")
    acme.reconcile()
    found = certificate.read(services, acme.scope, last_pass(acme).id)
    assert found is not None
    assert [(one.object_id, one.side, one.reason) for one in found.differences] == [(nobody, "missing", "no_address")]
    assert found.head["sha256"] == certificate.seal(found)
    heads, _ = certificate.page(services, acme.scope, "", 50)
    assert [head["run"] for head in heads] == [found.head["run"], first.head["run"]]
