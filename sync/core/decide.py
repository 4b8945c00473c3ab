"""The one decision of the product: what a person's news mean for their account.

`decide` is pure. Pulls, full passes, the plan before the first start and every explanation use it, so that they can
never disagree. It never resolves an address: who holds what is told to it as claims.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sync.core.address import address_key
from sync.core.mapping import address_of, eligibility, fields_of
from sync.core.model import (
    REMOVAL_REASONS,
    AccountState,
    Action,
    ActivityEntry,
    MailMark,
    PersonRecord,
    Presence,
    Reason,
    SyncSettings,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of a person's wish for an address.

    `granted` with the account that goes with it: a new one, the manual account that had the address (`linked`),
    or the account of a person who is gone and came back under another object id (`rehired`, with their mail mark).
    `took_over`: another person's row was written for it. Not granted: `holder` has it and is alive.
    """

    granted: bool
    account_id: str = ""
    linked: bool = False
    rehired: bool = False
    mail: MailMark = MailMark.NONE
    holder: str = ""
    took_over: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What holds for the whole batch. `now` is ISO; `first` is the pass that brings in everybody."""

    settings: SyncSettings
    now: str
    first: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one person. `after` is the record to store; it equals `before` when nothing is to be done.

    `removes` marks what the guard must see before it is applied.
    """

    before: PersonRecord
    after: PersonRecord
    action: Action
    reason: Reason
    mail: bool = False
    freed: str = ""  # an address the account gave up

    @property
    def removes(self) -> bool:
        """Whether an active account would be taken away."""
        return self.action is Action.DEACTIVATE and self.reason in REMOVAL_REASONS

    @property
    def entry(self) -> ActivityEntry | None:
        """The line for the audit; None when the account did not change."""
        if self.action is Action.SKIP:
            return None
        return ActivityEntry(self.after.object_id, self.action, self.reason, _shown(self.before), _shown(self.after))


def new_account_id(scope: str, object_id: str, again: int = 0) -> str:
    """The id of the account a person gets: made of who they are, so that a repeated attempt makes the same one.
    `again` tells it from an account that the person had before and that moved on to somebody else.
    """
    return address_key(f"account:{scope}:{object_id}:{again}" if again else f"account:{scope}:{object_id}")


def account_id_for(scope: str, record: PersonRecord) -> str:
    """The account a person has, or the id of the one they are to get: whoever carries a mail mark has had one."""
    again = record.order if record.mail is not MailMark.NONE else 0
    return record.account_id or new_account_id(scope, record.object_id, again)


def wanted_address(record: PersonRecord) -> str:
    """The address this person's account should have and does not hold yet; empty when there is nothing to claim."""
    wanted = address_of(record.source)
    if not wanted or (wanted == record.address and record.account_state is not AccountState.NONE):
        return ""
    return wanted if eligibility(record) is Reason.OK else ""


def decide(
    pairs: Sequence[tuple[PersonRecord, PersonRecord]], claims: Mapping[str, Claim], context: Context
) -> list[Decision]:
    """Decide each (stored, merged) pair. `claims` has, by object id, the answer for every `wanted_address`."""
    return [decide_one(stored, merged, claims.get(merged.object_id), context) for stored, merged in pairs]


def decide_one(stored: PersonRecord, merged: PersonRecord, claim: Claim | None, context: Context) -> Decision:
    """Decide one person; see `decide`."""
    if context.first and not merged.baseline and merged.presence is not Presence.UNKNOWN:
        merged = replace(merged, baseline=True)
    reason = eligibility(merged)
    if reason is Reason.OK:
        return _eligible(stored, merged, claim, context)
    if merged.account_state is AccountState.ACTIVE:
        return _ineligible_active(stored, merged, reason, context)
    if merged.account_state is AccountState.INACTIVE:
        if merged.reason is Reason.ADMIN or reason not in REMOVAL_REASONS or reason is merged.reason:
            return Decision(stored, merged, Action.SKIP, merged.reason)
        after = replace(merged, reason=reason, since=context.now)
        return Decision(stored, after, Action.UPDATE, reason)
    return _without_account(stored, merged, reason, context)


