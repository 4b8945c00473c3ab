"""What the use cases need from the world, as the core's own words. Adapters implement these; tests fake them.

Rules that hold for every port:
- Every call names the connection, the scope or the workspace it works for; nothing is found by a bare id.
- A record that was read carries an `etag`; `save` is conditional on it and raises `Conflict` when the row changed
  meanwhile; a record with an empty etag is inserted, and `Conflict` means that it exists already.
  `save` returns the record with its new etag.
- Storage and network faults arrive as `Transient`, never as a vendor's exception; unknown stored versions as `Defect`.
- Implementations are safe to call from several threads at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple, Protocol

from shared.errors import Defect
from sync.core.connection import Connection, ConnectionView, Reader, Watch
from sync.core.messages import Message
from sync.core.model import ActivityEntry, Counts, FeedName, GroupRecord, Page, PersonRecord, UserChange
from sync.core.runs import GuardWindow, Hold, Mail, Run
from sync.core.scope import Reach
from sync.core.sync_settings import SettingsVersion

# --- Microsoft Graph ---------------------------------------------------------------------------------------------


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

    def read_page(self, connection: Connection, feed: FeedName, cursor: str, *, order: int, full: bool) -> Page:
        """One delta page. An empty cursor starts the feed from scratch; else the link is used as it is, after
        its scheme, host and port were checked. `full` makes snapshots of the users, else patches.
        """

    def count_people(self, connection: Connection) -> int:
        """How many users the tenant has."""

    def tenant_info(self, connection: Connection) -> TenantInfo:
        """Name and verified domains; empty where the rights do not reach (never `NeedsAdmin` for that)."""

    def granted_roles(self, connection: Connection) -> tuple[str, ...]:
        """The application permissions in a freshly minted app-only token (cached ones are thrown away), sorted."""

    def fetch_people(
        self, connection: Connection, object_ids: Sequence[str], *, order: int
    ) -> Mapping[str, UserChange | None]:
        """Object id -> a snapshot of the person as Entra has them now, or None (only for a 404). An id whose answer was
        anything else (429 within a batch, 5xx) raises `Transient` for the whole call: an error is not an absence.
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


# --- storage -----------------------------------------------------------------------------------------------------


class BadCursor(Defect):
    """A page cursor that this port did not make: answer the visitor with 400."""


class Connections(Protocol):
    """Connections with their reader and watch rows, partitioned by workspace."""

    def load(self, connection_id: str, *, workspace: str | None = None) -> ConnectionView | None:
        """All three rows in one operation. With a workspace (every call on behalf of an admin), a connection of
        another workspace is None. Workers, who got the id from our own signed message, pass none.
        """

    def list(self, workspace: str) -> Sequence[ConnectionView]:
        """Every connection of a workspace, oldest first."""

    def scan(self) -> Iterator[ConnectionView]:
        """Every connection there is: for the scheduler alone, the one call that names no workspace."""

    def save(self, connection: Connection) -> Connection:
        """Conditional on the etag; with an empty etag also inserts fresh reader and watch rows."""

    def save_reader(self, connection: Connection, reader: Reader) -> Reader:
        """Conditional on the reader's etag."""

    def save_watch(self, connection: Connection, watch: Watch) -> Watch:
        """Conditional on the watch's etag."""


class SettingsHistory(Protocol):
    """Every version of a connection's settings, kept for ever."""

    def add(self, saved: SettingsVersion) -> None:
        """Keep a version (the etag is ignored). One that is kept already stays as it is."""

    def get(self, connection_id: str, version: int) -> SettingsVersion | None:
        """One version."""

    def page(self, connection_id: str, cursor: str, limit: int) -> tuple[Sequence[SettingsVersion], str]:
        """The next `limit` versions, newest first, and the cursor to go on with (empty at the end)."""


