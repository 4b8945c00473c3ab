"""The shapes of API v1. Field names are snake_case, times RFC 3339 in UTC; what is not known is null."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from sync.core.connection import Cloud, ConnectionState
from sync.core.model import AccountState, Hand, MailMark, MatchedBy, Presence, Reason
from sync.core.runs import Cause, Kind, MailState, Outcome, Stage
from sync.panel.api.parameters import ID, OBJECT_ID, RUN, TIME
from sync.usecases.chosen_groups import Use


class Shape(BaseModel):
    """Unknown fields are refused, so that a misspelt one is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    cursor: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")


class NewConnection(Shape):
    """What to connect."""

    cloud: Cloud = Field(Cloud.DEFAULT, description="Which Microsoft cloud the tenant lives in.")


class BegunConnection(BaseModel):
    """A connection that waits for the admin's consent."""

    id: str = Field(examples=[ID])
    consent_url: str = Field(
        description="Send the admin's browser here. The callbacks need a panel session of the same admin.",
        examples=["https://login.microsoftonline.com/organizations/v2.0/adminconsent?client_id=…"],
    )


class SurveyShape(BaseModel):
    """What the tenant looked like before anything was written."""

    people: int
    guests: int
    disabled: int
    no_address: int
    duplicates: int = Field(description="People to get an account whose address another one of them has as well.")
    groups: int
    would_create: int = Field(description="Accounts that starting would create.")
    would_link: int = Field(description="Accounts that were there before and that starting would link.")
    would_link_by: dict[str, int] = Field(description="The same by `address`, `alias`, `employee_id` and `rehired`.")


class ProblemOfConnection(BaseModel):
    """Why a connection needs attention."""

    code: str = Field(examples=["consent_missing"])
    remedy: str = Field(description="A sentence for the admin.")
    since: str = Field(examples=[TIME])


class CountsShape(BaseModel):
    """How the people of the tenant stand."""

    people: int = Field(description="In the directory now.")
    active: int = Field(description="With an active account.")
    inactive: int = Field(description="With a deactivated account.")
    skipped: dict[str, int] = Field(description="Reason to people without an account.")
    groups: int


class ProgressShape(BaseModel):
    """The full pass under way."""

    stage: Stage
    read: int = Field(description="Items read so far.")
    parts: int
    parts_done: int
    fraction: float | None = Field(description="0 to 1; null while it is unknown.")
    seconds_left: float | None = Field(description="An estimate.")


class FreshnessShape(BaseModel):
    """Seconds from a notification to the account, over recent runs."""

    median_seconds: float
    p95_seconds: float
    runs: int


class AnnouncedShape(BaseModel):
    """How recent changes came to be known. Found alone, again and again, means that Graph tells us nothing."""

    notified: int = Field(description="Pulls that a notification caused.")
    found: int = Field(description="Pulls of the timer that found changes nobody had announced.")


class SubscriptionShape(BaseModel):
    """Whether Graph notifies us of a feed, or why we ask it ourselves."""

    feed: Literal["users", "groups"]
    status: Literal["active", "refused", "none"]
    expires_at: str | None
    refused_at: str | None


class ConnectionShape(BaseModel):
    """One Entra tenant bound to this workspace."""

    id: str = Field(examples=[ID])
    state: ConnectionState
    cloud: Cloud
    tenant_id: str | None = Field(examples=["f8cdef31-a31e-4b4a-93e4-5f571e91255a"])
    tenant_name: str | None = Field(examples=["Contoso"])
    created_at: str = Field(examples=[TIME])
    connected_at: str | None
    started_at: str | None
    waiting_since: str | None = Field(description="Consent was given; Microsoft is still spreading it.")
    problem: ProblemOfConnection | None
    survey: SurveyShape | None


class UnfitGroupShape(BaseModel):
    """A group that the settings name and that Entra no longer has, or whose members it hides; what follows, and what to
    do.
    """

    object_id: str
    name: str
    use: Use
    sentence: str


class ConnectionDetail(ConnectionShape):
    """A connection at a glance."""

    counts: CountsShape
    progress: ProgressShape | None
    freshness: FreshnessShape | None
    announced: AnnouncedShape
    last_read_at: str | None = Field(description="Both feeds were read to their end by then.")
    silent_since: str | None = Field(description="There was no success since then, for longer than is usual.")
    subscriptions: list[SubscriptionShape]
    frozen_feeds: list[Literal["users", "groups"]] = Field(
        description="Feeds that may not be read, for a right was taken back: what they told stays as it is, and each "
        "full pass tries them again."
    )
    last_change_at: str | None
    next_full_pass_at: str | None
    holds_waiting: int
    gone_groups: list[UnfitGroupShape] = Field(description="Groups of the settings that Entra no longer has.")
    hidden_groups: list[UnfitGroupShape] = Field(description="Groups of the settings whose members Entra hides.")


class Start(Shape):
    """The admin's choice when starting."""

    mail_existing: bool = Field(False, description="Mail everyone who is there today; by default nobody of them.")


class Accepted(BaseModel):
    """The work is in a queue."""

    accepted: Literal[True] = True


class AccountOfPerson(BaseModel):
    """The Moxso account of a person."""

    id: str
    state: AccountState
    source: Literal["entra", "manual"]
    address: str | None
    fields: dict[str, str]