def _eligible(stored: PersonRecord, merged: PersonRecord, claim: Claim | None, context: Context) -> Decision:
    if merged.account_state is AccountState.NONE:
        if claim is None or not claim.granted:
            holder = claim.holder if claim else ""
            conflicted = replace(merged, conflict_with=holder)
            return _without_account(stored, conflicted, Reason.ADDRESS_CONFLICT, context)
        return _join(stored, merged, claim, context)
    address, conflict = merged.address, ""
    wanted = address_of(merged.source)
    if wanted != merged.address:
        if claim is not None and claim.granted:
            address = wanted
        else:
            conflict = claim.holder if claim else ""
    fields = fields_of(merged.source, address)
    after = merged
    if (address, conflict, fields, "") != (merged.address, merged.conflict_with, merged.fields, merged.held):
        after = replace(merged, address=address, conflict_with=conflict, fields=fields, held="")
    freed = merged.address if address != merged.address else ""
    if merged.account_state is AccountState.INACTIVE:
        if merged.reason is Reason.ADMIN:
            return Decision(stored, after, _changed(stored, after), Reason.ADMIN, freed=freed)
        after = replace(after, account_state=AccountState.ACTIVE, reason=Reason.OK, since=context.now)
        return Decision(stored, after, Action.REACTIVATE, Reason.OK, freed=freed)
    changed = Action.SKIP if after is stored else _changed(stored, after)
    return Decision(stored, after, changed, Reason.OK, freed=freed)


def _join(stored: PersonRecord, merged: PersonRecord, claim: Claim, context: Context) -> Decision:
    address = address_of(merged.source)
    known = claim.linked or claim.rehired
    mail = not known and merged.mail is MailMark.NONE and _mails(merged, context.settings)
    mark = merged.mail if merged.mail is not MailMark.NONE else claim.mail
    if mark is MailMark.NONE:
        mark = MailMark.CLAIMED if mail else MailMark.BASELINE
    after = replace(
        merged,
        account_id=claim.account_id,
        account_state=AccountState.ACTIVE,
        origin="manual" if claim.linked else "entra",
        reason=Reason.OK,
        since=context.now,
        address=address,
        conflict_with="",
        fields=fields_of(merged.source, address),
        held="",
        mail=mark,
    )
    return Decision(stored, after, Action.LINK if known else Action.CREATE, Reason.OK, mail=mail)


def _mails(record: PersonRecord, settings: SyncSettings) -> bool:
    return settings.mail_existing if record.baseline else settings.onboarding


def _ineligible_active(stored: PersonRecord, merged: PersonRecord, reason: Reason, context: Context) -> Decision:
    if reason is Reason.GUEST:
        reason = Reason.OUT_OF_SCOPE
    if reason in REMOVAL_REASONS:
        after = replace(merged, account_state=AccountState.INACTIVE, reason=reason, since=context.now, held="")
        return Decision(stored, after, Action.DEACTIVATE, reason)
    # No address or name any more, or properties still to come: nothing says that the person left. The account stays.
    after = replace(merged, fields=fields_of(merged.source, merged.address), conflict_with="", held="")
    return Decision(stored, after, _changed(stored, after), Reason.OK)


def _without_account(stored: PersonRecord, merged: PersonRecord, reason: Reason, context: Context) -> Decision:
    if merged.reason is not reason:
        merged = replace(merged, reason=reason, since=context.now)
    if reason is not Reason.ADDRESS_CONFLICT and merged.conflict_with:
        merged = replace(merged, conflict_with="")
    return Decision(stored, merged, Action.SKIP, reason)


def _changed(stored: PersonRecord, after: PersonRecord) -> Action:
    return Action.SKIP if _shown(stored) == _shown(after) else Action.UPDATE


def hold_back(decision: Decision, hold: str) -> Decision:
    """The same news without the removal: what the directory said is stored, the account stays until approved."""
    before, after = decision.before, decision.after
    kept = replace(after, account_state=before.account_state, reason=before.reason, since=before.since, held=hold)
    return Decision(before, kept, Action.SKIP, Reason.HELD)


def differs(before: PersonRecord, after: PersonRecord) -> bool:
    """Whether there is anything to write but a newer order."""
    return after is not before and replace(after, order=before.order, manager_order=before.manager_order) != before


def _shown(record: PersonRecord) -> dict[str, str]:
    if record.account_state is AccountState.NONE:
        return {}
    return {"state": record.account_state.value, "reason": record.reason.value, **record.fields}
