"""The deletion guard: how many accounts may be taken away before a person has looked.

It holds only removals. It counts over all runs in a rolling day, so that neither one bad pass nor a slow drip can
empty a workspace. There is no way to turn it off; the way past it is to approve exactly one set.
"""

from __future__ import annotations

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
