"""Apply one part of a run: changes a pull carried along, removals an admin approved, or a shard a pass staged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from shared import metering
from shared.events import log
from sync.core.connection import Connection, ConnectionView
from sync.core.decide import hold_back
from sync.core.decision import Decision
from sync.core.merge import fold_groups, fold_page, merge_edges, merge_person
from sync.core.messages import ChangesMessage, unpack
from sync.core.model import ChangeKind, GroupChange, MembershipChange, PersonRecord, Presence, Reason, UserChange
from sync.core.person import name_of
from sync.core.runs import HeldRemoval
from sync.ports import LoadedShard
from sync.usecases import compare, holds, mentioned, purge, reaching, release, removing, revisit, settle, undo
from sync.usecases.commit import Done, Pair, Work, begun, commit_people, make_up
from sync.usecases.groups import apply_groups, count_members
from sync.usecases.sending import GROUPS, Change
from sync.usecases.services import Services
from sync.usecases.staged import edges_of


def run(services: Services, message: ChangesMessage) -> None:
    """Apply a part once, however often its message comes. A message of an older epoch is a no-op."""
    metering.restart()
    view = services.connections.load(message.connection)
    if view is None or not view.connection.live or view.connection.epoch != message.epoch:
        return
    if message.work == "undo":
        undo.apply(services, view, message)
        return
    if message.work == "retain":
        purge.apply(services, view, message)
        return
    if message.work in {"groups", "plan", "apply", "remove"}:
        compare.run(services, view, message)
        return
    changes = unpack(message.changes)
    if message.work == "release":
        confirmed = _confirmed(services, view, message, changes)
        if confirmed is None:
            return
        changes = confirmed
    done = _inline(services, view, message, changes)
    if done is None:  # the message is on its way again
        return
    connection = view.connection
    counts = {} if message.shard == GROUPS else _accounts(services, connection, message)
    for name, number in _beside_accounts(message, done).items():
        if number:
            counts[name] = number
    done.tell(connection.id, message.run, message.part)
    settle.part_done(services, view, message, counts)


def _accounts(services: Services, connection: Connection, message: ChangesMessage) -> dict[str, int]:
    return dict(services.people.run_counts(connection.scope, message.shard, message.run, message.part))


def _beside_accounts(message: ChangesMessage, done: Done) -> Mapping[str, int]:
    """What the audit does not count: removals that wait, groups that changed."""
    if message.shard == GROUPS:
        return {"groups": done.written}
    return {"held": done.held}


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


def _inline(
    services: Services, view: ConnectionView, message: ChangesMessage, changes: Sequence[Change]
) -> Done | None:
    floor = view.reader.floor
    folded = fold_page(c for c in changes if isinstance(c, UserChange))
    users = [c for c in folded if _unasked(c) or c.order >= floor]
    edges = [c for c in changes if isinstance(c, MembershipChange) and c.order >= floor]
    if message.shard == GROUPS:
        groups = [c for c in fold_groups(c for c in changes if isinstance(c, GroupChange)) if c.order >= floor]
        done = apply_groups(services, view.connection.scope, groups, edges)
        _reach_anew(services, view)
        return done
    told = [c for c in changes if not isinstance(c, GroupChange)]
    done = _people(services, view, message, users, edges, told)
    return _bring_in(services, view, message, {edge.member_id for edge in edges}, done)


def _bring_in(
    services: Services, view: ConnectionView, message: ChangesMessage, members: Collection[str], done: Done
) -> Done | None:
    """Fetch and apply those of the members whom a group brings into scope, and of whom nothing else was ever told."""
    connection = view.connection
    if not members or not connection.settings.scope.chosen.groups:
        return done
    stored = services.people.load(connection.scope, message.shard, sorted(members)).records
    people = mentioned.unknown(stored.values(), reaching.policy(services, connection))
    fetched = mentioned.fetch(services, view, message, people)
    if fetched:
        done.written += _people(services, view, message, fetched, (), fetched).written
    return None if fetched is None else done


def _unasked(change: UserChange) -> bool:
    """Whether a person is to be decided though the directory says nothing new of them; such a change has no order."""
    return change.released or change.kind is ChangeKind.REVISIT


def _reach_anew(services: Services, view: ConnectionView) -> None:
    """Where scope or audience go by groups: see whether they reach other people now, and have those decided again.

    Nothing is remembered of it but the reach itself, stored when the revisit is: a killed worker finds the same
    difference again.
    """
    if not view.connection.settings.names_groups:
        return
    look = reaching.look(services, view.connection)
    if look.moved:
        revisit.begin(services, view, "groups", lost=look.lost)
    elif look.found != look.stored:
        reaching.refresh(services, view.connection)


def _people(
    services: Services,
    view: ConnectionView,
    message: ChangesMessage,
    users: Sequence[UserChange],
    edges: Sequence[MembershipChange],
    told: Sequence[UserChange | MembershipChange],
) -> Done:
    """Apply what is news to people. `told` is all that the message brings, also what a full pass has made old since:
    whoever wrote it may have been killed after that.
    """
    by_member = edges_of(edges)
    changes = {change.object_id: change for change in users}
    orders = _orders(told)
    ids = sorted(orders)
    stored_before: dict[str, PersonRecord] = {}

    def propose(loaded: LoadedShard) -> list[Pair]:
        stored_before.update(loaded.records)
        pairs = []
        for object_id in ids:
            stored = loaded.records.get(object_id) or PersonRecord(object_id)
            change = changes.get(object_id)
            merged = stored if change is None else merge_person(stored, change)
            memberships = merge_edges(merged.memberships, by_member.get(object_id, ()))
            if memberships is not merged.memberships:
                merged = replace(merged, memberships=memberships)
            if merged is not stored or (change is not None and _unasked(change)):
                pairs.append((stored, merged))
        return pairs

    def permit(decisions: list[Decision]) -> list[Decision]:
        return _guarded(services, view, message, decisions, changes)

    connection = view.connection
    work = Work(connection, message.run, message.part, message.shard, ids, selected=reaching.selected(view))
    resumed = any(change.kind is ChangeKind.REVISIT for change in users) and begun(services, work)
    done = commit_people(services, work, propose, permit)
    make_up(services, work, stored_before, orders, resumed=resumed)
    count_members(services, connection.scope, done.members)
    return done


def _orders(told: Iterable[UserChange | MembershipChange]) -> dict[str, set[int]]:
    """Person -> the orders of what is told of them; none where they are only to be decided again."""
    orders: dict[str, set[int]] = {}
    for change in told:
        person = change.object_id if isinstance(change, UserChange) else change.member_id
        known = orders.setdefault(person, set())
        if isinstance(change, MembershipChange) or change.kind is not ChangeKind.REVISIT:
            known.add(change.order)
    return orders


def _guarded(
    services: Services,
    view: ConnectionView,
    message: ChangesMessage,
    decisions: list[Decision],
    changes: Mapping[str, UserChange],
) -> list[Decision]:
    """Let removals through, or put all of this part's on a hold; joins and updates go on."""
    approved = {d.after.object_id: d.before.held for d in decisions if _approved(d, changes)}
    later = release.judged_since(services, view.connection.scope, message.run, approved)
    unasked = [d for d in decisions if d.after.object_id not in approved or d.after.object_id in later]
    looked_at = removing.removing_of(services, unasked)
    if not looked_at:
        return decisions
    part = f"{message.run}:{message.part}"
    shrunk = holds.shrunk(services, view.connection, part, lost_members(decisions))
    waiting = {d.after.object_id: d.before.held for d in looked_at if d.before.held}
    leaving = {d.after.object_id: d.before.held for d in looked_at if d.removes and d.before.held}
    for person in holds.simulations_only(services, view.connection.scope, leaving):
        del waiting[person]  # the end of the account is another decision
    free = [d for d in looked_at if d.after.object_id not in waiting]
    chosen_by = [d for d in free if _by_choice(d)] if view.connection.settings.names_groups else []
    losing = reaching.losing(services, view.connection) if chosen_by else frozenset()
    by_group = [d for d in chosen_by if shrunk & (d.before.groups - d.after.groups) or losing & d.before.groups]
    counted = [d for d in free if d.removes and d not in by_group]
    permitted, limit = holds.permit(services, view.connection, part, len(counted)) if counted else (True, 0)
    holding = by_group + ([] if permitted else counted)
    if holding:
        people = [HeldRemoval(d.after.object_id, name_of(d.after.source), d.reason, not d.removes) for d in holding]
        cause = holds.group_cause(services, view.connection.scope, shrunk | losing) if by_group else "changes in Entra"
        hold = holds.add(services, view.connection, message.run, cause, people)
        log("guard.held", connection=view.connection.id, run=message.run, removals=len(holding), limit=limit)
        waiting.update({d.after.object_id: hold for d in holding})
    return [hold_back(d, waiting[d.after.object_id]) if d.after.object_id in waiting else d for d in decisions]


def _approved(decision: Decision, changes: Mapping[str, UserChange]) -> bool:
    """Whether an admin approved just this: who approved the end of simulations approved no account's removal."""
    change = changes.get(decision.after.object_id)
    return change is not None and change.released and (decision.drops or change.presence is not Presence.PRESENT)


def _by_choice(decision: Decision) -> bool:
    return decision.drops or decision.reason is Reason.OUT_OF_SCOPE


def lost_members(decisions: Sequence[Decision]) -> Mapping[str, int]:
    """How many direct people each group loses by these decisions."""
    lost: dict[str, int] = {}
    for decision in decisions:
        for group in decision.before.groups - decision.after.groups:
            lost[group] = lost.get(group, 0) + 1
    return lost
