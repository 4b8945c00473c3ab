"""API v1: what an admin chooses for a connection, what it would do, and the versions there were."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Response

from sync.core.connection import Connection, ConnectionView
from sync.core.delta import guid
from sync.core.sync_settings import SyncSettings
from sync.panel import paging
from sync.panel.access import Caller, Ours, Writer, find_connection
from sync.panel.api import schemas as common
from sync.panel.api import settings_schemas as schemas
from sync.panel.api import settings_shaping as shaping
from sync.panel.api.parameters import ConnectionId, Cursor, IfMatch, Limit
from sync.panel.problems import Problem
from sync.panel.session import Admin
from sync.usecases import preview, settings_change
from sync.usecases.services import Services
from sync.usecases.versions import Author

router = APIRouter(prefix="/connections/{connection_id}", tags=["settings"])
_ETAG = {"description": "The version of the settings, for If-Match.", "schema": {"type": "string"}, "example": '"3"'}
_VERSIONED: dict[int | str, dict[str, Any]] = {200: {"headers": {"ETag": _ETAG}}}


@router.get("/settings", response_model=schemas.SettingsShape, responses=_VERSIONED)
def read_settings(
    services: Ours, admin: Caller, connection_id: ConnectionId, response: Response
) -> schemas.SettingsShape:
    """Everything the admin chose, with its version as ETag."""
    return _told(find_connection(services, admin, connection_id).connection, response)


@router.put("/settings", response_model=schemas.SettingsShape, responses=_VERSIONED)
def write_settings(
    services: Ours,
    admin: Writer,
    connection_id: ConnectionId,
    wanted: schemas.SettingsChange,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.SettingsShape:
    """Choose anew; what is left out stays. Everybody is then decided by it, through the guard. Without If-Match 428;
    when somebody else saved meanwhile 412; 422 tells in `problems` all that makes no sense.
    """
    view = _matched(find_connection(services, admin, connection_id), if_match)
    return _told(_saved(services, view, shaping.changed(view.connection.settings, wanted), admin), response)


@router.post("/settings/preview", response_model=schemas.PreviewShape)
def preview_settings(
    services: Ours, admin: Caller, connection_id: ConnectionId, wanted: schemas.SettingsChange
) -> schemas.PreviewShape:
    """What these settings would do to everybody; nothing is written. 409 while nobody was read yet."""
    view = find_connection(services, admin, connection_id)
    try:
        found = preview.preview(services, view, shaping.changed(view.connection.settings, wanted))
    except settings_change.Refused as error:
        raise _refused(error) from error
    if found is None:
        raise _not_read()
    return shaping.preview(found)


@router.get("/settings/history", response_model=common.Page[schemas.VersionShape])
def list_settings_versions(
    services: Ours, admin: Caller, connection_id: ConnectionId, cursor: Cursor = "", limit: Limit = 50
) -> common.Page[schemas.VersionShape]:
    """Every version of the settings, newest first: who saved what, and when."""
    connection = find_connection(services, admin, connection_id).connection
    keys, where = services.settings.signing_keys, (connection.id, "settings")
    found, place = settings_change.history(services, connection, paging.unwrap(cursor, keys, *where), limit)
    return common.Page(items=[shaping.version(one) for one in found], cursor=paging.wrap(place, keys, *where))


@router.post("/settings/rollback", response_model=schemas.SettingsShape, responses=_VERSIONED)
def roll_back_settings(
    services: Ours,
    admin: Writer,
    connection_id: ConnectionId,
    wanted: schemas.Rollback,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.SettingsShape:
    """Save what an earlier version held as a new version. 404 when there was none; else as PUT."""
    view = _matched(find_connection(services, admin, connection_id), if_match)
    earlier = settings_change.version(services, view.connection, wanted.version)
    if earlier is None:
        raise Problem(404, "no_such_version", "These settings never had that version.")
    return _told(_saved(services, view, earlier.settings, admin), response)


@router.get("/mapping/export", response_model=schemas.MappingShape, responses=_VERSIONED)
def export_mapping(
    services: Ours, admin: Caller, connection_id: ConnectionId, response: Response
) -> schemas.MappingShape:
    """The field rules as a document, which PUT mapping takes here or at another connection."""
    connection = find_connection(services, admin, connection_id).connection
    response.headers["ETag"] = _etag(connection)
    response.headers["Content-Disposition"] = 'attachment; filename="mapping.json"'
    return shaping.mapping(connection.settings)


@router.put("/mapping", response_model=schemas.MappingShape, responses=_VERSIONED)
def import_mapping(
    services: Ours,
    admin: Writer,
    connection_id: ConnectionId,
    wanted: schemas.MappingShape,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.MappingShape:
    """Take these field rules in place of the present ones; else as PUT settings."""
    view = _matched(find_connection(services, admin, connection_id), if_match)
    chosen = replace(view.connection.settings, mapping=shaping.rules(wanted.mapping))
    saved = _saved(services, view, chosen, admin)
    response.headers["ETag"] = _etag(saved)
    return shaping.mapping(saved.settings)


@router.post("/mapping/preview", response_model=schemas.TrialShape)
def preview_mapping(
    services: Ours, admin: Caller, connection_id: ConnectionId, wanted: schemas.MappingTrial
) -> schemas.TrialShape:
    """The account fields of up to 20 people now and as a mapping would make them; nothing is written."""
    view = find_connection(services, admin, connection_id)
    chosen = view.connection.settings
    if wanted.mapping is not None:
        chosen = replace(chosen, mapping=shaping.rules(wanted.mapping))
    people = [object_id for one in wanted.people if (object_id := guid(one))]
    try:
        found = preview.fields(services, view, chosen, people)
    except settings_change.Refused as error:
        raise _refused(error) from error
    if found is None:
        raise _not_read()
    return schemas.TrialShape(items=[shaping.fields(one) for one in found])


def _saved(services: Services, view: ConnectionView, wanted: SyncSettings, admin: Admin) -> Connection:
    try:
        return settings_change.save(services, view, wanted, Author(admin.subject, admin.name))
    except settings_change.Refused as error:
        raise _refused(error) from error


def _matched(view: ConnectionView, if_match: str | None) -> ConnectionView:
    if if_match is None:
        raise Problem(428, "if_match_needed", "Send the ETag that you read as If-Match.")
    if if_match.strip() != _etag(view.connection):
        raise Problem(412, "settings_changed", "Somebody else saved the settings meanwhile. Read them again.")
    return view


def _refused(error: settings_change.Refused) -> Problem:
    problems = [{"path": path, "message": message} for path, message in error.problems]
    return Problem(422, "settings_refused", "These settings make no sense. Nothing was saved.", problems=problems)


def _not_read() -> Problem:
    return Problem(409, "not_read_yet", "The directory was not read yet. Look again in a moment.")


def _told(connection: Connection, response: Response) -> schemas.SettingsShape:
    response.headers["ETag"] = _etag(connection)
    return shaping.settings(connection.settings)


def _etag(connection: Connection) -> str:
    return f'"{connection.settings.version}"'
