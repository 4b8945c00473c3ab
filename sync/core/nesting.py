"""Nested membership, computed from direct edges. Graph has no delta of transitive members (microsoft-facts §2), and
one function must answer for joining and for leaving.

A group that is gone neither gives membership nor passes it on; where people are kept out by it, it does both (`gone`):
what excludes is not undone by deleting a group. Cycles and groups in several parents are ordinary.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

from sync.core.model import GroupRecord, Presence, reading_of

THERE = frozenset({Presence.PRESENT, Presence.UNKNOWN})  # unknown: only mentioned so far


class Nesting:
    """The edges between a tenant's groups, downwards and upwards. Built in one go; asking walks each edge once."""

    def __init__(self, groups: Iterable[GroupRecord]) -> None:
        self._parents: dict[str, list[str]] = {}
        self._children: dict[str, list[str]] = {}
        self._gone: set[str] = set()
        for group in groups:
            if group.presence not in THERE:
                self._gone.add(group.object_id)
            self._parents[group.object_id] = [parent for parent, order in group.parents.items() if order > 0]
            if group.object_id in self._gone:
                self._parents[group.object_id] += _taken_out_by_deletion(group)
        for child, parents in self._parents.items():
            for parent in parents:
                self._children.setdefault(parent, []).append(child)

    def _counts(self, group: str, gone: bool) -> bool:
        return group in self._parents and (gone or group not in self._gone)

    def below(self, roots: Iterable[str], *, gone: bool = False) -> frozenset[str]:
        """Every group whose direct members are members of one of the roots, the roots that exist included. With `gone`
        groups that are gone count like the others.
        """
        found: set[str] = set()
        waiting = [*roots]
        while waiting:
            group = waiting.pop()
            if group not in found and self._counts(group, gone):
                found.add(group)
                waiting += self._children.get(group, ())
        return frozenset(found)

    def path(self, group: str, roots: Collection[str], *, gone: bool = False) -> tuple[str, ...]:
        """A shortest chain of groups from `group` up to one of the roots, both included; empty where there is none.

        Of several the first by ids: what an admin is told does not change from one day to the next by itself.
        """
        if not self._counts(group, gone):
            return ()
        wanted = frozenset(roots)
        came_from: dict[str, str] = {group: ""}
        waiting = deque([group])
        while waiting:
            at = waiting.popleft()
            if at in wanted:
                return _chain(came_from, at)
            for parent in sorted(self._parents[at]):
                if parent not in came_from and self._counts(parent, gone):
                    came_from[parent] = at
                    waiting.append(parent)
        return ()


def _taken_out_by_deletion(group: GroupRecord) -> list[str]:
    """The parents that Graph told to have lost a deleted group when, or since, it told of the deletion: it need not
    (microsoft-facts §2.3), and nobody took it out.
    """
    deleted = reading_of(group.order)
    return [parent for parent, order in group.parents.items() if order < 0 and reading_of(-order) >= deleted]


def _chain(came_from: dict[str, str], end: str) -> tuple[str, ...]:
    chain = [end]
    while step := came_from[chain[-1]]:
        chain.append(step)
    return tuple(reversed(chain))
