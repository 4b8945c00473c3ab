"""Accounts that may be nobody's: suggested with the evidence, judged by an admin, never left out by themselves."""

from __future__ import annotations

import pytest

from sync.core.model import AccountState, Reason
from sync.core.suggestions import Evidence
from sync.usecases import by_hand, find, suggest
from tests.fakes.engine import Engine, Tenanted
from tests.stories.test_killed_anywhere import rest


def suggested(acme: Tenanted, *, answered: bool = False) -> dict[str, tuple[Evidence, ...]]:
    """Object id -> evidence."""
    page = suggest.page(acme.engine.services, acme.view, "", 50, answered=answered)
    return {record.object_id: assessment.evidence for record, assessment in page.items}


def judge(acme: Tenanted, person: str, answer: str) -> None:
    """The admin answers."""
    by_hand.change(acme.engine.services, acme.connection, person, "ada", judged=answer)  # type: ignore[arg-type]
    acme.engine.pump()


def test_a_service_account_is_suggested_and_nothing_else_happens(acme: Tenanted) -> None:
    """It has an account like everybody until an admin accepts the suggestion, with the reasons told."""
    service = acme.tenant.hire("svc-scanner", surname=None, assignedLicenses=[])
    acme.sync()
    assert acme.person(service).account_state is AccountState.ACTIVE
    assert {*suggested(acme)} == {service}
    assert {Evidence.SERVICE_LIKE_NAME, Evidence.NO_LICENCE} <= {*suggested(acme)[service]}


def test_an_accepted_suggestion_is_out_of_scope_and_stays_so(acme: Tenanted) -> None:
    """Changes in Entra and full passes do not bring the account back; taking the answer back does."""
    service = acme.tenant.hire("svc-scanner", surname=None)
    acme.sync()
    judge(acme, service, "not_a_person")
    acme.tenant.change(service, jobTitle="Robot")
    acme.sync()
    acme.reconcile()
    record = acme.person(service)
    assert (record.account_state, record.reason) == (AccountState.INACTIVE, Reason.OUT_OF_SCOPE)
    assert ({*suggested(acme)}, {*suggested(acme, answered=True)}) == (set(), {service})
    judge(acme, service, "")
    assert acme.person(service).account_state is AccountState.ACTIVE


def test_a_refused_suggestion_does_not_come_again(acme: Tenanted) -> None:
    """The admin said that it is a person: the account stays, and the list is empty."""
    service = acme.tenant.hire("svc-scanner", surname=None)
    acme.sync()
    judge(acme, service, "person")
    acme.reconcile()
    assert acme.person(service).account_state is AccountState.ACTIVE
    assert suggested(acme) == {}


@pytest.mark.parametrize("digits", [0, 1])
def test_managers_are_known_in_any_tenant(engine: Engine, digits: int) -> None:
    """Whom somebody reports to is no likely robot, however many shards the tenant has, and nobody else is called a
    manager; from the next full pass on it is told of who became one or is none any more.
    """
    acme = engine.connect(digits=digits)
    robots = [acme.tenant.hire(name, surname=None, assignedLicenses=[]) for name in ("svc-one", "svc-two")]
    people = [acme.tenant.hire(f"Person {number}") for number in range(8)]
    for person in people:
        acme.tenant.set_manager(person, robots[0])
    acme.imported()
    assert [Evidence.NEVER_MANAGER in suggested(acme)[robot] for robot in robots] == [False, True]
    for person in people:
        acme.tenant.set_manager(person, robots[1])
    acme.sync()
    acme.reconcile()
    assert [Evidence.NEVER_MANAGER in suggested(acme)[robot] for robot in robots] == [True, False]
    acme.tenant.hard_delete(robots[1])
    for person in people[1:]:
        acme.tenant.hard_delete(person)
    acme.sync()
    acme.approve_all()
    acme.reconcile()
    assert {*suggested(acme)} == {robots[0]}


def managed(engine: Engine, crash_at: int) -> Tenanted:
    """A first import with a kill."""
    acme = engine.connect(digits=1)
    robot = acme.tenant.hire("svc-one", surname=None)
    acme.tenant.set_manager(acme.tenant.hire("Person 1"), robot)
    acme.tenant.hire("svc-two", surname=None)
    engine.pump()
    acme.start()
    engine.faults.effects.clear()
    engine.faults.crash_after(crash_at)
    rest(engine)
    return acme


def test_a_killed_pass_forgets_no_manager(engine: Engine) -> None:
    """Wherever the worker is killed that notes managers, or clears what the shards left of them, all are known in the
    end.
    """
    managed(engine, 0)
    noting = [at for at, effect in enumerate(engine.faults.effects, start=1) if effect.startswith("staging.")]
    assert noting
    for crash_at in noting:
        acme = managed(Engine(), crash_at)
        found = sorted(Evidence.NEVER_MANAGER in evidence for evidence in suggested(acme).values())
        assert found == [False, True], f"killed at effect {crash_at}"


def test_a_page_of_a_large_tenant_ends_and_goes_on(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request looks through so many people and no more; who goes on from its place misses and repeats nobody."""
    monkeypatch.setattr(find, "WALK_LIMIT", 6)
    monkeypatch.setattr(find, "SEARCH_STEP", 2)
    acme = engine.connect(digits=1)
    robots = {acme.tenant.hire(f"svc-{number}x", surname=None) for number in range(7)}
    for number in range(40):
        acme.tenant.hire(f"Person {number}")
    acme.imported()
    cursor, found, pages = "", list[str](), 0
    while pages == 0 or cursor:
        items, cursor = suggest.page(engine.services, acme.view, cursor, 3)
        found += [record.object_id for record, _ in items]
        pages += 1
    assert (sorted(found), pages > 6) == (sorted(robots), True)
