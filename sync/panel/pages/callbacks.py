"""Where Microsoft sends the admin's browser back to: after consent, and after the sign-in that proves the tenant."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from sync.panel.access import Ours, Visitor, writer
from sync.usecases import connect

router = APIRouter()


@router.get("/connect/consented")
def consented(request: Request, services: Ours, session: Visitor) -> Response:
    """Consent was given or refused; on to the proof."""
    admin = writer(session.admin)
    address = connect.consented(services, admin.workspace, admin.subject, dict(request.query_params))
    return RedirectResponse(address, 303)


@router.get("/connect/signed-in")
def signed_in(request: Request, services: Ours, session: Visitor) -> Response:
    """The admin proved who they are; the details page waits for the rest."""
    admin = writer(session.admin)
    connection_id = connect.signed_in(services, admin.workspace, admin.subject, dict(request.query_params))
    return RedirectResponse(f"/connections/{connection_id}", 303)
