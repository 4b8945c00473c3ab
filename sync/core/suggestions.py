"""Accounts that may belong to no person: shared mailboxes, rooms, services, second accounts of administrators.

A suggestion with its evidence, for an admin to accept or refuse; nothing is ever left out because of it. The
directory has no reliable flag (microsoft-facts §10), so several signs are weighed. In doubt it is a person: what may
be a surname tells nothing beside somebody's own name, and signs of absence never make a suggestion alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from sync.core.attributes import MANAGER
from sync.core.namewords import ADMIN, CERTAIN, EVERY, ROOM, SERVICE, Words
from sync.core.person import is_guest
from sync.core.text import clean


class Evidence(StrEnum):
    """Why an account may be nobody's. Stable codes of API v1."""

    ON_PREMISES_SYNC_ACCOUNT = "on_premises_sync_account"
    SHARED_MAILBOX = "shared_mailbox"
    ROOM_OR_EQUIPMENT = "room_or_equipment"
    SERVICE_LIKE_NAME = "service_like_name"
    ADMIN_LIKE = "admin_like"
    NO_LICENCE = "no_licence"
    NO_SURNAME = "no_surname"
    NO_MANAGER = "no_manager"
    NO_JOB_TITLE = "no_job_title"
    NEVER_MANAGER = "never_manager"


class Sign(NamedTuple):
    """What a piece of evidence weighs, and what an admin reads. A leading one may make a suggestion; the others only
    strengthen one.
    """

    weight: int
    leading: bool
    text: str


SIGNS: Mapping[Evidence, Sign] = {
    Evidence.ON_PREMISES_SYNC_ACCOUNT: Sign(100, True, "The account that Entra Connect synchronises with"),
    Evidence.SHARED_MAILBOX: Sign(60, True, "A mailbox without sign-in, licence and name of a person"),
    Evidence.ROOM_OR_EQUIPMENT: Sign(45, True, "Named like a room or equipment"),
    Evidence.SERVICE_LIKE_NAME: Sign(45, True, "Named like a service or a function"),
    Evidence.ADMIN_LIKE: Sign(45, True, "Named like an administrator's second account"),
    Evidence.NO_LICENCE: Sign(25, False, "No licence"),
    Evidence.NO_SURNAME: Sign(10, False, "No last name"),
    Evidence.NO_MANAGER: Sign(5, False, "No manager"),
    Evidence.NO_JOB_TITLE: Sign(5, False, "No job title"),
    Evidence.NEVER_MANAGER: Sign(5, False, "Nobody's manager"),
}
MAYBE, LIKELY = 40, 70  # from this score on
Likely = Literal["person", "maybe", "not_a_person"]


class Assessment(NamedTuple):
    """How likely an account is no person's: 0 to 100, and everything that speaks for it, strongest first."""

    score: int
    evidence: tuple[Evidence, ...]
    likely: Likely


_WORD = re.compile(r"[^\W\d_]+")
_SYNC_ACCOUNT = re.compile(r"sync_[^@]+_[0-9a-f]{8,}@", re.IGNORECASE)
_SYNC_NAMES = frozenset({"On-Premises Directory Synchronization Service Account", "ADToAADSyncServiceAccount"})
_NAMED_LIKE: tuple[tuple[Evidence, Words], ...] = (
    (Evidence.ROOM_OR_EQUIPMENT, ROOM),
    (Evidence.SERVICE_LIKE_NAME, SERVICE),
    (Evidence.ADMIN_LIKE, ADMIN),
)
_SHORTEST_JOINED = 7  # letters; anything shorter might be somebody's initials: `a.d.m`
_ABSENCE: tuple[tuple[str, Evidence], ...] = (
    ("assignedLicenses", Evidence.NO_LICENCE),
    ("surname", Evidence.NO_SURNAME),
    (MANAGER, Evidence.NO_MANAGER),
    ("jobTitle", Evidence.NO_JOB_TITLE),
)


