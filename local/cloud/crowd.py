"""Any number of made-up people, quickly."""

import functools
import random
import unicodedata
from typing import Final

from local.cloud.names import DEPARTMENTS, FAMILY, GIVEN, OFFICES, TITLES
from local.cloud.tenant import Tenant
from local.cloud.wire import Json

_SPAN: Final = 9  # reports of a manager


def person(rng: random.Random, number: int, domain: str) -> Json:
    """Properties of one employee; the number makes the address unique."""
    given, family = rng.choice(GIVEN), rng.choice(FAMILY)
    department = rng.choice(DEPARTMENTS)
    office, city, country, language = rng.choice(OFFICES)
    address = f"{_ascii(given)}.{_ascii(family)}{number}@{domain}"
    return {
        "id": f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4{rng.getrandbits(12):03x}-"
        f"8{rng.getrandbits(12):03x}-{rng.getrandbits(48):012x}",
        "accountEnabled": True,
        "city": city,
        "companyName": "Contoso Shoes",
        "country": country,
        "createdDateTime": f"20{rng.randrange(12, 26)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 28):02d}T08:00:00Z",
        "department": department,
        "displayName": f"{given} {family}",
        "employeeId": str(100_000 + number),
        "givenName": given,
        "jobTitle": rng.choice(TITLES),
        "mail": address,
        "officeLocation": office,
        "preferredLanguage": language,
        "surname": family,
        "userPrincipalName": address,
        "userType": "Member",
    }


@functools.cache
def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS)).lower()
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum()) or "person"


_LETTERS: Final = str.maketrans("øłđıØŁĐ", "oldiOLD")


def plant(tenant: Tenant, count: int, rng: random.Random) -> None:
    """`count` people, admins included, with managers, and one group for each department."""
    ids: list[str] = []
    departments: dict[str, list[str]] = {name: [] for name in DEPARTMENTS}
    domain = tenant.domains[0]
    for number in range(max(0, count - len(tenant.people.rows))):
        row = person(rng, number, domain)
        ids.append(row["id"])
        departments[row["department"]].append(row["id"])
        manager = ids[number // _SPAN] if number >= _SPAN else ""
        tenant.people.load(row["id"], row, manager)
    for name, members in departments.items():
        group = tenant.groups.create({"displayName": name, "description": f"Everyone in {name}"}, 0.0)
        for member in members:
            group.add(member)
