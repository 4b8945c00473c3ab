"""The shapes of API v1 that tell of connections."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from sync.core.connection import Cloud, ConnectionState
from sync.core.runs import Stage
from sync.panel.api.parameters import ID, TIME
from sync.panel.api.schemas import Shape
from sync.usecases.chosen_groups import Use


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
