"""Whether settings an admin sends make sense, and their one form: everything is told at once, by where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from sync.core.address import parse_address
from sync.core.attributes import is_attribute
from sync.core.delta import guid
from sync.core.expression import BadExpression, parse
from sync.core.sync_settings import Chosen, FieldRule, Filter, SyncSettings
from sync.core.text import clean

RULES, NAMED, FILTERS, VALUES, DOMAINS = 60, 1000, 20, 200, 200  # the most of each; a row holds all of it
VALUE_LENGTH = 256
RESERVED = frozenset(
    {"email", "manager", "state", "reason", "audience", "groups", "by_hand", "own"}
)  # told beside fields
SHRINK_PERCENT, RETENTION_DAYS, PURGE_DAYS = (1, 100), (30, 3650), (30, 3650)
_TARGET = re.compile(r"[a-z][a-z0-9_]{0,39}").fullmatch
_LISTS = ("groups", "people", "excluded_groups", "excluded_people")


class Wrong(NamedTuple):
    """What is wrong with settings: where (`scope.filters.0.values`), and a sentence for the admin."""

    path: str
    message: str


def canonical(settings: SyncSettings) -> SyncSettings:
    """The same choice in its one form: ids and domains folded, doubles left out. What is wrong stays as it is."""
    scope = settings.scope
    domains = tuple(dict.fromkeys(_domain(domain) or domain for domain in scope.domains))
    return replace(
        settings,
        scope=replace(scope, chosen=_canonical_choice(scope.chosen), domains=domains),
        audience=_canonical_choice(settings.audience),
    )


def _canonical_choice(chosen: Chosen) -> Chosen:
    return Chosen(
        chosen.everyone,
        _ids(chosen.groups),
        _ids(chosen.people),
        _ids(chosen.excluded_groups),
        _ids(chosen.excluded_people),
    )


def _ids(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(guid(one) or one for one in given))


def check(settings: SyncSettings) -> list[Wrong]:
    """Everything that is wrong with settings in their canonical form; nothing when they may be saved."""
    return [
        *_mapping(settings.mapping),
        *_choice("scope.chosen", settings.scope.chosen),
        *_domains(settings.scope.domains),
        *_filters(settings.scope.filters),
        *_choice("audience", settings.audience),
        *_matching(settings.matching),
        *_number("shrink_percent", settings.shrink_percent, *SHRINK_PERCENT),
        *_number("retention_days", settings.retention_days, *RETENTION_DAYS),
        *_number("purge_days", settings.purge_days, *PURGE_DAYS),
    ]


def _mapping(mapping: Sequence[FieldRule]) -> Iterator[Wrong]:
    yield from _at_most("mapping", mapping, RULES)
    seen: set[str] = set()
    for number, rule in enumerate(mapping[:RULES]):
        at = f"mapping.{number}"
        if not _TARGET(rule.target):
            yield Wrong(f"{at}.target", "A field's name is a-z, 0-9 and _, begins with a letter, and has at most 40.")
        elif rule.target in RESERVED:
            yield Wrong(f"{at}.target", f"{rule.target} is a name of ours. Choose another.")
        elif rule.target in seen:
            yield Wrong(f"{at}.target", f"{rule.target} has a rule already.")
        seen.add(rule.target)
        try:
            parse(rule.value)
        except BadExpression as error:
            yield Wrong(f"{at}.value", str(error))
        if len(rule.default) > VALUE_LENGTH:
            yield Wrong(f"{at}.default", f"At most {VALUE_LENGTH} characters.")


def _choice(at: str, chosen: Chosen) -> Iterator[Wrong]:
    for name in _LISTS:
        ids: tuple[str, ...] = getattr(chosen, name)
        yield from _at_most(f"{at}.{name}", ids, NAMED)
        for number, one in enumerate(ids[:NAMED]):
            if guid(one) != one:
                yield Wrong(f"{at}.{name}.{number}", "This is not an object id of Entra's.")


def _domains(domains: Sequence[str]) -> Iterator[Wrong]:
    yield from _at_most("scope.domains", domains, DOMAINS)
    for number, domain in enumerate(domains[:DOMAINS]):
        if not domain or _domain(domain) != domain:
            yield Wrong(f"scope.domains.{number}", "This is not a domain of e-mail addresses.")


def _filters(filters: Sequence[Filter]) -> Iterator[Wrong]:
    yield from _at_most("scope.filters", filters, FILTERS)
    for number, condition in enumerate(filters[:FILTERS]):
        at = f"scope.filters.{number}"
        if not is_attribute(condition.attribute):
            yield Wrong(f"{at}.attribute", "There is no such attribute.")
        yield from _values(f"{at}.values", condition)


def _values(at: str, condition: Filter) -> Iterator[Wrong]:
    number = len(condition.values)
    if condition.operator == "present" and number:
        yield Wrong(at, "present takes no value.")
    elif condition.operator == "in" and not 1 <= number <= VALUES:
        yield Wrong(at, f"in takes 1 to {VALUES} values.")
    elif condition.operator in {"equals", "starts_with"} and number != 1:
        yield Wrong(at, f"{condition.operator} takes one value.")
    elif any(not clean(value) or len(value) > VALUE_LENGTH for value in condition.values):
        yield Wrong(at, f"A value has 1 to {VALUE_LENGTH} characters: null is false, there is nothing to compare.")


def _matching(matching: Sequence[str]) -> Iterator[Wrong]:
    if len(set(matching)) != len(matching):
        yield Wrong("matching", "Each way of matching stands in the list once.")


def _number(at: str, number: int, least: int, most: int) -> Iterator[Wrong]:
    if not least <= number <= most:
        yield Wrong(at, f"{least} to {most}.")


def _at_most(at: str, entries: Iterable[object], most: int) -> Iterator[Wrong]:
    if len(tuple(entries)) > most:
        yield Wrong(at, f"At most {most} entries.")


def _domain(text: str) -> str:
    """The folded domain, in ASCII; empty when no address could have it."""
    return parse_address(f"someone@{text}").removeprefix("someone@")
