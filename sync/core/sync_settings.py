"""What an admin chooses for one connection: mapping, scope, audience, matching, mail, retention. Plain values.

They are stored with the connection, versioned, and never interpreted here: `mapping`, `scope` and `decide` do that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Apply = Literal["always", "on_create"]
OnNull = Literal["clear", "keep", "default"]
Operator = Literal["equals", "in", "starts_with", "present"]
MatchBy = Literal["address", "alias", "employee_id"]


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One account field and where its value comes from. `value` is an expression of docs/mapping.md; the name of an
    attribute is one. `on_null` says what becomes of the field when the value is empty.
    """

    target: str
    value: str
    apply: Apply = "always"
    on_null: OnNull = "clear"
    default: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on an attribute. Null is false, and text is compared case-folded. `values` of `equals` and
    `starts_with` has one entry, of `in` any number, of `present` none.
    """

    attribute: str
    operator: Operator
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """People chosen by group (with everybody in nested groups) and by name, less excluded ones: exclusion wins."""

    everyone: bool = False
    groups: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    excluded_groups: tuple[str, ...] = ()
    excluded_people: tuple[str, ...] = ()

    @property
    def names_groups(self) -> bool:
        """Whether anybody's place depends on a group."""
        return bool(self.groups or self.excluded_groups)


@dataclass(frozen=True, slots=True)
class Scope:
    """Who gets an account: those chosen who also pass the switches, the domains and every filter."""

    chosen: Chosen = Chosen(everyone=True)
    guests: bool = False
    disabled: bool = False  # people who may not sign in to Entra keep or get an account too
    domains: tuple[str, ...] = ()  # of the address, folded; empty: every domain
    filters: tuple[Filter, ...] = ()


DEFAULT_MAPPING: tuple[FieldRule, ...] = (
    FieldRule("given_name", "givenName"),
    FieldRule("family_name", "surname"),
    FieldRule("display_name", "displayName"),
    FieldRule("job_title", "jobTitle"),
    FieldRule("department", "department"),
    FieldRule("office", "officeLocation"),
    FieldRule("company", "companyName"),
    FieldRule("country", "country"),
    FieldRule("mobile", "mobilePhone"),
    FieldRule("language", "preferredLanguage"),
)


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """Everything an admin chose. `version` grows with every save and is the ETag of the API."""

    version: int = 1
    mail_existing: bool = False  # mail the people who are there at the first full pass too
    onboarding: bool = True  # mail people who join later
    mapping: tuple[FieldRule, ...] = DEFAULT_MAPPING
    scope: Scope = Scope()
    audience: Chosen = Chosen()  # who receives phishing simulations; nobody until the admin chooses
    matching: tuple[MatchBy, ...] = ("address",)  # after the object id, in this order
    shrink_percent: int = 30  # of a used group's members, lost within a day: more is held
    retention_days: int = 365  # how long activity is kept
    purge_days: int = 180  # how long a deactivated account is kept

    @property
    def names_groups(self) -> bool:
        """Whether anybody's scope or audience depends on a group."""
        return self.scope.chosen.names_groups or self.audience.names_groups

    @property
    def used_groups(self) -> frozenset[str]:
        """Every group that scope or audience names."""
        scope, audience = self.scope.chosen, self.audience
        return frozenset(
            (*scope.groups, *scope.excluded_groups, *audience.groups, *audience.excluded_groups),
        )


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """One version of a connection's settings: who saved it and when. `by` is the admin's subject, empty where nobody
    chose (the first version) or nobody said.
    """

    connection: str
    settings: SyncSettings
    by: str = ""
    by_name: str = ""
    at: str = ""
    etag: str = field(default="", compare=False)
