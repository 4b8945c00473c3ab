"""API v1: what happened and what waits: runs, holds, activity, mails."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from sync.core.runs import Hold
from sync.panel import paging
from sync.panel.access import Caller, Ours, RunId, Writer, find_connection
from sync.panel.acting import must_run
from sync.panel.api import exports, schemas
from sync.panel.api import history_shaping as shaping
from sync.panel.api.acts_schemas import HappeningShape
from sync.panel.api.history_schemas import HoldShape, MailShape, RunShape
from sync.panel.api.parameters import (
    ConnectionId,
    Cursor,
    Format,
    HoldId,
    IfSeen,
    Limit,
    Moment,
    OfAction,
    OfCause,
    OfGroup,
    OfPerson,
)
from sync.usecases import history, holds
from sync.usecases.services import Services

router = APIRouter(tags=["history"])
_Run = Annotated[RunId, Query(description="Only what this run did.")]
_Since = Annotated[Moment | None, Query(description="From this moment on; with a zone.")]
_Until = Annotated[Moment | None, Query(description="Before this moment; with a zone.")]


def _wanted(
    person: OfPerson = "",
    group: OfGroup = "",
    run: _Run = "",
    cause: OfCause = None,
    action: OfAction = None,
    since: _Since = None,
    until: _Until = None,
) -> history.Wanted:
    """The filters of the activity; all that are given must hold."""
    return history.Wanted(person.lower(), group.lower(), cause, run, action, since, until)


@router.get("/connections/{connection_id}/runs", response_model=schemas.Page[RunShape])
def list_runs(
    services: Ours,
    admin: Caller,
    connection_id: ConnectionId,
    cursor: Cursor = "",
    limit: Limit = 50,
    format: Format = "json",  # noqa: A002  the name of the parameter
) -> schemas.Page[RunShape] | Response:
    """Pulls, full passes, revisits and acts, newest first."""
    connection = find_connection(services, admin, connection_id).connection
    if format == "csv":
        runs = exports.every(lambda at: services.runs.page(connection.scope, at, exports.PAGE))
        return exports.csv("runs", exports.RUNS, map(exports.run, runs if connection.scope else ()))
    if not connection.scope:
        return schemas.Page(items=[], cursor=None)
    keys, where = services.settings.signing_keys, (connection.id, "runs")
    found, place = services.runs.page(connection.scope, paging.unwrap(cursor, keys, *where), limit)
    return schemas.Page(items=[shaping.run(run) for run in found], cursor=paging.wrap(place, keys, *where))


@router.get("/connections/{connection_id}/holds", response_model=schemas.Page[HoldShape])
def list_holds(
    services: Ours,
    admin: Caller,
    connection_id: ConnectionId,
    format: Format = "json",  # noqa: A002  the name of the parameter
) -> schemas.Page[HoldShape] | Response:
    """Removals that wait for an admin, and those that were decided, newest first."""
    connection = find_connection(services, admin, connection_id).connection
    found = services.runs.holds(connection.scope) if connection.scope else ()
    if format == "csv":
        return exports.csv("holds", exports.HOLDS, (row for hold in found for row in exports.hold(hold)))
    return schemas.Page(items=[_told(services, hold) for hold in found], cursor=None)


@router.post("/connections/{connection_id}/holds/{hold_id}/approve", response_model=HoldShape)
def approve_hold(
    services: Ours, admin: Writer, connection_id: ConnectionId, hold_id: HoldId, if_match: IfSeen = None
) -> HoldShape:
    """Deactivate exactly the people of this hold. 409 when it was decided or has expired; with If-Match 412 when others
    were put on it since it was read.
    """
    connection = find_connection(services, admin, connection_id).connection
    must_run(connection)
    return _told(services, holds.approve(services, connection, hold_id, admin.subject, _seen(if_match)))


@router.post("/connections/{connection_id}/holds/{hold_id}/reject", response_model=HoldShape)
def reject_hold(
    services: Ours, admin: Writer, connection_id: ConnectionId, hold_id: HoldId, if_match: IfSeen = None
) -> HoldShape:
    """Leave the accounts of this hold as they are; who is still gone at the next full pass is held again. 409 when it
    was decided or has expired; with If-Match 412 when others were put on it since it was read.
    """
    connection = find_connection(services, admin, connection_id).connection
    return _told(services, holds.reject(services, connection, hold_id, admin.subject, _seen(if_match)))


def _told(services: Services, hold: Hold) -> HoldShape:
    """A hold, with what its run did while it waits."""
    return shaping.hold(hold, services.runs.get(hold.scope, hold.run) if hold.state == "waiting" else None)


def _seen(if_match: str | None) -> str:
    """The set that an admin read; an ETag that is none of ours fits no hold."""
    return if_match.strip().strip('"') or "none" if if_match is not None else ""


@router.get("/connections/{connection_id}/activity", response_model=schemas.Page[HappeningShape])
def list_activity(
    services: Ours,
    admin: Caller,
    connection_id: ConnectionId,
    wanted: Annotated[history.Wanted, Depends(_wanted)],
    cursor: Cursor = "",
    limit: Limit = 50,
    format: Format = "json",  # noqa: A002  the name of the parameter
) -> schemas.Page[HappeningShape] | Response:
    """What was done to which account, the newest run first: before and after. A filter may answer with fewer than
    `limit`, even none, and still have a cursor: go on with it.
    """
    connection = find_connection(services, admin, connection_id).connection
    if format == "csv":
        told = history.every(services, connection, wanted)
        return exports.csv("activity", exports.ACTIVITY, (row for one in told for row in exports.happening(one)))
    keys = services.settings.signing_keys
    where = (connection.id, "activity", *(str(one) for one in wanted))
    found = history.activity(services, connection, wanted, paging.unwrap(cursor, keys, *where), limit)
    items = [shaping.happening(one) for one in found.happenings]
    return schemas.Page(items=items, cursor=paging.wrap(found.cursor, keys, *where))


@router.get("/connections/{connection_id}/mails", response_model=schemas.Page[MailShape])
def list_mails(
    services: Ours, admin: Caller, connection_id: ConnectionId, cursor: Cursor = "", limit: Limit = 50
) -> schemas.Page[MailShape]:
    """Onboarding mails, newest first."""
    connection = find_connection(services, admin, connection_id).connection
    if not connection.tenant_id:
        return schemas.Page(items=[], cursor=None)
    keys, where = services.settings.signing_keys, (connection.id, "mails")
    found, place = services.mails.page(connection.tenant_id, paging.unwrap(cursor, keys, *where), limit)
    mine = [mail for mail in found if mail.connection[:12] == connection.id[:12]]
    return schemas.Page(items=[shaping.mail(mail) for mail in mine], cursor=paging.wrap(place, keys, *where))
