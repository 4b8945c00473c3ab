"""Reading what the directory says of a person: address, name, whether a guest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.core.address import parse_address, routable, usable_username
from sync.core.text import clean


def address_of(source: Mapping[str, Any]) -> str:
    """The address: `mail`, else a routable userPrincipalName; empty when neither is usable."""
    mail = parse_address(source.get("mail"))
    return mail if routable(mail) else usable_username(source.get("userPrincipalName"))


def aliases_of(source: Mapping[str, Any]) -> tuple[str, ...]:
    """The folded addresses of `proxyAddresses` but the one of `address_of`; X500, SIP and the like are left out."""
    own = address_of(source)
    entries = source.get("proxyAddresses")
    found = (
        parse_address(entry[5:])
        for entry in (entries if isinstance(entries, (list, tuple)) else ())
        if isinstance(entry, str) and entry[:5].lower() == "smtp:"
    )
    return tuple(dict.fromkeys(address for address in found if routable(address) and address != own))


def is_guest(source: Mapping[str, Any]) -> bool:
    """A guest by `userType`, or, where Entra never set one, by the shape of the username."""
    kind = source.get("userType")
    if isinstance(kind, str) and kind:
        return kind.casefold() == "guest"
    return "#EXT#" in str(source.get("userPrincipalName") or "").upper()


def name_of(source: Mapping[str, Any]) -> str:
    """What to call a person: display name, else given and family name, else the username; may be empty."""
    joined = f"{clean(source.get('givenName'))} {clean(source.get('surname'))}".strip()
    return clean(source.get("displayName")) or joined or clean(source.get("userPrincipalName"))
