"""The proof of a connection: that Microsoft gives us a token for the tenant, with the rights, and that they work.

Consent takes seconds to minutes to spread (microsoft-facts §5.4). `prove_waiting` is called by the waiting page and
by the timer alike, at any time and in any number; after ten minutes it gives up and the admin may `try_again`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from shared.clock import iso, parse_iso
from shared.errors import Conflict, NeedsAdmin, Transient
from shared.events import log
from sync.core.connection import Connection, ConnectionState, Problem, digits_for
from sync.core.health import needs_admin
from sync.core.messages import PassMessage
from sync.core.model import UserChange
from sync.usecases.services import Services

PATIENCE = timedelta(minutes=10)  # how long a consent may take to spread before the admin is asked to try again
NEEDED_ROLES = frozenset({"User.Read.All", "GroupMember.Read.All"})
KNOWN_ROLES = NEEDED_ROLES | {"Group.Read.All", "Organization.Read.All"}  # more than these is more than we want
# While a consent spreads, these come and go.
_SPREADING = frozenset({"consent_missing", "permission_missing", "roles_missing"})
_WORTH_ANOTHER_TRY = frozenset({"consent_not_spread", "roles_missing"})


def prove_waiting(services: Services, connection_id: str) -> Connection | None:
    """Try once more to prove a connection that waits, and return it as it is now; None when there is none. Anybody
    may call it at any time: one that does not wait is left alone. Never raises for what Microsoft says.
    """
    view = services.connections.load(connection_id)
    if view is None:
        return None
    connection = view.connection
    if connection.state is not ConnectionState.AWAITING_CONSENT or not connection.waiting_since:
        return connection
    try:
        proven = _prove(services, connection)
    except Transient:
        return connection  # Microsoft is busy: that says nothing about the consent
    except NeedsAdmin as error:
        return _not_yet(services, connection, error.code)
    try:
        saved = services.connections.save(proven)
    except Conflict:  # the page and the timer tried at the same moment
        present = services.connections.load(connection_id)
        return present.connection if present else None
    _announce(services, saved)
    return saved


def try_again(services: Services, connection: Connection) -> Connection:
    """Wait once more for a consent that had not spread in time. Raises NeedsAdmin when there is nothing to wait for."""
    waits = connection.state is ConnectionState.AWAITING_CONSENT and connection.tenant_id
    if (
        not waits
        or connection.problem is None
        or connection.problem.code not in {"consent_not_spread", "roles_missing"}
    ):
        raise needs_admin("state_invalid")
    now = iso(services.clock.now())
    services.connections.save(replace(connection, waiting_since=now, problem=None))
    return prove_waiting(services, connection.id) or connection


def connected(services: Services, connection: Connection, tenant: str) -> Connection | None:
    """Another live connection of the same workspace that has the tenant."""
    others = (view.connection for view in services.connections.list(connection.workspace))
    return next(
        (other for other in others if other.id != connection.id and other.live and other.tenant_id == tenant), None
    )


def _prove(services: Services, connection: Connection) -> Connection:
    """The connection, bound and ready to start. Raises NeedsAdmin and Transient.

    Every call is one that the sync makes too: rights that are missing show here, not in the middle of an import.
    """
    roles = services.directory.granted_roles(connection)
    if not set(roles) >= NEEDED_ROLES:
        raise needs_admin("roles_missing")
    people = services.directory.count_people(connection)
    users = services.directory.read_page(connection, "users", "", order=0, full=True).users
    services.directory.read_page(connection, "groups", "", order=0, full=True)
    info = services.directory.tenant_info(connection)
    try:
        epoch = _bind(services, connection)
    except Conflict as error:
        ours = connected(services, connection, connection.tenant_id)
        raise needs_admin("already_connected" if ours else "tenant_taken") from error
    return replace(
        connection,
        state=ConnectionState.AWAITING_START,
        epoch=epoch,
        digits=_digits(services, connection, people),
        tenant_name=info.name or next(iter(info.domains), "") or _usual_domain(users),
        connected_at=iso(services.clock.now()),
        roles=roles,
        waiting_since="",
        problem=None,
    )


def _bind(services: Services, connection: Connection) -> int:
    """Bind the tenant; one that a disconnected connection of this workspace still holds (its process was killed
    before it let go) is freed first.
    """
    try:
        return services.tenants.bind(connection.tenant_id, connection.workspace, connection.id)
    except Conflict:
        for view in services.connections.list(connection.workspace):
            former = view.connection
            if former.tenant_id == connection.tenant_id and former.state is ConnectionState.DISCONNECTED:
                services.tenants.release(connection.tenant_id, former.id)
        return services.tenants.bind(connection.tenant_id, connection.workspace, connection.id)


def _digits(services: Services, connection: Connection, people: int) -> int:
    """How the tenant's people are split into shards: by head count, or as they already are stored from before."""
    former = [
        view.connection
        for view in services.connections.list(connection.workspace)
        if view.connection.tenant_id == connection.tenant_id and view.connection.epoch
    ]
    return former[0].digits if former else digits_for(people)


def _usual_domain(users: Sequence[UserChange]) -> str:
    """What to call a tenant that may not tell its name: the domain that most of its people sign in with."""
    names = [str(user.properties.get("userPrincipalName") or "") for user in users]
    domains = Counter(name.rpartition("@")[2].lower() for name in names if "@" in name and "#EXT#" not in name.upper())
    return max(domains, key=lambda domain: (not domain.endswith(".onmicrosoft.com"), domains[domain]), default="")


def _announce(services: Services, connection: Connection) -> None:
    extra = sorted(set(connection.roles) - KNOWN_ROLES)
    level = logging.WARNING if extra else logging.INFO
    log(
        "connection.proven",
        level,
        connection=connection.id,
        epoch=connection.epoch,
        roles=" ".join(connection.roles),
    )
    # Lost with the process, the timer finds that the first pass is due.
    services.queue.send(PassMessage(connection.id, connection.epoch, cause="first"))


def _not_yet(services: Services, connection: Connection, code: str) -> Connection:
    """Go on waiting while consent may still be spreading; otherwise say what is wrong."""
    now = services.clock.now()
    if code in _SPREADING:
        if now - parse_iso(connection.waiting_since) < PATIENCE:
            return connection
        code = "roles_missing" if code == "roles_missing" else "consent_not_spread"
    error = needs_admin(code)
    problem = Problem(error.code, error.remedy, iso(now))
    tenant = "" if code in {"tenant_taken", "already_connected"} else connection.tenant_id
    try:
        saved = services.connections.save(replace(connection, waiting_since="", tenant_id=tenant, problem=problem))
    except Conflict:
        present = services.connections.load(connection.id)
        return present.connection if present else connection
    log("connection.refused", logging.WARNING, connection=connection.id, code=code)
    return saved
