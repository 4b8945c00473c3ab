"""Row and partition keys: made of GUIDs and hex alone, so that nothing from outside can reach a key or a filter."""

from __future__ import annotations

import re

from shared.errors import Defect

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-f]+")
_NAME = re.compile(r"[0-9a-z][0-9a-z_-]*")


def guid(text: str) -> str:
    """A GUID in its canonical form. Raises Defect for anything else: making it canonical is the reader's task."""
    if not _GUID.fullmatch(text):
        raise Defect("a key is not a canonical GUID")
    return text


def is_hex(text: str) -> bool:
    """Whether it is lower-case hex."""
    return _HEX.fullmatch(text) is not None


def hexadecimal(text: str) -> str:
    """Lower-case hex. Raises Defect for anything else."""
    if not _HEX.fullmatch(text):
        raise Defect("a key is not hexadecimal")
    return text


def name(text: str) -> str:
    """Lower-case letters, digits, `-` and `_`. Raises Defect for anything else."""
    if not _NAME.fullmatch(text):
        raise Defect("a key is not made of letters, digits, `-` and `_`")
    return text


def quoted(text: str) -> str:
    """A value within a filter."""
    return "'" + text.replace("'", "''") + "'"


def under(partition: str, low: str = "", high: str = "", *, after: str = "") -> str:
    """A filter: one partition, row keys from `low` (or beyond `after`) to before `high`."""
    parts = [f"PartitionKey eq {quoted(partition)}"]
    if after:
        parts.append(f"RowKey gt {quoted(after)}")
    elif low:
        parts.append(f"RowKey ge {quoted(low)}")
    if high:
        parts.append(f"RowKey lt {quoted(high)}")
    return " and ".join(parts)


def is_guid(text: str) -> bool:
    """Whether it is a GUID in its canonical form."""
    return _GUID.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether it is made of lower-case letters, digits, `-` and `_`."""
    return _NAME.fullmatch(text) is not None
