"""The attributes of a person that mapping, filters and matching may name, and how each is read.

All are in Entra's main store, so that the delta feed tells their changes, and need no right beyond User.Read.All
(microsoft-facts §1.6, §10). Extension attributes are selected as one object and kept flat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from sync.core.text import clean


class Kind(StrEnum):
    """What JSON a property holds; anything else is left out."""

    TEXT = "text"
    TEXTS = "texts"  # a list of texts
    FLAG = "flag"
    LICENCES = "licences"  # a list of objects, kept as their skuId
    OPEN = "open"  # what a tenant defined itself: a text, a flag, a number (kept as text), or a list of them


EXTENSIONS = "onPremisesExtensionAttributes"
TEXT_LIMIT = 1024  # characters of one value that are looked at; Entra's longest are distinguished names
_T, _L, _F = Kind.TEXT, Kind.TEXTS, Kind.FLAG
ATTRIBUTES: Mapping[str, tuple[Kind, str]] = {
    "accountEnabled": (_F, "Sign-in allowed"),
    "ageGroup": (_T, "Age group"),
    "assignedLicenses": (Kind.LICENCES, "Licences"),
    "businessPhones": (_L, "Business phone"),
    "city": (_T, "City"),
    "companyName": (_T, "Company"),
    "country": (_T, "Country or region"),
    "createdDateTime": (_T, "Created"),
    "creationType": (_T, "Creation type"),
    "department": (_T, "Department"),
    "displayName": (_T, "Display name"),
    "employeeHireDate": (_T, "Hire date"),
    "employeeId": (_T, "Employee ID"),
    "employeeType": (_T, "Employee type"),
    "externalUserState": (_T, "Invitation state"),
    "faxNumber": (_T, "Fax"),
    "givenName": (_T, "First name"),
    "jobTitle": (_T, "Job title"),
    "mail": (_T, "Email"),
    "mailNickname": (_T, "Mail nickname"),
    "mobilePhone": (_T, "Mobile phone"),
    "officeLocation": (_T, "Office"),
    "onPremisesDistinguishedName": (_T, "On-premises distinguished name"),
    "onPremisesDomainName": (_T, "On-premises domain"),
    "onPremisesImmutableId": (_T, "On-premises immutable ID"),
    "onPremisesSamAccountName": (_T, "On-premises SAM account name"),
    "onPremisesSyncEnabled": (_F, "Synchronised from on-premises"),
    "onPremisesUserPrincipalName": (_T, "On-premises user principal name"),
    "otherMails": (_L, "Other emails"),
    "postalCode": (_T, "ZIP or postal code"),
    "preferredLanguage": (_T, "Preferred language"),
    "proxyAddresses": (_L, "Proxy addresses"),
    "state": (_T, "State or province"),
    "streetAddress": (_T, "Street address"),
    "surname": (_T, "Last name"),
    "usageLocation": (_T, "Usage location"),
    "userPrincipalName": (_T, "User principal name"),
    "userType": (_T, "User type"),
    **{f"extensionAttribute{number}": (_T, f"Extension attribute {number}") for number in range(1, 16)},
}
_ON_PREMISES = re.compile(r"extensionAttribute(?:[1-9]|1[0-5])").fullmatch
_DIRECTORY_EXTENSION = re.compile(r"extension_[0-9a-f]{32}_[A-Za-z0-9_]{1,64}").fullmatch
MANAGER = "manager"  # a relation, selected like an attribute


def is_attribute(name: str) -> bool:
    """Whether it may be named: an attribute of the catalogue, or a directory extension of the tenant's."""
    return name in ATTRIBUTES or is_directory_extension(name)


def is_directory_extension(name: str) -> bool:
    """Whether it is an attribute that an application registered in the tenant, and may take away again."""
    return _DIRECTORY_EXTENSION(name) is not None


def kind_of(name: str) -> Kind:
    """What the attribute holds."""
    return ATTRIBUTES[name][0] if name in ATTRIBUTES else Kind.OPEN


def in_extensions(name: str) -> bool:
    """Whether Graph tells it within `onPremisesExtensionAttributes`."""
    return _ON_PREMISES(name) is not None


def entry_of(name: str) -> str:
    """The entry of `$select` that brings the attribute."""
    return EXTENSIONS if in_extensions(name) else name


def graph_select(names: Iterable[str]) -> tuple[str, ...]:
    """The entries of `$select` that bring these attributes: `id` first, the others in order, no doubles."""
    entries = {entry_of(name) for name in names}
    return ("id", *sorted(entries - {"id"}))


def texts_of(source: Mapping[str, Any], name: str) -> Iterator[str]:
    """Everything the attribute has, each as one line of text, empty ones left out."""
    value = source.get(name)
    if isinstance(value, (list, tuple)):
        yield from filter(None, (clean(entry, TEXT_LIMIT) for entry in value))
    elif text := text_of(source, name):
        yield text


def text_of(source: Mapping[str, Any], name: str) -> str:
    """The attribute as one line of text: of a list the first entry that has any, a flag as `true` or `false`."""
    value = source.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return next((text for entry in value if (text := clean(entry, TEXT_LIMIT))), "")
    return clean(value, TEXT_LIMIT)
