"""Cursors as the API and the pages hand them out: opaque, and good only for the list they came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from sync.panel.problems import Problem

_SIGNATURE_BYTES = 12


def wrap(place: str, keys: Sequence[str], *where: str) -> str | None:
    """A place in a list as a cursor; None at the end. `where` names the list: its connection, kind and filters."""
    if not place:
        return None
    raw = _sign(keys[0], place, where) + place.encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unwrap(cursor: str, keys: Sequence[str], *where: str) -> str:
    """The place. Raises Problem 400 when the cursor is not one of ours for this very list."""
    if not cursor:
        return ""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        place = raw[_SIGNATURE_BYTES:].decode()
    except (ValueError, binascii.Error) as error:
        raise _bad() from error
    if not any(hmac.compare_digest(_sign(key, place, where), raw[:_SIGNATURE_BYTES]) for key in keys):
        raise _bad()
    return place


def _sign(key: str, place: str, where: Sequence[str]) -> bytes:
    text = "\n".join(("cursor", *(f"{len(part)}:{part}" for part in where), place))
    return hmac.digest(key.encode(), text.encode(errors="replace"), hashlib.sha256)[:_SIGNATURE_BYTES]


def _bad() -> Problem:
    return Problem(400, "bad_cursor", "This cursor does not belong to this list. Begin without one.")
