"""How a tenant comes to be connected: begin, consent, proof.

    begin ─▶ Microsoft: admin consent ─▶ consented ─▶ Microsoft: sign-in ─▶ signed_in ─▶ prove (again and again)
    state 1 (10 min, once)               state 2, nonce, PKCE              tid == tenant    token, roles, live read
                                                                                             └─▶ bound, awaiting start

The callback's `tenant` may be forged and is only ever compared (microsoft-facts §5.1): what binds a tenant is an id
token of that tenant's own admin, then a token that Microsoft gives us for it. A state is bound to the admin and the
workspace that began; it is consumed before anything else is looked at. Consent takes seconds to minutes to spread:
`prove_waiting` is called by the waiting page and by the timer alike, and gives up after ten minutes.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from shared.clock import iso
from shared.errors import Conflict, NeedsAdmin, Transient
from shared.events import log
from sync.core.connection import Cloud, Connection, ConnectionState, Problem, workspace_key
from sync.core.delta import guid
from sync.core.health import needs_admin
from sync.core.messages import PullMessage
from sync.core.model import FEEDS
from sync.core.signing import STATE_HEX, challenge, open_state, seal_state
from sync.usecases.prove import connected, prove_waiting, try_again
from sync.usecases.services import Services

__all__ = ["Begun", "begin", "consented", "prove_waiting", "signed_in", "try_again"]

STATE_LIFE = timedelta(minutes=10)
CONSUMER_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"  # Microsoft accounts of private people


class Begun(NamedTuple):
    """A connection that waits for consent, and where the admin gives it."""

    connection_id: str
    consent_url: str


def begin(services: Services, workspace: str, workspace_name: str, subject: str, cloud: Cloud) -> Begun:
    """A new connection of this workspace, begun by this admin (`subject` is theirs). Raises Transient."""
    now = services.clock.now()
    connection = services.connections.save(
        Connection(
            id=workspace_key(workspace) + services.ids.hex(20),
            workspace=workspace,
            workspace_name=workspace_name,
            cloud=cloud,
            created_at=iso(now),
            created_by=subject,
        )
    )
    log("connection.begun", connection=connection.id)
    state = _put_state(services, "consent", {"connection": connection.id, "workspace": workspace, "subject": subject})
    return Begun(connection.id, services.sign_in.consent_url(cloud, _consented_uri(services), state))


def consented(services: Services, workspace: str, subject: str, query: Mapping[str, str]) -> str:
    """The consent callback: returns where the admin now proves who they are. Raises NeedsAdmin, saying why not."""
    held = _take_state(services, "consent", workspace, subject, query)
    connection = _open_connection(services, workspace, held["connection"])
    if error := query.get("error"):  # before anything else: admin_consent=True is there in errors too
        raise _refused(connection, _consent_code(error, query.get("error_description", "")))
    tenant = guid(query.get("tenant"))
    if query.get("admin_consent", "").lower() != "true" or tenant is None or tenant == CONSUMER_TENANT:
        raise _refused(connection, "answer_invalid")
    log("connection.consented", connection=connection.id)
    nonce, verifier = services.ids.hex(STATE_HEX), services.ids.hex(STATE_HEX)
    state = _put_state(services, "sign-in", {**held, "tenant": tenant, "nonce": nonce, "verifier": verifier})
    return services.sign_in.authorize_url(connection.cloud, _signed_in_uri(services), state, nonce, challenge(verifier))


def signed_in(services: Services, workspace: str, subject: str, query: Mapping[str, str]) -> str:
    """The sign-in callback: returns the connection to show; it is proven from then on. When the workspace has the
    tenant connected already, that is the one: its consent was renewed. Raises NeedsAdmin, saying why not.
    """
    held = _take_state(services, "sign-in", workspace, subject, query)
    connection = _open_connection(services, workspace, held["connection"])
    if query.get("error"):
        raise _refused(connection, "sign_in_declined")
    if not (code := query.get("code")):
        raise _refused(connection, "answer_invalid")
    try:
        admin = services.sign_in.redeem(
            connection.cloud, _signed_in_uri(services), code, held["verifier"], held["nonce"]
        )
    except NeedsAdmin as error:
        raise _refused(connection, error.code) from error
    if admin.tenant_id != held["tenant"]:
        raise _refused(connection, "other_tenant")
    if (renewed := _renew(services, connection, admin.tenant_id)) is not None:
        return renewed
    now = iso(services.clock.now())
    waiting = replace(connection, tenant_id=admin.tenant_id, waiting_since=now, problem=None)
    try:
        services.connections.save(waiting)
    except Conflict as error:
        raise needs_admin("state_invalid") from error
    prove_waiting(services, connection.id)
    return connection.id


def _renew(services: Services, connection: Connection, tenant: str) -> str | None:
    """When the workspace has this tenant already: that connection's id, after it was looked at with a new token. The
    one that was begun stays without a tenant.
    """
    present = connected(services, connection, tenant)
    if present is None:
        return None
    error = needs_admin("already_connected")
    problem = Problem(error.code, error.remedy, iso(services.clock.now()))
    services.connections.save(replace(connection, problem=problem))
    with contextlib.suppress(NeedsAdmin, Transient):  # still spreading: the pulls see to it
        services.directory.granted_roles(present)
    for feed in FEEDS:
        services.queue.send(PullMessage(present.id, present.epoch, feed, "admin", iso(services.clock.now())))
    return present.id


# --- states and refusals ------------------------------------------------------------------------------------------


def _put_state(services: Services, kind: str, payload: Mapping[str, str]) -> str:
    random_hex = services.ids.hex(STATE_HEX)
    services.once.put(kind, random_hex, payload, services.clock.now() + STATE_LIFE)
    return seal_state(services.settings.signing_keys[0], random_hex)


def _take_state(
    services: Services, kind: str, workspace: str, subject: str, query: Mapping[str, str]
) -> Mapping[str, str]:
    """What the state stands for, consumed. Raises NeedsAdmin unless it is ours, unused, young, and this admin's."""
    random_hex = open_state(services.settings.signing_keys, query.get("state", ""))
    held = services.once.take(kind, random_hex, services.clock.now()) if random_hex else None
    if held is None or (held["workspace"], held["subject"]) != (workspace, subject):
        raise needs_admin("state_invalid")
    return held


def _open_connection(services: Services, workspace: str, connection_id: str) -> Connection:
    view = services.connections.load(connection_id, workspace=workspace)
    if view is None or view.connection.state is not ConnectionState.AWAITING_CONSENT or view.connection.waiting_since:
        raise needs_admin("state_invalid")
    return view.connection


def _refused(connection: Connection, code: str) -> NeedsAdmin:
    log("connection.refused", logging.WARNING, connection=connection.id, code=code)
    return needs_admin(code)


def _consent_code(error: str, description: str) -> str:
    """Ours for Microsoft's: declined, or asked by somebody who may not consent (AADSTS90094, 90095), or broken."""
    if "AADSTS90094" in description or "AADSTS90095" in description:
        return "admin_needed"
    declined = error in {"access_denied", "consent_required"} or "AADSTS65004" in description
    return "consent_declined" if declined else "consent_failed"


def _consented_uri(services: Services) -> str:
    return f"{services.settings.public_url}/connect/consented"


def _signed_in_uri(services: Services) -> str:
    return f"{services.settings.public_url}/connect/signed-in"
