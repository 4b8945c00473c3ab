"""Reading one delta page: from Graph's JSON to changes, strictly. A page that is not whole is an error, never
"no changes"; a part of an item that is not what it should be is left out, and the rest is used.

Shapes: microsoft-facts §1.2-1.4 (users) and §2.2 (groups).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from unicodedata import is_normalized, normalize
from urllib.parse import urlsplit

from sync.core.attributes import ATTRIBUTES, EXTENSIONS, Kind, in_extensions, kind_of
from sync.core.mapping import GROUP_SELECT
from sync.core.model import ChangeKind, FeedName, GroupChange, MembershipChange, Page, Presence, UserChange

NEXT_LINK, DELTA_LINK = "@odata.nextLink", "@odata.deltaLink"
LINK_LIMIT = 16_384  # characters; Graph's cursors have a few hundred
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}").fullmatch
_PRINTABLE = re.compile(r"[!-~]+").fullmatch
_DELTA_PATH = re.compile(r"/v1\.0/(users|groups)/(?:microsoft\.graph\.)?delta(?:\(\)|%28%29)?").fullmatch

# What no storage row or XML could hold, or what would start a new line somewhere.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

# What a property must be; anything else is left out, as if Graph had not mentioned it. None always clears.
_RELATIONS = frozenset({"id", "manager", "members"})
_GROUP_KINDS: Mapping[str, type] = {
    **{name: str for name in GROUP_SELECT if name not in _RELATIONS},
    "securityEnabled": bool,
    "mailEnabled": bool,
    "groupTypes": list,
}
_TYPES: Mapping[Kind, type] = {
    Kind.TEXT: str,
    Kind.TEXTS: list,
    Kind.FLAG: bool,
    Kind.LICENCES: list,
    Kind.OPEN: object,
}
VALUE_LIMIT = 16_384  # characters of one value; Entra's longest has 1,024


class MalformedPage(ValueError):
    """The page cannot be trusted as a whole. The message says why, without anything of its content."""


def read_page(
    data: object, feed: FeedName, base: str, cursor: str, *, order: int, full: bool, select: Sequence[str]
) -> Page:
    """The changes and the link of a decoded page. `base` is the cloud's Graph endpoint, `cursor` the link that was
    followed (empty at the start of the feed), `select` what is read of a person. Raises MalformedPage.
    """
    if not isinstance(data, dict) or not isinstance(items := data.get("value"), list):
        raise MalformedPage("no list of values")
    next_link, delta_link = _links(data, feed, base, cursor)
    kind = ChangeKind.SNAPSHOT if full else ChangeKind.PATCH
    page = Page([], [], [], next_link, delta_link)
    kinds = user_kinds(tuple(select))
    skipped = 0
    for item in items:
        if not isinstance(item, dict) or not isinstance(raw_id := item.get("id"), str):
            raise MalformedPage("an item without an id")
        if (object_id := guid(raw_id)) is None:
            skipped += 1  # not an Entra object id: nothing we could store under it
        elif feed == "users":
            page.users.append(_user(item, object_id, order, kind, kinds))
        else:
            page.groups.append(_group(item, object_id, order, kind))
            page.memberships.extend(_members(item, object_id, order))
    return page._replace(skipped=skipped)


def guid(value: object) -> str | None:
    """An object id in its one form (lower case, with dashes); None for anything else."""
    return value.lower() if isinstance(value, str) and len(value) == 36 and _GUID(value) else None


def check_link(link: object, feed: FeedName, base: str) -> str:
    """The link, if it leads to this feed's delta at `base` and nowhere else; raises MalformedPage otherwise.

    Checked as text first, because parsers disagree on userinfo, backslashes, dots and blanks.
    """
    if not isinstance(link, str) or len(link) > LINK_LIMIT or not _PRINTABLE(link) or "\\" in link or "#" in link:
        raise MalformedPage("a link that is not a URL")
    parts, own = urlsplit(link), urlsplit(base)
    same_host = parts.netloc.lower() in {own.netloc.lower(), f"{own.hostname}:{own.port or 443}"}
    path = _DELTA_PATH(parts.path)
    if parts.scheme != own.scheme or not same_host or path is None or path[1] != feed:
        raise MalformedPage("a link that leads elsewhere")
    return link


def _links(data: Mapping[str, Any], feed: FeedName, base: str, cursor: str) -> tuple[str | None, str | None]:
    next_link, delta_link = data.get(NEXT_LINK), data.get(DELTA_LINK)
    if (next_link is None) == (delta_link is None):
        raise MalformedPage("neither or both of the links")
    if next_link is None:
        return None, check_link(delta_link, feed, base)
    if next_link == cursor:
        raise MalformedPage("a page that leads to itself")
    return check_link(next_link, feed, base), None


@lru_cache(maxsize=256)
def user_kinds(select: tuple[str, ...]) -> Mapping[str, type]:
    """What each entry of a `$select` must be."""
    return {name: dict if name == EXTENSIONS else _TYPES[kind_of(name)] for name in select if name not in _RELATIONS}


def read_user(item: Mapping[str, Any], object_id: str, order: int, select: Sequence[str]) -> UserChange:
    """One person as they were asked for by their id: all there is, with the manager where it was expanded."""
    properties = _properties(item, user_kinds(tuple(select)))
    manager = item.get("manager")
    if isinstance(manager, dict) and (found := guid(manager.get("id"))):
        properties["manager"] = found
    return UserChange(object_id, order, ChangeKind.SNAPSHOT, properties)


def _user(
    item: Mapping[str, Any], object_id: str, order: int, kind: ChangeKind, kinds: Mapping[str, type]
) -> UserChange:
    if (presence := _removed(item)) is not None:
        return UserChange(object_id, order, ChangeKind.REMOVED, presence=presence)
    properties = _properties(item, kinds)
    if "manager@delta" in item:
        _put_manager(item["manager@delta"], properties)
    return UserChange(object_id, order, kind, properties)


def _group(item: Mapping[str, Any], object_id: str, order: int, kind: ChangeKind) -> GroupChange:
    if (presence := _removed(item)) is not None:
        return GroupChange(object_id, order, ChangeKind.REMOVED, presence=presence)
    return GroupChange(object_id, order, kind, _properties(item, _GROUP_KINDS))


def _properties(item: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in item.items():
        kind = kinds.get(name)
        if kind is str and type(value) is str:  # first, because nearly all are
            if len(value) <= VALUE_LIMIT:
                plain = value.isprintable() and (value.isascii() or is_normalized("NFC", value))
                found[name] = value if plain else _tidy(value)
        elif kind is None:
            continue
        elif value is None or (kind is bool and type(value) is bool):
            found[name] = value
        elif kind is list and type(value) is list:
            found[name] = _texts(value)
        elif kind is dict and type(value) is dict:
            found |= _properties(value, _EXTENSION_KINDS)
        elif kind is object and (told := _open(value)) is not None:
            found[name] = told
    if EXTENSIONS in found:  # told as null: none of them has a value
        del found[EXTENSIONS]
        found |= dict.fromkeys(_EXTENSION_KINDS)
    return found


_EXTENSION_KINDS: Mapping[str, type] = {name: str for name in ATTRIBUTES if in_extensions(name)}


def _texts(entries: list[Any]) -> list[str]:
    """The texts of a list; of licences their `skuId`."""
    told = (entry.get("skuId") if isinstance(entry, dict) else entry for entry in entries)
    return [_tidy(text) for text in told if isinstance(text, str) and len(text) <= VALUE_LIMIT]


def _open(value: object) -> bool | str | list[str] | None:
    """The value of a directory extension, whose type is the tenant's choice (microsoft-facts §10)."""
    if isinstance(value, bool):
        return value
    if isinstance(value, list):
        return [text for entry in value if (text := _scalar(entry)) is not None]
    return _scalar(value)


