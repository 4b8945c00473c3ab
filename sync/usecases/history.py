"""What happened to whom: the activity, newest run first, filtered by a bounded walk over it.

Storage keeps activity by shard and run, and has no search. A request walks at most `WALK_LIMIT` rows (a transaction
each) and then answers with what it found and where to go on. The place is the storage's own and how many of the next
row's entries were told already, as one text; it means nothing to anybody else.
"""

from __future__ import annotations

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
STEP = 200
ACTIONS = tuple(action.value for action in Action if action is not Action.SKIP)
COUNTED = (*ACTIONS, "held", "groups", "accounts", "kept", "overtaken", "forgotten")
LONGEST_RUN = timedelta(days=30)  # a first pass may wait for Start: what it does is told under the day it began


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
    """The next entries: the newest run first, within a run by shard. A walk that stopped early has a cursor and may
    have found nothing yet. Raises BadCursor and Defect for a place that is none of ours.
    """
    if not connection.scope:
        return Found([], "")
    return _Walk(services, connection, wanted).page(*_parse(cursor), limit)


class _Walk:
    """One request's walk; runs are read once each."""

    def __init__(self, services: Services, connection: Connection, wanted: Wanted) -> None:
        self._services = services
        self._scope = connection.scope
        self._wanted = wanted
        person = wanted.person
        self._shards = [shard_of(person, connection.digits)] if person else shards(connection.digits)
        self._from = run_id_at(wanted.until, "") if wanted.until else ""
        self._past = run_id_at(wanted.since - LONGEST_RUN, "") if wanted.since else ""
        self._since = iso(wanted.since) if wanted.since else ""
        self._until = iso(wanted.until) if wanted.until else ""
        self._runs: dict[str, Run | None] = {}

    def page(self, skip: int, place: str, limit: int) -> Found:
        """Up to `limit` entries beyond a place."""
        found: list[Happening] = []
        walked = 0
        while walked < WALK_LIMIT:
            rows = self._services.people.trail(
                self._scope, self._shards, place, STEP, run=self._wanted.run, from_run=self._from
            )
            for row, at in rows:
                if self._past and row.run >= self._past:
                    return Found(found, "")
                for number, happening in enumerate(self._matching(row)):
                    if number < skip:
                        continue
                    if len(found) == limit:
                        return Found(found, f"{number}:{place}")
                    found.append(happening)
                skip, place = 0, at
            walked += len(rows)
            if len(rows) < STEP:
                return Found(found, "")
        return Found(found, f"0:{place}")

    def _matching(self, row: Activity) -> Iterator[Happening]:
        wanted = self._wanted
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
        if wanted.person and entry.object_id != wanted.person:
            return False
        if wanted.action is not None and entry.action is not wanted.action:
            return False
        return not wanted.group or wanted.group in _moved(entry)

    def _run(self, run_id: str) -> Run | None:
        if run_id not in self._runs:
            self._runs[run_id] = self._services.runs.get(self._scope, run_id)
        return self._runs[run_id]


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
