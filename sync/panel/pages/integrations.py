"""Workspace › Settings › Integrations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from sync.core.connection import Cloud, Connection, ConnectionState
from sync.panel.access import FormSender, Ours, Visitor
from sync.panel.session import Admin
from sync.usecases import connect
from sync.usecases.services import Services

router = APIRouter()


@router.get("/settings/integrations")
def integrations(request: Request, services: Ours, session: Visitor) -> Response:
    """What can be connected, and what is."""
    views = services.connections.list(session.admin.workspace)
    worth = [view.connection for view in views if _worth_showing(view.connection)]
    ordered = sorted(worth, key=lambda connection: connection.state is ConnectionState.DISCONNECTED)
    page: Response = request.app.state.pages.page("integrations.html", session, connections=ordered, clouds=list(Cloud))
    return page


@router.post("/connections")
def begin(services: Ours, session: FormSender, cloud: Annotated[Cloud, Form()] = Cloud.DEFAULT) -> Response:
    """Connect to Microsoft Entra ID: off to Microsoft for consent."""
    return RedirectResponse(consent_address(services, session.admin, cloud), 303)


def consent_address(services: Services, admin: Admin, cloud: Cloud) -> str:
    """A new attempt of this admin's: where they give consent."""
    return connect.begin(services, admin.workspace, admin.workspace_name, admin.subject, cloud).consent_url


def _worth_showing(connection: Connection) -> bool:
    """An attempt that was left at Microsoft's page is nothing to show; one that waits or failed is."""
    return connection.state is not ConnectionState.AWAITING_CONSENT or bool(connection.tenant_id)