class Tenants(Protocol):
    """Which workspace a tenant is bound to: at most one."""

    def bind(self, tenant_id: str, workspace: str, connection_id: str) -> int:
        """Bind, and return the epoch for this connection: one more than any epoch the tenant ever had.
        The same connection again gets the epoch it has. Raises `Conflict` while another connection holds it.
        """

    def advance(self, tenant_id: str, connection_id: str) -> int:
        """A new epoch for the connection that holds the tenant (reset, disconnect): one more than any epoch the
        tenant ever had. Raises `Conflict` when this connection does not hold it.
        """

    def release(self, tenant_id: str, connection_id: str) -> None:
        """Unbind, if this connection holds it; the epoch is remembered for ever."""


@dataclass(frozen=True, slots=True)
class LoadedShard:
    """Rows of one shard as they were read, with the counter row that must be written with them.

    `records` has the people that exist; `token` is the adapter's own (the counter row's etag).
    """

    scope: str
    shard: str
    records: Mapping[str, PersonRecord]
    counts: Counts
    token: str


class Activity(NamedTuple):
    """The audit of one transaction: every account it changed, with its cause. `at` is ISO."""

    run: str
    part: int
    at: str
    entries: Sequence[ActivityEntry]


COMMIT_LIMIT = 98  # a transaction takes 100 rows: 98 people, the activity row, the counter row


class RowTooLarge(Defect):
    """One person's row is more than a row can hold; the others of the batch may be written without it."""

    def __init__(self, object_id: str) -> None:
        super().__init__("a row is larger than storage can hold")
        self.object_id = object_id


class TransactionTooLarge(Defect):
    """The rows of one transaction are more than 4 MiB together; nothing was written. Halve and try again."""


class People(Protocol):
    """Person rows with their accounts, in shards; group rows beside them."""

    def load(self, scope: str, shard: str, object_ids: Sequence[str] | None = None) -> LoadedShard:
        """The named people of a shard, or all of it in one scan."""

    def commit(
        self, loaded: LoadedShard, writes: Sequence[PersonRecord], counts: Counts, activity: Activity | None
    ) -> LoadedShard:
        """Write up to COMMIT_LIMIT people, the shard's counts and the activity in ONE transaction, or nothing.
        Each write is conditional on its record's etag (empty: must not exist); the counter on `loaded.token`.
        Raises `Conflict`, `RowTooLarge`, `TransactionTooLarge`. Returns the shard as it is now (written records
        carry their new etags).
        """

    def page(self, scope: str, shards: Sequence[str], cursor: str, limit: int) -> tuple[Sequence[PersonRecord], str]:
        """The next `limit` people over the given shards, and the cursor to go on with (empty at the end)."""

    def counts(self, scope: str, shards: Sequence[str]) -> Counts:
        """The sum of the shards' counter rows."""

    def run_counts(self, scope: str, shard: str, run: str, part: int) -> Mapping[str, int]:
        """What a part of a run did to this shard, summed from its activity rows: exact, whatever was redelivered.
        Action value -> accounts.
        """

    def activity(
        self, scope: str, shards: Sequence[str], run: str = "", limit: int = 100
    ) -> Sequence[tuple[Activity, str]]:
        """The newest activity first (of one run if named), each with its shard."""

    def trail(
        self, scope: str, shards: Sequence[str], after: str, limit: int, *, run: str = "", from_run: str = ""
    ) -> Sequence[tuple[Activity, str]]:
        """The next `limit` activities beyond a place, each with its own: newest run first, within it by shard, there
        the newest first. `run`: of this one only; `from_run`: of runs with this id or a later one (so older) only.
        Raises BadCursor for a place that is none.
        """

    def forget_activity(self, scope: str, shard: str, from_run: str, limit: int) -> int:
        """Delete up to `limit` activities of runs whose ids are `from_run` or later (so older); returns how many."""


