"""Between a run's joins and its removals: the guard sees them all together and says which wait for an admin."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from shared import canonical
from shared.events import log
from sync.core.connection import Connection, ConnectionView, shards
from sync.core.decide import decide_one, hold_back
from sync.core.decision import Context, Decision
from sync.core.merge import merge_person
from sync.core.model import AccountState, ChangeKind, PersonRecord, Reason, UserChange
from sync.core.person import name_of
from sync.core.runs import Held, HeldRemoval, Run, Stage
from sync.usecases import closing, every, holds, reaching
from sync.usecases.sending import GROUPS
from sync.usecases.services import Services
from sync.usecases.staged import MEMBERS, REMOVALS
from sync.usecases.stages import enter


class Candidate(NamedTuple):
    """Whose removal a run is to look at: the order of the absence, or 0 where the row itself tells; and whether the
    guard was asked about the account. It was not where only simulations were at stake, or the removal waited already.
    """

    order: int
    counted: bool


def candidates(services: Services, scope: str, run: Run, shard: str) -> dict[str, Candidate]:
    """A shard's removal candidates by object id."""
    found: dict[str, Candidate] = {}
    for block in services.staging.get(scope, f"{run.id}{REMOVALS}", shard):
        found.update((object_id, Candidate(order, counted)) for object_id, order, counted in canonical.loads(block))
    return found


def asked(absent: Sequence[PersonRecord], removing: Sequence[Decision]) -> dict[str, int]:
    """What the guard is asked about: accounts to be taken away that do not wait for an admin already, how many of
    them by scope, and all whom removing is to look at.
    """
    active = [record for record in absent if _takes(record)]
    taking = [decision for decision in removing if _takes(decision.before, decision)]
    return {
        "removals": len(active) + len(taking),
        "by_scope": sum(d.reason is Reason.OUT_OF_SCOPE for d in taking),
        "gone": len(absent) + len(removing),
    }


def _takes(record: PersonRecord, decision: Decision | None = None) -> bool:
    """Whether the guard is to be asked about an account: it is active, is to go, and does not wait already."""
    going = record.account_state is AccountState.ACTIVE if decision is None else decision.removes
    return going and not record.held


def removing_of(services: Services, decisions: Iterable[Decision]) -> list[Decision]:
    """What the guard has to look at of these decisions. Whose news are more than a row holds is kept as before, so
    there is nothing to count or to hold.
    """
    return [one for one in decisions if (one.removes or one.drops) and services.people.fits(one.after)]


def leave(
    services: Services, scope: str, run: Run, shard: str, absent: Sequence[PersonRecord], removing: Sequence[Decision]
) -> None:
    """Leave a shard's candidates for when all shards' are known."""
    removals = [[record.object_id, run.start_order, _takes(record)] for record in absent]
    removals += [[one.after.object_id, 0, _takes(one.before, one)] for one in removing]
    if removals:
        services.staging.put(scope, f"{run.id}{REMOVALS}", 0, {shard: canonical.dumps(removals)})


def merged(record: PersonRecord, order: int) -> PersonRecord:
    """A candidate with the absence taken in, or as the row tells."""
    kind = ChangeKind.ABSENT if order else ChangeKind.REVISIT
    return merge_person(record, UserChange(record.object_id, order, kind))


def waits(decision: Decision, run: Run) -> bool:
    """Whether this removal waits for an admin: because its run's do, or because it did before."""
    if not (decision.removes or decision.drops):
        return False
    if decision.before.held:
        return True
    if decision.drops:
        return "audience" in run.holding
    return "accounts" in run.holding or ("scope" in run.holding and decision.reason is Reason.OUT_OF_SCOPE)


def held_back(decision: Decision, run: Run, candidate: Candidate) -> Decision:
    """What may be done of a removal: all of it, or what does not wait. By settings saved meanwhile an account may go
    that the guard was not asked about; it stays, for what those settings have decided asks again.
    """
    if waits(decision, run):
        return hold_back(decision, run.hold or decision.before.held)
    if decision.removes and not candidate.counted:
        return hold_back(decision, "")
    return decision


