"""Any number of made-up people: drawn one by one, or a whole crowd that is computed when it is asked for."""

import functools
import hashlib
import random
import re
import unicodedata
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

from local.cloud import schema
from local.cloud.names import DEPARTMENTS, FAMILY, GIVEN, OFFICES, TITLES
from local.cloud.tenant import Tenant
from local.cloud.wire import Json

_T = TypeVar("_T")
_SPAN: Final = 9  # reports of a manager
_LETTERS: Final = str.maketrans("øłđıØŁĐ", "oldiOLD")
_NUMBER: Final = re.compile(r"(\d+)@")
_TAIL: Final = (1 << 48) - 1
_ODD: Final = 0x5DEECE66D  # multiplying by an odd number modulo 2**48 can be taken back
_BACK: Final = pow(_ODD, -1, _TAIL + 1)

# Product ids of Microsoft 365 F3, E3 and E5.
_FRONTLINE: Final = "66b55226-6b4f-492c-910c-a3b7a3c9d993"
_OFFICE: Final = ("05e9a617-0261-4cee-bb44-138d3ef5d965", "06ebc4ee-1bb5-47dd-8120-11324bc54e06")
_FRONTLINE_TITLES: Final = frozenset({"Forklift Driver", "Shop Assistant", "Technician"})

# Directory extensions that an application of the tenant once registered: of type text, and of type boolean.
COST_CENTRE: Final = "extension_3f6c1e0a9d2b4c7f8a5e6b7c8d9e0f12_costCentre"
REMOTE: Final = "extension_3f6c1e0a9d2b4c7f8a5e6b7c8d9e0f12_remoteWorker"


class Chance(Protocol):
    """What people are drawn with: `random.Random`, or `Dice`."""

    def choice(self, seq: Sequence[_T], /) -> _T:
        """One of a sequence."""

    def randrange(self, start: int, stop: int, /) -> int:
        """A number from `start` to before `stop`."""


class Dice:
    """Throws that follow from a text alone, for about 200 bits of them; far quicker made than `random.Random`."""

    __slots__ = ("_rest",)

    def __init__(self, text: str) -> None:
        self._rest = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=32).digest(), "big")

    def choice(self, seq: Sequence[_T], /) -> _T:
        """One of a sequence."""
        self._rest, at = divmod(self._rest, len(seq))
        return seq[at]

    def randrange(self, start: int, stop: int, /) -> int:
        """A number from `start` to before `stop`."""
        self._rest, at = divmod(self._rest, stop - start)
        return start + at


def person(chance: Chance, number: int, domain: str, *, user_id: str = "") -> Json:
    """Properties of one employee; the number makes the addresses and the employee id unique."""
    given, family = chance.choice(GIVEN), chance.choice(FAMILY)
    office, city, country, language = chance.choice(OFFICES)
    title = chance.choice(TITLES)
    plain_given, plain_family = _ascii(given), _ascii(family)
    address = f"{plain_given}.{plain_family}{number}@{domain}"
    started = f"20{chance.randrange(12, 26)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 28):02d}"
    sku = _FRONTLINE if title in _FRONTLINE_TITLES else _OFFICE[number % 2]
    row: Json = {
        "id": user_id or _drawn_id(chance),
        "accountEnabled": True,
        "assignedLicenses": [{"disabledPlans": [], "skuId": sku}],
        "businessPhones": [f"+45 555 {number % 1_000_000:06d}"],
        "city": city,
        "companyName": "Contoso Shoes",
        "country": country,
        "createdDateTime": f"{started}T08:00:00Z",
        "department": chance.choice(DEPARTMENTS),
        "displayName": f"{given} {family}",
        "employeeHireDate": f"{started}T00:00:00Z",
        "employeeId": str(100_000 + number),
        "employeeType": "Contractor" if number % 11 == 3 else "Employee",
        "givenName": given,
        "jobTitle": title,
        "mail": address,
        "mailNickname": f"{plain_given}.{plain_family}{number}",
        "officeLocation": office,
        "preferredLanguage": language,
        "proxyAddresses": [f"SMTP:{address}", f"smtp:{plain_given[0]}{plain_family}{number}@{domain}"],
        "surname": family,
        "usageLocation": language[-2:],
        "userPrincipalName": address,
        "userType": "Member",
    }
    _add_seldom(row, number, f"{plain_given}{number}", domain)
    return row


