"""What an admin sees of a connection at a glance. Read by a page every two seconds, so it asks storage for little:
the connection, its newest runs and its holds each time; counters, groups and poison queues from a short memory.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.clock import iso, parse_iso
from sync.core.connection import Connection, ConnectionState, ConnectionView, shards
from sync.core.model import Counts, Presence
from sync.core.runs import Hold, Outcome, Run, Stage, changed
from sync.core.silence import last_read, silent_since
from sync.usecases import every
from sync.usecases.chosen_groups import Unfit, unfit
from sync.usecases.services import Services

NEWEST_RUNS = 50
ENOUGH = 3  # changes found unannounced, and none announced, before an admin is told


class Phase(StrEnum):
    """What there is to say to the admin now; finer than the connection's state."""

    CONSENT = "consent"  # the admin has not finished at Microsoft
    SPREADING = "spreading"  # consent was given, Microsoft is still spreading it
    SURVEYING = "surveying"  # the tenant is read for the first time
    READY = "ready"  # it was read; the admin may start
    IMPORTING = "importing"
    CONNECTED = "connected"
    ATTENTION = "attention"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds from a notification to the account row, over recent runs that a notification caused."""

    median: float
    p95: float
    runs: int


@dataclass(frozen=True, slots=True)
class Announced:
    """Recent pulls that changed something: how many a notification caused, how many only the timer found."""

    notified: int
    found: int

    @property
    def missing(self) -> bool:
        """Whether notifications seem not to come at all; a timer that was faster now and then is no sign of it."""
        return self.found >= ENOUGH and not self.notified


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the full pass under way is. `fraction` is 0 to 1 over the accounts' part, None while it is unknown."""

    stage: Stage
    read: int
    parts: int
    done: int
    fraction: float | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """A connection at a glance."""

    view: ConnectionView
    phase: Phase
    counts: Counts
    groups: int
    runs: Sequence[Run]
    holds: Sequence[Hold]  # waiting ones only
    unfit_groups: Unfit  # those that the settings name
    progress: Progress | None
    freshness: Freshness | None
    announced: Announced
    last_read: str  # ISO: both feeds were read to their end by then; empty before the first time
    silent_since: str  # ISO, empty unless there was no success for too long
    last_change: str  # ISO, empty when there was none
    next_pass: str  # ISO, empty while none is planned
    pull_interval: float  # seconds between looks at a feed that nobody announced a change of
    poison: int  # messages of any connection that wait for an engineer

    @property
    def connection(self) -> Connection:
        """The connection itself."""
        return self.view.connection


