"""The one decision of the product: what a person's news mean for their account.

`decide` is pure. Pulls, full passes, the plan before the first start, previews of settings and every explanation use
it, so that they can never disagree. It never resolves an address: who holds what is told to it as claims.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sync.core.address import address_key
from sync.core.decision import Claim, Context, Decision
from sync.core.eligibility import GONE, eligibility
from sync.core.mapping import fields_of
from sync.core.model import (
    REMOVAL_REASONS,
    AccountState,
    Action,
    Hand,
    MailMark,
    PersonRecord,
    Presence,
    Reason,
)
from sync.core.person import address_of
from sync.core.scope import Policy, in_audience, left_out
from sync.core.sync_settings import SyncSettings


def new_account_id(scope: str, object_id: str, again: int = 0) -> str:
    """The id of the account a person gets: made of who they are, so that a repeated attempt makes the same one.
    `again` tells it from an account that the person had before and that moved on to somebody else.
    """
    return address_key(f"account:{scope}:{object_id}:{again}" if again else f"account:{scope}:{object_id}")


def account_id_for(scope: str, record: PersonRecord) -> str:
    """The account a person has, or the id of the one they are to get: whoever carries a mail mark has had one."""
    again = record.order if record.mail is not MailMark.NONE else 0
    return record.account_id or new_account_id(scope, record.object_id, again)


def wanted_address(record: PersonRecord, policy: Policy) -> str:
    """The address this person's account should have and does not hold yet; empty when there is nothing to claim."""
    wanted = address_of(record.source)
    if not wanted or (wanted == record.address and record.account_state is not AccountState.NONE):
        return ""
    if record.hand is Hand.BLOCKED or pinned(record):
        return ""
    kept = record.hand is Hand.KEPT and record.account_state is not AccountState.NONE and record.presence not in GONE
    return wanted if kept or eligibility(record, policy) is Reason.OK else ""


def pinned(record: PersonRecord) -> bool:
    """Whether an undone run still holds for this person: the directory has said nothing new since."""
    return record.pin is not None and record.pin.told == digest(record)


def digest(record: PersonRecord) -> str:
    """Sixteen hex characters that change with anything the directory says of a person."""
    groups = sorted(group for group, order in record.memberships.items() if order > 0)
    told = repr((record.presence.value, sorted((name, repr(value)) for name, value in record.source.items()), groups))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def decide(
    pairs: Sequence[tuple[PersonRecord, PersonRecord]], claims: Mapping[str, Claim], context: Context
) -> list[Decision]:
    """Decide each (stored, merged) pair. `claims` has, by object id, the answer for every `wanted_address`."""
    return [decide_one(stored, merged, claims.get(merged.object_id), context) for stored, merged in pairs]


def decide_one(  # noqa: PLR0911  one return for each way a person can stand
    stored: PersonRecord, merged: PersonRecord, claim: Claim | None, context: Context
) -> Decision:
    """Decide one person; see `decide`."""
    if context.first and not merged.baseline and merged.presence is not Presence.UNKNOWN:
        merged = replace(merged, baseline=True)
    if merged.pin is not None:
        if pinned(merged):
            return Decision(stored, merged, Action.SKIP, merged.reason)
        merged = replace(merged, pin=None)
    if merged.hand is Hand.BLOCKED:
        return _blocked(stored, merged, context)
    reason = eligibility(merged, context.policy)
    if merged.hand is Hand.KEPT and merged.account_state is not AccountState.NONE:
        reason = Reason.OK
    if reason is Reason.OK:
        return _eligible(stored, merged, claim, context)
    if merged.account_state is AccountState.ACTIVE:
        return _ineligible_active(stored, merged, reason, context)
    if merged.account_state is AccountState.INACTIVE:
        if reason not in REMOVAL_REASONS or reason is merged.reason:
            return Decision(stored, merged, Action.SKIP, merged.reason)
        after = replace(merged, reason=reason, since=context.now)
        return Decision(stored, after, Action.UPDATE, reason)
    return _without_account(stored, merged, reason, context)


def _blocked(stored: PersonRecord, merged: PersonRecord, context: Context) -> Decision:
    if merged.account_state is AccountState.NONE:
        return _without_account(stored, merged, Reason.ADMIN, context)
    fields = _fields(merged, merged.address, context)
    after = replace(merged, fields=fields, audience=False, held="", conflict_with="")
    if merged.account_state is AccountState.ACTIVE or merged.reason is not Reason.ADMIN:
        after = replace(after, account_state=AccountState.INACTIVE, reason=Reason.ADMIN, since=context.now)
    active = merged.account_state is AccountState.ACTIVE
    return Decision(stored, after, Action.DEACTIVATE if active else _changed(stored, after), Reason.ADMIN)


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
    fields = _fields(merged, address, context)
    audience, out = _audience(merged, context.policy)
    after = merged
    if (address, conflict, fields, "", audience) != (
        merged.address,
        merged.conflict_with,
        merged.fields,
        merged.held,
        merged.audience,
    ):
        after = replace(merged, address=address, conflict_with=conflict, fields=fields, held="", audience=audience)
    freed = merged.address if address != merged.address else ""
    if merged.account_state is AccountState.INACTIVE:
        after = replace(after, account_state=AccountState.ACTIVE, reason=Reason.OK, since=context.now)
        return Decision(stored, after, Action.REACTIVATE, Reason.OK, freed=freed)
    changed = Action.SKIP if after is stored else _changed(stored, after)
    return Decision(stored, after, changed, Reason.OK, freed=freed, left_out=out)


