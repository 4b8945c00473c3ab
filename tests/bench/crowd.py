"""A tenant of any size, told as Graph tells it: people and groups in delta pages, made from their number alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson

from sync.adapters.graph.decode import decode_page
from sync.core.connection import Connection
from sync.core.delta import read_page
from sync.core.mapping import select_of
from sync.core.model import FeedName, Page, UserChange
from sync.ports import TenantInfo

BASE = "https://graph.microsoft.com"
PAGE = 200  # people a page (microsoft-facts §1.2: about 200 were seen)
GROUPS_PAGE = 20
PER_GROUP = 100  # people of a group
NESTED = 10  # groups that are members of one
_DEPARTMENTS = ("Finance", "People & Culture", "Engineering", "Sales", "Warehouse", "Legal")
_TITLES = ("Accountant", "Recruiter", "Software Engineer", "Account Manager", "Shift Lead", "Counsel")
_NAMES = ("Ann", "Bo", "Çelik", "Dörte", "Emil", "Freja", "Grażyna", "Hana", "Íris", "Jens", "Kim", "Łukasz")


def object_id(kind: str, number: int) -> str:
    """A GUID made of a number."""
    digits = hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def person(number: int) -> dict[str, Any]:
    """One employee as the users feed tells them; no two share an address."""
    given, family = _NAMES[number % len(_NAMES)], f"{_NAMES[number // 7 % len(_NAMES)]}sen{number}"
    handle = f"employee.number.{number}"
    item: dict[str, Any] = {
        "id": object_id("user", number),
        "accountEnabled": True,
        "userType": "Member",
        "mail": f"{handle}@contoso-shoes.example",
        "userPrincipalName": f"{handle}@contoso-shoes.example",
        "givenName": given,
        "surname": family,
        "displayName": f"{given} {family}",
        "jobTitle": _TITLES[number % 6],
        "department": _DEPARTMENTS[number // 50 % 6],
        "officeLocation": f"Building {number % 9}, floor {number % 5}",
        "companyName": "Contoso Shoes",
        "country": "Denmark",
        "mobilePhone": f"+45 20 {number % 100:02d} {number // 100 % 100:02d} {number // 10000 % 100:02d}",
        "preferredLanguage": "da-DK",
    }
    if number:
        item["manager@delta"] = [{"@odata.type": "#microsoft.graph.user", "id": object_id("user", number // 9)}]
    return item


def default_groups(people: int) -> int:
    """How many groups a crowd has, where nobody says: of a hundred people each."""
    return 2 * max(1, people // PER_GROUP)


def members_of(number: int, people: int, groups: int) -> range:
    """The people of a group: neighbours, or, of the second half of the groups, from all over. Everybody is in two."""
    half = groups // 2
    if number >= half:
        return range(number - half, people, half)
    size = -(-people // half)
    return range(number * size, min(people, (number + 1) * size))


def groups_of(number: int, people: int, groups: int) -> tuple[int, int]:
    """The groups of a person: the other side of `members_of`."""
    half = groups // 2
    return number // -(-people // half), half + number % half


def parent_of(number: int) -> int | None:
    """The group a group is a member of: ten to each, so that the first one has all below it."""
    return (number - 1) // NESTED if number else None


def group(number: int, people: int, groups: int) -> dict[str, Any]:
    """One group as the groups feed tells it."""
    nested = range(number * NESTED + 1, min(groups, (number + 1) * NESTED + 1))
    return {
        "id": object_id("group", number),
        "displayName": f"Team {number}",
        "description": "People who work together",
        "mailEnabled": False,
        "securityEnabled": True,
        "groupTypes": [],
        "members@delta": [
            *({"@odata.type": "#microsoft.graph.group", "id": object_id("group", one)} for one in nested),
            *(
                {"@odata.type": "#microsoft.graph.user", "id": object_id("user", member)}
                for member in members_of(number, people, groups)
            ),
        ],
    }


def page_bytes(feed: FeedName, number: int, people: int, groups: int = 0) -> bytes:
    """The n-th page of a feed's first reading, as Graph would send it."""
    size, total = (PAGE, people) if feed == "users" else (GROUPS_PAGE, groups)
    last = min(total, (number + 1) * size)
    numbers = range(number * size, last)
    items = [person(one) if feed == "users" else group(one, people, groups) for one in numbers]
    link = f"{BASE}/v1.0/{feed}/delta?"
    place = {"@odata.nextLink": f"{link}$skiptoken={number + 1}"}
    if last >= total:
        place = {"@odata.deltaLink": f"{link}$deltatoken=1"}
    return orjson.dumps({"@odata.context": f"{BASE}/v1.0/$metadata#{feed}", "value": items, **place})


class CrowdDirectory:
    """The `Directory` port over a crowd: its bytes go through the product's own reading. Nothing ever changes.

    With `keep`, pages are made once, so that making them is not measured; without, each is made when it is asked for.
    """

    def __init__(self, people: int, *, keep: bool, groups: int | None = None) -> None:
        self.people = people
        self.groups = default_groups(people) if groups is None else groups
        self.calls = 0
        self._bytes = cache(page_bytes) if keep else page_bytes

    def prepare(self) -> None:
        """Make every page now."""
        for feed in ("users", "groups"):
            number = 0
            while b"@odata.nextLink" in self._bytes(feed, number, self.people, self.groups)[-200:]:
                number += 1

    def read_page(
        self,
        connection: Connection,
        feed: FeedName,
        cursor: str,
        *,
        order: int,
        full: bool,
        select: Sequence[str] = (),
    ) -> Page:
        """A page of the first reading, or an empty round."""
        self.calls += 1
        if "deltatoken" in cursor:
            body = b'{"value":[],"@odata.deltaLink":"%s/v1.0/%s/delta?$deltatoken=2"}' % (BASE.encode(), feed.encode())
        else:
            number = int(cursor.rpartition("=")[2]) if cursor else 0
            body = self._bytes(feed, number, self.people, self.groups)
        return read_page(
            decode_page(body),
            feed,
            BASE,
            cursor,
            order=order,
            full=full,
            select=select or select_of(connection.settings),
        )

    def count_people(self, connection: Connection) -> int:
        """All of them."""
        return self.people

    def tenant_info(self, connection: Connection) -> TenantInfo:
        """A name."""
        return TenantInfo("Contoso Shoes", ("contoso-shoes.example",))

    def granted_roles(self, connection: Connection) -> tuple[str, ...]:
        """Enough."""
        return ("GroupMember.Read.All", "User.Read.All")

    def fetch_people(
        self, connection: Connection, object_ids: Sequence[str], *, order: int, select: Sequence[str] = ()
    ) -> Mapping[str, UserChange | None]:
        """Nobody is missed by a pass here, so nobody is asked for."""
        raise AssertionError(f"{len(object_ids)} people are missed")

    def find_groups(self, connection: Connection, object_ids: Sequence[str]) -> Mapping[str, bool]:
        """No group vanishes."""
        return dict.fromkeys(object_ids, True)
