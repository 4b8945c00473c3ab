"""Who is in scope, and who is in the audience: one reading of the admin's choice, for decisions and explanations.

Nested membership is computed elsewhere (`nesting`): a `Reach` says which groups' direct members are chosen, so that
joining and leaving by a group are judged by the same function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from sync.core.attributes import TEXT_LIMIT, texts_of
from sync.core.mapping import CompiledRule, compile_rules, kept
from sync.core.model import PersonRecord
from sync.core.person import address_of, is_guest
from sync.core.sync_settings import Chosen, Filter, SyncSettings
from sync.core.text import alike, clean

NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Circle:
    """The groups whose direct members a `Chosen` takes in or leaves out, nested ones included."""

    included: frozenset[str] = NOBODY
    excluded: frozenset[str] = NOBODY


@dataclass(frozen=True, slots=True)
class Reach:
    """What the nesting of a tenant's groups makes of one version of the settings."""

    version: int = 0  # of the settings
    scope: Circle = Circle()
    audience: Circle = Circle()
    # Excluding group -> the order from which on it lost so many that a full pass is to find the same before whoever it
    # lost is let in.
    emptied: Mapping[str, int] = field(default_factory=dict)
    etag: str = field(default="", compare=False)


class Choice(NamedTuple):
    """A `Chosen` made ready for asking about many people: nobody is looked for in a list."""

    everyone: bool
    people: frozenset[str]
    groups: frozenset[str]
    excluded_people: frozenset[str]
    excluded_groups: frozenset[str]
    emptied: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything a decision follows besides the person: the settings, and what they reach in the tenant's groups.

    Made once for a batch; what asking about each person needs is made ready with it.
    """

    settings: SyncSettings
    reach: Reach = Reach()
    unread: frozenset[str] = NOBODY  # attributes named by the settings that nobody was read with so far
    scope: Choice = field(init=False, compare=False, repr=False)
    audience: Choice = field(init=False, compare=False, repr=False)
    rules: tuple[CompiledRule, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Make ready."""
        object.__setattr__(self, "scope", _choice(self.settings.scope.chosen, self.reach.scope, self.reach.emptied))
        object.__setattr__(self, "audience", _choice(self.settings.audience, self.reach.audience, self.reach.emptied))
        rules = compile_rules(self.settings.mapping)
        object.__setattr__(self, "rules", kept(rules, self.unread) if self.unread else rules)


def _choice(chosen: Chosen, circle: Circle, emptied: Mapping[str, int]) -> Choice:
    return Choice(
        chosen.everyone,
        frozenset(chosen.people),
        circle.included,
        frozenset(chosen.excluded_people),
        circle.excluded,
        {group: order for group, order in emptied.items() if group in circle.excluded},
    )


class Rule(StrEnum):
    """What put a person inside or outside. Stable codes of API v1."""

    EVERYONE = "everyone"
    PERSON = "person"
    GROUP = "group"
    NOT_CHOSEN = "not_chosen"
    EXCLUDED_PERSON = "excluded_person"
    EXCLUDED_GROUP = "excluded_group"
    LATELY_EXCLUDED = "lately_excluded"  # with so many others that a full pass is to confirm that it ended
    NOT_A_PERSON = "not_a_person"
    GUEST = "guest"
    DOMAIN = "domain"
    FILTER = "filter"
    UNREAD = "unread"  # a filter's attribute was not read yet: nobody knows


class Verdict(NamedTuple):
    """Whether, and by which rule; `detail` is the group's id, the attribute or the domain that decided."""

    inside: bool
    rule: Rule
    detail: str = ""


def in_scope(record: PersonRecord, policy: Policy) -> Verdict:
    """Whether this person should have an account, as far as the admin's choice goes. Exclusion wins."""
    scope = policy.settings.scope
    if record.judged == "not_a_person":
        return Verdict(False, Rule.NOT_A_PERSON)
    if not scope.guests and is_guest(record.source):
        return Verdict(False, Rule.GUEST)
    verdict = judge(record, policy.scope)
    if not verdict.inside:
        return verdict
    if scope.domains:
        domain = address_of(record.source).rpartition("@")[2]
        if domain and domain not in scope.domains:
            return Verdict(False, Rule.DOMAIN, domain)
    for condition in scope.filters:
        if condition.attribute in policy.unread:
            verdict = Verdict(False, Rule.UNREAD, condition.attribute)
        elif not passes(record, condition):
            return Verdict(False, Rule.FILTER, condition.attribute)
    return verdict


def in_audience(record: PersonRecord, policy: Policy) -> Verdict:
    """Whether this person, given an active account, receives phishing simulations."""
    return judge(record, policy.audience)


def left_out(verdict: Verdict, policy: Policy) -> bool:
    """Whether somebody is outside the audience by the settings themselves: no group that vanished can be the cause."""
    if verdict.rule in {Rule.EXCLUDED_PERSON, Rule.EXCLUDED_GROUP, Rule.LATELY_EXCLUDED}:
        return True
    return not verdict.inside and not policy.settings.audience.groups


def judge(record: PersonRecord, choice: Choice) -> Verdict:
    """Whether a choice takes this person in."""
    if (out := _excluded(record, choice)) is not None:
        return out
    if _named(record, choice.people):
        return Verdict(True, Rule.PERSON)
    if choice.everyone:
        return Verdict(True, Rule.EVERYONE)
    if choice.groups and (group := _meets(record, choice.groups)):
        return Verdict(True, Rule.GROUP, group)
    return Verdict(False, Rule.NOT_CHOSEN)


def _excluded(record: PersonRecord, choice: Choice) -> Verdict | None:
    if _named(record, choice.excluded_people):
        return Verdict(False, Rule.EXCLUDED_PERSON)
    if choice.excluded_groups and (group := _meets(record, choice.excluded_groups)):
        return Verdict(False, Rule.EXCLUDED_GROUP, group)
    if choice.emptied and (group := _taken_out(record, choice.emptied)):
        return Verdict(False, Rule.LATELY_EXCLUDED, group)
    return None


def _named(record: PersonRecord, people: frozenset[str]) -> bool:
    """Whether a person is one of these, by the object id they have or one they had before they were made again."""
    return record.object_id in people or (bool(record.formerly) and not people.isdisjoint(record.formerly))


def _meets(record: PersonRecord, groups: frozenset[str]) -> str:
    if record.pin is None and groups.isdisjoint(record.memberships):
        return ""  # nearly everybody, at a fifth of the price
    return min(record.groups & groups, default="")


def _taken_out(record: PersonRecord, emptied: Mapping[str, int]) -> str:
    return min((one for one, since in emptied.items() if -record.memberships.get(one, 0) >= since), default="")


def passes(record: PersonRecord, condition: Filter) -> bool:
    """Whether a condition holds for a person: of a list, for one of its entries. Null is false."""
    values = map(alike, texts_of(record.source, condition.attribute))
    wanted = {alike(text) for given in condition.values if (text := clean(given, TEXT_LIMIT))}
    match condition.operator:
        case "present":
            return any(values)
        case "starts_with":
            return any(value.startswith(tuple(wanted)) for value in values)
        case _:
            return any(value in wanted for value in values)
