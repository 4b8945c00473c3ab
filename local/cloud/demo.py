"""The demo tenant: Contoso Shoes, 1,000 people and 40 groups, with everything awkward that real tenants hold."""

import random
from typing import Final

from local.cloud import crowd, schema
from local.cloud.names import DEPARTMENTS, OFFICES
from local.cloud.seed import stable_id
from local.cloud.tenant import Other, Tenant
from local.cloud.wire import Json

PEOPLE: Final = 1000
GROUPS: Final = 40

# Names that break what is careless with them: markup, formulas, headers, direction marks, length, encodings.
HOSTILE: Final = (
    "<img src=x onerror=alert(1)>",
    "</title><script>alert(1)</script>",
    '"><svg/onload=alert(1)>',
    "{{7*7}} ${7*7} <%= 7*7 %>",
    '=HYPERLINK("http://evil.example","Pay")',
    "+1+cmd|' /C calc'!A0",
    "Bob\r\nBcc: victim@evil.example",
    "=?utf-8?q?Bob=0ABcc=3A_e=40evil.example?=",
    "\u202egpj.exe Anna",
    "\u2066Isolated\u2069 Name",
    "Zero\u200bWidth\ufeff Person",
    "раураl Support",
    "Z̴̡̛͙̭a̷͔̓l̵̳͒g̸͉͝o̶̩͝ " + "\u0336" * 60,
    "👩‍👩‍👧‍👦 Family Emoji",
    "محمد عبد الله",
    "יעל כהן",
    "İstanbul Iğdır ŉß",
    "Re\u0301ne\u0301 Decomposed",
    "Very " + "Long " * 49 + "Name",
    "   ",
    "undefined",
    "NaN",
    "https://evil.example/login",
    '{"level":"error"}\n{"admin":true}\x1b[2J',
    "O'Brien; DROP TABLE people;--",
)

# Accounts of nobody: shared mailboxes, rooms and equipment; of programs, some with an address; second ones of people.
SHARED: Final = (
    ("info", "Info (shared mailbox)"),
    ("invoices", "Invoices"),
    ("jobs", "Jobs at Contoso Shoes"),
    ("noreply", "No Reply"),
    ("room.fjord", "Room Fjord (12 seats)"),
    ("room.harbour", "Meeting Room Harbour"),
    ("van.1", "Delivery Van 1"),
)
SERVICE: Final = (
    "svc-backup",
    "svc-sql01",
    "svc-scanner",
    "svc_payroll",
    "sync_SRV01_0a1b2c3d",
    "breakglass1",
    "test.user",
)
MAILED: Final = frozenset({"svc-scanner", "svc_payroll", "test.user"})
ADMINS: Final = (
    ("adele.vance", "Adele Vance (admin)"),
    ("omar.haddad", "Omar Haddad (admin)"),
    ("helpdesk", "Helpdesk Admin"),
)