class Person(BaseModel):
    """A person of the directory, and where they stand."""

    object_id: str = Field(examples=[OBJECT_ID])
    name: str
    presence: Presence
    mail: str | None
    user_principal_name: str | None
    department: str | None
    account: AccountOfPerson | None
    reason: Reason = Field(description="Why there is no account, or why it is inactive; empty when it is active.")
    explanation: str = Field(description="The reason as a sentence.")
    since: str | None = Field(description="When the account's state or the reason last changed.")
    purge_at: str | None = Field(
        description="When the account, inactive `since` then, is given up; see `reason` for why."
    )
    conflict_with: str | None = Field(description="Who has the address, when the reason is `address_conflict`.")
    held: str | None = Field(description="The hold that keeps a removal from being applied.")
    onboarding_mail: MailMark
    audience: bool = Field(description="Receives phishing simulations.")
    matched_by: MatchedBy = Field(description="How the account was found where it was there before; else empty.")
    by_hand: Hand = Field(description="What an admin did to the account by hand; synchronising never overrides it.")
    own_fields: dict[str, str] = Field(description="Fields an admin edited by hand; empty text clears.")
    undone: bool = Field(
        description="A run was undone for this person; the account stays as it is until Entra has news."
    )
    group_ids: list[str] = Field(description="Groups the person is a direct member of.")


class Recipient(BaseModel):
    """An account that receives phishing simulations."""

    account_id: str
    connection_id: str
    object_id: str = Field(examples=[OBJECT_ID])
    name: str
    address: str


class Group(BaseModel):
    """A group of the directory. `members` are direct people."""

    object_id: str = Field(examples=[OBJECT_ID])
    name: str
    description: str | None
    mail: str | None
    dynamic: bool
    hidden: bool = Field(description="It hides its members, and Entra told Moxso of none.")
    members: int
    parent_ids: list[str]


class RunShape(BaseModel):
    """One pull, full pass, revisit (everybody decided again), or act of an admin."""

    id: str = Field(examples=[RUN])
    kind: Kind
    cause: Cause = Field(
        description="Why it was made: `notification`, `timer`, `admin` (asked for), `first` and `reconcile` (full "
        "passes), `reset` (Entra forgot where we were), `approval` of a hold, `settings`, `groups` (what scope or "
        "audience reach changed), `undo`, `freed` (what somebody waited for is free), `retention`."
    )
    feed: Literal["users", "groups"] | None = Field(description="Of a pull; of a full pass while it reads.")
    stage: Stage
    outcome: Outcome
    error: str | None = Field(description="Of an incomplete run, a code of docs/errors.md.")
    explanation: str | None = Field(description="The error as a sentence; an incomplete run removed nobody.")
    by: str | None = Field(description="The admin who caused it.")
    of: str | None = Field(description="The run that this one undid.")
    undone_by: str | None = Field(description="The run that undid this one.")
    noticed_at: str | None = Field(description="When what it brings was first heard of.")
    started_at: str = Field(examples=[TIME])
    finished_at: str | None
    duration_seconds: float | None
    graph_calls: int = Field(description="Requests to Graph, batches counted once.")
    storage_calls: int = Field(description="Operations on tables.")
    read: int = Field(
        description="People and groups read of Entra, of a pull memberships too; of an approval, whom it is about."
    )
    counts: dict[str, int] = Field(
        description="Accounts by action (`create`, `link`, `update`, `deactivate`, `reactivate`, `moved`, `purge`): as "
        "many as the activity has entries of the run. Beside them `held` removals, `groups` written, rows `forgotten`; "
        "of an undo `accounts`, and of these `kept` and `overtaken` (docs/undo.md); of a full pass also `kept`: left "
        "out by the enumeration, and there when asked for by id. What is zero is left out.",
        examples=[{"create": 2, "update": 1}],
    )


class HeldRemovalShape(BaseModel):
    """One person a hold is about."""

    object_id: str
    name: str
    reason: Reason
    loses: Literal["account", "simulations"] = Field(description="What is at stake.")


class HoldShape(BaseModel):
    """Removals that wait for an admin. Approval is for exactly these people, once."""

    id: str
    etag: str = Field(description="Of whom it names: as If-Match, no others are decided about.", examples=['"3f2a"'])
    run: str = Field(description="The run that held them.", examples=[RUN])
    cause: str = Field(description="What took them away, as a phrase.", examples=["changed settings"])
    state: Literal["waiting", "approved", "rejected", "expired"]
    created_at: str = Field(examples=[TIME])
    expires_at: str = Field(description="Until then it can be decided.")
    decided_by: str | None
    decided_at: str | None
    count: int = Field(description="How many people it is about.")
    goes_on: dict[str, int] | None = Field(
        description="What its run did that did not wait, accounts by action; null once the hold is decided."
    )
    removals: list[HeldRemovalShape]


class MailShape(BaseModel):
    """The one onboarding mail of a person."""

    id: str = Field(description="Object id of the person and generation.", examples=[f"{OBJECT_ID}.1"])
    object_id: str
    address: str
    name: str
    state: MailState
    created_at: str
    changed_at: str | None
    attempts: int
    note: str | None = Field(description="What the mail server said, or why it was not sent.")
    by: str | None = Field(description="The admin who asked for it again, or cancelled it.")


class NewAccount(Shape):
    """An account to make by hand."""

    address: str = Field(max_length=320, examples=["anna.berg@contoso.com"])
    name: str = Field("", max_length=256, examples=["Anna Berg"])
    employee_id: str = Field("", max_length=256, description="What people may be matched by; unique in the workspace.")


class Account(BaseModel):
    """A Moxso account of this workspace."""

    id: str
    source: Literal["entra", "manual"]
    state: AccountState
    address: str | None
    name: str
    created_at: str | None
    connection_id: str | None = Field(description="The connection of the person it is linked to.")
    object_id: str | None
