"""A connection's details page, and what its forms do. The page looks again by itself every two seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from sync.panel import acting
from sync.panel.access import FormSender, Ours, Visitor, find_connection
from sync.panel.pages.integrations import consent_address
from sync.panel.session import Session
from sync.usecases import connect, holds, settings_change, start
from sync.usecases import disconnect as end
from sync.usecases.overview import Overviews
from sync.usecases.services import Services
from sync.usecases.versions import Author

router = APIRouter()


@router.get("/connections/{connection_id}")
def details(request: Request, services: Ours, session: Visitor, connection_id: str) -> Response:
    """The whole page."""
    return _shown(request, services, session, connection_id, "connection.html")


@router.get("/connections/{connection_id}/live")
def live(request: Request, services: Ours, session: Visitor, connection_id: str) -> Response:
    """The part that changes by itself."""
    return _shown(request, services, session, connection_id, "live.html")


@router.post("/connections/{connection_id}/consent")
def consent_again(services: Ours, session: FormSender, connection_id: str) -> Response:
    """Off to Microsoft once more: a new attempt, in the same cloud."""
    connection = find_connection(services, session.admin, connection_id).connection
    return RedirectResponse(consent_address(services, session.admin, connection.cloud), 303)


@router.post("/connections/{connection_id}/wait")
def wait_again(services: Ours, session: FormSender, connection_id: str) -> Response:
    """Wait once more for a consent that had not spread in time."""
    connect.try_again(services, find_connection(services, session.admin, connection_id).connection)
    return _back(connection_id)


@router.post("/connections/{connection_id}/start")
def begin_sync(
    services: Ours, session: FormSender, connection_id: str, mail: Annotated[str, Form()] = "nobody"
) -> Response:
    """Start synchronising."""
    view = find_connection(services, session.admin, connection_id)
    by = Author(session.admin.subject, session.admin.name)
    start.start(services, view, mail_existing=mail == "everyone", by=by)
    return _back(connection_id)


@router.post("/connections/{connection_id}/sync")
def sync_now(services: Ours, session: FormSender, connection_id: str) -> Response:
    """Look now."""
    acting.look_now(services, find_connection(services, session.admin, connection_id), session.admin.subject)
    return _back(connection_id)


@router.post("/connections/{connection_id}/reconcile")
def reconcile(services: Ours, session: FormSender, connection_id: str) -> Response:
    """Compare everything now."""
    acting.reconcile_now(services, find_connection(services, session.admin, connection_id), session.admin.subject)
    return _back(connection_id)


@router.post("/connections/{connection_id}/settings")
def save_settings(
    services: Ours, session: FormSender, connection_id: str, onboarding: Annotated[str, Form()] = ""
) -> Response:
    """Whether people who join later are mailed."""
    view = find_connection(services, session.admin, connection_id)
    wanted = replace(view.connection.settings, onboarding=onboarding == "on")
    settings_change.save(services, view, wanted, Author(session.admin.subject, session.admin.name))
    return _back(connection_id)


@router.post("/connections/{connection_id}/disconnect")
def disconnect(services: Ours, session: FormSender, connection_id: str) -> Response:
    """End the connection."""
    end.run(services, find_connection(services, session.admin, connection_id))
    return _back(connection_id)


@router.post("/connections/{connection_id}/holds/{hold_id}/approve")
def approve(
    services: Ours, session: FormSender, connection_id: str, hold_id: str, seen: Annotated[str, Form()] = ""
) -> Response:
    """Deactivate exactly the people of this hold that the page showed."""
    connection = find_connection(services, session.admin, connection_id).connection
    acting.must_run(connection)
    holds.approve(services, connection, hold_id, session.admin.subject, seen)
    return _back(connection_id)


@router.post("/connections/{connection_id}/holds/{hold_id}/reject")
def reject(
    services: Ours, session: FormSender, connection_id: str, hold_id: str, seen: Annotated[str, Form()] = ""
) -> Response:
    """Leave the accounts as they are."""
    connection = find_connection(services, session.admin, connection_id).connection
    holds.reject(services, connection, hold_id, session.admin.subject, seen)
    return _back(connection_id)


def _shown(request: Request, services: Services, session: Session, connection_id: str, template: str) -> Response:
    overviews: Overviews = request.app.state.overviews
    waiting: acting.Waiting = request.app.state.waiting
    overview = overviews.glance(waiting.look(find_connection(services, session.admin, connection_id)))
    page: Response = request.app.state.pages.page(
        template, session, connection=overview.connection, overview=overview, tab="overview"
    )
    return page


def _back(connection_id: str) -> Response:
    return RedirectResponse(f"/connections/{connection_id}", 303)