def plant(tenant: Tenant, rng: random.Random) -> None:
    """Special people first, then the crowd up to a thousand, then groups."""
    domain = tenant.domains[0]
    special = [*_hostile(domain), *_guests(tenant, rng), *_disabled(domain, rng), *_addressless(tenant, rng)]
    special += _same_address(domain)
    nobody = _not_persons(domain)
    room = PEOPLE - len(tenant.people.rows) - len(special) - len(nobody)
    crew = [crowd.person(rng, number, domain) for number in range(room)]
    ids = [str(row["id"]) for row in crew]
    for at, row in enumerate(crew):
        tenant.people.load(row["id"], row, ids[at // 9] if at >= 9 else tenant.sign_in[0])
    for at, row in enumerate(special):
        tenant.people.load(row["id"], row, ids[at % 40] if at % 3 else "")
    for row in nobody:
        tenant.people.load(row["id"], row)
    _groups(tenant, rng, ids, [str(row["id"]) for row in special])


def _row(key: str, upn: str, **properties: object) -> Json:
    base: Json = {
        "id": stable_id("demo", key),
        "accountEnabled": True,
        "createdDateTime": "2022-09-01T08:00:00Z",
        "userPrincipalName": upn,
        "userType": "Member",
    }
    return base | {name: value for name, value in properties.items() if value is not None}


def _hostile(domain: str) -> list[Json]:
    return [
        _row(
            f"hostile {at}",
            f"hostile{at}@{domain}",
            displayName=name[:256],
            givenName=name[:64],
            jobTitle=name[:128],
            surname="Hostile",
            mail=f"hostile{at}@{domain}",
            department="Sales" if at % 2 else name[:64],
        )
        for at, name in enumerate(HOSTILE)
    ]


def _guests(tenant: Tenant, rng: random.Random) -> list[Json]:
    rows = []
    for at in range(24):
        row = crowd.person(rng, at, "partner.example")
        address = str(row["mail"])
        rows.append(
            _row(
                f"guest {at}",
                f"{address.replace('@', '_')}#EXT#@{tenant.domains[-1]}",
                displayName=f"{row['displayName']} (Partner)",
                mail=address,
                userType="Guest",
                creationType="Invitation",
                externalUserState="Accepted" if at % 4 else "PendingAcceptance",
            )
        )
    # An external member of a multi-tenant organisation: B2B, yet of type Member.
    upn = f"mira_sister.example#EXT#@{tenant.domains[-1]}"
    rows.append(_row("b2b member", upn, displayName="Mira Sister-Company", mail="mira@sister.example"))
    return rows


def _disabled(domain: str, rng: random.Random) -> list[Json]:
    rows = []
    for at in range(20):
        row = crowd.person(rng, 50_000 + at, domain)
        left = {"id": stable_id("demo", f"disabled {at}"), "accountEnabled": False, "assignedLicenses": []}
        rows.append({**row, **left})
    return rows


def _addressless(tenant: Tenant, rng: random.Random) -> list[Json]:
    rows = []
    for at in range(12):
        row = crowd.person(rng, 60_000 + at, tenant.domains[-1])
        del row["mail"]
        row["id"] = stable_id("demo", f"addressless {at}")
        if at % 3 == 0:
            row["userPrincipalName"] = f"forklift{at}@warehouse.local"
        if at % 3 == 1:
            row["mail"] = "not an address"
        rows.append(row)
    return rows


def _same_address(domain: str) -> list[Json]:
    mail = f"reception@{domain}"
    return [
        _row("twin 1", f"ana.silva@{domain}", displayName="Ana Silva", givenName="Ana", surname="Silva", mail=mail),
        _row(
            "twin 2",
            f"ana.costa@{domain}",
            displayName="Ana Costa",
            givenName="Ana",
            surname="Costa",
            mail=mail.upper(),
        ),
    ]


def _not_persons(domain: str) -> list[Json]:
    """Accounts of nobody: no licence, no manager, nobody's manager; mailboxes and rooms cannot sign in."""
    rows = [
        _row(
            f"shared {name}",
            f"{name}@{domain}",
            displayName=shown,
            mail=f"{name}@{domain}",
            proxyAddresses=[f"SMTP:{name}@{domain}"],
            assignedLicenses=[],
            accountEnabled=False,
        )
        for name, shown in SHARED
    ]
    rows += [
        _row(
            name,
            f"{name}@{domain}",
            displayName=name,
            assignedLicenses=[],
            mail=f"{name}@{domain}" if name in MAILED else None,
            onPremisesSyncEnabled=True if name.startswith("svc-") else None,
            onPremisesSamAccountName=name if name.startswith("svc-") else None,
        )
        for name in SERVICE
    ]
    rows += [
        _row(f"admin {name}", f"admin-{name}@{domain}", displayName=shown, assignedLicenses=[])
        for name, shown in ADMINS
    ]
    return rows


def _group(tenant: Tenant, name: str, members: list[str], **properties: object) -> str:
    values: Json = {"id": stable_id("demo group", name), "displayName": name, "description": f"{name} at Contoso Shoes"}
    group = tenant.groups.create(values | properties, 1_660_000_000.0)
    for member in members:
        group.add(member)
    return group.id


def _groups(tenant: Tenant, rng: random.Random, crew: list[str], special: list[str]) -> None:
    """Forty: departments, offices, nesting three deep, a cycle, and one of each awkward kind."""
    rows = {user_id: tenant.people.get(user_id) for user_id in [*crew, *special]}
    departments = [
        _group(tenant, f"Department {name}", [uid for uid, row in rows.items() if row.get("department") == name])
        for name in DEPARTMENTS
    ]
    offices = [
        _group(tenant, f"Office {city}", [uid for uid, row in rows.items() if row.get("city") == city])
        for _, city, _, _ in OFFICES
    ]
    europe = _group(tenant, "Offices in Europe", offices[:7])
    _group(tenant, "All offices", [europe, *offices[7:]])
    everyone = _group(tenant, "All employees", departments, description=None)
    first, second = _group(tenant, "Cycle A", crew[:3]), _group(tenant, "Cycle B", crew[3:6])
    tenant.groups.get(first).add(second)
    tenant.groups.get(second).add(first)
    sales = [uid for uid, row in rows.items() if row.get("department") == "Sales" and row.get("accountEnabled")]
    _group(
        tenant,
        "Dynamic Sales",
        sales,
        groupTypes=["DynamicMembership"],
        membershipRule='(user.department -eq "Sales")',
        membershipRuleProcessingState="On",
    )
    _mixed_groups(tenant, rng, crew, special, everyone)


def _mixed_groups(tenant: Tenant, rng: random.Random, crew: list[str], special: list[str], everyone: str) -> None:
    device = Other(stable_id("demo", "device"), schema.DEVICE, "LAPTOP-0042")
    robot = Other(stable_id("demo", "service principal"), schema.SERVICE_PRINCIPAL, "Payroll robot")
    tenant.others = {device.id: device, robot.id: robot}
    _group(tenant, "Works Council", rng.sample(crew, 9), groupTypes=["Unified"], visibility="HiddenMembership")
    _group(
        tenant,
        "Shoe Lovers",
        rng.sample(crew, 60),
        groupTypes=["Unified"],
        mail=f"shoe-lovers@{tenant.domains[0]}",
        mailEnabled=True,
        securityEnabled=False,
        mailNickname="shoe-lovers",
        visibility="Public",
    )
    _group(
        tenant, "Announcements", [everyone], mail=f"all@{tenant.domains[0]}", mailEnabled=True, securityEnabled=False
    )
    _group(tenant, "Synced from on premises", rng.sample(crew, 30), onPremisesSyncEnabled=True)
    _group(tenant, "Devices and robots", [device.id, robot.id, *rng.sample(crew, 4)])
    _group(tenant, "Empty group", [])
    _group(tenant, "<img src=x onerror=alert(1)> & friends", special[:5])
    _group(tenant, '=cmd|"/C calc"!A0', rng.sample(crew, 3))
    _group(tenant, "Exempt from phishing simulations", rng.sample(crew, 12))
    for number in range(GROUPS - sum(1 for _ in tenant.groups.live())):
        _group(tenant, f"Project {'ABCDEFGH'[number]}", rng.sample(crew, rng.randrange(5, 40)))
