"""The fields that accounts should have: each expression the machine saves beside what it means, written by hand.

A field that is set on create, or kept when the source is empty, depends on what was before. For those the truth is a
set: what the rules ever saved make of anything the directory ever said of the person. That they do not move meanwhile
is `steady.py`'s to watch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sync.core.sync_settings import DEFAULT_MAPPING, FieldRule, SyncSettings
from tests.property.world import BADGE

Person = Mapping[str, Any]


def _of(name: str) -> Callable[[Person], str]:
    return lambda person: str(person.get(name, ""))


def _listed(name: str) -> Callable[[Person], str]:
    return lambda person: str((person.get(name) or [""])[0])


def _cost_centre(person: Person) -> str:
    return str((person.get("onPremisesExtensionAttributes") or {}).get("extensionAttribute3") or "")


MEANING: Mapping[str, Callable[[Person], str]] = {
    **{name: _of(name) for name in (*(rule.value for rule in DEFAULT_MAPPING), "employeeId", "usageLocation")},
    "extensionAttribute3": _cost_centre,
    BADGE: _of(BADGE),
    "otherMails": _listed("otherMails"),
    '"employee"': lambda _: "employee",
    'first(jobTitle, department, "unknown")': lambda p: p.get("jobTitle") or p.get("department") or "unknown",
    "first(employeeId, jobTitle)": lambda p: p.get("employeeId") or p.get("jobTitle") or "",
    'join(" ", surname, givenName, jobTitle)': lambda p: " ".join(
        p[name] for name in ("surname", "givenName", "jobTitle") if p.get(name)
    ),
    'lower(before(mail, "@"))': lambda p: str(p.get("mail", "")).split("@")[0].lower(),
    'trim(after(department, "t"))': lambda p: "t".join(str(p.get("department", "")).split("t")[1:]).strip(),
    'replace(employeeId, "E-", "No ")': lambda p: str(p.get("employeeId", "")).replace("E-", "No "),
}
OWN_TEXTS = ("Chosen here", "")  # what the machine's admin writes into a field


def fields(
    settings: SyncSettings, person: Person, own: Mapping[str, str], before: Mapping[str, Collection[str]]
) -> dict[str, Collection[str]]:
    """Target -> the texts that are right. `before` has, by target, what may have been there once."""
    found: dict[str, Collection[str]] = {}
    for rule in settings.mapping:
        if rule.target in own:
            found[rule.target] = {own[rule.target]}
            continue
        value = MEANING[rule.value](person)
        once = {"", *before.get(rule.target, ()), *OWN_TEXTS}
        if rule.apply == "on_create":
            found[rule.target] = {value, *once}
        elif value:
            found[rule.target] = {value}
        else:
            found[rule.target] = {"clear": {""}, "default": {rule.default}, "keep": once}[rule.on_null]
    for target in own.keys() - found.keys():
        found[target] = {own[target]}
    return found


def once(rules: Collection[FieldRule], versions: Collection[Person]) -> dict[str, set[str]]:
    """What rules ever made, or would have made, of what was ever told."""
    found: dict[str, set[str]] = {}
    for rule in rules:
        texts = found.setdefault(rule.target, set())
        texts |= {MEANING[rule.value](person) for person in versions} | {rule.default}
    return found
