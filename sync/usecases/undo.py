"""Undoing a run: every account it changed is put back as it was, as a run of its own, and stays so until the directory
says something new of the person (a pin, see docs/undo.md). Mails are neither taken back nor sent again.

An account that was changed since, though it be changed back, is left alone and counted as `overtaken`: what came later
was decided on newer news. One that was linked, or that moved on from one person to another, stays where it is and is
counted as `kept`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared.clock import iso, parse_iso
from shared.errors import Conflict, NeedsAdmin
from shared.events import log
from sync.core.connection import Connection, ConnectionView
from sync.core.decide import digest
from sync.core.decision import Decision, shown
from sync.core.messages import ChangesMessage
from sync.core.model import AccountState, Action, ActivityEntry, Hand, PersonRecord, Pin, Reason
from sync.core.runs import Outcome, Run
from sync.ports import RUN_ROWS, LoadedShard
from sync.usecases import acts, settle, waiting
from sync.usecases.commit import Pair, Work, commit_people
from sync.usecases.groups import count_members
from sync.usecases.sending import run_id_at
from sync.usecases.services import Services

TOLD = frozenset({"state", "reason", "audience", "by_hand", "groups", "own"})  # all else in an entry is a field
_CHANGES = frozenset(action.value for action in Action if action is not Action.SKIP)


def begin(services: Services, connection: Connection, run_id: str, admin: str) -> Run | None:
    """Undo a run; the same undo again, however often it is asked for. None when there is no such run. Raises NeedsAdmin
    (`run_running`, `run_too_old`, `nothing_to_undo`).
    """
    run = services.runs.get(connection.scope, run_id) if connection.scope else None
    if run is None:
        return None
    if not run.undone_by:
        _must_be_undoable(services, connection, run)
        tail = hashlib.sha256(f"undo:{run.id}".encode()).hexdigest()[:8]
        try:
            run = services.runs.save(replace(run, undone_by=run_id_at(services.clock.now(), tail)))
        except Conflict:
            return begin(services, connection, run_id, admin)
    undoing = acts.begin(services, connection, run.undone_by, "undo", by=admin, of=run.id)
    if undoing.outcome is Outcome.RUNNING:
        log("undo.started", connection=connection.id, run=undoing.id, of=run.id)
        acts.hand_out(services, connection, undoing)
    return undoing


def _must_be_undoable(services: Services, connection: Connection, run: Run) -> None:
    if run.outcome is Outcome.RUNNING:
        raise NeedsAdmin("run_running", "This run is still under way. Undo it when it has ended.")
    kept = timedelta(days=connection.settings.retention_days)
    if services.clock.now() - parse_iso(run.started_at) > kept:
        raise NeedsAdmin("run_too_old", "What this run changed is no longer kept, so it cannot be undone.")
    if run.cause == "retention" or not any(run.counts.get(action, 0) for action in _CHANGES):
        raise NeedsAdmin("nothing_to_undo", "This run changed no account that could be put back.")


def apply(services: Services, view: ConnectionView, message: ChangesMessage) -> None:
    """Put one shard's accounts back. May be repeated: whoever was put back already has an entry of the undo."""
    connection, scope, shard = view.connection, view.connection.scope, message.shard
    run = services.runs.get(scope, message.run)
    if run is None or run.outcome is not Outcome.RUNNING or message.part in run.done_parts:
        return
    changed = _changed(services, scope, shard, run.of)
    part = _Part(services, connection, shard, run.of, changed, frozenset(_entries(services, scope, shard, run.id)))
    if changed:
        work = Work(connection, run.id, message.part, shard, sorted(changed))
        done = commit_people(services, work, part.propose, part.permit)
        if part.back:  # by a worker that may have been killed then
            waiting.give_up_again(services, connection, run.id, shard, part.found, part.found.values())
        count_members(services, scope, done.members)
    counts = dict(services.people.run_counts(scope, shard, run.id, message.part))
    others = {"accounts": len(changed), "overtaken": part.overtaken, "kept": part.kept}
    counts.update({name: number for name, number in others.items() if number})
    acts.pass_on(services, connection, run, message.part)
    settle.part_done(services, view, message, counts)


def _entries(services: Services, scope: str, shard: str, run_id: str) -> dict[str, list[ActivityEntry]]:
    """What a run did to each person of a shard, oldest first."""
    found: dict[str, list[ActivityEntry]] = {}
    for activity, _ in reversed(services.people.activity(scope, [shard], run_id, RUN_ROWS)):
        for entry in activity.entries:
            found.setdefault(entry.object_id, []).append(entry)
    return found


def _changed(services: Services, scope: str, shard: str, run_id: str) -> dict[str, ActivityEntry]:
    """One entry for each person: as they were before the run's first change, and after its last."""
    return {object_id: _joined(entries) for object_id, entries in _entries(services, scope, shard, run_id).items()}


def _joined(entries: Sequence[ActivityEntry]) -> ActivityEntry:
    """Groups and the admin's own fields are told only where they changed: who tells them first and last counts."""
    first, last = entries[0], entries[-1]
    before, after = dict(first.before), dict(last.after)
    for name in ("groups", "own"):
        told = [entry for entry in entries if name in entry.before]
        if told and name not in before:
            before[name] = told[0].before[name]
        if told and name not in after:
            after[name] = told[-1].after[name]
    moved_on = any("account" in entry.before for entry in entries)
    action = Action.LINK if moved_on or Action.LINK in {entry.action for entry in entries} else first.action
    return replace(first, action=action, before=before, after=after)


