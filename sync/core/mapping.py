"""What of a person goes into the account, and whether the person gets one at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.core.address import parse_address, routable, usable_username
from sync.core.model import PersonRecord, Presence, Reason
from sync.core.text import clean

# Account field <- the directory's property. The address and the manager have rules of their own below.
FIELDS: tuple[tuple[str, str], ...] = (
    ("given_name", "givenName"),
    ("family_name", "surname"),
    ("display_name", "displayName"),
    ("job_title", "jobTitle"),
    ("department", "department"),
    ("office", "officeLocation"),
    ("company", "companyName"),
    ("country", "country"),
    ("mobile", "mobilePhone"),
    ("language", "preferredLanguage"),
)
USER_SELECT: tuple[str, ...] = (
    "id",
    "accountEnabled",
    "userType",
    "mail",
    "userPrincipalName",
    *(source for _, source in FIELDS),
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
GONE = frozenset({Presence.SOFT_DELETED, Presence.HARD_DELETED, Presence.ABSENT})


def address_of(source: Mapping[str, Any]) -> str:
    """The address: `mail`, else a routable userPrincipalName; empty when neither is usable."""
    mail = parse_address(source.get("mail"))
    return mail if routable(mail) else usable_username(source.get("userPrincipalName"))


def fields_of(source: Mapping[str, Any], address: str) -> dict[str, str]:
    """The account's fields, empty ones left out."""
    fields = {target: text for target, name in FIELDS if (text := clean(source.get(name)))}
    if address:
        fields["email"] = address
    if isinstance(manager := source.get("manager"), str) and manager:
        fields["manager"] = manager
    return fields


def eligibility(record: PersonRecord) -> Reason:
    """Why this person should not have an active account; `Reason.OK` when they should.

    `accountEnabled` has three values: only an explicit false disables, only an explicit true creates; a person
    whose properties have not all arrived yet waits.
    """
    if record.presence in GONE:
        return Reason.LEFT
    if record.presence is Presence.UNKNOWN:
        return Reason.UNKNOWN
    source = record.source
    if is_guest(source):
        return Reason.GUEST
    enabled = source.get("accountEnabled")
    if enabled is not True:
        return Reason.DISABLED if enabled is False else Reason.UNKNOWN
    if not address_of(source):
        return Reason.NO_ADDRESS
    named = clean(source.get("displayName")) or clean(source.get("givenName")) or clean(source.get("surname"))
    return Reason.OK if named else Reason.NO_NAME


def is_guest(source: Mapping[str, Any]) -> bool:
    """A guest by `userType`, or, where Entra never set one, by the shape of the username."""
    kind = source.get("userType")
    if isinstance(kind, str) and kind:
        return kind.casefold() == "guest"
    return "#EXT#" in str(source.get("userPrincipalName") or "").upper()


def display_name(record: PersonRecord) -> str:
    """What to call a person: display name, else given and family name, else the username; may be empty."""
    source = record.source
    joined = f"{clean(source.get('givenName'))} {clean(source.get('surname'))}".strip()
    return clean(source.get("displayName")) or joined or clean(source.get("userPrincipalName"))
