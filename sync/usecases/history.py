"""What happened to whom: the activity, newest run first, filtered by a bounded walk over it.

Storage keeps activity by shard and run, and one person's as a chain from the newest entry to the oldest. All other
filters search: a request walks at most `WALK_LIMIT` rows (a transaction each; of a chain `STORY_LIMIT`) and then
answers with what it found and where to go on. The place is the storage's own and how many of the next row's entries
were told already, as one text; it means nothing to anybody else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.clock import iso, parse_iso
from shared.errors import Defect
from sync.core.connection import Connection, shard_of, shards
from sync.core.model import Action, ActivityEntry
from sync.core.runs import Cause, Run
from sync.ports import Activity
from sync.usecases.sending import run_id_at
from sync.usecases.services import Services

WALK_LIMIT = 2_000
STORY_LIMIT = 400  # a read each
# By which accounts are counted. Who yields is beside that: another's decision brought it about, in whatever shard.
ACTIONS = tuple(action.value for action in Action if action not in {Action.SKIP, Action.YIELD})
COUNTED = (*ACTIONS, "held", "groups", "accounts", "kept", "overtaken", "forgotten")
LONGEST_RUN = timedelta(days=30)  # a first pass may wait for Start: what it does is told under the day it began
SKEW = timedelta(days=1)  # more than clocks of workers differ: the entries of a chain are in order but for that


class Wanted(NamedTuple):
    """Which entries; empty values want everything. `since` and `until` are moments, the second exclusive."""

    person: str = ""
    group: str = ""
    cause: Cause | None = None
    run: str = ""
    action: Action | None = None
    since: datetime | None = None
    until: datetime | None = None


class Happening(NamedTuple):
    """One account's before and after, with the run that did it; None where the run's row is gone already."""

    at: str
    run_id: str
    run: Run | None
    entry: ActivityEntry


class Found(NamedTuple):
    """Entries, and where to go on (empty at the end)."""

    happenings: list[Happening]
    cursor: str


def activity(services: Services, connection: Connection, wanted: Wanted, cursor: str, limit: int) -> Found:
    """The next entries: the newest run first, within a run by shard; of one person the newest entry first. A walk that
    stopped early has a cursor and may have found nothing yet. Raises BadCursor and Defect for a place that is none of
    ours.
    """
    if not connection.scope:
        return Found([], "")
    return _Walk(services, connection, wanted).page(*_parse(cursor), limit)


def every(services: Services, connection: Connection, wanted: Wanted) -> Iterator[Happening]:
    """All of them in the same order, in one walk, with the memory of a page of it."""
    if connection.scope:
        yield from _Walk(services, connection, wanted).all()


class _Walk:
    """One request's walk."""

    def __init__(self, services: Services, connection: Connection, wanted: Wanted) -> None:
        self._services = services
        self._scope = connection.scope
        self._wanted = wanted
        self._digits = connection.digits
        self._from = run_id_at(wanted.until, "") if wanted.until else ""
        self._past = run_id_at(wanted.since - LONGEST_RUN, "") if wanted.since else ""
        self._long_past = iso(wanted.since - SKEW) if wanted.since else ""
        self._since = iso(wanted.since) if wanted.since else ""
        self._until = iso(wanted.until) if wanted.until else ""
        self._known: tuple[str, Run | None] = ("", None)  # the run of the row before: there are very many

    def page(self, skip: int, place: str, limit: int) -> Found:
        """Up to `limit` entries beyond a place."""
        found: list[Happening] = []
        searches = self._wanted._replace(run="", since=None, until=None) != Wanted()
        for walked, (row, at) in enumerate(self._rows(place, WALK_LIMIT if searches else limit + 1), 1):
            for number, happening in enumerate(self._matching(row)):
                if number < skip:
                    continue
                if len(found) == limit:
                    return Found(found, f"{number}:{place}")
                found.append(happening)
            skip, place = 0, at
            if walked == (STORY_LIMIT if self._wanted.person else WALK_LIMIT):
                return Found(found, f"0:{place}")
        return Found(found, "")

    def all(self) -> Iterator[Happening]:
        """Every entry."""
        for row, _ in self._rows("", WALK_LIMIT):
            yield from self._matching(row)

    def _rows(self, place: str, likely: int) -> Iterator[tuple[Activity, str]]:
        """The activities beyond a place that may have wanted entries."""
        wanted, people = self._wanted, self._services.people
        if wanted.person:
            story = people.story(self._scope, shard_of(wanted.person, self._digits), wanted.person, place)
            return itertools.takewhile(lambda one: one[0].at >= self._long_past, story)
        trail = people.trail(self._scope, shards(self._digits), place, likely, run=wanted.run, from_run=self._from)
        return itertools.takewhile(lambda one: not self._past or one[0].run < self._past, trail)

    def _matching(self, row: Activity) -> Iterator[Happening]:
        wanted = self._wanted
        if wanted.run and row.run != wanted.run:
            return
        if (self._since and row.at < self._since) or (self._until and row.at >= self._until):
            return
        entries = [entry for entry in row.entries if self._fits(entry)]
        if not entries:
            return
        run = self._run(row.run)
        if wanted.cause is None or (run is not None and run.cause == wanted.cause):
            for entry in entries:
                yield Happening(row.at, row.run, run, entry)

    def _fits(self, entry: ActivityEntry) -> bool:
        wanted = self._wanted
        if wanted.action is not None and entry.action is not wanted.action:
            return False
        return not wanted.group or wanted.group in _moved(entry)

    def _run(self, run_id: str) -> Run | None:
        if run_id != self._known[0]:
            self._known = (run_id, self._services.runs.get(self._scope, run_id))
        return self._known[1]


def _moved(entry: ActivityEntry) -> frozenset[str]:
    """The groups that a person joined or left."""
    return frozenset(entry.before.get("groups", "").split()) ^ frozenset(entry.after.get("groups", "").split())


def _parse(place: str) -> tuple[int, str]:
    if not place:
        return 0, ""
    skip, colon, after = place.partition(":")
    if not colon or not skip.isdecimal():
        raise Defect("a place in a list is not ours")
    return int(skip), after


def counted(run: Run) -> dict[str, int]:
    """What a run counted and tells: accounts by action, as many as the activity has entries, and what else was done.
    Not what it keeps for itself: calls, which are told apart, and what the guard is asked about.
    """
    return {name: run.counts[name] for name in COUNTED if run.counts.get(name)}


def seconds_of(run: Run) -> float | None:
    """How long a run took; None while it is under way."""
    if not run.finished_at:
        return None
    return round((parse_iso(run.finished_at) - parse_iso(run.started_at)).total_seconds(), 3)
