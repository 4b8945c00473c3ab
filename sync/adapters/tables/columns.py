"""JSON within a table row.

One text column `data` holds it; Azure allows 32 Ki UTF-16 units in it. What is longer goes compressed into binary
columns `z0`, `z1` … of up to 64 KiB, and `data` is not there. A scan selects `data` alone (half the price of whole
rows); the few rows without it are then read one by one.

JSON rather than packed binary even for memberships: orjson reads a membership in 0.2 µs, unpacking 24 bytes and
formatting a GUID takes Python 0.6 µs, and zlib makes large rows as small as packing would.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from shared.errors import Defect

TEXT_UNITS = 30_000  # of 32 Ki
CHUNK = 60_000  # bytes of 64 Ki
DAMAGED = zlib.error
ROW_BYTES = 960_000  # of 1 MiB, leaving room for keys and the other columns


class TooLarge(Defect):
    """More than a row holds."""


def pack(value: Mapping[str, Any]) -> dict[str, str | bytes]:
    """Columns for a JSON object. Raises TooLarge, and Defect for what JSON cannot hold (lone surrogates)."""
    try:
        data = orjson.dumps(value, default=_plain)
    except TypeError as error:
        raise Defect(f"a value cannot be stored: {error}") from error
    if len(data) <= TEXT_UNITS:  # a UTF-8 byte is never less than a UTF-16 unit
        return {"data": data.decode()}
    return compress(data)


def compress(data: bytes) -> dict[str, str | bytes]:
    """Columns for bytes of any kind. Raises TooLarge."""
    packed = zlib.compress(data, 1)
    if len(packed) > ROW_BYTES:
        raise TooLarge(f"{len(packed)} bytes are more than a row holds")
    return {f"z{number}": packed[start : start + CHUNK] for number, start in enumerate(range(0, len(packed), CHUNK))}


def unpack(row: Mapping[str, Any]) -> Any:
    """The JSON object of a row. Raises Defect when it is not ours."""
    text = row.get("data")
    try:
        return orjson.loads(text if text is not None else decompress(row))
    except (ValueError, TypeError, zlib.error) as error:
        raise Defect(f"a row cannot be read: {type(error).__name__}") from error


def decompress(row: Mapping[str, Any]) -> bytes:
    """The bytes that were compressed. Raises zlib.error when they are damaged."""
    chunks: list[bytes] = []
    while (chunk := row.get(f"z{len(chunks)}")) is not None:
        chunks.append(chunk)
    return zlib.decompress(b"".join(chunks))


def sent_bytes(columns: Mapping[str, Any]) -> int:
    """About how many bytes a row takes in a request: Azure's client escapes quotes and everything beyond ASCII."""
    total = 700  # headers, keys, names
    for value in columns.values():
        if isinstance(value, bytes):
            total += len(value) * 4 // 3
        elif isinstance(value, str):
            beyond = 0 if value.isascii() else 11 * sum(character > "\x7f" for character in value)
            total += len(value) + value.count('"') + value.count("\\") + beyond
    return total


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):  # a named one
        return list(value)
    raise TypeError(type(value).__name__)
