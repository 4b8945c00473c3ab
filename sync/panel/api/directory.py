"""API v1: the people, groups and accounts of a connection and its workspace."""

from __future__ import annotations

from fastapi import APIRouter, Response

from shared.errors import Conflict
from sync.core.connection import shard_of
from sync.panel import paging
from sync.panel.access import Caller, Ours, Writer, find_connection, no_such_person, person_id
from sync.panel.api import exports, people, schemas, shaping
from sync.panel.api.directory_schemas import Account, Group, NewAccount, Person, Recipient
from sync.panel.api.parameters import (
    ConnectionId,
    Cursor,
    Format,
    Limit,
    OfAudience,
    OfReason,
    OfState,
    PersonId,
    Search,
)
from sync.panel.problems import Problem
from sync.usecases import account_list, audience, find, manual_accounts

router = APIRouter(tags=["directory"])


@router.get("/connections/{connection_id}/people", response_model=schemas.Page[Person])
def list_people(
    services: Ours,
    admin: Caller,
    connection_id: ConnectionId,
    search: Search = "",
    state: OfState = None,
    reason: OfReason = None,
    audience: OfAudience = None,
    cursor: Cursor = "",
    limit: Limit = 50,
    format: Format = "json",  # noqa: A002  the name of the parameter
) -> schemas.Page[Person] | Response:
    """People of the directory. A search may answer with fewer than `limit` and still have a cursor: go on with it."""
    connection = find_connection(services, admin, connection_id).connection
    keys = services.settings.signing_keys
    where = (connection.id, "people", search, state or "", "-" if reason is None else reason, str(audience))
    wanted = find.Wanted(search, state, reason, audience)
    if format == "csv":
        everybody = exports.every(lambda at: find.people(services, connection, wanted, at, exports.PAGE)[:2])
        return exports.csv("people", exports.PEOPLE, map(exports.person, everybody))
    found = find.people(services, connection, wanted, paging.unwrap(cursor, keys, *where), limit)
    items = people.told(services, connection, found.people)
    return schemas.Page(items=items, cursor=paging.wrap(found.cursor, keys, *where))


@router.get("/connections/{connection_id}/people/{object_id}", response_model=Person)
def read_person(services: Ours, admin: Caller, connection_id: ConnectionId, object_id: PersonId) -> Person:
    """One person."""
    connection = find_connection(services, admin, connection_id).connection
    known = person_id(connection, object_id)
    record = services.people.load(connection.scope, shard_of(known, connection.digits), [known]).records.get(known)
    if record is None:
        raise no_such_person()
    return people.one(services, connection, record)


@router.get("/connections/{connection_id}/groups", response_model=schemas.Page[Group])
def list_groups(
    services: Ours,
    admin: Caller,
    connection_id: ConnectionId,
    search: Search = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> schemas.Page[Group]:
    """Groups of the directory."""
    connection = find_connection(services, admin, connection_id).connection
    keys = services.settings.signing_keys
    where = (connection.id, "groups", search)
    found = find.groups(services, connection, search, paging.unwrap(cursor, keys, *where), limit)
    items = [shaping.group(record) for record in found.groups]
    return schemas.Page(items=items, cursor=paging.wrap(found.cursor, keys, *where))


@router.get("/accounts", response_model=schemas.Page[Account])
def list_accounts(services: Ours, admin: Caller, cursor: Cursor = "", limit: Limit = 50) -> schemas.Page[Account]:
    """Accounts of the workspace: first those made by hand, then the directories', connection by connection."""
    keys = services.settings.signing_keys
    where = (admin.workspace, "accounts")
    found = account_list.page(services, admin.workspace, paging.unwrap(cursor, keys, *where), limit)
    items = [shaping.manual_account(account) for account in found.manual]
    items += [shaping.linked_account(record, found.connection_id) for record in found.people]
    return schemas.Page(items=items, cursor=paging.wrap(found.cursor, keys, *where))


@router.get("/audience", response_model=schemas.Page[Recipient])
def list_audience(services: Ours, admin: Caller, cursor: Cursor = "", limit: Limit = 50) -> schemas.Page[Recipient]:
    """Who receives phishing simulations in this workspace now: active accounts that a connection's audience takes in.
    Ask again when sending: somebody may have left meanwhile.
    """
    keys = services.settings.signing_keys
    where = (admin.workspace, "audience")
    found = audience.page(services, admin.workspace, paging.unwrap(cursor, keys, *where), limit)
    items = [shaping.recipient(record, found.connection_id) for record in found.people]
    return schemas.Page(items=items, cursor=paging.wrap(found.cursor, keys, *where))


@router.post("/accounts", status_code=201, response_model=Account)
def create_account(services: Ours, admin: Writer, wanted: NewAccount) -> Account:
    """Make an account by hand. When the directory brings a person with this address, it is linked to them."""
    try:
        made = manual_accounts.create(services, admin.workspace, wanted.address, wanted.name, wanted.employee_id)
    except manual_accounts.NotAnAddress as error:
        raise Problem(422, "not_an_address", "This is not an e-mail address.") from error
    except manual_accounts.EmployeeIdInUse as error:
        raise Problem(409, "employee_id_in_use", "An account of this workspace has this employee id.") from error
    except Conflict as error:
        raise Problem(409, "address_in_use", "An account of this workspace has this address already.") from error
    return shaping.manual_account(made)
