"""A person's row: `data` is JSON without the values that are the default.

Written by hand, for speed: imports and full passes go through here for every person (about 4 µs each way).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.errors import Defect
from sync.adapters.tables import columns
from sync.adapters.tables.shape import Upgrades, upgraded
from sync.core.model import AccountState, Hand, MailMark, PersonRecord, Pin, Presence, Reason
from sync.ports import RowTooLarge

VERSION = 1
UPGRADES: Upgrades = {}

_PRESENCES = {one.value: one for one in Presence}
_STATES = {one.value: one for one in AccountState}
_REASONS = {one.value: one for one in Reason}
_MARKS = {one.value: one for one in MailMark}
_HANDS = {one.value: one for one in Hand}


def encode(record: PersonRecord) -> dict[str, str | bytes]:
    """The row's columns, without keys. Raises RowTooLarge, and Defect for what cannot be stored."""
    data: dict[str, Any] = {
        "v": VERSION,
        "order": record.order,
        "presence": record.presence,
        "state": record.account_state,
        "reason": record.reason,
    }
    others: dict[str, Any] = {
        "manager_order": record.manager_order,
        "source": record.source,
        "memberships": record.memberships,
        "account": record.account_id,
        "origin": record.origin,
        "since": record.since,
        "address": record.address,
        "conflict_with": record.conflict_with,
        "fields": record.fields,
        "held": record.held,
        "mail": record.mail,
        "baseline": record.baseline,
        "matched_by": record.matched_by,
        "hand": record.hand,
        "own": record.own,
        "judged": record.judged,
        "audience": record.audience,
        "formerly": record.formerly,
        "pin": record.pin and [record.pin.told, *record.pin.groups],
        "last_entry": record.last_entry,
    }
    data.update({name: value for name, value in others.items() if value})
    try:
        return columns.pack(data)
    except columns.TooLarge:
        raise RowTooLarge(record.object_id) from None


def decode(object_id: str, row: Mapping[str, Any], etag: str) -> PersonRecord:
    """The person of a row. Raises Defect for an unknown version or value."""
    data = columns.unpack(row)
    if data.get("v") != VERSION:
        data = upgraded(data, VERSION, UPGRADES, "person")
    get = data.get
    try:
        return PersonRecord(
            object_id,
            data["order"],
            get("manager_order", 0),
            _PRESENCES[data["presence"]],
            get("source") or {},
            get("memberships") or {},
            get("account", ""),
            _STATES[data["state"]],
            get("origin", ""),
            _REASONS[data["reason"]],
            get("since", ""),
            get("address", ""),
            get("conflict_with", ""),
            get("fields") or {},
            get("held", ""),
            _MARKS[get("mail", "")],
            get("baseline", False),
            get("matched_by", ""),
            _HANDS[get("hand", "")],
            get("own") or {},
            get("judged", ""),
            get("audience", False),
            tuple(get("formerly", ())),
            _pin(get("pin")),
            get("last_entry", ""),
            etag,
        )
    except KeyError as error:
        raise Defect(f"a person row has no or an unknown {error}") from error


def _pin(stored: list[str] | None) -> Pin | None:
    return Pin(stored[0], tuple(stored[1:])) if stored else None
