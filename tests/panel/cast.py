"""The people and groups of the made-up tenant, remarkable ones first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync.core.eligibility import eligibility
from sync.core.mapping import fields_of
from sync.core.model import AccountState, GroupRecord, MailMark, PersonRecord, Presence, Reason, make_order
from sync.core.person import address_of
from sync.core.scope import Policy
from sync.core.sync_settings import SyncSettings

HOSTILE = "<img src=x onerror=alert(1)>"
TURNED = "Ana \u202eneil\u202c"  # a right-to-left override
ORDER = make_order(1, 1, 1)


def object_id(number: int) -> str:
    """A made-up object id."""
    return f"00000000-0000-4000-8000-{number:012d}"


def person(number: int, since: str) -> PersonRecord:
    """The person of that number, as the product stores them."""
    remarkable = _remarkable()
    properties = remarkable[number] if number < len(remarkable) else _ordinary(number)
    record = PersonRecord(object_id(number), ORDER, presence=Presence.PRESENT, source=properties, since=since)
    address, reason = address_of(properties), eligibility(record, Policy(SyncSettings()))
    if properties.get("conflict"):
        return replace(record, reason=Reason.ADDRESS_CONFLICT, conflict_with=object_id(1))
    if reason is not Reason.OK:
        return replace(record, reason=reason)
    return replace(
        record,
        account_id=f"account{number:04d}",
        account_state=AccountState.ACTIVE,
        origin="entra",
        reason=Reason.OK,
        address=address,
        fields=fields_of(properties, address, Policy(SyncSettings()).rules),
        mail=MailMark.BASELINE,
        memberships={object_id(9000): ORDER},
    )


def group(number: int) -> GroupRecord:
    """The group of that number."""
    kinds: list[dict[str, Any]] = [
        {"displayName": "Everyone", "securityEnabled": True, "groupTypes": ["DynamicMembership"]},
        {"displayName": "Works Council", "securityEnabled": True, "description": "Elected until 2027"},
        {"displayName": HOSTILE, "mailEnabled": True, "groupTypes": ["Unified"], "mail": "fun@contoso.example"},
        {"displayName": "Finance", "securityEnabled": True, "mailEnabled": True},
    ]
    kind = kinds[number] if number < len(kinds) else {"displayName": f"Team {number}", "securityEnabled": True}
    return GroupRecord(object_id(9000 + number), ORDER, Presence.PRESENT, kind, {}, 7 * number)


def _ordinary(number: int) -> dict[str, Any]:
    first = ("Anna", "Bram", "Chloé", "Dilan", "Eszter", "Femi", "Grzegorz", "Hana", "Ines", "Jonas")[number % 10]
    last = ("Berg", "de Vries", "Dubois", "Yılmaz", "Kovács", "Okafor", "Nowak", "Sato", "Costa", "Weber")[
        number // 10 % 10
    ]
    return {
        "displayName": f"{first} {last}",
        "givenName": first,
        "surname": last,
        "mail": f"person{number}@contoso.example",
        "userPrincipalName": f"person{number}@contoso.example",
        "accountEnabled": True,
        "userType": "Member",
        "department": ("Finance", "Sales", "Production", "Design", "Works Council")[number % 5],
        "jobTitle": "Specialist",
    }


def _remarkable() -> list[dict[str, Any]]:
    base = _ordinary(0)
    return [
        {**base, "displayName": HOSTILE, "department": "<script>alert(2)</script>"},
        {**base, "mail": "person1@contoso.example", "displayName": TURNED},
        {**base, "displayName": "Gunnar Guest", "userType": "Guest", "mail": "gunnar@fabrikam.example"},
        {**base, "displayName": "Dora Disabled", "accountEnabled": False, "mail": "dora@contoso.example"},
        {**base, "displayName": "Nils Nowhere", "mail": None, "userPrincipalName": "nils@contoso.onmicrosoft.com"},
        {**base, "displayName": "Twin Two", "mail": "person1@contoso.example", "conflict": True},
        {**base, "displayName": "W" * 200, "mail": "wide@contoso.example", "department": "Donaudampfschifffahrt" * 5},
    ]