def begin(services: Services, view: ConnectionView, run: Run) -> None:
    """Every join and update of a run is in: let its removals through, or hold them. May be repeated after a crash;
    raises Conflict when the run moved on.
    """
    connection = view.connection
    if run.kind == "pass" and GROUPS not in run.frozen:
        run = _count_groups(services, connection, run)
    if connection.settings.names_groups:
        run = replace(run, lost_groups=tuple(sorted({*run.lost_groups, *reaching.losing(services, connection)})))
    holds.expire(services, run.scope, superseded_by=run)
    if not run.counts.get("gone", 0):
        closing.finish(services, view, run)
        return
    closing.measure(services, connection)
    judged, limit = _judge(services, connection, run)
    counts = dict(run.counts)
    held, waited = _held(services, view, judged)
    if held:
        cause = cause_of(services, judged, waited)
        judged = replace(judged, hold=holds.add(services, connection, run.id, cause, held))
        counts["held"] = len(held)
        log("guard.held", logging.WARNING, connection=connection.id, run=run.id, removals=len(held), limit=limit)
    enter(services, view, judged, Stage.REMOVING, counts)


def cause_of(services: Services, run: Run, waited: Collection[str]) -> str:
    """What an admin reads as the cause of a hold: why this run's removals wait, and why people did already, on the
    holds `waited`, whose place it takes.
    """
    known = {hold.id: hold.cause for hold in services.runs.holds(run.scope)}
    causes = {known[hold] for hold in waited if hold in known}
    if run.lost_groups:
        causes.add(holds.group_cause(services, run.scope, run.lost_groups))
    elif run.holding or not causes:
        causes.add({"settings": "changed settings", "groups": "changed groups"}.get(run.cause, "full pass"))
    return "; ".join(sorted(causes))


def _judge(services: Services, connection: Connection, run: Run) -> tuple[Run, int]:
    """The run with what of its removals must wait, and the guard's limit."""
    by_scope = run.counts.get("by_scope", 0) if run.lost_groups else 0
    free = run.counts.get("removals", 0) - by_scope
    released, limit = holds.permit(services, connection, run.id, free) if free else (True, 0)
    holding: list[Held] = [] if released else ["accounts"]
    if run.lost_groups:
        holding += ["scope", "audience"]
    return replace(run, holding=tuple(holding)), limit


def _held(services: Services, view: ConnectionView, run: Run) -> tuple[list[HeldRemoval], frozenset[str]]:
    """Whose removals wait, with their reasons; and the holds on which some of them do already."""
    connection = view.connection
    context = Context(reaching.policy(services, connection, reaching.selected(view, run)), run.started_at)
    held, waited = [], set[str]()
    for shard in shards(connection.digits):
        orders = candidates(services, connection.scope, run, shard)
        if not orders:
            continue
        for record in services.people.load(connection.scope, shard, sorted(orders)).records.values():
            order = orders[record.object_id].order
            decision = decide_one(record, merged(record, order), None, context)
            if waits(decision, run):
                name = name_of(record.source)
                held.append(HeldRemoval(record.object_id, name, decision.reason, not decision.removes, order))
                waited.add(record.held)
    return held, frozenset(waited - {""})


def _count_groups(services: Services, connection: Connection, run: Run) -> Run:
    """Set the groups' member counts to what the shards counted; first note which used groups lost too many, with what
    pulls and other passes took from them within the day.
    """
    members: dict[str, int] = {}
    for block in services.staging.get(connection.scope, f"{run.id}{MEMBERS}", ""):
        for group, number in canonical.loads(block).items():
            members[group] = members.get(group, 0) + number
    changed = [
        group for group in every.group(services, connection.scope) if group.members != members.get(group.object_id, 0)
    ]
    lost = {one.object_id: one.members - members.get(one.object_id, 0) for one in changed}
    shrunk = holds.shrunk(services, connection, run.id, {group: fewer for group, fewer in lost.items() if fewer > 0})
    if not shrunk <= {*run.lost_groups}:
        run = services.runs.save(replace(run, lost_groups=tuple(sorted({*run.lost_groups, *shrunk}))))
    services.groups.commit(
        connection.scope, [replace(group, members=members.get(group.object_id, 0)) for group in changed]
    )
    return run
