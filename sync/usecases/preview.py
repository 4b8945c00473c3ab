"""What settings would do to everybody, before they are saved. Nothing is written.

Rows are scanned once, shard by shard, and decided by the same function that applies settings; addresses are looked up
only for those who would get an account. The next shards are read while one is decided: storage and processor take
about as long. So it costs little more than reading the rows, and a few shards are in memory, whatever the tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from shared.errors import Transient
from sync.core.connection import ConnectionView, shard_of, shards
from sync.core.decide import account_id_for, decide_one, hold_back, wanted_address
from sync.core.decision import Claim, Decision
from sync.core.guard import judge
from sync.core.model import AccountState, Action, PersonRecord, Presence
from sync.core.person import address_of, name_of
from sync.core.scope import Policy, Verdict, in_audience, in_scope
from sync.core.sync_settings import SyncSettings
from sync.usecases import claims, holds, settings_change
from sync.usecases.commit import Pair
from sync.usecases.outlook import Plan, Strangers, concerned, every_shard, pairs_of, plan_of
from sync.usecases.services import Services

NAMED = 200  # people of each kind that are named
SAMPLE = 20  # people whose fields are shown before and after
_JOINS = frozenset({Action.CREATE, Action.LINK, Action.REACTIVATE})


class Affected(NamedTuple):
    """One person whom settings would concern: why, and by which rule of scope or audience."""

    object_id: str
    name: str
    reason: str  # a Reason value; of somebody who joins, what would be done
    verdict: Verdict


@dataclass(slots=True)
class Kind:
    """Everybody to whom the same would happen: how many, and the first of them."""

    count: int = 0
    people: list[Affected] = field(default_factory=list)


class GuardWord(NamedTuple):
    """Whether the removals would wait for an admin: today's limit, and how much of it is used."""

    held: bool
    limit: int
    used: int


UNASKED = GuardWord(False, 0, 0)


class FieldsOf(NamedTuple):
    """A person's account fields now and as settings would make them. `reason` is why there is, or would be, none."""

    object_id: str
    name: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    reason: str


@dataclass(slots=True)
class Preview:
    """What settings would do. `samples` are there when `reads_again`: what they need was never read of anybody, so
    that the numbers are of what is known, and these few were asked of Entra. `unasked` are people whom a group would
    bring in, of whom nothing but the membership is known, and whom Entra was not asked about: they are not in the rest.
    """

    version: int  # of the settings it was compared with
    people: int = 0
    added: Kind = field(default_factory=Kind)
    removed: Kind = field(default_factory=Kind)
    changed: Kind = field(default_factory=Kind)
    mailed: Kind = field(default_factory=Kind)
    audience_gained: Kind = field(default_factory=Kind)
    audience_lost: Kind = field(default_factory=Kind)
    conflicts: Kind = field(default_factory=Kind)
    guard: GuardWord = UNASKED
    reads_again: bool = False
    unasked: int = 0
    samples: Sequence[FieldsOf] = ()


def preview(services: Services, view: ConnectionView, wanted: SyncSettings) -> Preview | None:
    """Preview settings; None while nobody was read yet. Raises settings_change.Refused, and what the ports raise."""
    plan = plan_of(services, view, settings_change.accepted(wanted))
    if plan is None:
        return None
    found, tally = Preview(view.connection.settings.version), _Tally()
    free, samples = 0, list[PersonRecord]()
    found.reads_again = bool(settings_change.unread(services, view, plan.connection.settings))
    strangers = Strangers(services, plan)
    for read in every_shard(services, plan):
        pairs = strangers.met(read)
        for decision in _as_held(services, plan, tally.decided(services, plan, pairs)):
            found.people += decision.after.presence is Presence.PRESENT
            free += decision.removes and not decision.before.held
            _count(found, decision, plan.context.policy)
        if found.reads_again and len(samples) < SAMPLE:
            samples += _worth_showing(pairs, SAMPLE - len(samples))
    found.guard = _guard(services, plan, free)
    found.unasked = strangers.unasked
    if samples and plan.may_ask:
        found.samples = _asked(services, plan, samples)
    return found


def fields(
    services: Services, view: ConnectionView, wanted: SyncSettings, object_ids: Sequence[str]
) -> list[FieldsOf] | None:
    """The fields of people now and as settings would make them; who is not stored is left out. None while nobody was
    read yet. Raises as `preview`.
    """
    plan = plan_of(services, view, settings_change.accepted(wanted))
    if plan is None:
        return None
    asked = list(dict.fromkeys(object_ids))
    by_shard: dict[str, list[str]] = {}
    for object_id in asked:
        by_shard.setdefault(shard_of(object_id, plan.connection.digits), []).append(object_id)
    found: dict[str, PersonRecord] = {}
    for shard, ids in by_shard.items():
        pairs = pairs_of(services, plan, shard, ids)
        found.update((merged.object_id, merged) for _, merged in pairs if concerned(merged))
    people = [found[object_id] for object_id in asked if object_id in found]
    if plan.connection.live and settings_change.unread(services, view, plan.connection.settings):
        if plan.pause:
            raise Transient("Microsoft asked us to wait", retry_after=plan.pause.total_seconds())
        return _asked(services, plan, people)
    return [_fields_of(plan, record, record) for record in people]


