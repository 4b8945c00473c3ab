"""The deletion guard: how many accounts may be taken away before a person has looked.

It holds only removals. It counts over all runs in a rolling day, so that neither one bad pass nor a slow drip can
empty a workspace. There is no way to turn it off; the way past it is to approve exactly one set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.clock import iso, parse_iso
from sync.core.runs import GuardWindow

FLOOR = 5
SHARE = 0.10
WINDOW = timedelta(hours=24)


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
    return Verdict(True, limit, used, replace(window, removals=recent))


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
    return replace(window, lost=recent), frozenset(shrunk)
