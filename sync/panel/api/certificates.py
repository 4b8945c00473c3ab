"""API v1: certificates of completeness, told as they come from storage, however long they are."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from sync.panel import paging
from sync.panel.access import Caller, Ours, find_connection
from sync.panel.api import certificate_schemas as shapes
from sync.panel.api import exports, schemas
from sync.panel.api.parameters import ConnectionId, Cursor, Format, Limit, RunInPath
from sync.panel.problems import Problem
from sync.usecases import certificate
from sync.usecases.certificate import Certificate

router = APIRouter(tags=["explanations"])
_HEADER = ("section", "name", "value", "object_id", "side", "reason")


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
) -> Response:
    """One full pass: what Entra says, what Moxso has, and every difference by name."""
    connection = find_connection(services, admin, connection_id).connection
    known = services.runs.get(connection.scope, run_id) if connection.scope else None
    found = certificate.read(services, connection.scope, known.id) if known else None
    if found is None:
        raise Problem(404, "no_such_certificate", "This connection has no certificate of such a run.")
    if format == "json":
        return StreamingResponse(found.text(), media_type="application/json")
    return exports.csv(f"certificate-{found.head['run']}", _HEADER, _rows(found))


def _rows(found: Certificate) -> Iterator[tuple[object, ...]]:
    for name, value in found.head.items():
        if name != "counts":
            yield ("certificate", name, _text(value), "", "", "")
    for name, number in found.head["counts"].items():
        yield ("count", name, number, "", "", "")
    for one in found.differences:
        yield ("difference", one.name, "", one.object_id, one.side, one.reason)


def _text(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list) else value
