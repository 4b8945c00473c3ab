"""What was kept for long enough: old activity, runs and holds are deleted, accounts inactive for too long are given up.

Once a day for each connection, as a run with one part a shard. Only accounts that are inactive already are given up
(invariant S8); the person's row keeps object id, presence, mail mark and order, so that whoever comes back is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.clock import iso, parse_iso
from shared.events import log
from sync.core.connection import Connection, ConnectionView
from sync.core.decide import digest
from sync.core.decision import Decision
from sync.core.eligibility import GONE
from sync.core.messages import ChangesMessage
from sync.core.model import AccountState, Action, PersonRecord, Pin
from sync.core.runs import Outcome
from sync.core.sync_settings import SyncSettings
from sync.ports import LoadedShard
from sync.usecases import acts, certificate, settle, waiting
from sync.usecases.commit import Pair, Work, begun, commit_people
from sync.usecases.matching import employee_row
from sync.usecases.rows import update_reader
from sync.usecases.sending import run_id, run_id_at
from sync.usecases.services import Services

EVERY = timedelta(days=1)
BATCH = 5_000  # rows deleted by one message; the rest waits for the next day


def purge_at(record: PersonRecord, settings: SyncSettings) -> str:
    """When an inactive account will be given up, ISO; empty for every other."""
    if record.account_state is not AccountState.INACTIVE or not record.since:
        return ""
    return iso(parse_iso(record.since) + timedelta(days=settings.purge_days))


def begin_when_due(services: Services, view: ConnectionView, now: datetime) -> None:
    """Begin the day's run when the last one was a day ago. Called by the timer; a repeated one is harmless."""
    connection = view.connection
    last = view.reader.retained_at or connection.connected_at
    if not last or now - parse_iso(last) < EVERY:
        return
    run = acts.begin(services, connection, run_id(services), "retention")
    update_reader(services, connection.id, lambda reader: replace(reader, retained_at=iso(now)))
    acts.hand_out(services, connection, run)


def apply(services: Services, view: ConnectionView, message: ChangesMessage) -> None:
    """One shard's part: give up what is due, then forget old activity; the first part also old runs and holds."""
    connection, scope, shard = view.connection, view.connection.scope, message.shard
    run = services.runs.get(scope, message.run)
    if run is None or run.outcome is not Outcome.RUNNING or message.part in run.done_parts:
        return
    _give_up(services, connection, message)
    before = services.clock.now() - timedelta(days=connection.settings.retention_days)
    cutoff = run_id_at(before, "")
    counts = dict(services.people.run_counts(scope, shard, message.run, message.part))
    forgotten = services.people.forget_activity(scope, shard, cutoff, BATCH)
    if message.part == 0:
        certificate.forget_before(services, scope, cutoff)
        forgotten += services.runs.forget(scope, cutoff, BATCH)
        forgotten += services.runs.forget_holds(scope, iso(before), BATCH)
    if forgotten:
        counts["forgotten"] = forgotten
    acts.pass_on(services, connection, run, message.part)
    log("retention.applied", connection=connection.id, run=run.id, part=message.part, forgotten=forgotten)
    settle.part_done(services, view, message, counts)


def _give_up(services: Services, connection: Connection, message: ChangesMessage) -> None:
    now = iso(services.clock.now())
    due: set[str] = set()
    found: dict[str, PersonRecord] = {}

    def propose(loaded: LoadedShard) -> list[Pair]:
        found.update(loaded.records)
        due.clear()
        due.update(
            record.object_id
            for record in loaded.records.values()
            if (at := purge_at(record, connection.settings)) and at <= now
        )
        # Pinned, so that nothing is decided about them but what `permit` says.
        return [(one, replace(one, pin=Pin(digest(one)))) for key, one in loaded.records.items() if key in due]

    def permit(decisions: list[Decision]) -> list[Decision]:
        _forget_made_by_hand(services, connection, [one.before for one in decisions])
        return [_without_account(one.before, now) for one in decisions]

    work = Work(connection, message.run, message.part, message.shard, None)
    resumed = begun(services, work)
    commit_people(services, work, propose, permit)
    if resumed:
        waiting.give_up_again(services, connection, message.run, message.shard, found, ())


def _forget_made_by_hand(services: Services, connection: Connection, people: Sequence[PersonRecord]) -> None:
    """What an admin typed when they made the account goes with it, before the account does: whoever is killed in
    between finds the account still to be given up.
    """
    for person in people:
        account = services.accounts.get(connection.workspace, person.account_id) if person.origin == "manual" else None
        if account is None:
            continue
        if row := employee_row(account.employee_id):
            holder = waiting.holder_of(connection, person)
            waiting.give_up(services, connection, {row: holder})
        services.accounts.delete(account)


def _without_account(stored: PersonRecord, now: str) -> Decision:
    """The person without the account. What the directory says of somebody who is still there is kept with them."""
    gone = stored.presence in GONE
    after = replace(
        stored,
        source={} if gone else stored.source,
        memberships={} if gone else stored.memberships,
        account_id="",
        account_state=AccountState.NONE,
        origin="",
        since=now,
        address="",
        conflict_with="",
        fields={},
        own={} if gone else stored.own,
        held="",
        audience=False,
        matched_by="",
    )
    return Decision(stored, after, Action.PURGE, stored.reason, freed=stored.address)
