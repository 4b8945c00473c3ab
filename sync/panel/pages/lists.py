"""A connection's lists: people, groups, runs, mails, activity."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sync.core.connection import Connection, shard_of, shards
from sync.core.model import AccountState, PersonRecord, Reason
from sync.panel import paging
from sync.panel.access import Ours, RunId, Visitor, find_connection, no_such_person, person_id
from sync.panel.session import Session
from sync.usecases import find
from sync.usecases.services import Services

router = APIRouter()
ROWS = 50
Text = Annotated[str, Query(max_length=200)]
Cursor = Annotated[str, Query(max_length=2048)]
# What the filter of the people list offers: value -> (label, account state, reason).
FILTERS: dict[str, tuple[str, AccountState | None, Reason | None]] = {
    "": ("Everyone", None, None),
    "active": ("Active accounts", AccountState.ACTIVE, None),
    "inactive": ("Deactivated accounts", AccountState.INACTIVE, None),
    "none": ("Without an account", AccountState.NONE, None),
    "guest": ("Guests", None, Reason.GUEST),
    "disabled": ("Disabled in Entra", None, Reason.DISABLED),
    "no_address": ("Without a usable address", None, Reason.NO_ADDRESS),
    "address_conflict": ("Address already in use", None, Reason.ADDRESS_CONFLICT),
    "left": ("Left the directory", None, Reason.LEFT),
}


@router.get("/connections/{connection_id}/people")
def people(
    request: Request, services: Ours, session: Visitor, connection_id: str,
    search: Text = "", show: Text = "", cursor: Cursor = "",
) -> Response:  # fmt: skip
    """People of the directory, with why and why not."""
    connection = find_connection(services, session.admin, connection_id).connection
    _, state, reason = FILTERS.get(show, FILTERS[""])
    where = (connection.id, "people page", search, show)
    place = paging.unwrap(cursor, services.settings.signing_keys, *where)
    found = find.people(services, connection, find.Wanted(search, state, reason), place, ROWS)
    return _page(
        request, session, connection, "people",
        found=found, search=search, show=show, filters=FILTERS, begun=bool(cursor),
        following=_following(services, found.cursor, where, search=search, show=show),
    )  # fmt: skip


@router.get("/connections/{connection_id}/people/{object_id}")
def person(request: Request, services: Ours, session: Visitor, connection_id: str, object_id: str) -> Response:
    """One person: the account, the reason, the groups."""
    connection = find_connection(services, session.admin, connection_id).connection
    record = _load(services, connection, person_id(connection, object_id))
    if record is None:
        raise no_such_person()
    groups = services.groups.load(connection.scope, sorted(record.groups)) if record.groups else {}
    manager_id = str(record.source.get("manager") or "")
    manager = _load(services, connection, manager_id) if manager_id else None
    return _page(
        request, session, connection, "people", "person.html", person=record, groups=groups.values(), manager=manager
    )


@router.get("/connections/{connection_id}/groups")
def groups(
    request: Request, services: Ours, session: Visitor, connection_id: str, search: Text = "", cursor: Cursor = ""
) -> Response:
    """Groups of the directory."""
    connection = find_connection(services, session.admin, connection_id).connection
    where = (connection.id, "groups page", search)
    place = paging.unwrap(cursor, services.settings.signing_keys, *where)
    found = find.groups(services, connection, search, place, ROWS)
    following = _following(services, found.cursor, where, search=search)
    return _page(
        request, session, connection, "groups", found=found, search=search, following=following, begun=bool(cursor)
    )


@router.get("/connections/{connection_id}/runs")
def runs(request: Request, services: Ours, session: Visitor, connection_id: str, cursor: Cursor = "") -> Response:
    """Pulls and full passes, newest first."""
    connection = find_connection(services, session.admin, connection_id).connection
    where = (connection.id, "runs page")
    place = paging.unwrap(cursor, services.settings.signing_keys, *where)
    found, after = services.runs.page(connection.scope, place, ROWS) if connection.scope else ((), "")
    following = _following(services, after, where)
    return _page(request, session, connection, "runs", runs=found, following=following, begun=bool(cursor))


@router.get("/connections/{connection_id}/mails")
def mails(request: Request, services: Ours, session: Visitor, connection_id: str, cursor: Cursor = "") -> Response:
    """Onboarding mails, newest first."""
    connection = find_connection(services, session.admin, connection_id).connection
    where = (connection.id, "mails page")
    place = paging.unwrap(cursor, services.settings.signing_keys, *where)
    found, after = services.mails.page(connection.tenant_id, place, ROWS) if connection.tenant_id else ((), "")
    mine = [mail for mail in found if mail.connection[:12] == connection.id[:12]]
    following = _following(services, after, where)
    return _page(request, session, connection, "mails", mails=mine, following=following, begun=bool(cursor))


@router.get("/connections/{connection_id}/activity")
def activity(request: Request, services: Ours, session: Visitor, connection_id: str, run: RunId = "") -> Response:
    """What was done to which account, and why."""
    connection = find_connection(services, session.admin, connection_id).connection
    every = shards(connection.digits)
    found = services.people.activity(connection.scope, every, run, ROWS) if connection.scope else ()
    entries = [(activity, entry) for activity, _ in found for entry in activity.entries][: 2 * ROWS]
    return _page(request, session, connection, "activity", entries=entries, run=run)


def _load(services: Services, connection: Connection, object_id: str) -> PersonRecord | None:
    shard = shard_of(object_id, connection.digits)
    return services.people.load(connection.scope, shard, [object_id]).records.get(object_id)


def _following(services: Services, place: str, where: tuple[str, ...], **filters: str) -> str:
    """The query of the next page; empty at the end."""
    cursor = paging.wrap(place, services.settings.signing_keys, *where)
    return f"?{urlencode({**filters, 'cursor': cursor})}" if cursor else ""


def _page(
    request: Request, session: Session, connection: Connection, tab: str, template: str = "", **values: Any
) -> Response:
    page: Response = request.app.state.pages.page(
        template or f"{tab}.html", session, connection=connection, tab=tab, **values
    )
    return page