class Overviews:
    """Makes overviews; one per process, safe for threads."""

    def __init__(self, services: Services, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._memory = _Memory(monotonic)

    def glance(self, view: ConnectionView) -> Overview:
        """The connection as it is now. Raises Transient."""
        connection, services = view.connection, self._services
        runs: Sequence[Run] = ()
        holds: Sequence[Hold] = ()
        counts, groups = Counts(), 0
        if connection.scope:
            runs = services.runs.page(connection.scope, "", NEWEST_RUNS)[0]
            holds = _waiting(services.runs.holds(connection.scope), services.clock.now())
            counts = self.counts(connection)
            groups = self._groups(connection)
        return Overview(
            view=view,
            phase=phase_of(connection),
            counts=counts,
            groups=groups,
            runs=runs,
            holds=holds,
            unfit_groups=self._unfit_groups(connection),
            progress=self._progress(view, runs),
            freshness=freshness_of(runs),
            announced=announced_of(runs),
            last_read=last_read(view.reader),
            silent_since=self._silent_since(view),
            last_change=next((run.finished_at or run.started_at for run in runs if changed(run)), ""),
            next_pass=self._next_pass(view),
            pull_interval=services.settings.pull_interval,
            poison=self._memory.get("poison", 20, lambda: sum(services.queue.poison_counts().values())),
        )

    def counts(self, connection: Connection) -> Counts:
        """How many people and accounts; remembered longer where it takes more reads."""
        keep = 1.0 if connection.digits == 0 else 4.0 if connection.digits == 1 else 15.0
        found: Counts = self._memory.get(
            f"counts:{connection.scope}",
            keep,
            lambda: self._services.people.counts(connection.scope, shards(connection.digits)),
        )
        return found

    def _groups(self, connection: Connection) -> int:
        if connection.state is ConnectionState.AWAITING_START:
            return connection.survey.groups if connection.survey else 0
        found: int = self._memory.get(f"groups:{connection.scope}", 15, lambda: self._count_groups(connection.scope))
        return found

    def _unfit_groups(self, connection: Connection) -> Unfit:
        key = f"unfit:{connection.scope}:{connection.settings.version}"
        found: Unfit = self._memory.get(key, 15, lambda: unfit(self._services, connection))
        return found

    def _count_groups(self, scope: str) -> int:
        return sum(group.presence is Presence.PRESENT for group in every.group(self._services, scope))

    def _progress(self, view: ConnectionView, runs: Sequence[Run]) -> Progress | None:
        run = next((run for run in runs if run.id == view.reader.pass_run), None)
        if run is None and view.reader.pass_run:
            run = self._services.runs.get(view.connection.scope, view.reader.pass_run)
        if run is None:  # a first pass that has been read and whose parts are being applied
            run = next((run for run in runs if run.kind == "pass" and run.outcome is Outcome.RUNNING), None)
        return progress_of(run, view.connection, self._services.clock.now()) if run else None

    def _silent_since(self, view: ConnectionView) -> str:
        pace = self._services.settings
        return silent_since(
            view.connection,
            view.reader,
            self._services.clock.now(),
            pull_interval=pace.pull_interval,
            full_pass_interval=pace.full_pass_interval,
        )

    def _next_pass(self, view: ConnectionView) -> str:
        if not view.reader.passed_at or view.connection.state is not ConnectionState.CONNECTED:
            return ""
        interval = timedelta(seconds=self._services.settings.full_pass_interval)
        return iso(parse_iso(view.reader.passed_at) + interval)


def announced_of(runs: Sequence[Run]) -> Announced:
    """How recent changes came to be known."""
    causes = [run.cause for run in runs if run.kind == "pull" and changed(run)]
    return Announced(causes.count("notification"), causes.count("timer"))


def phase_of(connection: Connection) -> Phase:
    """What to say about a connection in this state."""
    match connection.state:
        case ConnectionState.AWAITING_CONSENT:
            return Phase.SPREADING if connection.waiting_since else Phase.CONSENT
        case ConnectionState.AWAITING_START:
            return Phase.READY if connection.survey else Phase.SURVEYING
        case other:
            return Phase(other.value)


def freshness_of(runs: Sequence[Run]) -> Freshness | None:
    """Median and 95th percentile (nearest rank) over the runs that a notification caused and that changed something."""
    seconds = sorted(
        (parse_iso(run.finished_at) - parse_iso(run.noticed_at)).total_seconds()
        for run in runs
        if run.cause == "notification" and run.finished_at and run.noticed_at and changed(run)
    )
    if not seconds:
        return None
    return Freshness(_rank(seconds, 0.5), _rank(seconds, 0.95), len(seconds))


def progress_of(run: Run, connection: Connection, now: datetime) -> Progress:
    """How far a pass is. The time left is estimated from the parts done since the admin pressed Start."""
    fraction = len(run.done_parts) / run.parts if run.parts else None
    if run.stage in {Stage.READING, Stage.WAITING}:
        fraction = None
    left = None
    if fraction and run.stage is Stage.APPLYING and connection.started_at:
        elapsed = (now - parse_iso(connection.started_at)).total_seconds()
        left = max(0.0, elapsed * (1 - fraction) / fraction)
    return Progress(run.stage, run.read, run.parts, len(run.done_parts), fraction, left)


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _waiting(holds: Sequence[Hold], now: datetime) -> list[Hold]:
    """Holds an admin can still decide. One past its end is shown as expired although nobody has marked it yet."""
    current = (replace(hold, state="expired") if parse_iso(hold.expires_at) <= now else hold for hold in holds)
    return [hold for hold in current if hold.state == "waiting"]


class _Memory:
    """Values that may be a few seconds old. A failure is not remembered."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._values: dict[str, tuple[float, Any]] = {}

    def get(self, key: str, keep: float, make: Callable[[], Any]) -> Any:
        now = self._monotonic()
        with self._lock:
            found = self._values.get(key)
        if found and now < found[0]:
            return found[1]
        value = make()
        with self._lock:
            if len(self._values) > 4096:  # a process that has seen that many workspaces may forget them all
                self._values.clear()
            self._values[key] = (now + keep, value)
        return value
