"""The shapes of settings in API v1: what an admin chooses, what it would do, and the versions there were."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from sync.core.settings_check import PURGE_DAYS, RETENTION_DAYS, SHRINK_PERCENT
from sync.core.sync_settings import Apply, MatchBy, OnNull, Operator
from sync.panel.api.parameters import OBJECT_ID, TIME
from sync.panel.api.schemas import Shape

Short = Annotated[str, Field(max_length=1000)]  # longer is nobody's intent; what is wrong below that is said by name
Texts = Annotated[list[Short], Field(max_length=2000)]
People = Annotated[list[Short], Field(min_length=1, max_length=20, description="Object ids.", examples=[[OBJECT_ID]])]


class FieldRuleShape(Shape):
    """One account field and where its value comes from (docs/mapping.md)."""

    target: Short = Field(examples=["department"])
    value: Short = Field(description="An expression.", examples=['first(department, "none")'])
    apply: Apply = Field("always", description="`on_create`: only when the account is made or linked.")
    on_null: OnNull = Field("clear", description="What becomes of the field when the value is empty.")
    default: Short = ""


class FilterShape(Shape):
    """A condition on an attribute. Null is false; case is ignored."""

    attribute: Short = Field(examples=["employeeType"])
    operator: Operator
    values: Texts = Field(default_factory=list, description="One; of `in` any number; of `present` none.")


class ChosenShape(Shape):
    """People by group, nested ones included, and by name, less excluded ones: exclusion wins."""

    everyone: bool = Field(False, description="Then `groups` and `people` do not matter.")
    groups: Texts = Field(default_factory=list, description="Object ids.", examples=[[OBJECT_ID]])
    people: Texts = Field(default_factory=list, description="Object ids.")
    excluded_groups: Texts = Field(default_factory=list, description="Object ids.")
    excluded_people: Texts = Field(default_factory=list, description="Object ids.")


class ScopeShape(Shape):
    """Who gets an account: those chosen who also pass the switches, the domains and every filter."""

    chosen: ChosenShape
    guests: bool = Field(False, description="Guests of the tenant get an account too.")
    disabled: bool = Field(False, description="People who may not sign in to Entra keep or get an account too.")
    domains: Texts = Field(default_factory=list, description="Of the address; empty: every domain.")
    filters: Annotated[list[FilterShape], Field(max_length=100)] = Field(default_factory=list)


Mapping = Annotated[list[FieldRuleShape], Field(max_length=500)]


class SettingsShape(BaseModel):
    """Everything the admin chose. The ETag header is the version; send it back as If-Match."""

    mail_existing: bool = Field(description="Mail the people who are there at the first full pass too.")
    onboarding: bool = Field(description="Mail people who join later.")
    mapping: list[FieldRuleShape]
    scope: ScopeShape
    audience: ChosenShape = Field(description="Who receives phishing simulations.")
    matching: list[MatchBy] = Field(description="How an account of the workspace is found, after the object id.")
    shrink_percent: int = Field(description="A used group that loses more of its members within a day is held.")
    retention_days: int = Field(description="How long activity is kept.")
    purge_days: int = Field(description="How long a deactivated account is kept.")


class SettingsChange(Shape):
    """What to choose anew. What is left out stays as it is; what is given replaces the whole of its part."""

    mail_existing: bool | None = None
    onboarding: bool | None = None
    mapping: Mapping | None = None
    scope: ScopeShape | None = None
    audience: ChosenShape | None = None
    matching: Annotated[list[MatchBy], Field(max_length=10)] | None = None
    shrink_percent: int | None = Field(None, description=f"{SHRINK_PERCENT[0]} to {SHRINK_PERCENT[1]}.")
    retention_days: int | None = Field(None, description=f"{RETENTION_DAYS[0]} to {RETENTION_DAYS[1]}.")
    purge_days: int | None = Field(None, description=f"{PURGE_DAYS[0]} to {PURGE_DAYS[1]}.")


class MappingShape(Shape):
    """Field rules as a document, for taking them from one connection to another."""

    mapping: Mapping


class MappingTrial(Shape):
    """A mapping to try on people."""

    mapping: Mapping | None = Field(None, description="Left out: the present one.")
    people: People


class FieldsShape(BaseModel):
    """One person's account fields now and then."""

    object_id: str = Field(examples=[OBJECT_ID])
    name: str
    before: dict[str, str]
    after: dict[str, str]
    reason: str = Field(description="Why there would be no active account; empty when there would be one.")


class TrialShape(BaseModel):
    """What a mapping makes of people. Who is not in the directory is left out."""

    items: list[FieldsShape]


class AffectedShape(BaseModel):
    """One person whom settings would concern."""

    object_id: str = Field(examples=[OBJECT_ID])
    name: str
    reason: str = Field(description="Why, or what would be done: `create`, `link`, `reactivate`, `out_of_scope` …")
    rule: str = Field(description="What puts the person in or out: `everyone`, `group`, `excluded_group`, `filter` …")
    detail: str | None = Field(description="The group, attribute or domain that decides.")


class KindShape(BaseModel):
    """Everybody to whom the same would happen: how many, and the first 200."""

    count: int
    people: list[AffectedShape]


class GuardShape(BaseModel):
    """Whether the removals would wait for an admin."""

    held: bool
    limit: int = Field(description="Removals a day that are unremarkable.")
    used: int = Field(description="Of these, in the last 24 hours.")


class PreviewShape(BaseModel):
    """What settings would do. Nothing is written."""

    version: int = Field(description="The version it was compared with; send it as If-Match when saving.")
    people: int = Field(description="People looked at.")
    added: KindShape = Field(description="Would get an account, or their account back.")
    removed: KindShape = Field(description="Would be deactivated.")
    changed: KindShape = Field(description="Fields would change.")
    mailed: KindShape = Field(description="Would be mailed; each also in `added`.")
    audience_gained: KindShape = Field(description="Would receive phishing simulations.")
    audience_lost: KindShape = Field(description="Would no longer.")
    conflicts: KindShape = Field(description="Would get no account, or not their address: another has it.")
    guard: GuardShape
    reads_again: bool = Field(
        description="An attribute that was never read is named: saving reads the whole directory again first, and the "
        "numbers here are of what is known. `samples` were asked of Entra."
    )
    not_asked: int = Field(
        description="People whom a group would bring in, of whom only the membership is known, and whom Entra could "
        "not be asked about, or not within a preview. They are in none of the numbers; saving asks about them."
    )
    samples: list[FieldsShape]


class VersionShape(BaseModel):
    """One version of the settings."""

    version: int
    saved_at: str = Field(examples=[TIME])
    by: str | None = Field(description="The admin's subject; null when nobody chose.")
    by_name: str | None
    settings: SettingsShape


class Rollback(Shape):
    """The version to go back to."""

    version: Annotated[int, Field(ge=1)]
