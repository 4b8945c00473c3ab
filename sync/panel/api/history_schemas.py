"""The shapes of API v1 that tell what happened and what waits: runs, holds, mails."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from sync.core.model import Reason
from sync.core.runs import Cause, Kind, MailState, Outcome, Stage
from sync.panel.api.parameters import OBJECT_ID, RUN, TIME


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