def assess(source: Mapping[str, Any], *, is_manager: bool | None, selected: Collection[str] = ()) -> Assessment:
    """Weigh what the directory says of one account. Linear in the length of its texts.

    `is_manager`: whether anybody present reports to it; None where that is not known. `selected`: the properties that
    were read, of which one that is not there has no value (neither Graph's items nor our rows keep null); any other
    that is not there is not known, and no evidence.
    """
    found = _leading_signs(source, selected)
    leading = bool(found)
    if not is_guest(source):  # a guest's licence, manager and title are at home
        found |= {evidence for name, evidence in _ABSENCE if _empty(source, name, selected)}
    if is_manager is False:
        found.add(Evidence.NEVER_MANAGER)
    weight = sum(SIGNS[evidence].weight for evidence in found)
    ceiling = MAYBE - 1 if not leading else LIKELY - 1 if is_manager else 100
    score = min(weight, ceiling)
    likely: Likely = "not_a_person" if score >= LIKELY else "maybe" if score >= MAYBE else "person"
    return Assessment(score, tuple(evidence for evidence in SIGNS if evidence in found), likely)


def tokens(text: object) -> tuple[str, ...]:
    """The words of a name: letters only, case-folded, without accents."""
    decomposed = unicodedata.normalize("NFKD", clean(text).casefold())
    return tuple(_WORD.findall("".join(sign for sign in decomposed if not unicodedata.combining(sign))))


def _leading_signs(source: Mapping[str, Any], selected: Collection[str]) -> set[Evidence]:
    own = tokens(f"{clean(source.get('givenName'))} {clean(source.get('surname'))}")
    named = _of_a_person(own)
    found = set()
    if _synchronises(source):
        found.add(Evidence.ON_PREMISES_SYNC_ACCOUNT)
    if not named and _mailbox_only(source, selected):
        found.add(Evidence.SHARED_MAILBOX)
    names = _names(source, own if named else ())
    beside_own_name = named and any(set(own) & set(name) for name in names)
    for evidence, words in _NAMED_LIKE:
        if any(_tells(name, words, certain_only=beside_own_name) for name in names):
            found.add(evidence)
    return found


def _of_a_person(own: tuple[str, ...]) -> bool:
    """Whether given and family name are somebody's: told, not made of our words alone, nor holding a certain one."""
    return any(word not in EVERY for word in own) and CERTAIN.isdisjoint(_joined(own))


def _names(source: Mapping[str, Any], own: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The names to look at: what stands before the @ of address and username, unless it abbreviates the person's own
    name (`adm` of Anna Dorthe Møller, `info` of Inge Forsberg); the display name where no own name is told.
    """
    family, _, given = clean(source.get("displayName")).partition(",")
    shown = () if own else tokens(f"{given} {family}")
    of_whom = "".join(own or shown)
    found = [] if own else [shown]
    for name in ("mail", "userPrincipalName"):
        local = clean(source.get(name)).partition("@")[0]
        words = () if "#ext#" in local.casefold() else tokens(local)
        if not (len(words) == 1 and _abbreviates(words[0], of_whom)):
            found.append(words)
    return found


def _abbreviates(short: str, full: str) -> bool:
    """Whether the letters come in this order, from the first on, within a longer name."""
    rest = iter(full)
    return full[:1] == short[:1] and len(short) < len(full) and all(letter in rest for letter in short)


def _tells(name: tuple[str, ...], words: Words, *, certain_only: bool) -> bool:
    if not words.certain.isdisjoint(_joined(name)):
        return True
    if certain_only or not name:
        return False
    return name[0] in words.leading or (not words.leading.isdisjoint(name) and all(word in EVERY for word in name))


def _joined(name: tuple[str, ...]) -> Iterable[str]:
    """Every word, and every two and three that follow each other, written as one: `no-reply`, `do.not.reply`."""
    for at, word in enumerate(name):
        yield word
        for joined in ("".join(name[at : at + 2]), "".join(name[at : at + 3])):
            if len(joined) >= _SHORTEST_JOINED:
                yield joined


def _synchronises(source: Mapping[str, Any]) -> bool:
    username = clean(source.get("userPrincipalName"))
    return _SYNC_ACCOUNT.match(username) is not None or clean(source.get("displayName")) in _SYNC_NAMES


def _mailbox_only(source: Mapping[str, Any], selected: Collection[str]) -> bool:
    """An address, sign-in off, and no licence: how a shared mailbox and a room's look. So does a leaver's account,
    but that has a person's name.
    """
    unlicensed = _empty(source, "assignedLicenses", selected)
    return source.get("accountEnabled") is False and unlicensed and bool(clean(source.get("mail")))


def _empty(source: Mapping[str, Any], name: str, selected: Collection[str]) -> bool:
    """Whether the directory is known to have no value: told as nothing, or asked for and not told."""
    if name not in source:
        return name in selected
    value = source[name]
    return not (clean(value) if isinstance(value, str) else value)