def _add_seldom(row: Json, number: int, account: str, domain: str) -> None:
    """What only some people have: extension attributes, directory extensions, an account on premises."""
    if number % 2 == 0:
        row["onPremisesExtensionAttributes"] = {
            **dict.fromkeys(schema.EXTENSION_ATTRIBUTES),
            "extensionAttribute1": f"CC-{number % 40:03d}",
            "extensionAttribute2": "Day shift" if number % 6 else "Night shift",
        }
    if number % 3 == 0:
        row[COST_CENTRE] = f"CC-{number % 40:03d}"
    if number % 5 == 0:
        row[REMOTE] = number % 10 == 0
    if number % 4 == 1:
        row["onPremisesSyncEnabled"] = True
        row["onPremisesDomainName"] = f"ad.{domain}"
        row["onPremisesSamAccountName"] = account
        row["onPremisesUserPrincipalName"] = f"{account}@ad.{domain}"
        row["onPremisesDistinguishedName"] = f"CN={account},OU={row['department']},DC=ad"
        row["onPremisesImmutableId"] = f"{number:022d}=="
        row["mobilePhone"] = f"+45 556 {number % 1_000_000:06d}"


def _drawn_id(chance: Chance) -> str:
    return _guid(chance.randrange(0, 1 << 72), chance.randrange(0, 1 << 48))


def _guid(head: int, tail: int) -> str:
    """A version 4 GUID from 72 bits and 48 bits."""
    text = f"{head:018x}"
    return f"{text[:8]}-{text[8:12]}-4{text[12:15]}-8{text[15:18]}-{tail:012x}"


@functools.cache
def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS)).lower()
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum()) or "person"


class Crowd:
    """So many people of one domain. Only their ids are held; everything else about number n follows from n."""

    def __init__(self, count: int, domain: str, key: str) -> None:
        self.count = count
        self._domain = domain
        self._key = key
        self._offset = Dice(key).randrange(0, 1 << 48)
        self.ids = [self._id(number) for number in range(count)]

    def _id(self, number: int) -> str:
        head = hashlib.blake2b(f"{self._key}/{number}".encode(), digest_size=9).digest()
        return _guid(int.from_bytes(head, "big"), number * _ODD + self._offset & _TAIL)

    def number(self, user_id: str) -> int | None:
        """Which of the crowd has this object id; None if nobody."""
        try:
            number = (int(user_id[24:], 16) - self._offset) * _BACK & _TAIL
        except ValueError:
            return None
        return number if number < self.count and self.ids[number] == user_id else None

    def row(self, number: int) -> Json:
        """The properties of one."""
        row = person(Dice(f"{self._key}/{number}"), number, self._domain, user_id=self.ids[number])
        row["department"] = DEPARTMENTS[number % len(DEPARTMENTS)]
        return row

    def manager(self, number: int) -> str:
        """The object id of somebody's manager; "" for the first few."""
        return self.ids[number // _SPAN] if number >= _SPAN else ""

    def reports(self, number: int) -> list[str]:
        """The object ids of those whose manager this is."""
        return self.ids[max(_SPAN, number * _SPAN) : (number + 1) * _SPAN]

    def find(self, address: str) -> str | None:
        """The object id of who signs in with this address."""
        match = _NUMBER.search(address)
        if match is None or int(match[1]) >= self.count:
            return None
        number = int(match[1])
        return self.ids[number] if self.row(number)["userPrincipalName"] == address.lower() else None


def plant(tenant: Tenant, count: int, groups: int | None = None) -> None:
    """`count` people, admins included, with managers, and `groups` groups: departments first, then teams."""
    crowd = Crowd(max(0, count - len(tenant.people.rows)), tenant.domains[0], str(count))
    tenant.people.settle(crowd)
    tenant.people.register((COST_CENTRE, REMOTE))
    for at, name in enumerate(DEPARTMENTS[:groups]):
        group = tenant.groups.create({"displayName": name, "description": f"Everyone in {name}"}, 0.0)
        group.fill(crowd.ids[at :: len(DEPARTMENTS)])
    _teams(tenant, crowd.ids, max(0, (groups or 0) - len(DEPARTMENTS)))


def _teams(tenant: Tenant, people: list[str], number: int) -> None:
    """Five to sixty neighbours each, every five hundredth two thousand. Half of the teams are nested, up to eight deep;
    every tenth has two parents, and every thousandth one holds its own parent.
    """
    rng = random.Random(number)
    teams = []
    for at in range(number):
        size = 2000 if at % 500 == 499 else rng.randrange(5, 60)
        start = rng.randrange(0, max(1, len(people) - size))
        team = tenant.groups.create({"displayName": f"Team {at}"}, 0.0)
        team.fill(people[start : start + size])
        teams.append(team)
        if at % 2 == 1:
            teams[at // 8].slots.append(team.id)
        if at % 10 == 3:
            teams[at // 3].slots.append(team.id)
        if at % 1000 == 501:
            team.slots.append(teams[at // 8].id)