class Groups(Protocol):
    """Group rows, one partition per scope, and what scope and audience reach in them."""

    def reach(self, scope: str) -> Reach:
        """What was computed last; an empty one with an empty etag when nothing was."""

    def save_reach(self, scope: str, reach: Reach) -> Reach:
        """Conditional on the etag; insert when it is empty."""

    def load(self, scope: str, object_ids: Sequence[str] | None = None) -> Mapping[str, GroupRecord]:
        """The named groups, or all of them in one scan."""

    def commit(self, scope: str, writes: Sequence[GroupRecord]) -> Sequence[GroupRecord]:
        """Write any number in transactions of 100, each row conditional on its etag; returned with new etags.
        Raises `Conflict` (transactions before it stay), `RowTooLarge`.
        """

    def page(self, scope: str, cursor: str, limit: int) -> tuple[Sequence[GroupRecord], str]:
        """The next `limit` groups and the cursor to go on with (empty at the end)."""


class Waiter(NamedTuple):
    """A person who wants an address that another holds."""

    scope: str
    object_id: str


WAITERS_LIMIT = 20  # of an address; who waited longest gives way, and is decided about in the next full pass


class Holder(NamedTuple):
    """Who holds an address in a workspace. A manual account that is not linked has an empty scope. `waiters` are told
    by the row, and ignored in what is given to a method.
    """

    account_id: str
    scope: str
    object_id: str
    etag: str
    waiters: tuple[Waiter, ...] = ()


class Addresses(Protocol):
    """Who holds which (folded) address in a workspace. The row's existence is the uniqueness of the address."""

    def claim(self, workspace: str, wants: Mapping[str, Holder]) -> Mapping[str, Holder]:
        """Address -> wanted holder (etag ignored). Inserts where nobody holds it, in batches; returns for every
        address who holds it now: the wanted holder itself, or whoever came before.
        """

    def transfer(self, workspace: str, address: str, present: Holder, to: Holder) -> bool:
        """Give an address from one holder to another, conditional on the present one's etag; False when it lost.
        Who waited goes on waiting, but the new holder.
        """

    def wait(self, workspace: str, address: str, waiter: Waiter) -> bool:
        """Have a person wait for an address, at the end of the line of WAITERS_LIMIT; False when nobody holds it."""

    def release(self, workspace: str, address: str, holder: Holder) -> Sequence[Waiter]:
        """Free an address if this holder (scope and object id, or account id) has it; otherwise do nothing. Answers
        with those who waited for it.
        """

    def peek(self, workspace: str, addresses: Iterable[str]) -> Mapping[str, Holder]:
        """Who holds these addresses now; nobody: not in the answer. Many are read by one scan."""


@dataclass(frozen=True, slots=True)
class ManualAccount:
    """An account made by hand in the workspace. Once linked, its person's row speaks for it."""

    account_id: str
    workspace: str
    address: str
    name: str
    created_at: str
    linked_scope: str = ""
    linked_person: str = ""
    employee_id: str = ""  # as typed; what it is matched by is folded
    etag: str = ""


class ManualAccounts(Protocol):
    """Accounts that did not come from a directory."""

    def save(self, account: ManualAccount) -> ManualAccount:
        """Conditional on the etag; insert when it is empty."""

    def get(self, workspace: str, account_id: str) -> ManualAccount | None:
        """One account of this workspace."""

    def page(self, workspace: str, cursor: str, limit: int) -> tuple[Sequence[ManualAccount], str]:
        """The next `limit` accounts and the cursor to go on with (empty at the end)."""


class Staged(NamedTuple):
    """What a pass read of one shard: people as (object id, order, properties), edges as (group, member, order)."""

    people: Sequence[tuple[str, int, Mapping[str, Any]]]
    edges: Sequence[tuple[str, str, int]]
    removed: Sequence[tuple[str, int, str]]  # tombstones within the enumeration: (object id, order, presence)


class Staging(Protocol):
    """What a full pass has read and not yet compared: compressed rows, hundreds of people each."""

    def put(self, scope: str, run: str, block: int, shards: Mapping[str, bytes]) -> None:
        """One block: shard -> encoded rows, any size (split over rows). The same block again overwrites."""

    def get(self, scope: str, run: str, shard: str) -> Iterator[bytes]:
        """Every block of one shard, in the order of reading."""

    def clear(self, scope: str, run: str) -> None:
        """Forget a pass."""