def _scalar(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    return _tidy(value) if isinstance(value, str) and len(value) <= VALUE_LIMIT else None


def _tidy(text: str) -> str:
    return normalize("NFC", _FORBIDDEN.sub(" ", text))


def _removed(item: Mapping[str, Any]) -> Presence | None:
    """What a tombstone says; None when the item is not one. Delta pages hold an object, notifications a text.
    An unknown reason counts as the restorable kind.
    """
    if item.get("@removed") is None:
        return None
    mark = item["@removed"]
    reason = mark.get("reason") if isinstance(mark, dict) else mark
    return Presence.HARD_DELETED if reason == "deleted" else Presence.SOFT_DELETED


def _put_manager(entries: object, properties: dict[str, Any]) -> None:
    """The manager, if the entries tell one: a change lists the former as removed and the new one, in any order."""
    told = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    present = [found for entry in told if "@removed" not in entry and (found := guid(entry.get("id")))]
    if present:
        properties["manager"] = present[-1]
    elif any("@removed" in entry for entry in told):
        properties["manager"] = None


def _members(item: Mapping[str, Any], group_id: str, order: int) -> list[MembershipChange]:
    entries = item.get("members@delta")
    if not isinstance(entries, list) or _removed(item) is not None:
        return []
    return [
        MembershipChange(group_id, member, _member_type(entry), order, "@removed" not in entry)
        for entry in entries
        if isinstance(entry, dict) and (member := guid(entry.get("id")))
    ]


def _member_type(entry: Mapping[str, Any]) -> str:
    """`user`, `group` or another of Graph's types, from `#microsoft.graph.user`; empty where Graph did not tell.
    Notifications spell it `#Microsoft.Graph.User` (microsoft-facts §3.4).
    """
    told = entry.get("@odata.type")
    return told.rpartition(".")[2].lower() if isinstance(told, str) else ""