def _as_held(services: Services, plan: Plan, decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions, but of whom a hold speaks already: saving changes nothing about that, they go on waiting. Whose
    simulations alone wait may still lose the account.
    """
    waits = {d.after.object_id: d.before.held for d in decisions if d.before.held and (d.removes or d.drops)}
    if not waits:
        return list(decisions)
    losing = {decision.after.object_id for decision in decisions if decision.removes}
    free = losing & holds.simulations_only(services, plan.connection.scope, waits)
    keep = waits.keys() - free
    return [hold_back(d, d.before.held) if d.after.object_id in keep else d for d in decisions]


class _Tally:
    """Who was promised which address, and which account that was there before: two people of different shards may
    want the same.
    """

    def __init__(self) -> None:
        self._promised: dict[str, str] = {}
        self._linked: dict[str, str] = {}

    def decided(self, services: Services, plan: Plan, pairs: Iterable[Pair]) -> list[Decision]:
        """Decide everybody of a shard, with the addresses they would get."""
        wants = {}
        policy, present = plan.context.policy, list(pairs)
        for _, merged in present:
            if address := wanted_address(merged, policy):
                wants[merged.object_id] = (address, merged.account_id)
        news = {merged.object_id: merged for _, merged in present}
        foreseen = claims.foresee(services, plan.connection, policy, wants, news) if wants else {}
        scope = plan.connection.scope
        answers = {one: self._checked(scope, news[one], wants[one][0], foreseen[one]) for one in wants}
        return [decide_one(stored, merged, answers.get(merged.object_id), plan.context) for stored, merged in present]

    def _checked(self, scope: str, person: PersonRecord, address: str, claim: Claim) -> Claim:
        if not claim.granted:
            return claim
        holder = self._promised.setdefault(address, person.object_id)
        if holder != person.object_id:
            return Claim(granted=False, holder=holder)
        if claim.linked and self._linked.setdefault(claim.account_id, person.object_id) != person.object_id:
            return Claim(granted=True, account_id=account_id_for(scope, person))  # whose alias came second
        return claim


def _count(found: Preview, decision: Decision, policy: Policy) -> None:
    """Put one decision where it belongs; most belong nowhere."""
    before, after = decision.before, decision.after
    if after is before:
        return
    if decision.action in _JOINS and after.account_state is AccountState.ACTIVE:  # some go on with an inactive account
        _note(found.added, decision, decision.action.value, policy, in_scope)
    elif decision.removes:
        _note(found.removed, decision, decision.reason.value, policy, in_scope)
    elif decision.action is Action.UPDATE:
        _note(found.changed, decision, decision.reason.value, policy, in_scope)
    if decision.mail:
        _note(found.mailed, decision, decision.action.value, policy, in_scope)
    if before.audience != after.audience:
        kind = found.audience_gained if after.audience else found.audience_lost
        _note(kind, decision, decision.reason.value, policy, in_audience)
    if after.conflict_with and not before.conflict_with:
        _note(found.conflicts, decision, "address_conflict", policy, in_scope)


def _note(
    kind: Kind, decision: Decision, reason: str, policy: Policy, judged: Callable[[PersonRecord, Policy], Verdict]
) -> None:
    kind.count += 1
    if len(kind.people) < NAMED:
        after = decision.after
        kind.people.append(Affected(after.object_id, name_of(after.source), reason, judged(after, policy)))


def _guard(services: Services, plan: Plan, removals: int) -> GuardWord:
    connection = plan.connection
    active = services.people.counts(connection.scope, shards(connection.digits)).active
    window = replace(services.runs.window(connection.scope), active=active)
    verdict = judge(window, "preview", removals, services.clock.now())
    return GuardWord(removals > 0 and not verdict.released, verdict.limit, verdict.used)


def _worth_showing(pairs: Sequence[Pair], most: int) -> list[PersonRecord]:
    """People to ask Entra about: present ones, those with an active account first."""
    present = [merged for _, merged in pairs if merged.presence is Presence.PRESENT]
    return sorted(present, key=lambda record: record.account_state is not AccountState.ACTIVE)[:most]


def _asked(services: Services, plan: Plan, people: Sequence[PersonRecord]) -> list[FieldsOf]:
    """Fields of people as Entra has them now, with every attribute that the settings name."""
    told = services.directory.fetch_people(plan.connection, [record.object_id for record in people], order=0)
    everything = plan._replace(
        context=replace(plan.context, policy=Policy(plan.context.policy.settings, plan.context.policy.reach))
    )
    fresh = ((record, told.get(record.object_id)) for record in people)
    return [
        _fields_of(everything, record, record if change is None else replace(record, source=change.properties))
        for record, change in fresh
    ]


def _fields_of(plan: Plan, stored: PersonRecord, merged: PersonRecord) -> FieldsOf:
    """Fields as the account would have them, were its address free."""
    claim = Claim(granted=True, account_id=stored.account_id) if address_of(merged.source) else None
    decision = decide_one(stored, merged, claim, plan.context)
    return FieldsOf(
        stored.object_id, name_of(merged.source), stored.fields, decision.after.fields, decision.reason.value
    )