class Runs(Protocol):
    """Runs, holds and the guard's window, by scope."""

    def save(self, run: Run) -> Run:
        """Conditional on the etag; insert when it is empty."""

    def get(self, scope: str, run_id: str) -> Run | None:
        """One run."""

    def finish_part(
        self, scope: str, run_id: str, stage: str, part: int, counts: Mapping[str, int]
    ) -> tuple[Run, bool]:
        """Mark a part of a stage done and add its counts, in one conditional write, retried until it is in.
        Done already, or another stage: changes nothing. True for exactly the call that finished the last part.
        """

    def page(self, scope: str, cursor: str, limit: int) -> tuple[Sequence[Run], str]:
        """Newest first, and the cursor to go on with (empty at the end). A cursor is a run's id: those after it come
        next, whether it is still there or not.
        """

    def forget(self, scope: str, from_run: str, limit: int) -> int:
        """Delete up to `limit` runs whose ids are `from_run` or later (so older); returns how many."""

    def save_hold(self, hold: Hold) -> Hold:
        """Conditional on the etag; insert when it is empty."""

    def holds(self, scope: str) -> Sequence[Hold]:
        """Newest first, decided ones included."""

    def window(self, scope: str) -> GuardWindow:
        """The guard's window; an empty one with an empty etag when there is none yet."""

    def save_window(self, window: GuardWindow) -> GuardWindow:
        """Conditional on the etag; insert when it is empty."""


class Mails(Protocol):
    """The permanent claims on onboarding mails, by tenant. A row is never deleted; that is what `ever` means."""

    def claim(self, mails: Sequence[Mail]) -> None:
        """Insert those that do not exist, in batches; existing ones stay as they are."""

    def get(self, tenant_id: str, object_id: str, generation: int) -> Mail | None:
        """One claim."""

    def save(self, mail: Mail) -> Mail:
        """Conditional on the etag."""

    def page(self, tenant_id: str, cursor: str, limit: int) -> tuple[Sequence[Mail], str]:
        """Mails of a tenant, newest first, without etags: to change one, `get` it first."""

    def due(self, tenant_id: str, before: datetime) -> Sequence[Mail]:
        """Claims still `due` that were made before then: their message may have been lost."""


class Once(Protocol):
    """Things that may be used a single time: consent states, session token ids."""

    def put(self, kind: str, key: str, payload: Mapping[str, str], expires_at: datetime) -> bool:
        """Remember; False when it was there already (whether expired or not)."""

    def take(self, kind: str, key: str, now: datetime) -> Mapping[str, str] | None:
        """Consume: the payload for exactly one caller, None for every other and after expiry."""

    def sweep(self, now: datetime) -> int:
        """Forget what expired over a day ago; returns how many."""


# --- work and mail -----------------------------------------------------------------------------------------------


class Queue(Protocol):
    """The four work queues."""

    def send(self, message: Message, *, delay: timedelta = timedelta(0)) -> None:
        """Durable when it returns; visible after `delay` (at most 7 days). Raises `Transient` when it is not in."""

    def poison_counts(self) -> Mapping[str, int]:
        """Queue -> messages that failed five times and wait for an engineer."""


class SendResult(Enum):
    """What the mail server said."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # for good: the address does not exist
    NOT_SENT = "not_sent"  # certainly not accepted: try again later
    UNKNOWN = "unknown"  # the connection broke after the message was handed over


class OutgoingMail(NamedTuple):
    """A rendered mail."""

    operation_id: str
    to_address: str
    to_name: str
    subject: str
    text: str
    html: str


class MailServer(Protocol):
    """Sends mail. Never raises for what the server did: the result says which of four things happened."""

    def send(self, mail: OutgoingMail) -> tuple[SendResult, str]:
        """Hand over one mail; the text is the server's words, without addresses."""

    def find(self, operation_id: str) -> SendResult | None:
        """Whether the provider accepted an operation; None where it cannot tell."""


class Ids(Protocol):
    """Identifiers and secrets, so that tests can foresee them."""

    def hex(self, characters: int) -> str:
        """Random lower-case hex characters."""
