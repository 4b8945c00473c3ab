"""People and groups to store."""

from __future__ import annotations

import random
import uuid

from sync.core.connection import scope_key
from sync.core.model import (
    AccountState,
    Action,
    ActivityEntry,
    GroupRecord,
    Hand,
    MailMark,
    PersonRecord,
    Pin,
    Presence,
    Reason,
)
from sync.ports import Activity

TENANT = "11111111-2222-3333-4444-555555555555"
SCOPE = scope_key("acme", TENANT)
OTHER_SCOPE = scope_key("globex", TENANT)


def oid(number: int) -> str:
    """The n-th object id; they sort by number."""
    return str(uuid.UUID(int=number))


def some_ids(number: int) -> list[str]:
    """Object ids as random as Entra's, which no compression makes smaller; the same ones every time."""
    chance = random.Random(number)
    return [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(number)]


def person(number: int, **more: object) -> PersonRecord:
    """A person with every kind of value in its row."""
    given = {
        "order": 5 << 44,
        "manager_order": 4 << 44,
        "presence": Presence.PRESENT,
        "source": {
            "displayName": f"Person {number}",
            "accountEnabled": True,
            "otherMails": ["a@b.example"],
            "city": None,
        },
        "memberships": {oid(900): 7, oid(901): -8},
        "account_id": f"{number:032x}",
        "account_state": AccountState.ACTIVE,
        "origin": "entra",
        "reason": Reason.OK,
        "since": "2026-03-02T08:00:00.000Z",
        "address": f"person{number}@contoso.example",
        "fields": {"name": f"Person {number}"},
        "mail": MailMark.CLAIMED,
        "baseline": True,
        "matched_by": "alias",
        "hand": Hand.KEPT,
        "own": {"office": "", "title": "Chief"},
        "judged": "person",
        "audience": True,
        "formerly": (oid(902), oid(903)),
        "pin": Pin("0123456789abcdef", (oid(900),)),
    }
    return PersonRecord(oid(number), **{**given, **more})  # type: ignore[arg-type]


def group(number: int, **more: object) -> GroupRecord:
    """A group with every kind of value in its row."""
    given = {
        "order": 5 << 44,
        "presence": Presence.PRESENT,
        "source": {"displayName": f"Group {number}"},
        "parents": {oid(900): 7, oid(901): -8},
        "members": 3,
    }
    return GroupRecord(oid(number), **{**given, **more})  # type: ignore[arg-type]


def activity(
    *numbers: int, run: str = "000000000001ab", part: int = 0, at: str = "2026-03-02T08:00:00.000Z"
) -> Activity:
    """These people were created."""
    entries = [
        ActivityEntry(oid(number), Action.CREATE, Reason.OK, {}, {"name": f"Person {number}"}) for number in numbers
    ]
    return Activity(run, part, at, entries)