def _audience(record: PersonRecord, policy: Policy) -> tuple[bool, bool]:
    """Whether an active account receives simulations, and whether the settings themselves leave it out."""
    verdict = in_audience(record, policy)
    return verdict.inside, not verdict.inside and left_out(verdict, policy)


def _fields(record: PersonRecord, address: str, context: Context) -> dict[str, str]:
    """The account's fields: mapped, then what an admin edited by hand."""
    before = None if record.account_state is AccountState.NONE else record.fields
    fields = fields_of(record.source, address, context.policy.rules, before)
    if record.own:
        fields = {name: text for name, text in {**fields, **record.own}.items() if text}
    return fields


def _join(stored: PersonRecord, merged: PersonRecord, claim: Claim, context: Context) -> Decision:
    merged = _with_acts(merged, claim.former)
    reason = _reason_to_join(merged, context.policy)
    active = reason is Reason.OK
    address = address_of(merged.source)
    known = claim.linked or claim.rehired
    mark = merged.mail
    mail = not known and mark is MailMark.NONE and _mails(merged, context.policy.settings)
    if mark is MailMark.NONE:  # claimed means a mail to this object id: who was made again got theirs by the former one
        mark = MailMark.CLAIMED if mail else MailMark.BASELINE
    after = replace(
        merged,
        account_id=claim.account_id,
        account_state=AccountState.ACTIVE if active else AccountState.INACTIVE,
        origin="manual" if claim.linked else "entra",
        reason=reason,
        since=context.now,
        address=address,
        conflict_with="",
        fields=_fields(merged, address, context),
        held="",
        mail=mark,
        matched_by="rehired" if claim.rehired else claim.by,
        audience=active and in_audience(merged, context.policy).inside,
    )
    return Decision(stored, after, Action.LINK if known else Action.CREATE, reason, mail=mail)


def _with_acts(merged: PersonRecord, former: PersonRecord | None) -> PersonRecord:
    """With what an admin did to the account that comes from who this person was, by hand or by name in the settings."""
    if former is not None:
        return replace(
            merged,
            hand=former.hand,
            own=former.own,
            judged=merged.judged or former.judged,
            formerly=(*former.formerly, former.object_id),
        )
    return replace(merged, hand=Hand.NONE) if merged.hand is Hand.KEPT else merged  # the account kept has moved on


def _reason_to_join(merged: PersonRecord, policy: Policy) -> Reason:
    """Why the account is inactive from the first: what was done by hand to a former self's goes on."""
    if merged.hand is Hand.BLOCKED:
        return Reason.ADMIN
    return Reason.OK if merged.hand is Hand.KEPT else eligibility(merged, policy)


def _mails(record: PersonRecord, settings: SyncSettings) -> bool:
    return settings.mail_existing if record.baseline else settings.onboarding


def _ineligible_active(stored: PersonRecord, merged: PersonRecord, reason: Reason, context: Context) -> Decision:
    if reason is Reason.GUEST:
        reason = Reason.OUT_OF_SCOPE
    audience, out = _audience(merged, context.policy)
    merged = replace(merged, fields=_fields(merged, merged.address, context), held="", conflict_with="")
    if reason in REMOVAL_REASONS:
        after = replace(merged, account_state=AccountState.INACTIVE, reason=reason, since=context.now, audience=False)
        return Decision(stored, after, Action.DEACTIVATE, reason, left_out=out)
    # No address or name any more, or properties still to come: nothing says that the person left. The account stays.
    after = replace(merged, audience=audience)
    return Decision(stored, after, _changed(stored, after), Reason.OK, left_out=out)


def _without_account(stored: PersonRecord, merged: PersonRecord, reason: Reason, context: Context) -> Decision:
    if merged.reason is not reason:
        merged = replace(merged, reason=reason, since=context.now)
    if reason is not Reason.ADDRESS_CONFLICT and merged.conflict_with:
        merged = replace(merged, conflict_with="")
    return Decision(stored, merged, Action.SKIP, reason)


def _changed(stored: PersonRecord, after: PersonRecord) -> Action:
    if _facts(stored) != _facts(after):
        return Action.UPDATE
    if after.account_state is AccountState.NONE:
        return Action.SKIP
    return Action.MOVE if (stored.groups, stored.audience) != (after.groups, after.audience) else Action.SKIP


def _facts(record: PersonRecord) -> tuple[object, ...]:
    """What makes a change of it an update: as `account_facts`, without making texts of it for everybody."""
    if record.account_state is AccountState.NONE:
        return ()
    return record.account_state, record.reason, record.fields


def hold_back(decision: Decision, hold: str) -> Decision:
    """The same news without the removal: what the directory said is stored, the account stays until approved, with the
    simulations it receives unless the settings end them. Where only those are at stake, all else of it goes on.
    """
    before, after = decision.before, decision.after
    if decision.drops:
        kept = replace(after, audience=True, held=hold)
        return replace(decision, after=kept, action=_changed(before, kept), reason=Reason.HELD)
    kept = replace(
        after,
        account_state=before.account_state,
        reason=before.reason,
        since=before.since,
        audience=before.audience and not decision.left_out,
        held=hold,
    )
    return Decision(before, kept, _changed(before, kept), Reason.HELD)


def differs(before: PersonRecord, after: PersonRecord) -> bool:
    """Whether there is anything to write but a newer order."""
    return after is not before and replace(after, order=before.order, manager_order=before.manager_order) != before
