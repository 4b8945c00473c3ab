"""From the bytes of an answer to JSON values: fast, and exact where something looks odd."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from shared.errors import Transient
from shared.keys_once import keys_once

_RELATIONS = ("members@delta", "manager@delta")
_ESCAPED_ID = re.compile(rb"\\u006[49]")  # an escaped `i` or `d`: nobody writes them so


class NotJson(ValueError):
    """The body is not one JSON document in UTF-8 with unique keys."""


def decode(body: bytes) -> Any:
    """The document. orjson first; what it refuses (half a surrogate pair in somebody's name) is read by the
    standard library, which is stricter here about keys that come twice. Raises NotJson.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _decode_exactly(body)


def decode_object(body: bytes) -> Mapping[str, Any]:
    """A document that is an object. Raises Transient when it is anything else: Graph was not itself."""
    try:
        data = decode(body)
    except NotJson as error:
        raise Transient("malformed answer") from error
    if not isinstance(data, dict):
        raise Transient("malformed answer")
    return data


def decode_page(body: bytes) -> Any:
    """A delta page. Two `id` keys in one object would make one person another, and orjson keeps the last one:
    whenever there are more `"id"` in the text than objects to have them, or one may be escaped, the page is read
    again, exactly.
    """
    data = decode(body)
    usual = body.count(b'"id"') <= _expected_ids(data) and _ESCAPED_ID.search(body) is None
    return data if usual else _decode_exactly(body)


def _expected_ids(data: Any) -> int:
    items = data.get("value") if isinstance(data, dict) else None
    if not isinstance(items, list):
        return 0
    expected = len(items)
    for item in items:
        if isinstance(item, dict):
            expected += sum(len(entries) for name in _RELATIONS if isinstance(entries := item.get(name), list))
    return expected


def _decode_exactly(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=keys_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NotJson(type(error).__name__) from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
