"""E-mail addresses: one strict reading, one folded form, used on both sides of every comparison."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from unicodedata import normalize

# What may stand before the @: RFC 5321's unquoted local part, and letters beyond ASCII (RFC 6531). Quoted local
# parts, comments and address literals are refused: no directory needs them and every injection does.
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_COMMON = re.compile(  # nearly every address there is, in one step
    r"[a-z0-9_'+-]+(?:\.[a-z0-9_'+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z-]{0,61}[a-z])",
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Letters that IDNA 2003 (Python's codec) and IDNA 2008 (the internet) map to different domains: refused rather than
# mailing somebody else's.
_AMBIGUOUS = frozenset("ßẞς\u200c\u200d")
# Names that never have a mail exchanger on the internet: special-use (RFC 6761, 6762, 8375) and customary ones.
_UNROUTABLE = frozenset(
    {"local", "localhost", "localdomain", "internal", "intranet", "lan", "home", "corp", "private", "invalid", "arpa"}
)


def parse_address(value: object) -> str:
    """The folded address: trimmed, lower case, the domain in IDNA ASCII. The empty string when it is not one.

    Folding the local part is stricter than RFC 5321 (which allows case to matter) and what every mailbox provider
    in use does. It is lower case, not case folding, because mail is sent to what it gives: `ß` and `ss` are two
    mailboxes. Length limits: 64 for the local part, 254 in all (RFC 5321 §4.5.3.1).
    """
    return _parse(value) if isinstance(value, str) else ""


@lru_cache(maxsize=4096)  # one person's address is looked at several times in a row
def _parse(value: str) -> str:
    lowered = value.strip().lower()
    if _COMMON.fullmatch(lowered) and len(lowered) <= 254 and lowered.index("@") <= 64:
        return lowered
    if value.count("@") != 1:
        return ""
    local, _, domain = value.strip().partition("@")
    local = normalize("NFC", local).lower()  # "İ" becomes two characters, and is no address
    if not _LOCAL.fullmatch(local) or len(local.encode()) > 64:
        return ""
    ascii_domain = _ascii_domain(domain)
    folded = f"{local}@{ascii_domain}"
    return folded if ascii_domain and len(folded.encode()) <= 254 else ""


def routable(address: str) -> bool:
    """Whether a folded address could be reached from outside: its domain is not a private or reserved name."""
    return bool(address) and address.rpartition(".")[2] not in _UNROUTABLE


def usable_username(value: object) -> str:
    """A userPrincipalName as an address, or empty: a guest's (`#EXT#`) and the tenant's own `onmicrosoft.com` names
    have no mailbox of their own.
    """
    address = parse_address(value)
    if "#ext#" in address or address.endswith(".onmicrosoft.com") or not routable(address):
        return ""
    return address


def address_key(address: str) -> str:
    """The row key of a folded address: 32 hex characters of its SHA-256."""
    return hashlib.sha256(address.encode()).hexdigest()[:32]


def _ascii_domain(domain: str) -> str:
    lowered = domain.lower()
    if not lowered.isascii():
        if _AMBIGUOUS & set(lowered):
            return ""
        try:
            lowered = lowered.encode("idna").decode()
        except UnicodeError:
            return ""
    labels = lowered.split(".")
    whole = len(labels) >= 2 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    return lowered if whole else ""
