"""The shapes of what admins do by hand, and of the activity."""

from __future__ import annotations

from pydantic import BaseModel, Field

from sync.core.model import AccountState, Action, Hand, Judged, Reason
from sync.core.runs import Cause
from sync.core.suggestions import Evidence, Likely
from sync.panel.api.parameters import OBJECT_ID, TIME
from sync.panel.api.schemas import Shape


class ByHand(Shape):
    """What to set by hand. What is left out stays as it is."""

    hand: Hand | None = Field(
        None, description="`blocked`: inactive whatever Entra says; `kept`: active; empty: as Entra says."
    )
    fields: dict[str, str | None] = Field(
        default_factory=dict,
        max_length=64,
        description="Field to its own text, which wins over Entra's; empty text clears it, null gives it back.",
        examples=[{"department": "Works Council", "job_title": None}],
    )


class Suggestion(BaseModel):
    """An account that may be no person's, with what speaks for it."""

    object_id: str = Field(examples=[OBJECT_ID])
    name: str
    mail: str | None
    score: int = Field(ge=0, le=100, description="The sum of the signs' weights (docs/suggestions.md).")
    likely: Likely
    evidence: list[Sign]
    account: AccountState
    answer: Judged = Field(description="What an admin answered; empty while nobody did.")


class Sign(BaseModel):
    """One sign."""

    code: Evidence
    text: str


class JudgedSuggestion(Shape):
    """`not_a_person` accepts the suggestion: out of scope from now on; `person` refuses it; empty takes it back."""

    answer: Judged


class Undoing(BaseModel):
    """The run that puts back what another one changed."""

    run: str = Field(description="Look at it under `/runs`; the same one however often it is asked for.")


class HappeningShape(BaseModel):
    """What one run did to one account."""

    at: str = Field(examples=[TIME])
    run: str
    cause: Cause | None = Field(description="Why the run was made; null where the run itself is no longer kept.")
    by: str | None = Field(description="The admin who caused it.")
    object_id: str = Field(examples=[OBJECT_ID])
    action: Action
    reason: Reason
    before: dict[str, str] = Field(description="Fields of the account, and `state`, `reason`, `audience`, `groups` …")
    after: dict[str, str]
