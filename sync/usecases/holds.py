"""Removals that wait for an admin: made by the guard, approved or rejected once, for exactly the people they name."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from shared.clock import iso
from shared.errors import Conflict, NeedsAdmin
from shared.events import log
from sync.core.connection import Connection, shard_of
from sync.core.guard import judge, note_lost
from sync.core.runs import HeldRemoval, Hold, Outcome, Run
from sync.core.scope import Reach
from sync.usecases import reaching
from sync.usecases.release import release
from sync.usecases.services import Services

LIFETIME = timedelta(hours=24)


def permit(services: Services, connection: Connection, part: str, removals: int) -> tuple[bool, int]:
    """Whether these removals may be applied now (they then count for a day), and the limit. See core.guard."""
    while True:
        window = services.runs.window(connection.scope)
        verdict = judge(window, part, removals, services.clock.now())
        if not verdict.released:
            return False, verdict.limit
        try:
            services.runs.save_window(verdict.window)
        except Conflict:
            continue
        return True, verdict.limit


def shrunk(
    services: Services,
    connection: Connection,
    part: str,
    lost: Mapping[str, int],
    of: Callable[[Reach], frozenset[str]] = reaching.included,
) -> frozenset[str]:
    """Which of the groups that scope or audience go by (those they take in, unless others are asked for) lost too many
    members within a day, these included.
    """
    if not lost or not connection.settings.names_groups:
        return frozenset()
    used = of(reaching.policy(services, connection).reach) & lost.keys()
    if not used:
        return frozenset()
    members = {group: record.members for group, record in services.groups.load(connection.scope, sorted(used)).items()}
    while True:
        window = services.runs.window(connection.scope)
        noted, found = note_lost(
            window,
            part,
            {group: lost[group] for group in used},
            members,
            connection.settings.shrink_percent,
            services.clock.now(),
        )
        if noted == window:
            return found
        try:
            services.runs.save_window(noted)
        except Conflict:
            continue
        return found


def group_cause(services: Services, scope: str, groups: Collection[str]) -> str:
    """What an admin reads as the cause of a hold that groups brought about."""
    stored = services.groups.load(scope, sorted(groups))
    names = sorted(stored[group].name or group for group in groups if group in stored)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"group vanished or shrank: {', '.join(names[:3])}{more}"


def add(services: Services, connection: Connection, run: str, cause: str, removals: Sequence[HeldRemoval]) -> str:
    """Put removals on the run's hold, which is made if need be; returns the hold's id. May be repeated."""
    now = services.clock.now()
    for number in range(1000):
        hold_id = hashlib.sha256(f"hold:{run}:{number}".encode()).hexdigest()[:16]
        known = {hold.id: hold for hold in services.runs.holds(connection.scope)}.get(hold_id)
        if known is not None and known.state != "waiting":
            continue  # decided already: what comes later needs a decision of its own
        hold = known or Hold(hold_id, connection.scope, connection.id, run, cause, iso(now), iso(now + LIFETIME))
        there = {(removal.object_id, removal.audience) for removal in hold.removals}
        new = tuple(removal for removal in removals if (removal.object_id, removal.audience) not in there)
        if not new and known is not None:
            return hold_id
        try:
            services.runs.save_hold(replace(hold, removals=hold.removals + new))
        except Conflict:
            return add(services, connection, run, cause, removals)
        return hold_id
    raise Conflict("a run has too many holds")


def simulations_only(services: Services, scope: str, people: Mapping[str, str]) -> frozenset[str]:
    """Of people who wait (object id -> hold), those who do for the end of their simulations, not of their accounts."""
    if not people:
        return frozenset()
    named: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
    for hold in services.runs.holds(scope):
        for one in hold.removals:
            named[one.audience].add((one.object_id, hold.id))
    return frozenset(person for person, _ in (people.items() & named[True]) - named[False])


def approve(services: Services, connection: Connection, hold_id: str, admin: str, seen: str = "") -> Hold:
    """Apply exactly the removals of this hold; where the admin says which set they have seen (`Hold.digest`), only if
    it is that one still. Raises NeedsAdmin (`hold_unknown`, `hold_decided`, `hold_changed`).
    """
    hold = _decide(services, connection, hold_id, admin, "approved", seen)
    log("hold.approved", connection=connection.id, hold=hold.id, removals=len(hold.removals))
    release(services, connection, hold)
    return hold


def reject(services: Services, connection: Connection, hold_id: str, admin: str, seen: str = "") -> Hold:
    """Leave the accounts as they are. They are held again when the next full pass finds them still gone. Raises as
    `approve` does.
    """
    hold = _decide(services, connection, hold_id, admin, "rejected", seen)
    log("hold.rejected", connection=connection.id, hold=hold.id)
    return hold


def expire(services: Services, scope: str, *, superseded_by: Run | None = None) -> None:
    """Expire holds whose time is over, and those made before a full pass began that has judged everybody anew."""
    now = iso(services.clock.now())
    for hold in services.runs.holds(scope):
        judged = superseded_by and hold.run != superseded_by.id and hold.created_at <= superseded_by.started_at
        if hold.state == "waiting" and (judged or hold.expires_at <= now):
            _end(services, hold)


def end_moot(services: Services, connection: Connection) -> None:
    """Expire holds on which nobody waits any more: the directory took back what would have removed them."""
    for hold in services.runs.holds(connection.scope):
        if hold.state == "waiting" and not _concerns_somebody(services, connection, hold):
            _end(services, hold)


def _concerns_somebody(services: Services, connection: Connection, hold: Hold) -> bool:
    """Whether a row still waits on it, or its run is still about to mark them. Looks no further than the first."""
    run = services.runs.get(connection.scope, hold.run)
    if run is not None and run.outcome is Outcome.RUNNING:
        return True
    by_shard: dict[str, list[str]] = {}
    for removal in hold.removals:
        by_shard.setdefault(shard_of(removal.object_id, connection.digits), []).append(removal.object_id)
    loaded = (services.people.load(connection.scope, shard, ids) for shard, ids in by_shard.items())
    return any(record.held == hold.id for part in loaded for record in part.records.values())


def _end(services: Services, hold: Hold) -> None:
    with contextlib.suppress(Conflict):  # somebody decided it, or put more on it
        services.runs.save_hold(replace(hold, state="expired", decided_at=iso(services.clock.now())))


def _decide(services: Services, connection: Connection, hold_id: str, admin: str, state: str, seen: str) -> Hold:
    now = iso(services.clock.now())
    hold = {hold.id: hold for hold in services.runs.holds(connection.scope)}.get(hold_id)
    if hold is None:
        raise NeedsAdmin("hold_unknown", "This hold does not exist. Open the connection's page for the present ones.")
    if hold.state == "waiting" and hold.expires_at > now:
        if seen and seen != hold.digest:
            raise NeedsAdmin("hold_changed", "Others were put on this hold since you looked. Look again, then decide.")
        decided = replace(hold, state=state, decided_by=admin, decided_at=now)  # type: ignore[arg-type]
        try:
            return services.runs.save_hold(decided)
        except Conflict:
            pass
    raise NeedsAdmin("hold_decided", "This hold was decided or has changed meanwhile. Reload the page and look again.")
