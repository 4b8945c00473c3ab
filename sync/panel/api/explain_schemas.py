"""The shapes of API v1 that explain: why a person or a group stands as it does, one person now."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from sync.core.model import Action, Hand, MatchedBy, Presence, Reason
from sync.core.runs import MailState
from sync.core.scope import Rule
from sync.panel.api.acts_schemas import HappeningShape
from sync.panel.api.directory_schemas import AccountOfPerson, Person
from sync.panel.api.history_schemas import RunShape
from sync.panel.api.parameters import OBJECT_ID
from sync.usecases.explain import Answer, MailDecision


class GroupStep(BaseModel):
    """A group by its id and name."""

    object_id: str = Field(examples=[OBJECT_ID])
    name: str = Field(examples=["Sales"])


class InEntra(BaseModel):
    """What Entra says at this moment."""

    answer: Answer
    sentence: str = Field(examples=["Entra has this person now."])


class Judgement(BaseModel):
    """Inside or outside, and by which rule."""

    inside: bool
    rule: Rule
    detail: str | None = Field(description="The group's id, the attribute or the domain that decided.")
    path: list[GroupStep] = Field(description="From the chosen (or excluded) group down to the person's own.")
    sentence: str = Field(examples=["In scope as a member of Sales, via Sales > Field > North."])


class Eligibility(BaseModel):
    """Whether the person should have an active account; `reason` says why not, empty where they should."""

    reason: Reason
    sentence: str


class Outlook(BaseModel):
    """What deciding comes to."""

    action: Action
    reason: Reason
    sentence: str


class FieldStanding(BaseModel):
    """One field of the account."""

    name: str
    stored: str | None = Field(description="As the account has it.")
    after_sync: str | None = Field(description="As it would be after synchronising now.")
    rule: str | None = Field(
        description="The mapping's expression that gives it; null for `email` and `manager`, which are the "
        "directory's, and for what no rule makes any more.",
        examples=["first(department, companyName)"],
    )
    by_hand: bool = Field(description="An admin edited it; Entra's value does not replace it.")


class MatchStanding(BaseModel):
    """How the account came to the person."""

    by: MatchedBy
    sentence: str


class ConflictStanding(BaseModel):
    """Who has the address that this person should have."""

    address: str
    holder: str = Field(description="Object id of a person, or id of an account made by hand.")
    name: str = Field(description="Empty when the holder belongs to another directory of the workspace.")
    sentence: str


class MailStanding(BaseModel):
    """Where the person stands with the one onboarding mail."""

    decision: MailDecision
    state: MailState | None = Field(description="What became of a mail that was claimed.")
    sentence: str


class HoldStanding(BaseModel):
    """The hold that keeps a removal from being applied."""

    id: str
    state: Literal["waiting", "approved", "rejected", "expired"]
    cause: str
    created_at: str
    expires_at: str


class HandStanding(BaseModel):
    """What an admin did by hand, which synchronising never overrides."""

    hand: Hand
    own_fields: dict[str, str]
    undone: bool
    sentence: str


class WhyPerson(BaseModel):
    """Why a person stands as they do, and what synchronising them now would do. Asking writes nothing."""

    object_id: str = Field(examples=[OBJECT_ID])
    name: str
    in_entra: InEntra
    presence: Presence | None = Field(description="As stored; null when nothing is stored.")
    as_of: str | None = Field(description="When the users feed was last read to its end.")
    account: AccountOfPerson | None
    scope: Judgement
    eligibility: Eligibility
    match: MatchStanding | None
    conflict: ConflictStanding | None
    fields: list[FieldStanding]
    mail: MailStanding
    receives_simulations: bool
    audience: Judgement
    hold: HoldStanding | None
    by_hand: HandStanding | None
    now: Outlook = Field(description="What deciding over what is stored comes to.")
    after_sync: Outlook = Field(description="What synchronising this person now would do, the guard permitting.")
    groups: list[GroupStep]
    happened: list[HappeningShape] = Field(description="Newest first, as far back as recent activity goes.")


class GroupUse(BaseModel):
    """What scope or audience make of a group."""

    effect: Literal["included", "excluded"]
    path: list[GroupStep] = Field(description="From the chosen (or excluded) group down to this one.")
    sentence: str


class WhyGroupShape(BaseModel):
    """Why a group matters, or does not."""

    object_id: str = Field(examples=[OBJECT_ID])
    name: str
    in_entra: InEntra
    presence: Presence | None = Field(description="As stored; null when nothing is stored.")
    as_of: str | None = Field(description="When the groups feed was last read to its end.")
    members: int = Field(description="Direct people.")
    effective_members: int = Field(description="People of this group and of all below it, each once.")
    effective_exact: bool = Field(description="False: too many to count here; it is at most so many.")
    groups_below: int
    parents: list[GroupStep]
    children: list[GroupStep]
    scope: list[GroupUse]
    audience: list[GroupUse]


class SyncedPerson(BaseModel):
    """One person, synchronised."""

    run: RunShape
    person: Person | None = Field(description="As stored now.")
