"""Decide the people of one shard and write what follows: the one write path of pulls and full passes.

Every chunk of up to 98 people goes in with its audit and the shard's counts in one transaction. A lost race
(`Conflict`) reads the rows again and decides again; what was committed before it stays committed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from shared.clock import iso
from shared.errors import Conflict, Transient
from shared.events import log
from sync.core.connection import Connection
from sync.core.counting import recount
from sync.core.decide import decide, differs, wanted_address
from sync.core.decision import Context, Decision
from sync.core.eligibility import GONE
from sync.core.messages import MailMessage
from sync.core.model import Action, MailMark, PersonRecord, Presence, Reason
from sync.core.person import name_of
from sync.core.runs import Mail
from sync.ports import COMMIT_LIMIT, Activity, LoadedShard, RowTooLarge, TransactionTooLarge
from sync.usecases import claims, reaching, waiting
from sync.usecases.services import Services

TRIES = 8
Pair = tuple[PersonRecord, PersonRecord]
Propose = Callable[[LoadedShard], Sequence[Pair]]  # the (stored, merged) pairs that have news
Permit = Callable[[list[Decision]], list[Decision]]  # what the guard makes of a batch


class Work(NamedTuple):
    """What is being applied: a part of a run to one shard."""

    connection: Connection
    run: str
    part: int
    shard: str
    ids: Sequence[str] | None  # None: the whole shard
    first: bool = False
    keep_order: bool = False  # a newer order alone is not worth a write (full passes)
    selected: Collection[str] | None = None  # the attributes that these people were read with; None: all of them
    contested: Mapping[str, str] = {}  # accounts that several match -> whose the plan says they are to be


@dataclass(slots=True)
class Done:
    """What came of it."""

    written: int = 0
    unchanged: int = 0
    conflicts: int = 0
    members: dict[str, int] = field(default_factory=dict)  # group -> people more (or fewer)
    held: int = 0  # removals that wait for an admin
    after: dict[str, PersonRecord] = field(default_factory=dict)  # by the last attempt's decisions, written or not

    def tell(self, connection: str, run: str, part: int) -> None:
        """Say in the log what came of a part."""
        log(
            "apply.finished",
            connection=connection,
            run=run,
            part=part,
            written=self.written,
            unchanged=self.unchanged,
            conflicts=self.conflicts,
        )


def commit_people(services: Services, work: Work, propose: Propose, permit: Permit) -> Done:
    """Load, decide, write. Raises Transient when the shard stays contended, and what the ports raise."""
    done = Done()
    for _ in range(TRIES):
        loaded = services.people.load(work.connection.scope, work.shard, work.ids)
        try:
            _attempt(services, _by_now(services, work), loaded, propose, permit, done)
        except Conflict:
            done.conflicts += 1
            continue
        return done
    raise Transient("the shard stays contended", retry_after=5)


def _by_now(services: Services, work: Work) -> Work:
    """The work by the settings of this moment. They may have been saved while a part waited, for Entra or for a shard;
    who was decided by them already must not be decided by the former ones again. Read after the rows: what is saved
    later has everybody decided later.
    """
    view = services.connections.load(work.connection.id)
    if view is None or view.connection.settings == work.connection.settings:
        return work
    return work._replace(connection=replace(work.connection, settings=view.connection.settings))


def _attempt(services: Services, work: Work, loaded: LoadedShard, propose: Propose, permit: Permit, done: Done) -> None:
    pairs = propose(loaded)
    now = iso(services.clock.now())
    scope = work.connection.scope
    policy = reaching.policy(services, work.connection, work.selected)
    wants = {
        merged.object_id: (address, merged.account_id)
        for _, merged in pairs
        if (address := wanted_address(merged, policy))
    }
    news, contested = _news(pairs), work.contested
    granted = claims.resolve(services, work.connection, policy, wants, news, work.run, contested) if wants else {}
    if any(claim.took_over for claim in granted.values()):  # another's row, perhaps of this shard, was written
        loaded = services.people.load(scope, work.shard, work.ids)
        pairs = propose(loaded)
    decisions = permit(decide(pairs, granted, Context(policy, now, work.first)))
    writes = [decision for decision in decisions if _worth_writing(decision, work)]
    done.after = {decision.after.object_id: decision.after for decision in decisions}
    done.unchanged = len(decisions) - len(writes)
    done.held = sum(decision.reason is Reason.HELD for decision in decisions)
    chunks = [writes[start : start + COMMIT_LIMIT] for start in range(0, len(writes), COMMIT_LIMIT)]
    while chunks:
        chunk = chunks.pop(0)
        try:
            loaded = _commit(services, work, loaded, chunk, now)
        except TransactionTooLarge:
            half = len(chunk) // 2
            chunks[:0] = [chunk[:half], chunk[half:]]
            continue
        except RowTooLarge as error:
            log(
                "apply.parked",
                logging.WARNING,
                connection=work.connection.id,
                run=work.run,
                person=error.object_id,
                reason="too_large",
            )
            parked = [_parked(decision, error.object_id, now) for decision in chunk]
            done.after.update((decision.after.object_id, decision.after) for decision in parked)
            chunks[:0] = [parked]
            continue
        done.written += len(chunk)
        _follow_up(services, work.connection, chunk)
        _count_members(done, chunk)


def _news(pairs: Sequence[Pair]) -> dict[str, PersonRecord]:
    return {merged.object_id: merged for _, merged in pairs}


def _worth_writing(decision: Decision, work: Work) -> bool:
    if decision.after is decision.before:
        return False
    return differs(decision.before, decision.after) if work.keep_order else decision.after != decision.before


def _commit(services: Services, work: Work, loaded: LoadedShard, chunk: list[Decision], now: str) -> LoadedShard:
    entries = [entry for decision in chunk if (entry := decision.entry) is not None]
    return services.people.commit(
        loaded,
        [decision.after for decision in chunk],
        recount(loaded.counts, [(decision.before, decision.after) for decision in chunk]),
        Activity(work.run, work.part, now, entries) if entries else None,
    )


def _parked(decision: Decision, object_id: str, now: str) -> Decision:
    """A row that storage cannot hold keeps its account and loses what was too large: nothing came of what was decided.
    Where there is no account, the reason is shown.
    """
    if decision.after.object_id != object_id:
        return decision
    before = decision.before
    kept = replace(before, order=decision.after.order, presence=Presence.PRESENT)
    if not before.account_id and before.reason is not Reason.TOO_LARGE:
        kept = replace(kept, reason=Reason.TOO_LARGE, since=now)
    return Decision(before, kept, Action.SKIP, Reason.TOO_LARGE)


def _follow_up(services: Services, connection: Connection, chunk: list[Decision]) -> None:
    """Give up what accounts have no more, tell those who waited for it, and mail."""
    freed = {one.freed: waiting.holder_of(connection, one.before) for one in chunk if one.freed}
    rows = {row for decision in chunk for row in waiting.yielded(connection, decision.before, decision.after)}
    waiting.give_up(services, connection, freed, rows)
    send_mails(services, connection, [decision.after for decision in chunk if decision.mail])


def send_mails(services: Services, connection: Connection, people: Sequence[PersonRecord]) -> None:
    """Claim the onboarding mails of people marked CLAIMED and enqueue them. May be repeated: a claim is for ever."""
    if not people:
        return
    now = iso(services.clock.now())
    services.mails.claim(
        [
            Mail(
                tenant_id=connection.tenant_id,
                object_id=person.object_id,
                connection=connection.id,
                address=person.address,
                name=name_of(person.source),
                created_at=now,
            )
            for person in people
        ]
    )
    for person in people:
        services.queue.send(MailMessage(connection.id, connection.epoch, person.object_id))


def begun(services: Services, work: Work) -> bool:
    """Whether an earlier coming of this message changed an account: its worker may have come to nothing after that."""
    return bool(services.people.run_counts(work.connection.scope, work.shard, work.run, work.part))


def make_up(
    services: Services,
    work: Work,
    records: Mapping[str, PersonRecord],
    orders: Mapping[str, Collection[int]],
    *,
    resumed: bool = False,
) -> None:
    """What a killed worker did not come to after its commit: mail people, free what their accounts gave up, and wake
    who waited for it. `records` are as they were found; who has one of their `orders`, or a later one, may have been
    written by this very message before. A revisit has none: of those without, everybody who is to be mailed may have
    been; that it was `begun` before has to be known.
    """
    found = [(record, own) for one, own in orders.items() if (record := records.get(one)) is not None]
    again = [
        record
        for record, own in found
        if own and max([record.order, *map(abs, record.memberships.values())]) >= min(own)
    ]
    revisited = [record for record, own in found if not own]
    send_mails(services, work.connection, [one for one in (*again, *revisited) if one.mail is MailMark.CLAIMED])
    if again or resumed:
        waiting.give_up_again(services, work.connection, work.run, work.shard, records, again)


def counted_groups(record: PersonRecord) -> frozenset[str]:
    """The groups whose member count a person is part of: none once they are gone, though a person in the bin keeps
    their memberships for the day they are restored.
    """
    return frozenset() if record.presence in GONE else record.groups


def _count_members(done: Done, chunk: list[Decision]) -> None:
    for decision in chunk:
        before, after = counted_groups(decision.before), counted_groups(decision.after)
        for group in after - before:
            done.members[group] = done.members.get(group, 0) + 1
        for group in before - after:
            done.members[group] = done.members.get(group, 0) - 1
