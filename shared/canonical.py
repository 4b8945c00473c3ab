"""JSON in one canonical form: keys sorted, compact, UTF-8. Equal values give equal bytes."""

from __future__ import annotations

from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """Canonical bytes. Raises TypeError for what JSON cannot hold (lone surrogates included)."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def loads(data: bytes | str) -> Any:
    """Read JSON. Raises ValueError when it is not."""
    return orjson.loads(data)
