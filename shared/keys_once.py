"""JSON objects that say everything once: the standard library takes the last of a key that comes twice."""

from __future__ import annotations

from collections.abc import Sequence


class RepeatedKey(ValueError):
    """A key comes twice in one object."""


def keys_once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """An `object_pairs_hook` for `json.loads`. Raises RepeatedKey."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedKey("a key comes twice")
    return found
