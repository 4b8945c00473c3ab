"""The deletion guard: how many accounts may be taken away before a person has looked.

It holds only removals. It counts over all runs in a rolling day, so that neither one bad pass nor a slow drip can
empty a workspace. There is no way to turn it off; the way past it is to approve exactly one set.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.clock import iso, parse_iso
from sync.core.runs import GuardWindow

FLOOR = 5
SHARE = 0.10
WINDOW = timedelta(hours=24)
MANY = 1_000  # entries that a window keeps apart; the rest is kept by the minute, or by group and hour
Entries = Mapping[str, tuple[str, int]]  # part key -> (when ISO, how many)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a set of removals may be applied, measured by what, and the window to store if so."""

    released: bool
    limit: int
    used: int
    window: GuardWindow


def limit_of(active: int) -> int:
    """How many removals a day are unremarkable in a workspace of so many active accounts."""
    return max(FLOOR, int(active * SHARE))


def shrank(before: int, after: int, percent: int) -> bool:
    """Whether a group lost more of its members than is unremarkable: over the floor, and over so many in a hundred."""
    return before - after > max(FLOOR, before * percent // 100)


def judge(window: GuardWindow, part: str, removals: int, now: datetime) -> Verdict:
    """Release the removals of one part of a run, or hold all of them. The same part again gets the same answer."""
    recent = {key: value for key, value in window.removals.items() if parse_iso(value[0]) > now - WINDOW}
    used = sum(count for key, (_, count) in recent.items() if key != part)
    limit = limit_of(window.active)
    if part in recent and recent[part][1] >= removals:
        return Verdict(True, limit, used, replace(window, removals=recent))
    if used + removals > limit:
        return Verdict(False, limit, used, replace(window, removals=recent))
    recent[part] = (iso(now), removals)
    return Verdict(True, limit, used, replace(window, removals=_folded(recent, {part}, _minute)))


def note_lost(
    window: GuardWindow, part: str, lost: Mapping[str, int], members: Mapping[str, int], percent: int, now: datetime
) -> tuple[GuardWindow, frozenset[str]]:
    """The window with the members that groups lost by one part of a run (group -> people), and the groups that lost
    too many within the day, whoever took them. `members` has the groups' sizes before. The same part counts once.
    """
    recent = {key: value for key, value in window.lost.items() if parse_iso(value[0]) > now - WINDOW}
    for group, number in lost.items():
        recent.setdefault(f"{group}:{part}", (iso(now), number))
    totals: dict[str, int] = {}
    for key, (_, number) in recent.items():
        group = key.partition(":")[0]
        totals[group] = totals.get(group, 0) + number
    earlier = {group: totals[group] - number for group, number in lost.items()}
    shrunk = {
        group
        for group in lost
        if shrank(members.get(group, 0) + earlier[group], members.get(group, 0) - lost[group], percent)
    }
    own = {f"{group}:{part}" for group in lost}
    return replace(window, lost=_folded(recent, own, _group_and_hour)), frozenset(shrunk)


def _folded(entries: Entries, own: Collection[str], name: Callable[[str, str], str]) -> Entries:
    """The entries, and of very many those that are not our own added up under a common name, so that the window of a
    giant's busy day fits into a row. The sum is as young as its youngest, and a part whose message comes once more
    counts twice then: both make the guard more careful, never less.
    """
    if len(entries) <= MANY:
        return entries
    folded: dict[str, tuple[str, int]] = {}
    for key, (when, number) in entries.items():
        at = key if key in own else name(key, when)
        known = folded.get(at, ("", 0))
        folded[at] = (max(known[0], when), known[1] + number)
    return folded


def _minute(_: str, when: str) -> str:
    return when[:16]


def _group_and_hour(key: str, when: str) -> str:
    return f"{key.partition(':')[0]}:{when[:13]}"
