"""What the product should hold for a given directory, worked out from the directory alone.

Written from the product's rules in words, not from its code, so that the two can disagree.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Account field <- Graph property.
FIELDS = {
    "given_name": "givenName",
    "family_name": "surname",
    "display_name": "displayName",
    "job_title": "jobTitle",
    "department": "department",
    "office": "officeLocation",
    "company": "companyName",
    "country": "country",
    "mobile": "mobilePhone",
    "language": "preferredLanguage",
}
# Domains that mail cannot be sent to from outside (RFC 6761, RFC 6762, customary names of private networks).
_PRIVATE = re.compile(r"\.(?:local|localhost|localdomain|internal|intranet|lan|home|corp|private|invalid|arpa)$")
_ADDRESS = re.compile(r"[^\s@\"(),:;<>\[\\\]]+@[^\s@\"(),:;<>\[\\\]]+\.[^\s@\"(),:;<>\[\\\]\d]+")


@dataclass(frozen=True, slots=True)
class Expected:
    """What one person should have. Without an address there is no active account. `rivals`: others at the address.

    `binned`: deleted groups that still hold the person, as they would be restored with their members; they may be told.
    """

    address: str
    fields: Mapping[str, str]
    groups: frozenset[str]
    binned: frozenset[str]
    rivals: frozenset[str]


def expect(truth: Mapping[str, Any]) -> dict[str, Expected]:
    """Object id to expectation, for everybody who was ever in the directory."""
    users = {user["id"]: user for user in truth["users"]}
    # Members of hidden groups need a permission that nobody asks for (microsoft-facts.md, section 2.4).
    seen = {
        group["id"]
        for group in truth["groups"]
        if group["state"] == "live" and group.get("visibility") != "HiddenMembership"
    }
    binned: dict[str, set[str]] = defaultdict(set)
    for group in truth["groups"]:
        for member in group["members"] if group["state"] == "deleted" else ():
            binned[member["id"]].add(group["id"])
    addresses = {key: _address(user) for key, user in users.items()}
    holders: dict[str, set[str]] = defaultdict(set)
    for key, address in addresses.items():
        holders[address].add(key)
    return {
        key: Expected(
            address=addresses[key],
            fields=_fields(user),
            groups=frozenset(group for group in user["groups"] if group in seen),
            binned=frozenset(binned[key]),
            rivals=frozenset(holders[addresses[key]] - {key}) if addresses[key] else frozenset(),
        )
        for key, user in users.items()
    }


def differences(expected: Mapping[str, Expected], people: Iterable[Mapping[str, Any]]) -> list[str]:
    """How the product's people (as API v1 lists them) differ; empty when they do not. Names nobody, only object ids."""
    seen = {person["object_id"]: person for person in people}
    found = [f"{key}: in the product but never in the directory" for key in seen.keys() - expected.keys()]
    for key, wanted in expected.items():
        found += [f"{key}: {what}" for what in person_differences(wanted, seen.get(key))]
    active = defaultdict(list)
    for key, person in seen.items():
        if _is_active(person):
            active[person["account"]["address"]].append(key)
    found += [f"{' and '.join(keys)}: two accounts with one address" for keys in active.values() if len(keys) > 1]
    for key, wanted in expected.items():
        if wanted.rivals and not any(_is_active(seen.get(one)) for one in {key, *wanted.rivals}):
            found.append(f"{key}: of those with one address, nobody has the account")
    return sorted(set(found))


def person_differences(wanted: Expected, person: Mapping[str, Any] | None) -> list[str]:
    """How one person differs, apart from who of several with one address has the account."""
    if not wanted.address:
        return ["has an active account and should not"] if _is_active(person) else []
    if person is None:
        return ["is missing"]
    if not _is_active(person):
        conflict = bool(wanted.rivals) and person["reason"] == "address_conflict"
        return [] if conflict else [f"has no active account (reason {person['reason']!r})"]
    account = person["account"]
    found = [] if account["address"] == wanted.address else ["has another address"]
    held = {name: value for name, value in account["fields"].items() if name in FIELDS}
    found += [
        f"differs in {name}" for name in held.keys() | wanted.fields.keys() if held.get(name) != wanted.fields.get(name)
    ]
    groups = set(person["group_ids"]) - wanted.binned
    if groups != wanted.groups:
        found.append(f"is in {len(groups)} groups instead of {len(wanted.groups)}")
    return found


def _is_active(person: Mapping[str, Any] | None) -> bool:
    return person is not None and person["account"] is not None and person["account"]["state"] == "active"


def _address(user: Mapping[str, Any]) -> str:
    """Where the account's mail goes, or empty when this person should have none."""
    username = str(user.get("userPrincipalName") or "")
    guest = (user.get("userType") or ("Guest" if "#EXT#" in username else "Member")) == "Guest"
    named = any(_text(user.get(name)) for name in ("displayName", "givenName", "surname"))
    if user["state"] != "live" or user.get("accountEnabled") is not True or guest or not named:
        return ""
    for candidate in (user.get("mail"), username if not username.lower().endswith(".onmicrosoft.com") else ""):
        address = str(candidate or "").strip()
        if _ADDRESS.fullmatch(address) and "#EXT#" not in address.upper() and not _PRIVATE.search(address.lower()):
            local, _, domain = address.rpartition("@")
            return f"{local}@{domain.encode('idna').decode()}".lower()
    return ""


def _fields(user: Mapping[str, Any]) -> dict[str, str]:
    return {field: text for field, name in FIELDS.items() if (text := _text(user.get(name)))}


def _text(value: object) -> str:
    """One line of at most 256 characters, without controls."""
    if not isinstance(value, str):
        return ""
    shown = "".join(" " if unicodedata.category(one) in {"Cc", "Zl", "Zp", "Cs"} else one for one in value)
    return " ".join(unicodedata.normalize("NFC", shown).split())[:256].rstrip()
