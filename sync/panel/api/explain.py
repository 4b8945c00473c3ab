"""API v1: why a person or a group stands as it does, one person now, and certificates of completeness."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from shared import csvtext
from sync.core.delta import guid
from sync.core.runs import Outcome
from sync.panel import paging
from sync.panel.access import Caller, Ours, Writer, find_connection, no_such_person, person_id
from sync.panel.api import explain_schemas as shapes
from sync.panel.api import explain_shaping, people, schemas, shaping
from sync.panel.api.parameters import ConnectionId, Cursor, Format, GroupId, Limit, PersonId, RunInPath
from sync.panel.problems import Problem
from sync.usecases import certificate, explain, explain_group, one_person
from sync.usecases.certificate import Certificate

router = APIRouter(tags=["explanations"])
_HEADER = ("section", "name", "value", "object_id", "side", "reason")


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


@router.get("/connections/{connection_id}/certificates", response_model=schemas.Page[shapes.CertificateHead])
def list_certificates(
    services: Ours, admin: Caller, connection_id: ConnectionId, cursor: Cursor = "", limit: Limit = 50
) -> schemas.Page[shapes.CertificateHead]:
    """Certificates of full passes, newest first, without their differences. A page may be empty and have a cursor."""
    connection = find_connection(services, admin, connection_id).connection
    if not connection.scope:
        return schemas.Page(items=[], cursor=None)
    keys, where = services.settings.signing_keys, (connection.id, "certificates")
    heads, place = certificate.page(services, connection.scope, paging.unwrap(cursor, keys, *where), limit)
    items = [shapes.CertificateHead(**head) for head in heads]
    return schemas.Page(items=items, cursor=paging.wrap(place, keys, *where))


@router.get(
    "/connections/{connection_id}/certificates/{run_id}",
    response_model=shapes.CertificateShape,
)
def read_certificate(
    services: Ours,
    admin: Caller,
    connection_id: ConnectionId,
    run_id: RunInPath,
    format: Format = "json",  # noqa: A002  the name of the parameter
) -> shapes.CertificateShape | Response:
    """One full pass: what Entra says, what Moxso has, and every difference by name."""
    connection = find_connection(services, admin, connection_id).connection
    known = services.runs.get(connection.scope, run_id) if connection.scope else None
    found = certificate.read(services, connection.scope, known.id) if known else None
    if found is None:
        raise Problem(404, "no_such_certificate", "This connection has no certificate of such a run.")
    if format == "json":
        return shapes.CertificateShape(**found.document)
    name = f"certificate-{known.id}.csv" if known else ""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_lines(found), media_type=csvtext.MEDIA_TYPE, headers=headers)


def _lines(found: Certificate) -> Iterator[str]:
    facts = {name: value for name, value in found.head.items() if name != "counts"}
    rows: list[tuple[object, ...]] = [("certificate", name, _text(value)) for name, value in facts.items()]
    rows += [("count", name, number) for name, number in found.head["counts"].items()]
    rows += [("difference", one.name, "", one.object_id, one.side, one.reason) for one in found.differences]
    yield csvtext.BOM
    yield from csvtext.lines(_HEADER, ((*row, *("",) * (len(_HEADER) - len(row))) for row in rows))


def _text(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list) else value
