"""What an admin types: every text in every place of settings, and where it may stand."""

from __future__ import annotations

import gzip
import re
from typing import Any

from sync.core.text import clean
from tests.inputs.zoo import LONGEST, TEXTS

STRINGS = [str(text.given) for text in TEXTS if isinstance(text.given, str)]
HALF = [text for text in STRINGS if "\ud800" in text]
TYPED = [text for text in STRINGS if len(text) <= LONGEST and text not in HALF]  # of these each may be kept
WORDS = [text for text in TYPED if clean(text)]
TARGET = re.compile("[a-z][a-z0-9_]{0,39}")
QUOTED = [text for text in TYPED if len(text) < 400]  # with its quotes an expression has at most 500 characters
SUBJECTS = [text for text in WORDS if len(text.encode()) <= LONGEST]  # a longer one is refused with its token
Item = dict[str, Any]


def literal(text: str) -> str:
    """The expression that is this text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


DEFAULTS: Item = {
    "mapping": [
        {"target": f"d{number}", "value": "city", "apply": "always", "on_null": "default", "default": text}
        for number, text in enumerate(TYPED)
    ]
}
CONSTANTS: Item = {
    "mapping": [
        {"target": f"c{number}", "value": literal(text), "apply": "always", "on_null": "clear", "default": ""}
        for number, text in enumerate(QUOTED)
    ]
}
FILTERS: Item = {
    "scope": {
        "chosen": {"everyone": True, "groups": [], "people": [], "excluded_groups": [], "excluded_people": []},
        "guests": False,
        "disabled": False,
        "domains": [],
        "filters": [{"attribute": "userType", "operator": "in", "values": ["Member", *WORDS]}],
    }
}
CHOICES = {"defaults": DEFAULTS, "constants": CONSTANTS, "filters": FILTERS}
FIELDS = {
    "defaults": {f"d{number}": clean(text) for number, text in enumerate(TYPED) if clean(text)},
    "constants": {f"c{number}": clean(text) for number, text in enumerate(QUOTED) if clean(text)},
}


def choice(**parts: Any) -> Item:
    """Settings of a scope."""
    return {"scope": {"chosen": {"everyone": True}, **parts}}


def rule(**parts: Any) -> Item:
    """Settings of one rule."""
    return {"mapping": [{"target": "extra", "value": "city", **parts}]}


PLACES: dict[str, Any] = {
    "mapping.0.target": lambda text: rule(target=text),
    "mapping.0.value": lambda text: rule(value=text),
    "mapping.0.default": lambda text: rule(default=text),
    "scope.filters.0.attribute": lambda text: choice(filters=[{"attribute": text, "operator": "present"}]),
    "scope.filters.0.values": lambda text: choice(
        filters=[{"attribute": "userType", "operator": "in", "values": ["Member", text]}]
    ),
    "scope.domains.0": lambda text: choice(domains=[text]),
    **{
        f"scope.chosen.{name}.0": lambda text, name=name: {"scope": {"chosen": {"everyone": True, name: [text]}}}
        for name in ("groups", "people", "excluded_groups", "excluded_people")
    },
    "audience.excluded_people.0": lambda text: {"audience": {"everyone": True, "excluded_people": [text]}},
}


def fits(place: str, text: str) -> bool:
    """Whether the product says that this may stand there."""
    match place:
        case "mapping.0.target":
            return TARGET.fullmatch(text) is not None
        case "mapping.0.default":
            return text in TYPED
        case "scope.filters.0.values":
            return text in WORDS
        case _:
            return False


WHOLE = b'{"retention_days": 77}'
BODIES: tuple[bytes, ...] = (  # each says that, and something is wrong with it
    b'{"retention_days": 77, "retention_days": 77}',
    b'{"retention_days": 77, "\\u0072etention_days": 78}',
    b'{"retention_days": 77, "scope": {"chosen": {"everyone": true, "everyone": false}}}',
    b'{"retention_days": 77, "mapping": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    b'{"retention_days": 1e400}',
    b'{"retention_days": NaN}',
    b'{"retention_days": ' + b"7" * 5_000 + b"}",
    WHOLE.decode().encode("utf-16"),
    WHOLE.decode().encode("utf-16-le"),
    WHOLE.decode().encode("utf-32-be"),
    b"\xef\xbb\xbf" + WHOLE,
    WHOLE.replace(b"}", b', "\xe9": 1}'),
    gzip.compress(WHOLE),
    WHOLE + b"x",
    WHOLE + WHOLE,
    WHOLE + b"\0",
)
