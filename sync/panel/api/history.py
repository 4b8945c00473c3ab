"""API v1: what happened and what waits: runs, holds, activity, mails."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from sync.core.connection import shards
from sync.panel import paging
from sync.panel.access import Caller, Ours, Writer, find_connection
from sync.panel.api import schemas, shaping
from sync.panel.api.directory import Cursor
from sync.usecases import holds

router = APIRouter(tags=["history"])


@router.get("/connections/{connection_id}/runs", response_model=schemas.Page[schemas.RunShape])
def list_runs(
    services: Ours, admin: Caller, connection_id: str, cursor: Cursor = "", limit: schemas.Limit = 50
) -> schemas.Page[schemas.RunShape]:
    """Pulls and full passes, newest first."""
    connection = find_connection(services, admin, connection_id).connection
    if not connection.scope:
        return schemas.Page(items=[], cursor=None)
    keys, where = services.settings.signing_keys, (connection.id, "runs")
    found, place = services.runs.page(connection.scope, paging.unwrap(cursor, keys, *where), limit)
    return schemas.Page(items=[shaping.run(run) for run in found], cursor=paging.wrap(place, keys, *where))


@router.get("/connections/{connection_id}/holds", response_model=schemas.Page[schemas.HoldShape])
def list_holds(services: Ours, admin: Caller, connection_id: str) -> schemas.Page[schemas.HoldShape]:
    """Removals that wait for an admin, and those that were decided, newest first."""
    connection = find_connection(services, admin, connection_id).connection
    found = services.runs.holds(connection.scope) if connection.scope else ()
    return schemas.Page(items=[shaping.hold(hold) for hold in found], cursor=None)


@router.post("/connections/{connection_id}/holds/{hold_id}/approve", response_model=schemas.HoldShape)
def approve(services: Ours, admin: Writer, connection_id: str, hold_id: str) -> schemas.HoldShape:
    """Deactivate exactly the people of this hold. 409 when it was decided, has expired or is unknown."""
    connection = find_connection(services, admin, connection_id).connection
    return shaping.hold(holds.approve(services, connection, hold_id, admin.subject))


@router.post("/connections/{connection_id}/holds/{hold_id}/reject", response_model=schemas.HoldShape)
def reject(services: Ours, admin: Writer, connection_id: str, hold_id: str) -> schemas.HoldShape:
    """Leave the accounts as they are."""
    connection = find_connection(services, admin, connection_id).connection
    return shaping.hold(holds.reject(services, connection, hold_id, admin.subject))


@router.get("/connections/{connection_id}/activity", response_model=schemas.Page[schemas.ActivityShape])
def list_activity(
    services: Ours,
    admin: Caller,
    connection_id: str,
    run: Annotated[str, Query(max_length=64, description="Only this run's.")] = "",
    limit: schemas.Limit = 50,
) -> schemas.Page[schemas.ActivityShape]:
    """What was done to which account, newest first: before and after. The newest only; there is no next page."""
    connection = find_connection(services, admin, connection_id).connection
    if not connection.scope:
        return schemas.Page(items=[], cursor=None)
    found = services.people.activity(connection.scope, shards(connection.digits), run, limit)
    entries = [entry for activity, _ in found for entry in shaping.activity(activity)]
    return schemas.Page(items=entries[:limit], cursor=None)


@router.get("/connections/{connection_id}/mails", response_model=schemas.Page[schemas.MailShape])
def list_mails(
    services: Ours, admin: Caller, connection_id: str, cursor: Cursor = "", limit: schemas.Limit = 50
) -> schemas.Page[schemas.MailShape]:
    """Onboarding mails, newest first."""
    connection = find_connection(services, admin, connection_id).connection
    if not connection.tenant_id:
        return schemas.Page(items=[], cursor=None)
    keys, where = services.settings.signing_keys, (connection.id, "mails")
    found, place = services.mails.page(connection.tenant_id, paging.unwrap(cursor, keys, *where), limit)
    mine = [mail for mail in found if mail.connection[:12] == connection.id[:12]]
    return schemas.Page(items=[shaping.mail(mail) for mail in mine], cursor=paging.wrap(place, keys, *where))
