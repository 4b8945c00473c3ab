"""Apply one part of a run: changes a pull carried along, removals an admin approved, or a shard a pass staged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.events import log
from sync.core.connection import Connection, ConnectionView
from sync.core.decide import Decision, hold_back
from sync.core.mapping import display_name
from sync.core.merge import fold_groups, fold_page, merge_edges, merge_person
from sync.core.messages import ChangesMessage, unpack
from sync.core.model import ChangeKind, GroupChange, MembershipChange, PersonRecord, UserChange
from sync.core.runs import HeldRemoval
from sync.ports import LoadedShard
from sync.usecases import compare, holds, settle
from sync.usecases.commit import Done, Pair, Work, claimed_by, commit_people, send_mails
from sync.usecases.groups import apply_groups, count_members
from sync.usecases.sending import GROUPS, Change
from sync.usecases.services import Services
from sync.usecases.staged import edges_of


def run(services: Services, message: ChangesMessage) -> None:
    """Apply a part once, however often its message comes. A message of an older epoch is a no-op."""
    view = services.connections.load(message.connection)
    if view is None or not view.connection.live or view.connection.epoch != message.epoch:
        return
    if message.work in {"plan", "apply", "remove"}:
        compare.run(services, view, message)
        return
    changes = unpack(message.changes)
    if message.work == "release":
        confirmed = _confirmed(services, view, message, changes)
        if confirmed is None:
            return
        changes = confirmed
    done = _inline(services, view, message, changes)
    connection = view.connection
    counts = {} if message.shard == GROUPS else _accounts(services, connection, message)
    for name, number in _beside_accounts(message, done).items():
        if number:
            counts[name] = number
    log(
        "apply.finished",
        connection=connection.id,
        run=message.run,
        part=message.part,
        written=done.written,
        unchanged=done.unchanged,
        conflicts=done.conflicts,
    )
    settle.part_done(services, view, message, counts)


def _accounts(services: Services, connection: Connection, message: ChangesMessage) -> dict[str, int]:
    return dict(services.people.run_counts(connection.scope, message.shard, message.run, message.part))


def _beside_accounts(message: ChangesMessage, done: Done) -> Mapping[str, int]:
    """What the audit does not count: removals that wait, people who changed groups, groups that changed."""
    if message.shard == GROUPS:
        return {"groups": done.written}
    return {"held": done.held, "moved": done.moved}


def _confirmed(
    services: Services, view: ConnectionView, message: ChangesMessage, changes: list[Change]
) -> list[Change] | None:
    """Approved removals without those of people whom a pass missed and who answer to their own id. None when that
    could not be asked now.
    """
    missing = [c.object_id for c in changes if isinstance(c, UserChange) and c.kind is ChangeKind.ABSENT]
    there = compare.still_there(services, view, message, missing)
    if there is None:
        return None
    return [c for c in changes if not (isinstance(c, UserChange) and there.get(c.object_id))]


def _inline(services: Services, view: ConnectionView, message: ChangesMessage, changes: Sequence[Change]) -> Done:
    floor = view.reader.floor
    users = [c for c in fold_page(c for c in changes if isinstance(c, UserChange)) if c.released or c.order >= floor]
    edges = [c for c in changes if isinstance(c, MembershipChange) and c.order >= floor]
    if message.shard == GROUPS:
        groups = [c for c in fold_groups(c for c in changes if isinstance(c, GroupChange)) if c.order >= floor]
        return apply_groups(services, view.connection.scope, groups, edges)
    return _people(services, view, message, users, edges)


def _people(
    services: Services,
    view: ConnectionView,
    message: ChangesMessage,
    users: Sequence[UserChange],
    edges: Sequence[MembershipChange],
) -> Done:
    by_member = edges_of(edges)
    changes = {change.object_id: change for change in users}
    ids = sorted({*changes, *by_member})
    orders = {object_id: {order for _, order, _ in by_member.get(object_id, ())} for object_id in ids}
    for change in users:
        orders[change.object_id].add(change.order)
    repeated: list[PersonRecord] = []

    def propose(loaded: LoadedShard) -> list[Pair]:
        repeated[:] = claimed_by(loaded.records, orders)
        pairs = []
        for object_id in ids:
            stored = loaded.records.get(object_id) or PersonRecord(object_id)
            change = changes.get(object_id)
            merged = stored if change is None else merge_person(stored, change)
            memberships = merge_edges(merged.memberships, by_member.get(object_id, ()))
            if memberships is not merged.memberships:
                merged = replace(merged, memberships=memberships)
            if merged is not stored or (change is not None and change.released):
                pairs.append((stored, merged))
        return pairs

    def permit(decisions: list[Decision]) -> list[Decision]:
        return _guarded(services, view, message, decisions, changes)

    connection = view.connection
    work = Work(connection, message.run, message.part, message.shard, ids)
    done = commit_people(services, work, propose, permit)
    send_mails(services, connection, repeated)
    count_members(services, connection.scope, done.members)
    return done


def _guarded(
    services: Services,
    view: ConnectionView,
    message: ChangesMessage,
    decisions: list[Decision],
    changes: Mapping[str, UserChange],
) -> list[Decision]:
    """Let removals through, or put all of this part's on a hold; joins and updates go on."""
    released = {change.object_id for change in changes.values() if change.released}
    removing = [d for d in decisions if d.removes and d.after.object_id not in released]
    if not removing:
        return decisions
    permitted, limit = holds.permit(services, view.connection, f"{message.run}:{message.part}", len(removing))
    if permitted:
        return decisions
    people = [HeldRemoval(d.after.object_id, display_name(d.after), d.reason) for d in removing]
    hold = holds.add(services, view.connection, message.run, "changes in Entra", people)
    log("guard.held", connection=view.connection.id, run=message.run, removals=len(removing), limit=limit)
    held = {d.after.object_id for d in removing}
    return [hold_back(d, hold) if d.after.object_id in held else d for d in decisions]
