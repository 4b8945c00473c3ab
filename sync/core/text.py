"""Text from a directory: kept as data, made harmless for every sink once, here."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# C0 and C1 controls, line and paragraph separators, and surrogates that no encoding can write. Joiners and
# bidirectional marks stay: names in Persian or Hindi and emoji families need them; pages isolate them.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_SPACES = re.compile(r"\s+")
TEXT_LIMIT = 256


def clean(value: object, limit: int = TEXT_LIMIT) -> str:
    """One line of NFC text of at most `limit` characters; the empty string for anything that is not text."""
    if not isinstance(value, str) or not value:
        return ""
    return _clean(value, limit) if len(value) <= limit else _clean.__wrapped__(value, limit)


@lru_cache(maxsize=8192)  # departments, titles and countries are few
def _clean(value: str, limit: int) -> str:
    if value.isascii() and value.isprintable():  # the common case, thirty times cheaper
        return " ".join(value.split())[:limit].rstrip()
    text = unicodedata.normalize("NFC", _FORBIDDEN.sub(" ", value[: 16 * limit]))
    return _SPACES.sub(" ", text).strip()[:limit].rstrip()


def fold(text: str) -> str:
    """For comparing and searching: case-folded NFKC."""
    return unicodedata.normalize("NFKC", text).casefold()


def alike(text: str) -> str:
    """As `fold`, and the four Turkish letters i are one: İSTANBUL is Istanbul and istanbul, whichever rules wrote it.
    For choosing people by what they have in common, never for telling who somebody is.
    """
    return fold(text).replace("i\u0307", "i").replace("\u0131", "i")