@dataclass
class _Part:
    """One shard's accounts on their way back; the counts are of the last attempt."""

    services: Services
    connection: Connection
    shard: str
    of: str  # the run that is undone
    changed: Mapping[str, ActivityEntry]
    back: frozenset[str]  # put back already, by an earlier coming of the message
    overtaken: int = 0
    kept: int = 0
    found: Mapping[str, PersonRecord] = field(default_factory=dict)
    now: str = field(init=False)

    def __post_init__(self) -> None:
        """The moment of the part."""
        self.now = iso(self.services.clock.now())

    def propose(self, loaded: LoadedShard) -> list[Pair]:
        """Whom to put back, pinned, so that nothing else is decided about them."""
        self.overtaken = self.kept = 0
        self.found = loaded.records
        pairs = []
        for object_id, entry in self.changed.items():
            if object_id in self.back:
                continue
            stored = loaded.records.get(object_id)
            if entry.action is Action.LINK:
                self.kept += 1
            elif stored is None or not _as_left(stored, entry.after) or self._changed_since(stored, entry.after):
                self.overtaken += 1
            else:
                pairs.append((stored, _pinned(stored, entry.before)))
        return pairs

    def _changed_since(self, stored: PersonRecord, left: Mapping[str, str]) -> bool:
        """Whether an account that is as the run left it was something else meanwhile: the removal that is there may be
        another one. Moves between groups concern who was moved by the run.
        """
        if stored.last_run == self.of:
            return False
        known = frozenset({"groups"}) - left.keys()
        for activity, _ in self.services.people.story(self.connection.scope, self.shard, stored.object_id, ""):
            if activity.run == self.of:
                return False
            if any(_names(entry) - known for entry in activity.entries):
                return True
        return True  # what the run did is no longer kept

    def permit(self, decisions: list[Decision]) -> list[Decision]:
        """What the pins are for: each account as it was. The guard is not asked, the admin has seen the run."""
        restored = [_restored(one.before, one.after, self.changed[one.after.object_id], self.now) for one in decisions]
        held = _addresses(self.services, self.connection, restored)
        return [_with_address(one, held) for one in restored]


def _as_left(record: PersonRecord, after: Mapping[str, str]) -> bool:
    """Whether an account is as the run left it, in everything that an entry tells."""
    if "groups" in after and after["groups"] != " ".join(sorted(record.groups)):
        return False
    return shown(record) == {name: text for name, text in after.items() if name not in {"groups", "own"}}


def _names(entry: ActivityEntry) -> frozenset[str]:
    """What an entry changed."""
    before, after = entry.before, entry.after
    return frozenset(name for name in {*before, *after} if before.get(name) != after.get(name))


def _pinned(record: PersonRecord, before: Mapping[str, str]) -> PersonRecord:
    groups = before["groups"].split() if "groups" in before else sorted(record.groups)
    return replace(record, pin=Pin(digest(record), tuple(groups)))


def _restored(stored: PersonRecord, pinned: PersonRecord, entry: ActivityEntry, now: str) -> Decision:
    before = entry.before
    hand = Hand(before.get("by_hand", ""))
    if "state" not in before:  # the run made the account
        state, reason, fields = AccountState.INACTIVE, Reason.UNDONE, dict(stored.fields)
        if stored.account_state is AccountState.NONE:
            state, reason = AccountState.NONE, stored.reason
    else:
        state, reason = AccountState(before["state"]), Reason(before["reason"])
        fields = {name: text for name, text in before.items() if name not in TOLD}
    own = stored.own
    if "own" in before:
        own = {name: before.get(name, "") for name in before["own"].split()}
    active = state is AccountState.ACTIVE
    after = replace(
        pinned,
        account_state=state,
        reason=reason,
        since=now if (state, reason) != (stored.account_state, stored.reason) else stored.since,
        fields=fields,
        audience=active and "audience" in before,
        hand=hand,
        own=own,
        held=stored.held if active else "",
    )
    return Decision(stored, after, _action(stored, after), reason)


def _action(stored: PersonRecord, after: PersonRecord) -> Action:
    if stored.account_state is not after.account_state:
        return Action.REACTIVATE if after.account_state is AccountState.ACTIVE else Action.DEACTIVATE
    return Action.UPDATE if (stored.fields, stored.reason) != (after.fields, after.reason) else Action.MOVE


def _addresses(services: Services, connection: Connection, decisions: Iterable[Decision]) -> frozenset[str]:
    """The former addresses that these accounts could have back; the others belong to somebody by now."""
    wants = {
        address: waiting.holder_of(connection, one.before)
        for one in decisions
        if (address := one.after.fields.get("email", "")) and address != one.before.address
    }
    if not wants:
        return frozenset()
    held = services.addresses.claim(connection.workspace, wants)
    mine = {(holder.scope, holder.object_id) for holder in wants.values()}
    return frozenset(address for address, holder in held.items() if (holder.scope, holder.object_id) in mine)


def _with_address(decision: Decision, held: frozenset[str]) -> Decision:
    """With the address the account had then, if it could be had back; else with the one it has."""
    before, after = decision.before, decision.after
    wanted = after.fields.get("email", "")
    if wanted == before.address:
        return decision
    if wanted in held:
        return replace(decision, after=replace(after, address=wanted), freed=before.address)
    fields = {name: text for name, text in after.fields.items() if name != "email"}
    if before.address:
        fields["email"] = before.address
    return replace(decision, after=replace(after, fields=fields))
