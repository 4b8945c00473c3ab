"""The outlook: by what, and about whom, a preview of settings decides. Nothing is written.

Rows are scanned once, shard by shard, the next ones while one is decided: storage and processor take about as long.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from shared.clock import iso
from shared.errors import NeedsAdmin, Transient
from sync.core.connection import Connection, ConnectionView, shards
from sync.core.decision import Context
from sync.core.mapping import unread
from sync.core.merge import merge_person
from sync.core.model import AccountState, PersonRecord, Presence, UserChange
from sync.core.runs import Outcome, Run, Stage
from sync.core.scope import Policy
from sync.core.sync_settings import SyncSettings
from sync.usecases import every, lease, mentioned, pairing, reaching
from sync.usecases.commit import Pair
from sync.usecases.services import Services

ASKED = 200  # people known by nothing but a membership of whom Entra is asked: ten batches
AHEAD = 2  # shards that are read while one is decided


class Plan(NamedTuple):
    """What everybody is decided by."""

    connection: Connection  # with the settings that are previewed
    context: Context
    waiting: Run | None  # the first pass, when its plan waits for Start
    pause: timedelta  # until Entra may be asked again; zero: now

    @property
    def may_ask(self) -> bool:
        """Whether Entra may be asked now: never for a connection that is over, nor while it is to be left alone."""
        return self.connection.live and not self.pause


def plan_of(services: Services, view: ConnectionView, wanted: SyncSettings) -> Plan | None:
    """By what everybody would be decided; None while nobody was read yet."""
    connection = view.connection
    if not connection.scope:
        return None
    waiting = None
    if not connection.first_pass_done:
        waiting = services.runs.get(connection.scope, view.reader.pass_run) if view.reader.pass_run else None
        if waiting is None or waiting.outcome is not Outcome.RUNNING or waiting.stage is not Stage.WAITING:
            return None
    reach = reaching.foreseen(services, connection, wanted, every.group(services, connection.scope))
    policy = Policy(wanted, reach, unread(wanted, reaching.selected(view, waiting)))
    context = Context(policy, iso(services.clock.now()), waiting is not None)
    return Plan(replace(connection, settings=wanted), context, waiting, lease.pause(services, view.reader))


def every_shard(services: Services, plan: Plan) -> Iterator[list[Pair]]:
    """The pairs of one shard after the other, read ahead. Raises what reading them raises."""
    with ThreadPoolExecutor(AHEAD, thread_name_prefix="preview") as readers:
        reading: deque[Future[list[Pair]]] = deque()
        for shard in shards(plan.connection.digits):
            reading.append(readers.submit(pairs_of, services, plan, shard))
            if len(reading) > AHEAD:
                yield reading.popleft().result()
        while reading:
            yield reading.popleft().result()


def pairs_of(services: Services, plan: Plan, shard: str, ids: Sequence[str] | None = None) -> list[Pair]:
    """(stored, as the directory tells them) for everybody of a shard: rows, and before Start what the pass read."""
    loaded = services.people.load(plan.connection.scope, shard, None if plan.waiting else ids)
    if plan.waiting is not None:
        pairs = pairing.staged(services, plan.connection.scope, plan.waiting, shard).pairs(loaded)
    else:
        pairs = [(record, record) for record in loaded.records.values()]
    return pairs if ids is None else [pair for pair in pairs if pair[1].object_id in ids]


def concerned(record: PersonRecord) -> bool:
    """Whether a person is in the directory, or has an account."""
    return record.account_state is not AccountState.NONE or record.presence is Presence.PRESENT


class Strangers:
    """People of whom nothing but a membership is known: Entra is asked about those whom the settings would bring in."""

    def __init__(self, services: Services, plan: Plan) -> None:
        self._services = services
        self._plan = plan
        self._left = ASKED
        self.unasked = 0

    def met(self, pairs: Iterable[Pair]) -> list[Pair]:
        """The pairs of a shard without its strangers, but with those who turned out to be people."""
        known, unheard = list[Pair](), dict[str, Pair]()
        for pair in pairs:
            if concerned(pair[1]):
                known.append(pair)
            elif pair[1].presence is Presence.UNKNOWN:
                unheard[pair[1].object_id] = pair
        wanted = mentioned.unknown((merged for _, merged in unheard.values()), self._plan.context.policy)
        for change in self._told(wanted[: self._left]) if wanted else ():
            stored, merged = unheard[change.object_id]
            known.append((stored, merge_person(merged, change)))
        self.unasked += len(wanted[self._left :])
        self._left = max(0, self._left - len(wanted))
        return known

    def _told(self, people: Sequence[PersonRecord]) -> list[UserChange]:
        if not people:
            return []
        if self._plan.may_ask:
            with contextlib.suppress(Transient, NeedsAdmin):
                return mentioned.ask(self._services, self._plan.connection, people)
        self.unasked += len(people)
        return []
