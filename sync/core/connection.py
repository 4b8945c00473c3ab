"""A connection and what is kept about it: three rows, each with one writer at a time.

`Connection` changes when an admin or the connect flow acts; `Reader` is the lease and the cursors, written by
whoever holds the lease; `Watch` is the Graph subscriptions, written by the renewal. The states of a connection
and what moves it between them are one table: `TRANSITIONS`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sync.core.model import FeedName
from sync.core.sync_settings import SyncSettings
from sync.core.trail import Trail


class ConnectionState(StrEnum):
    """The states of API v1, to the letter."""

    AWAITING_CONSENT = "awaiting_consent"
    AWAITING_START = "awaiting_start"
    IMPORTING = "importing"
    CONNECTED = "connected"
    ATTENTION = "attention"
    DISCONNECTED = "disconnected"


_S = ConnectionState
TRANSITIONS: Mapping[ConnectionState, frozenset[ConnectionState]] = {
    _S.AWAITING_CONSENT: frozenset({_S.AWAITING_START, _S.DISCONNECTED}),
    _S.AWAITING_START: frozenset({_S.IMPORTING, _S.ATTENTION, _S.DISCONNECTED}),
    _S.IMPORTING: frozenset({_S.CONNECTED, _S.ATTENTION, _S.DISCONNECTED}),
    _S.CONNECTED: frozenset({_S.ATTENTION, _S.IMPORTING, _S.DISCONNECTED}),
    _S.ATTENTION: frozenset({_S.CONNECTED, _S.IMPORTING, _S.AWAITING_START, _S.DISCONNECTED}),
    _S.DISCONNECTED: frozenset(),
}


class Cloud(StrEnum):
    """Which Microsoft cloud a tenant lives in. `default` is what the settings name."""

    DEFAULT = "default"
    US_GOV = "us_gov"
    US_DOD = "us_dod"
    CHINA = "china"


def workspace_key(workspace: str) -> str:
    """Twelve hex characters that stand for a workspace in keys; a workspace's id may hold anything."""
    return hashlib.sha256(f"workspace:{workspace}".encode()).hexdigest()[:12]


def scope_key(workspace: str, tenant_id: str) -> str:
    """Twenty hex characters that prefix every directory row of one tenant in one workspace.

    Made of what stays when an admin disconnects and connects again, so that people are known again.
    """
    return hashlib.sha256(f"scope:{workspace}:{tenant_id}".encode()).hexdigest()[:20]


def shard_of(object_id: str, digits: int) -> str:
    """The shard of an object: the first hex digits of its hashed id; the empty string for `digits` 0."""
    return hashlib.sha256(object_id.encode()).hexdigest()[:digits]


def shards(digits: int) -> list[str]:
    """Every shard, in order: one for 0 digits, 16 for 1, 256 for 2."""
    return [""] if digits == 0 else [f"{number:0{digits}x}" for number in range(16**digits)]


SHARD_PEOPLE = 4096  # the most people a shard should hold: they are compared in memory


def digits_for(people: int) -> int:
    """How many shard digits a tenant of so many people gets, fixed for its life at connect; at most 2."""
    digits = 0
    while digits < 2 and people > SHARD_PEOPLE * 16**digits:
        digits += 1
    return digits


@dataclass(frozen=True, slots=True)
class Survey:
    """What the tenant looked like when it was first read, before anything was written."""

    people: int = 0
    guests: int = 0
    disabled: int = 0
    no_address: int = 0
    duplicates: int = 0  # people to get an account whose address another one of them has as well
    groups: int = 0
    would_create: int = 0
    would_link: int = 0
    would_link_by: Mapping[str, int] = field(default_factory=dict)  # MatchedBy -> people


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a connection needs attention: a stable code, what the admin can do, and since when."""

    code: str
    remedy: str
    since: str


@dataclass(frozen=True, slots=True)
class Connection:
    """One Entra tenant bound to one workspace."""

    id: str  # 12 characters of the workspace's key, then 20 random ones: [0-9a-f]{32}
    workspace: str
    workspace_name: str
    state: ConnectionState = ConnectionState.AWAITING_CONSENT
    epoch: int = 0  # raised on connect, disconnect, reset; 0 before the tenant is proven
    cloud: Cloud = Cloud.DEFAULT
    tenant_id: str = ""
    tenant_name: str = ""
    digits: int = 0
    created_at: str = ""
    created_by: str = ""  # `sub` of the admin
    connected_at: str = ""
    started_at: str = ""
    settings: SyncSettings = field(default_factory=SyncSettings)
    settings_by: str = ""  # `sub` of the admin who saved `settings`
    settings_by_name: str = ""
    settings_at: str = ""
    settled_version: int = 1  # the settings' version that everybody is, or is about to be, decided by
    survey: Survey | None = None
    roles: tuple[str, ...] = ()  # application permissions seen in the last app-only token
    waiting_since: str = ""  # consent was given, Microsoft is still spreading it
    problem: Problem | None = None
    first_pass_done: bool = False
    etag: str = field(default="", compare=False)

    @property
    def scope(self) -> str:
        """The prefix of this connection's directory rows; empty before a tenant is bound."""
        return scope_key(self.workspace, self.tenant_id) if self.tenant_id else ""

    @property
    def live(self) -> bool:
        """Whether work may be done for it at all: a tenant is bound and nobody disconnected it."""
        return bool(self.tenant_id) and self.state not in {_S.AWAITING_CONSENT, _S.DISCONNECTED}


@dataclass(frozen=True, slots=True)
class FeedState:
    """Where one feed stands."""

    delta_link: str = ""  # the cursor for the next pull; empty until a full pass is done
    next_link: str = ""  # set while a pull is under way: where to go on
    delta_at: str = ""  # when delta_link was received; Microsoft forgets it after 7 days
    pulled_at: str = ""  # when the last finished pull of this feed began
    selected: tuple[str, ...] = ()  # users: the attributes this cursor tells changes of
    frozen: str = ""  # a code while the feed may not be read (permission narrowed); empty otherwise
    trail: Trail = field(default_factory=Trail)  # from delta_link to next_link


@dataclass(frozen=True, slots=True)
class Reader:
    """The lease of the one reader of a connection, and both feeds' cursors. Every write is conditional."""

    connection: str
    fence: int = 0  # grows with every lease taken, never falls
    lease_until: str = ""  # empty when free
    lease_owner: str = ""
    feeds: Mapping[FeedName, FeedState] = field(default_factory=dict)
    pass_run: str = ""  # the full pass under way, or empty
    revisit_run: str = ""  # the revisit under way, or empty
    passed_at: str = ""  # when the last complete full pass began
    retained_at: str = ""  # when what is kept too long was last looked for
    failures: int = 0  # transient failures in a row, for backing off
    retry_at: str = ""  # not before (Retry-After), ISO or empty
    suspect_code: str = ""  # an error only an admin could mend was seen, and is being confirmed
    suspect_since: str = ""
    floor: int = 0  # the start order of the last complete full pass: what was read before it is superseded
    etag: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One Graph subscription of ours."""

    subscription_id: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Watch:
    """The Graph subscriptions of a connection. `refused` holds the feeds that Graph would not let us watch."""

    connection: str
    subscriptions: Mapping[FeedName, Subscription] = field(default_factory=dict)
    refused: Mapping[FeedName, str] = field(default_factory=dict)  # feed -> when it was refused, ISO
    checked_at: str = ""
    etag: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A connection with its reader and watch, read in one storage operation."""

    connection: Connection
    reader: Reader
    watch: Watch
