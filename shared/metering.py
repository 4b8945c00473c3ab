"""How many calls a piece of work makes to Graph and to storage: counted by the thread that makes them.

A use case's work runs on one thread from message to answer. `restart` at its beginning, `taken` at its end; in between
the adapters tick. A tick costs a tenth of a microsecond.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

GRAPH, STORAGE = "graph_calls", "storage_calls"
METERS = frozenset({GRAPH, STORAGE})


class _Counts(threading.local):
    """Of this thread."""

    graph = 0
    storage = 0


_counts = _Counts()


def graph() -> None:
    """A request to Graph is made."""
    _counts.graph += 1


def storage() -> None:
    """An operation on a table is made."""
    _counts.storage += 1


def restart() -> None:
    """Forget what was counted on this thread."""
    _counts.graph = _counts.storage = 0


def taken() -> dict[str, int]:
    """What was counted on this thread since `restart` or the last `taken`; nothing of what is zero."""
    found = {name: count for name, count in ((GRAPH, _counts.graph), (STORAGE, _counts.storage)) if count}
    restart()
    return found


def added(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts with what was counted on this thread added; nothing is left counted."""
    found = taken()
    return {name: counts.get(name, 0) + found.get(name, 0) for name in {*counts, *found}}


def of(counts: Mapping[str, int]) -> dict[str, int]:
    """The calls among counts of other things too."""
    return {name: count for name, count in counts.items() if name in METERS}
