"""Microsoft Graph and its sign-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from sync.core.connection import Connection
from sync.core.model import FeedName, Page, UserChange


class TenantInfo(NamedTuple):
    """What the tenant says of itself. `name` and `domains` may be empty when the rights do not reach that far."""

    name: str
    domains: tuple[str, ...]


class RemoteSubscription(NamedTuple):
    """A subscription as Graph lists it. `expires_at` is ISO."""

    subscription_id: str
    resource: str
    notification_url: str
    expires_at: str


class Directory(Protocol):
    """Microsoft Graph, read only, for one connection at a time (its tenant and cloud decide host and token).

    Raises `Transient` (throttled, 5xx, broken body: `retry_after` obeyed in full by the caller), `NeedsAdmin`
    with the codes of docs/errors.md (`consent_missing`, `permission_missing`, `tenant_gone` …), and
    `CursorExpired` where a cursor is no longer good. Never returns a page it could not read whole.
    """

    def read_page(
        self,
        connection: Connection,
        feed: FeedName,
        cursor: str,
        *,
        order: int,
        full: bool,
        select: Sequence[str] = (),
    ) -> Page:
        """One delta page. An empty cursor starts the feed from scratch; else the link is used as it is, after
        its scheme, host and port were checked. `full` makes snapshots of the users, else patches. `select` has the
        entries of `$select` that the users feed was begun with, or is to be: a cursor goes on telling these, whatever
        the settings name by now. Left out: what they name.
        """

    def count_people(self, connection: Connection) -> int:
        """How many users the tenant has."""

    def tenant_info(self, connection: Connection) -> TenantInfo:
        """Name and verified domains; empty where the rights do not reach (never `NeedsAdmin` for that)."""

    def granted_roles(self, connection: Connection) -> tuple[str, ...]:
        """The application permissions in a freshly minted app-only token (cached ones are thrown away), sorted."""

    def fetch_people(
        self, connection: Connection, object_ids: Sequence[str], *, order: int, select: Sequence[str] = ()
    ) -> Mapping[str, UserChange | None]:
        """Object id -> a snapshot of the person as Entra has them now, with what `select` (else the settings) names; or
        None (only for a 404). An id whose answer was anything else (429 within a batch, 5xx) raises `Transient` for the
        whole call: an error is not an absence.
        """

    def find_groups(self, connection: Connection, object_ids: Sequence[str]) -> Mapping[str, bool]:
        """Object id -> whether Entra has the group now (False only for a 404); errors as in `fetch_people`."""


class Subscriptions(Protocol):
    """The only thing we ever write in Graph: our own subscriptions. Errors as in `Directory`."""

    def create(
        self, connection: Connection, feed: FeedName, client_state: str, expires_at: datetime
    ) -> RemoteSubscription:
        """Create one. `Conflict` when Graph already has one for this resource (409); `NeedsAdmin` with code
        `subscription_refused` when the tenant granted too little for it (403).
        """

    def list(self, connection: Connection) -> Sequence[RemoteSubscription]:
        """All of this app's subscriptions in the tenant."""

    def renew(self, connection: Connection, subscription_id: str, expires_at: datetime) -> RemoteSubscription | None:
        """Prolong one; None when it is gone (404)."""

    def delete(self, connection: Connection, subscription_id: str) -> None:
        """Remove one; gone already is fine."""


class CursorExpired(Exception):
    """The delta token is no longer known (7 days, 410, syncStateNotFound): read the feed from scratch."""


class SignedInAdmin(NamedTuple):
    """What a verified id token proved."""

    tenant_id: str
    object_id: str
    name: str
    username: str


class SignIn(Protocol):
    """Microsoft's sign-in, for the proof that the admin belongs to the tenant that consented."""

    def consent_url(self, cloud: str, redirect_uri: str, state: str) -> str:
        """Where the admin grants the application permissions."""

    def authorize_url(self, cloud: str, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Where the admin proves who they are (code flow, PKCE S256)."""

    def redeem(self, cloud: str, redirect_uri: str, code: str, verifier: str, nonce: str) -> SignedInAdmin:
        """Trade the code for a verified id token: RS256 only, key and issuer of the token's own tenant, audience,
        expiry, nonce. Raises `NeedsAdmin`: `sign_in_failed` when anything is off, `not_admin` when the token says
        that this account may not consent; `Transient` when Microsoft is unreachable.
        """
