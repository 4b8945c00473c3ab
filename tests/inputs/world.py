"""A tenant that holds every bad input at once: one person and one group for each text, one person for each address."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sync.core.model import PersonRecord
from sync.core.sync_settings import DEFAULT_MAPPING, FieldRule, SyncSettings
from tests.fakes.engine import Engine, Tenanted
from tests.inputs.pages import EXTENSION
from tests.inputs.zoo import ABSENT, ADDRESSES, TEXTS, Address, Text
from tests.panel.world import WORKSPACE

# Every attribute of a person that is text, and the account's field it becomes.
FIELDS = {
    "displayName": "display_name",
    "givenName": "given_name",
    "surname": "family_name",
    "jobTitle": "job_title",
    "department": "department",
    "officeLocation": "office",
    "companyName": "company",
    "employeeId": "number",
    "extensionAttribute7": "badge",
    EXTENSION: "nick",
    "otherMails": "other",
}
_OWN = tuple(FieldRule(FIELDS[name], name) for name in ("employeeId", "extensionAttribute7", EXTENSION, "otherMails"))
SETTINGS = SyncSettings(mapping=(*DEFAULT_MAPPING, *_OWN), matching=("address", "alias"))
MAIL_DOMAIN = "canary.example"  # of everybody here: it must show up in no log


@dataclass
class Zoo:
    """The import, and who in it is what."""

    engine: Engine
    acme: Tenanted
    texts: dict[str, Text] = field(default_factory=dict)
    addresses: dict[str, Address] = field(default_factory=dict)
    groups: dict[str, Text] = field(default_factory=dict)

    def fields(self, object_id: str) -> dict[str, str]:
        """What the account of a text's person must hold in the fields of FIELDS."""
        text = self.texts[object_id]
        names = FIELDS.values() if text.kept else ()
        return dict.fromkeys(names, text.kept)


def connect(engine: Engine, tenant_id: str) -> Tenanted:
    """A connection that maps every text attribute, its first pass about to begin."""
    acme = engine.connect(WORKSPACE, tenant_id)
    engine.services.connections.save(replace(acme.connection, settings=SETTINGS))
    return acme


def hire_all(zoo: Zoo, *, skip: tuple[int, ...] = (), harmless: bool = False) -> None:
    """Everybody of the tables but the numbers to skip. `harmless` puts an ordinary name in place of every text that
    is kept.
    """
    tenant = zoo.acme.tenant
    for number, text in enumerate(one for one in TEXTS if one.number not in skip):
        given = f"Ordinary {number}" if harmless and text.kept else text.given
        zoo.texts[tenant.hire("Zoe", **properties(given, f"text{number}@{MAIL_DOMAIN}"))] = text
        if isinstance(text.given, str) and len(text.given) <= 1000:
            zoo.groups[tenant.new_group(given, description=given)] = text
    for number, address in enumerate(ADDRESSES):
        kind = None if address.number == 52 else "Member"
        named = {"displayName": f"Addressee {number}", "mail": address.mail, "userPrincipalName": address.username}
        zoo.addresses[tenant.hire("Zoe", **named, userType=kind)] = address


def properties(given: Any, mail: str) -> dict[str, Any]:
    """Graph's properties of a person with this value in every text field."""
    value = None if given is ABSENT else given
    found: dict[str, Any] = {name: value for name in FIELDS if not name.startswith("extension")}
    found["otherMails"] = [value] if isinstance(value, str) else value
    found["proxyAddresses"] = [f"smtp:{value}", f"SMTP:{mail}"]
    if isinstance(value, str):
        found[EXTENSION] = value
        found["onPremisesExtensionAttributes"] = {"extensionAttribute7": value}
    return {**found, "mail": mail, "userPrincipalName": mail}


def fields_of(record: PersonRecord) -> dict[str, str]:
    """The account's fields of FIELDS."""
    return {name: record.fields[name] for name in FIELDS.values() if name in record.fields}
