"""API v1: why a person or a group stands as it does, and one person now."""

from __future__ import annotations

import contextlib

from fastapi import APIRouter, Response

from sync.core.delta import guid
from sync.core.runs import Outcome
from sync.panel.access import Caller, Ours, Writer, find_connection, no_such_person, person_id
from sync.panel.api import explain_schemas as shapes
from sync.panel.api import explain_shaping, people
from sync.panel.api import history_shaping as shaping
from sync.panel.api.parameters import ConnectionId, GroupId, PersonId
from sync.panel.problems import Problem
from sync.usecases import explain, explain_group, one_person

router = APIRouter(tags=["explanations"])


@router.get("/connections/{connection_id}/people/{object_id}/why", response_model=shapes.WhyPerson)
def why_person(services: Ours, admin: Caller, connection_id: ConnectionId, object_id: PersonId) -> shapes.WhyPerson:
    """Why a person stands as they do: asked of Entra at this moment, and compared with what is stored. Writes nothing;
    a person whom Entra has and who is not stored yet is explained too.
    """
    view = find_connection(services, admin, connection_id)
    try:
        found = explain.person(services, view, person_id(view.connection, object_id))
    except explain.Unknown as error:
        raise no_such_person() from error
    return explain_shaping.person(found, view.connection)


@router.get("/connections/{connection_id}/groups/{object_id}/why", response_model=shapes.WhyGroupShape)
def why_group(services: Ours, admin: Caller, connection_id: ConnectionId, object_id: GroupId) -> shapes.WhyGroupShape:
    """Who is in a group, what it lies in, and what scope and audience make of it. Writes nothing."""
    view = find_connection(services, admin, connection_id)
    known = guid(object_id) if view.connection.scope else None
    if known is not None:
        with contextlib.suppress(explain.Unknown):
            return explain_shaping.group(explain_group.group(services, view, known))
    raise Problem(404, "no_such_group", "The directory of this connection has no such group.")


@router.post(
    "/connections/{connection_id}/people/{object_id}/sync",
    response_model=shapes.SyncedPerson,
    responses={202: {"model": shapes.SyncedPerson, "description": "Begun; the queue finishes it"}},
)
def sync_person(
    services: Ours, admin: Writer, connection_id: ConnectionId, object_id: PersonId, response: Response
) -> shapes.SyncedPerson:
    """Fetch one person from Entra and apply what it says, at once. May be repeated. 200 when it is done; 202 when
    storage failed half-way and the queue finishes it.
    """
    view = find_connection(services, admin, connection_id)
    known = person_id(view.connection, object_id)
    try:
        run = one_person.sync(services, view, known, admin.subject)
    except one_person.NoSuchPerson as error:
        raise no_such_person() from error
    if run.outcome is not Outcome.COMPLETE:
        response.status_code = 202
    record = one_person.stored(services, view.connection, known)
    person = people.one(services, view.connection, record) if record else None
    return shapes.SyncedPerson(run=shaping.run(run), person=person)
