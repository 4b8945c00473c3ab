"""Delta pages as Graph should never send them, byte by byte, and what is read of each."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sync.core.model import FeedName
from tests.inputs.zoo import Outcome

BASE = "https://graph.microsoft.com"
ANN = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
BOB = "1a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
STAFF = "2a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
EXTENSION = "extension_00112233445566778899aabbccddeeff_nick"
MIB = 1024 * 1024
NOTHING: Mapping[str, str] = {}


class BadPage(NamedTuple):
    """One answer to GET /users/delta or /groups/delta. `told` is what is read of it, where it is read: of people
    (object id, kind, presence, properties), of memberships (group, member, type, present).
    """

    number: int
    what: str
    body: bytes
    outcome: Outcome = Outcome.REJECTED
    told: tuple[tuple[Any, ...], ...] = ()
    feed: FeedName = "users"
    headers: Mapping[str, str] = NOTHING


def link(feed: FeedName = "users") -> str:
    """A deltaLink."""
    return f"{BASE}/v1.0/{feed}/delta?$deltatoken=a"


def text(*items: str, feed: FeedName = "users", more: str = "") -> str:
    """A last page of items given as JSON."""
    return f'{{"value":[{",".join(items)}]{more},"@odata.deltaLink":"{link(feed)}"}}'


def _person(more: str) -> str:
    return f'{{"id":"{ANN}",{more}}}'


def _read(number: int, what: str, item: str, *told: tuple[Any, ...]) -> BadPage:
    return BadPage(number, what, text(item).encode(), Outcome.READ, told)


def _ann(**properties: Any) -> tuple[Any, ...]:
    return ANN, "patch", "present", properties


def _gone(presence: str) -> tuple[Any, ...]:
    return ANN, "removed", presence, {}


def _members(what: str, entries: Any, *told: tuple[Any, ...]) -> BadPage:
    item = json.dumps({"id": STAFF, "displayName": "Staff", "members@delta": entries})
    edges = tuple((STAFF, *one) for one in told)
    return BadPage(77, what, text(item, feed="groups").encode(), Outcome.READ, edges, "groups")


def _typed(kind: str, member: str) -> dict[str, str]:
    return {"@odata.type": f"#microsoft.graph.{kind}", "id": member}


ONE = text(_person('"displayName":"Ann"'))
_DEEP = "[" * 10_000 + "]" * 10_000
_OPEN = {
    "1e400": {},
    "-0": {EXTENSION: "0"},
    str(2**63): {},
    str(2**63 - 1): {EXTENSION: str(2**63 - 1)},
    "1" * 300: {},
}
PAGES: tuple[BadPage, ...] = (
    BadPage(69, "an id twice", text(f'{{"id":"{ANN}","id":"{BOB}"}}').encode()),
    BadPage(69, "an id twice, once escaped", text(f'{{"id":"{ANN}","\\u0069d":"{BOB}"}}').encode()),
    BadPage(69, "an id twice, once escaped otherwise", text(f'{{"i\\u0064":"{ANN}","id":"{BOB}"}}').encode()),
    BadPage(
        69,
        "a member's id twice",
        text(f'{{"id":"{STAFF}","members@delta":[{{"id":"{ANN}","id":"{BOB}"}}]}}', feed="groups").encode(),
        feed="groups",
    ),
    BadPage(69, "the values twice", f'{{"value":[{{"id":"{BOB}"}}],'.encode() + text().encode()[1:]),
    BadPage(70, "depth 10,000 beside the values", text(more=f',"more":{_DEEP}').encode()),
    BadPage(70, "depth 10,000 in a property", text(_person(f'"displayName":{_DEEP}')).encode()),
    BadPage(70, "depth 10,000 and nothing else", _DEEP.encode()),
    *(
        _read(71, f"{number[:24]} as a text", _person(f'"displayName":{number},"{EXTENSION}":{number}'), _ann(**told))
        for number, told in _OPEN.items()
    ),
    BadPage(71, "a number of 5,000 digits", text(_person(f'"{EXTENSION}":{"1" * 5000}')).encode()),
    BadPage(71, "NaN", text(_person('"displayName":NaN')).encode()),
    BadPage(72, "UTF-16 with its mark", ONE.encode("utf-16")),
    BadPage(72, "UTF-16 without a mark", ONE.encode("utf-16-le")),
    BadPage(72, "a byte order mark", b"\xef\xbb\xbf" + ONE.encode()),
    BadPage(72, "latin-1", text(_person('"displayName":"Zoë"')).encode("latin-1")),
    BadPage(73, "50 MiB", text(more=" " * (50 * MIB)).encode()),
    BadPage(74, "a gzip bomb", gzip.compress(text(more=" " * (50 * MIB)).encode(), 1),
            headers={"Content-Encoding": "gzip"}),
    BadPage(74, "gzip that is cut", gzip.compress(ONE.encode())[:-9], headers={"Content-Encoding": "gzip"}),
    _read(75, "a tombstone without a reason", _person('"@removed":{}'), _gone("soft_deleted")),
    _read(75, "a tombstone of an unknown reason", _person('"@removed":{"reason":"odd"}'), _gone("soft_deleted")),
    _read(75, "a tombstone that is a number", _person('"@removed":7'), _gone("soft_deleted")),
    _read(76, "a tombstone with all the rest",
          _person('"displayName":"Ann","accountEnabled":true,"@removed":{"reason":"deleted"}'), _gone("hard_deleted")),
    _members("null", None),
    _members("nobody", []),
    _members("an object", {"id": ANN}),
    _members("itself", [_typed("group", STAFF)], (STAFF, "group", True)),
    _members("a group, a device and a service principal",
             [_typed("group", BOB), _typed("device", ANN), _typed("servicePrincipal", ANN)],
             (BOB, "group", True), (ANN, "device", True), (ANN, "serviceprincipal", True)),
    _members("texts, nulls and no ids", ["a", None, {}, {"id": "a/b"}, {"id": 7}]),
    _read(78, "null", _person('"accountEnabled":null'), _ann(accountEnabled=None)),
    _read(78, "a text", _person('"accountEnabled":"false"'), _ann()),
    _read(78, "a number", _person('"accountEnabled":0'), _ann()),
    _read(78, "absent", _person('"displayName":"Ann"'), _ann(displayName="Ann")),
    _read(79, "Guest", _person('"userType":"Guest"'), _ann(userType="Guest")),
    _read(79, "null", _person('"userType":null'), _ann(userType=None)),
    BadPage(80, "fields nobody asked for",
            text(_person('"displayName":"Ann","isAdmin":true,"@odata.x":{"y":[]}'), more=',"z":[]').encode(),
            Outcome.READ, (_ann(displayName="Ann"),)),
    BadPage(81, "something behind it", (ONE + "x").encode()),
    BadPage(81, "two documents", (ONE + ONE).encode()),
    BadPage(81, "a NUL behind it", ONE.encode() + b"\0"),
    BadPage(82, "both links", text(more=f',"@odata.nextLink":"{BASE}/v1.0/users/delta?$skiptoken=b"').encode()),
    BadPage(82, "neither link", f'{{"value":[{{"id":"{ANN}"}}]}}'.encode()),
)  # fmt: skip
