"""What of a person goes into the account, and which attributes must be read for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from sync.core.attributes import entry_of, graph_select, is_directory_extension
from sync.core.expression import Expression, evaluate, parse
from sync.core.sync_settings import FieldRule, SyncSettings
from sync.core.text import clean

# Read whatever the mapping says: identity, address, name and life of an account stand on them.
ALWAYS: tuple[str, ...] = (
    "id",
    "accountEnabled",
    "userType",
    "mail",
    "userPrincipalName",
    "givenName",
    "surname",
    "displayName",
    "assignedLicenses",  # what tells people from accounts that are nobody's
    "manager",
)
GROUP_SELECT: tuple[str, ...] = (
    "id",
    "displayName",
    "description",
    "mail",
    "groupTypes",
    "securityEnabled",
    "mailEnabled",
    "visibility",
    "members",
)


class CompiledRule(NamedTuple):
    """A field rule made ready for many people."""

    target: str
    attribute: str  # a rule that only copies an attribute of text, the common case; else empty
    expression: Expression
    rule: FieldRule


def attributes_of(settings: SyncSettings) -> frozenset[str]:
    """Every attribute of a person that these settings need."""
    return _attributes(settings)


def select_of(settings: SyncSettings) -> tuple[str, ...]:
    """The `$select` of the users feed, `id` first: what is always read and what the settings name."""
    return graph_select(attributes_of(settings))


@lru_cache(maxsize=256)
def _attributes(settings: SyncSettings) -> frozenset[str]:
    names = {*ALWAYS, *(condition.attribute for condition in settings.scope.filters)}
    for compiled in compile_rules(settings.mapping):
        names |= compiled.expression.attributes
    if "alias" in settings.matching:
        names.add("proxyAddresses")
    if "employee_id" in settings.matching:
        names.add("employeeId")
    return frozenset(names)


def unread(settings: SyncSettings, selected: Collection[str]) -> frozenset[str]:
    """Attributes that these settings need and a read of the selected `$select` entries did not bring."""
    return frozenset(name for name in _attributes(settings) - {*ALWAYS} if entry_of(name) not in selected)


def unselected(settings: SyncSettings, selected: Collection[str]) -> frozenset[str]:
    """Entries of the `$select` that these settings need and a read did not have."""
    return frozenset(select_of(settings)) - {*selected}


def select_beside(settings: SyncSettings, selected: Collection[str]) -> tuple[str, ...]:
    """The `$select` for reading single people beside a feed that brings `selected`: no less than the others' rows have.
    Without directory extensions that were taken out of the settings, which Entra may refuse.
    """
    more = (name for name in selected if not is_directory_extension(name))
    return graph_select((*select_of(settings), *more))


def kept(rules: tuple[CompiledRule, ...], attributes: AbstractSet[str]) -> tuple[CompiledRule, ...]:
    """The rules, less what goes by one of these attributes: an account that exists keeps such a field as it is."""
    return tuple(
        rule._replace(attribute="", rule=replace(rule.rule, apply="on_create"))
        if rule.expression.attributes & attributes
        else rule
        for rule in rules
    )


@lru_cache(maxsize=256)
def compile_rules(mapping: tuple[FieldRule, ...]) -> tuple[CompiledRule, ...]:
    """The rules, read once. Raises BadExpression."""
    compiled = []
    for rule in mapping:
        expression = parse(rule.value)
        plain = expression.attributes == {rule.value} and rule.apply == "always" and rule.on_null == "clear"
        compiled.append(CompiledRule(rule.target, rule.value if plain else "", expression, rule))
    return tuple(compiled)


def fields_of(
    source: Mapping[str, Any],
    address: str,
    rules: tuple[CompiledRule, ...],
    before: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The account's fields, empty ones left out. `before` has the fields of an account that exists already: what is
    applied only on create, or kept where the directory says nothing, comes from there.
    """
    fields: dict[str, str] = {}
    known = before or fields
    for target, attribute, expression, rule in rules:
        value = source.get(attribute) if attribute else None
        if not isinstance(value, str):
            text = _value(expression, rule, source, before)
        elif value == known.get(target):  # clean already, since the account has it: a quarter of the price
            text = value
        else:
            text = clean(value)
        if text:
            fields[target] = text
    if address:
        fields["email"] = address
    if isinstance(manager := source.get("manager"), str) and manager:
        fields["manager"] = manager
    return fields


def _value(expression: Expression, rule: FieldRule, source: Mapping[str, Any], before: Mapping[str, str] | None) -> str:
    if before is not None and rule.apply == "on_create":
        return before.get(rule.target, "")
    if text := evaluate(expression, source):
        return text
    match rule.on_null:
        case "keep":
            return (before or {}).get(rule.target, "")
        case "default":
            return clean(rule.default)
        case _:
            return ""
