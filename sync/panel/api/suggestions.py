"""API v1: accounts that may be nobody's, and what the admin says to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from sync.core.model import PersonRecord
from sync.core.person import name_of
from sync.core.suggestions import SIGNS, Assessment
from sync.panel import paging
from sync.panel.access import Caller, Ours, Writer, find_connection, no_such_person, person_id
from sync.panel.acting import must_run
from sync.panel.api import people, schemas
from sync.panel.api.acts_schemas import JudgedSuggestion, Sign, Suggestion
from sync.panel.api.directory_schemas import Person
from sync.panel.api.parameters import ConnectionId, Cursor, Limit, PersonId
from sync.usecases import by_hand, suggest

router = APIRouter(tags=["suggestions"])


@router.get("/connections/{connection_id}/suggestions", response_model=schemas.Page[Suggestion])
def list_suggestions(
    services: Ours,
    admin: Caller,
    connection_id: ConnectionId,
    answered: Annotated[bool, Query(description="Those that an admin has judged, instead of those to be.")] = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> schemas.Page[Suggestion]:
    """Accounts that may be no person's, with the evidence; or, `answered`, those an admin has judged."""
    view = find_connection(services, admin, connection_id)
    keys = services.settings.signing_keys
    where = (connection_id, "suggestions", str(answered))
    found = suggest.page(services, view, paging.unwrap(cursor, keys, *where), limit, answered=answered)
    items = [_shape(record, assessment) for record, assessment in found.items]
    return schemas.Page(items=items, cursor=paging.wrap(found.cursor, keys, *where))


@router.put("/connections/{connection_id}/suggestions/{object_id}", response_model=Person)
def answer_suggestion(
    services: Ours, admin: Writer, connection_id: ConnectionId, object_id: PersonId, wanted: JudgedSuggestion
) -> Person:
    """Accept or refuse a suggestion: an act of the admin, applied at once and kept until it is taken back."""
    connection = find_connection(services, admin, connection_id).connection
    must_run(connection)
    known = person_id(connection, object_id)
    record = by_hand.change(services, connection, known, admin.subject, judged=wanted.answer)
    if record is None:
        raise no_such_person()
    return people.one(services, connection, record)


def _shape(record: PersonRecord, assessment: Assessment) -> Suggestion:
    mail = record.source.get("mail")
    return Suggestion(
        object_id=record.object_id,
        name=name_of(record.source),
        mail=mail if isinstance(mail, str) else None,
        score=assessment.score,
        likely=assessment.likely,
        evidence=[Sign(code=one, text=SIGNS[one].text) for one in assessment.evidence],
        account=record.account_state,
        answer=record.judged,
    )
