"""API v1: connections, and what an admin can ask of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from sync.core.connection import Cloud
from sync.panel import acting
from sync.panel.access import Caller, Ours, Writer, find_connection
from sync.panel.api import schemas, shaping
from sync.panel.api.connection_schemas import BegunConnection, ConnectionDetail, ConnectionShape, NewConnection, Start
from sync.panel.api.parameters import ConnectionId
from sync.usecases import connect, disconnect, start
from sync.usecases.overview import Overviews
from sync.usecases.versions import Author

router = APIRouter(tags=["connections"])


@router.post("/connections", status_code=201, response_model=BegunConnection)
def begin_connection(services: Ours, admin: Writer, wanted: NewConnection | None = None) -> BegunConnection:
    """Begin a connection. It waits for consent at `consent_url`."""
    cloud = wanted.cloud if wanted else Cloud.DEFAULT
    begun = connect.begin(services, admin.workspace, admin.workspace_name, admin.subject, cloud)
    return BegunConnection(id=begun.connection_id, consent_url=begun.consent_url)


@router.get("/connections", response_model=schemas.Page[ConnectionShape])
def list_connections(services: Ours, admin: Caller) -> schemas.Page[ConnectionShape]:
    """Every connection of the workspace, oldest first; a workspace has a handful."""
    views = services.connections.list(admin.workspace)
    return schemas.Page(items=[shaping.connection(view.connection) for view in views], cursor=None)


@router.get("/connections/{connection_id}", response_model=ConnectionDetail)
def read_connection(services: Ours, admin: Caller, connection_id: ConnectionId, request: Request) -> ConnectionDetail:
    """A connection at a glance. Counters may be a few seconds old."""
    overviews: Overviews = request.app.state.overviews
    waiting: acting.Waiting = request.app.state.waiting
    view = waiting.look(find_connection(services, admin, connection_id))
    return shaping.detail(overviews.glance(view))


@router.delete("/connections/{connection_id}", response_model=ConnectionShape)
def disconnect_tenant(
    services: Ours,
    admin: Writer,
    connection_id: ConnectionId,
    erase: Annotated[bool, Query(description="Also erase the people, groups and accounts that came from it.")] = False,
) -> ConnectionShape:
    """Disconnect. Accounts stay as they are; nothing is read, and nobody is mailed, any more."""
    view = find_connection(services, admin, connection_id)
    return shaping.connection(disconnect.run(services, view, erase=erase))


@router.post("/connections/{connection_id}/start", status_code=202, response_model=ConnectionShape)
def start_connection(
    services: Ours, admin: Writer, connection_id: ConnectionId, wanted: Start | None = None
) -> ConnectionShape:
    """Start synchronising: the first full pass is applied. 409 when the connection is not awaiting it."""
    view = find_connection(services, admin, connection_id)
    mail_existing = wanted.mail_existing if wanted else False
    by = Author(admin.subject, admin.name)
    return shaping.connection(start.start(services, view, mail_existing=mail_existing, by=by))


@router.post("/connections/{connection_id}/sync", status_code=202, response_model=schemas.Accepted)
def sync_connection(services: Ours, admin: Writer, connection_id: ConnectionId) -> schemas.Accepted:
    """Look at both feeds now."""
    acting.look_now(services, find_connection(services, admin, connection_id), admin.subject)
    return schemas.Accepted()


@router.post("/connections/{connection_id}/reconcile", status_code=202, response_model=schemas.Accepted)
def reconcile_connection(services: Ours, admin: Writer, connection_id: ConnectionId) -> schemas.Accepted:
    """Read everything again and compare."""
    acting.reconcile_now(services, find_connection(services, admin, connection_id), admin.subject)
    return schemas.Accepted()
