"""Opaque continuation tokens: sealed, so that a client can neither read, build nor change one."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class BadCursor(Exception):
    """Not a token that this service issued."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything a nextLink or deltaLink stands for. `start` -1 means a full enumeration."""

    tenant: str
    feed: str
    kind: str  # "skip" | "delta"
    incarnation: str
    epoch: int
    at: float
    select: str | None = None  # as the client wrote it
    ids: tuple[str, ...] = ()
    start: int = -1
    end: int = 0
    major: int = 0  # position: object (full enumeration) or item (change round)
    minor: int = 0  # full enumeration of groups: member slot
    page: int = 0
    gap: bool = False  # the page before was an empty one
    minimal: bool = False

    def moved(self, **changes: Any) -> "Cursor":
        """A copy with some fields changed."""
        return replace(self, **changes)


class Sealer:
    """Seals values into URL-safe text with AES-GCM, padded to a realistic length. The same value is the same text, so
    that a place in a feed has one link.
    """

    def __init__(self, key: bytes) -> None:
        self._box = AESGCM(key)
        self._key = key

    def seal(self, value: list[Any]) -> str:
        """Text that only `open` of the same key understands."""
        plain = orjson.dumps(value)
        plain += b" " * (-len(plain) % 192)
        nonce = hmac.digest(self._key, plain, hashlib.sha256)[:12]
        return base64.urlsafe_b64encode(nonce + self._box.encrypt(nonce, plain, None)).decode().rstrip("=")

    def open(self, token: str) -> list[Any]:
        """The sealed value, or BadCursor."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            value = orjson.loads(self._box.decrypt(raw[:12], raw[12:], None))
        except (ValueError, InvalidTag) as error:
            raise BadCursor(token[:16]) from error
        if not isinstance(value, list):
            raise BadCursor(token[:16])
        return value


def write(sealer: Sealer, cursor: Cursor) -> str:
    """The token text of a cursor."""
    return sealer.seal(
        [
            cursor.tenant,
            cursor.feed,
            cursor.kind,
            cursor.incarnation,
            cursor.epoch,
            cursor.at,
            cursor.select,
            list(cursor.ids),
            cursor.start,
            cursor.end,
            cursor.major,
            cursor.minor,
            cursor.page,
            cursor.gap,
            cursor.minimal,
        ]
    )


def read(sealer: Sealer, token: str) -> Cursor:
    """The cursor of a token text, or BadCursor."""
    value = sealer.open(token)
    if len(value) != 15:
        raise BadCursor(token[:16])
    value[7] = tuple(value[7])
    return Cursor(*value)
