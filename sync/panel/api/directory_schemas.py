"""The shapes of API v1 that tell of people, groups and accounts."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from sync.core.model import AccountState, Hand, MailMark, MatchedBy, Presence, Reason
from sync.panel.api.parameters import OBJECT_ID
from sync.panel.api.schemas import Shape


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
