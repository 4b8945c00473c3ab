"""One shard of a full pass: what was staged beside what is stored. Plan it, apply it, or remove what is gone.

The same comparison serves the first import and every reconciliation. Joins and updates are written at once;
removals are only collected here (as staged candidates), because the guard must see all shards' removals together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared import canonical
from shared.clock import iso
from shared.errors import NeedsAdmin, Transient
from sync.core.address import address_key
from sync.core.connection import ConnectionView
from sync.core.decide import decide, hold_back, wanted_address
from sync.core.decision import Context, Decision
from sync.core.eligibility import eligibility
from sync.core.messages import ChangesMessage
from sync.core.model import PersonRecord, Presence, Reason
from sync.core.person import address_of, is_guest
from sync.core.runs import Run
from sync.ports import LoadedShard
from sync.usecases import (
    certificate,
    claims,
    lease,
    managers,
    match_plan,
    mentioned,
    pairing,
    passgroups,
    reaching,
    removing,
    settle,
    stages,
)
from sync.usecases.commit import Pair, Work, begun, commit_people, counted_groups, make_up
from sync.usecases.groups import count_members
from sync.usecases.rows import update_reader
from sync.usecases.sending import GROUPS
from sync.usecases.services import Services
from sync.usecases.staged import ADDRESSES, MEMBERS
from sync.usecases.stages import WORK

STAGES = {work: stage for stage, work in WORK.items()}
ASK_AGAIN = 30.0  # seconds, where Graph did not say how long to wait
_REMOVE_PARTS = 1000  # the audit tells a shard's removals from its joins and updates by the part


def run(services: Services, view: ConnectionView, message: ChangesMessage) -> None:
    """Do one shard's part of the pass's present stage; a part of another stage or run is a no-op."""
    scope = view.connection.scope
    current = services.runs.get(scope, message.run)
    if current is None or current.stage is not STAGES[message.work] or message.part in current.done_parts:
        return
    counts: Mapping[str, int] | None
    if message.work == "remove":
        counts = _remove(services, view, current, message)
    elif message.work == "groups":
        counts = passgroups.apply(services, scope, current)
    elif message.work == "plan":
        counts = _plan(services, view, current, message)
    else:
        counts = _apply(services, view, current, message)
    if counts is not None:
        stages.pass_on(services, view.connection, current, message.part)
        settle.part_done(services, view, message, counts)


def _plan(services: Services, view: ConnectionView, current: Run, message: ChangesMessage) -> Mapping[str, int]:
    """What applying this shard would do, and what its people look like; nothing is written but a list of hashes."""
    connection, shard = view.connection, message.shard
    staged = pairing.staged(services, connection.scope, current, shard)
    pairs = staged.pairs(services.people.load(connection.scope, shard))
    policy = reaching.policy(services, connection, reaching.selected(view, current))
    wants = {m.object_id: (address, m.account_id) for _, m in pairs if (address := wanted_address(m, policy))}
    foreseen = claims.foresee(services, connection, policy, wants, {merged.object_id: merged for _, merged in pairs})
    decisions = decide(pairs, foreseen, Context(policy, current.started_at, current.first))
    counts: dict[str, int] = {}
    addresses: list[str] = []
    for decision in decisions:
        person = decision.after
        if person.presence is not Presence.PRESENT:
            continue
        for name in ("people", f"would_{decision.action}", *_traits(person)):
            counts[name] = counts.get(name, 0) + 1
        address = address_of(person.source)
        if address and eligibility(person, policy) is Reason.OK:  # a copy that gets no account takes nobody's address
            addresses.append(address_key(address)[:16])
    services.staging.put(connection.scope, f"{current.id}{ADDRESSES}", message.part, {"": canonical.dumps(addresses)})
    match_plan.leave(services, connection.scope, current, message.part, decisions, foreseen)
    return counts


def _traits(person: PersonRecord) -> list[str]:
    traits = []
    if is_guest(person.source):
        traits.append("guests")
    elif not address_of(person.source):
        traits.append("no_address")
    if person.source.get("accountEnabled") is False:
        traits.append("disabled")
    return traits


def _apply(services: Services, view: ConnectionView, current: Run, message: ChangesMessage) -> Mapping[str, int] | None:
    """Write this shard's joins and updates, and leave its removals for the guard. None when Entra has to be asked and
    cannot be now: the message is on its way again.
    """
    connection, shard = view.connection, message.shard
    staged = pairing.staged(services, connection.scope, current, shard, reaching.fresh(view, current))
    found: dict[str, Any] = {}
    orders = {object_id: {*edges.values()} for object_id, edges in staged.picture.edges.items()}
    for change in staged.picture.people.values():
        orders.setdefault(change.object_id, set()).add(change.order)

    def propose(loaded: LoadedShard) -> list[Pair]:
        found["stored"] = loaded.records
        found["absent"] = [record for record in loaded.records.values() if staged.absent(record)]
        return staged.pairs(loaded)

    def permit(decisions: list[Decision]) -> list[Decision]:
        found["removing"] = removing.removing_of(services, decisions)
        return [hold_back(d, d.before.held) if d.removes or d.drops else d for d in decisions]

    selected = reaching.selected(view, current)
    part = message.part
    work = Work(connection, current.id, part, shard, None, first=current.first, keep_order=True, selected=selected)
    if current.first:
        work = work._replace(contested=match_plan.contested(services, connection.scope, current))
    resumed = begun(services, work)
    done = commit_people(services, work, propose, permit)
    make_up(services, work, found["stored"], orders, resumed=resumed)
    people = {**found["stored"], **done.after}
    absent = [people[record.object_id] for record in found["absent"]]  # whom the scope takes in again no longer waits
    removing.leave(services, connection.scope, current, shard, absent, found["removing"])
    if not _brought_in(services, view, current, message, people.values()):
        return None
    if current.kind == "pass" and GROUPS not in current.frozen:
        missing = {record.object_id for record in absent}
        counted = [record for object_id, record in people.items() if object_id not in missing]
        _leave_members(services, connection.scope, current, message.part, counted)
    if current.kind == "pass":
        managers.leave(services, connection, current, message.part, people.values())
        later = {*(r.object_id for r in absent), *(d.after.object_id for d in found["removing"])}
        settled = [record for object_id, record in people.items() if object_id not in later]
        certificate.leave(services, view, current, message.part, settled)
    done.tell(connection.id, current.id, message.part)
    counts = dict(services.people.run_counts(connection.scope, shard, current.id, message.part))
    counts.update(removing.asked(absent, found["removing"]))
    return counts


def _brought_in(
    services: Services, view: ConnectionView, current: Run, message: ChangesMessage, people: Iterable[PersonRecord]
) -> bool:
    """Have those fetched whom a group takes into scope and of whom the users feed never told. Not by the first pass:
    it would be taken for joining, and mailed.
    """
    if current.first or not view.connection.settings.scope.chosen.groups:
        return True
    unknown = mentioned.unknown(people, reaching.policy(services, view.connection))
    return mentioned.bring_in(services, view, message, current, unknown)


def _leave_members(services: Services, scope: str, current: Run, part: int, people: Iterable[PersonRecord]) -> None:
    """How many of the shard's people are in each group, for the groups' counts: without those who are missing, so that
    a worker killed while they are removed leaves no count behind. Who is there after all is counted by the next pass.
    """
    members: dict[str, int] = {}
    for record in people:
        for group in counted_groups(record):
            members[group] = members.get(group, 0) + 1
    services.staging.put(scope, f"{current.id}{MEMBERS}", part, {"": canonical.dumps(members)})


def still_there(
    services: Services, view: ConnectionView, message: ChangesMessage, missing: Sequence[str]
) -> Mapping[str, bool] | None:
    """Ask for each missing person by name. Who may not be asked for is kept; None when Graph is not to be asked now."""
    pause = lease.pause(services, view.reader) if missing else timedelta(0)
    try:
        if not pause:
            found = services.directory.fetch_people(view.connection, missing, order=0) if missing else {}
            return {object_id: person is not None for object_id, person in found.items()}
    except Transient as error:
        pause = timedelta(seconds=error.retry_after or ASK_AGAIN)
        until = iso(services.clock.now() + pause)
        update_reader(services, view.connection.id, lambda found: replace(found, retry_at=until))
    except NeedsAdmin:
        return dict.fromkeys(missing, True)
    services.queue.send(message, delay=pause)
    return None


def _remove(
    services: Services, view: ConnectionView, current: Run, message: ChangesMessage
) -> Mapping[str, int] | None:
    """Take away what the pass found gone in this shard, confirmed one by one where the evidence is absence. Where the
    guard holds it, what the directory said is stored and the account stays. None when that has to wait: the message
    is on its way again.
    """
    connection, shard = view.connection, message.shard
    candidates = removing.candidates(services, connection.scope, current, shard)
    missing = [object_id for object_id, one in candidates.items() if one.order]
    there = still_there(services, view, message, missing)
    if there is None:
        return None
    ids = [object_id for object_id in candidates if not there.get(object_id)]
    found: dict[str, PersonRecord] = {}

    def propose(loaded: LoadedShard) -> list[Pair]:
        found.update(loaded.records)
        pairs = []
        for object_id in ids:
            if (stored := loaded.records.get(object_id)) is not None:
                merged = removing.merged(stored, candidates[object_id].order)
                if merged is not stored or not candidates[object_id].order:
                    pairs.append((stored, merged))
        return pairs

    def permit(decisions: list[Decision]) -> list[Decision]:
        return [removing.held_back(d, current, candidates[d.after.object_id]) for d in decisions]

    part = message.part + _REMOVE_PARTS
    work = Work(connection, current.id, part, shard, list(candidates), selected=reaching.selected(view, current))
    resumed = begun(services, work)
    done = commit_people(services, work, propose, permit)
    orders = {object_id: {one.order} for object_id, one in candidates.items() if one.order}
    make_up(services, work, found, orders, resumed=resumed)
    if GROUPS in current.frozen:  # else the pass has counted without them already
        count_members(services, connection.scope, done.members)
    if current.kind == "pass" and candidates:
        certificate.leave(services, view, current, part, {**found, **done.after}.values())
    counts = dict(services.people.run_counts(connection.scope, shard, current.id, part))
    return {**counts, "kept": sum(there.values())}
