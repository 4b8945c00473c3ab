"""Nested membership, computed from direct edges. Graph has no delta of transitive members (microsoft-facts §2), and
one function must answer for joining and for leaving.

A group that is gone neither gives membership nor passes it on. Cycles and groups in several parents are ordinary.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

from sync.core.model import GroupRecord, Presence

THERE = frozenset({Presence.PRESENT, Presence.UNKNOWN})  # unknown: only mentioned so far


class Nesting:
    """The edges between a tenant's groups, downwards and upwards. Built in one go; asking walks each edge once."""

    def __init__(self, groups: Iterable[GroupRecord]) -> None:
        self._parents: dict[str, list[str]] = {}
        self._children: dict[str, list[str]] = {}
        for group in groups:
            if group.presence not in THERE:
                continue
            self._parents[group.object_id] = [parent for parent, order in group.parents.items() if order > 0]
        for child, parents in self._parents.items():
            for parent in parents:
                self._children.setdefault(parent, []).append(child)

    def below(self, roots: Iterable[str]) -> frozenset[str]:
        """Every group whose direct members are members of one of the roots, the roots that exist included."""
        found: set[str] = set()
        waiting = [root for root in roots if root in self._parents]
        while waiting:
            group = waiting.pop()
            if group not in found:
                found.add(group)
                waiting += self._children.get(group, ())
        return frozenset(found)

    def path(self, group: str, roots: Collection[str]) -> tuple[str, ...]:
        """A shortest chain of groups from `group` up to one of the roots, both included; empty where there is none.

        Of several the first by ids: what an admin is told does not change from one day to the next by itself.
        """
        if group not in self._parents:
            return ()
        wanted = frozenset(roots)
        came_from: dict[str, str] = {group: ""}
        waiting = deque([group])
        while waiting:
            at = waiting.popleft()
            if at in wanted:
                return _chain(came_from, at)
            for parent in sorted(self._parents[at]):
                if parent in self._parents and parent not in came_from:
                    came_from[parent] = at
                    waiting.append(parent)
        return ()


def _chain(came_from: dict[str, str], end: str) -> tuple[str, ...]:
    chain = [end]
    while step := came_from[chain[-1]]:
        chain.append(step)
    return tuple(reversed(chain))
