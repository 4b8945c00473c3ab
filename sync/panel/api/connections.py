"""API v1: connections, their settings, and what an admin can ask of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from sync.core.connection import Cloud
from sync.core.sync_settings import SyncSettings
from sync.panel import acting
from sync.panel.access import Caller, Ours, Writer, find_connection
from sync.panel.api import schemas, shaping
from sync.panel.problems import Problem
from sync.usecases import connect, disconnect, preferences, start
from sync.usecases.overview import Overviews

router = APIRouter(tags=["connections"])


@router.post("/connections", status_code=201, response_model=schemas.BegunConnection)
def begin(services: Ours, admin: Writer, wanted: schemas.NewConnection | None = None) -> schemas.BegunConnection:
    """Begin a connection. It waits for consent at `consent_url`."""
    cloud = wanted.cloud if wanted else Cloud.DEFAULT
    begun = connect.begin(services, admin.workspace, admin.workspace_name, admin.subject, cloud)
    return schemas.BegunConnection(id=begun.connection_id, consent_url=begun.consent_url)


@router.get("/connections", response_model=schemas.Page[schemas.ConnectionShape])
def list_connections(services: Ours, admin: Caller) -> schemas.Page[schemas.ConnectionShape]:
    """Every connection of the workspace, oldest first; a workspace has a handful."""
    views = services.connections.list(admin.workspace)
    return schemas.Page(items=[shaping.connection(view.connection) for view in views], cursor=None)


@router.get("/connections/{connection_id}", response_model=schemas.ConnectionDetail)
def read(services: Ours, admin: Caller, connection_id: str, request: Request) -> schemas.ConnectionDetail:
    """A connection at a glance. Counters may be a few seconds old."""
    overviews: Overviews = request.app.state.overviews
    waiting: acting.Waiting = request.app.state.waiting
    view = waiting.look(find_connection(services, admin, connection_id))
    return shaping.detail(overviews.glance(view))


@router.delete("/connections/{connection_id}", response_model=schemas.ConnectionShape)
def remove(
    services: Ours,
    admin: Writer,
    connection_id: str,
    erase: Annotated[bool, Query(description="Also erase the people, groups and accounts that came from it.")] = False,
) -> schemas.ConnectionShape:
    """Disconnect. Accounts stay as they are; nothing is read, and nobody is mailed, any more."""
    view = find_connection(services, admin, connection_id)
    return shaping.connection(disconnect.run(services, view, erase=erase))


@router.get("/connections/{connection_id}/settings", response_model=schemas.SettingsShape)
def read_settings(services: Ours, admin: Caller, connection_id: str, response: Response) -> schemas.SettingsShape:
    """What the admin chose, with its version as ETag."""
    return _settings(find_connection(services, admin, connection_id).connection.settings, response)


@router.put("/connections/{connection_id}/settings", response_model=schemas.SettingsShape)
def write_settings(
    services: Ours,
    admin: Writer,
    connection_id: str,
    wanted: schemas.SettingsShape,
    response: Response,
    if_match: Annotated[str | None, Header(description="The ETag that was read.")] = None,
) -> schemas.SettingsShape:
    """Choose anew. Without If-Match 428; when somebody else saved meanwhile 412."""
    connection = find_connection(services, admin, connection_id).connection
    if if_match is None:
        raise Problem(428, "if_match_needed", "Send the ETag that you read as If-Match.")
    if if_match.strip() != _etag(connection.settings):
        raise Problem(412, "settings_changed", "Somebody else saved the settings meanwhile. Read them again.")
    saved = preferences.save(services, connection, mail_existing=wanted.mail_existing, onboarding=wanted.onboarding)
    return _settings(saved, response)


@router.post("/connections/{connection_id}/start", status_code=202, response_model=schemas.ConnectionShape)
def begin_sync(
    services: Ours, admin: Writer, connection_id: str, wanted: schemas.Start | None = None
) -> schemas.ConnectionShape:
    """Start synchronising: the first full pass is applied. 409 when the connection is not awaiting it."""
    view = find_connection(services, admin, connection_id)
    mail_existing = wanted.mail_existing if wanted else False
    return shaping.connection(start.start(services, view, mail_existing=mail_existing))


@router.post("/connections/{connection_id}/sync", status_code=202, response_model=schemas.Accepted)
def sync_now(services: Ours, admin: Writer, connection_id: str) -> schemas.Accepted:
    """Look at both feeds now."""
    acting.look_now(services, find_connection(services, admin, connection_id))
    return schemas.Accepted()


@router.post("/connections/{connection_id}/reconcile", status_code=202, response_model=schemas.Accepted)
def reconcile(services: Ours, admin: Writer, connection_id: str) -> schemas.Accepted:
    """Read everything again and compare."""
    acting.reconcile_now(services, find_connection(services, admin, connection_id))
    return schemas.Accepted()


def _etag(settings: SyncSettings) -> str:
    return f'"{settings.version}"'


def _settings(settings: SyncSettings, response: Response) -> schemas.SettingsShape:
    response.headers["ETag"] = _etag(settings)
    return schemas.SettingsShape(mail_existing=settings.mail_existing, onboarding=settings.onboarding)
