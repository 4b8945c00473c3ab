"""Accounts that may be nobody's: suggested with the evidence, judged by an admin, never left out by themselves."""

from __future__ import annotations

from sync.core.model import AccountState, Reason
from sync.core.suggestions import Evidence
from sync.usecases import by_hand, suggest
from tests.fakes.engine import Tenanted


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
