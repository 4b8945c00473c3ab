"""What an admin does to one account by hand: block it, keep it, edit its fields; and to one person's mail.

An act is a run of its own, so the activity says who did it. Synchronising never overrides it: `decide` honours the
hand and the admin's own fields, and this takes the same write path as everything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from shared import metering
from shared.clock import iso
from shared.errors import Conflict, NeedsAdmin
from shared.events import log
from sync.core.connection import Connection, shard_of
from sync.core.decide import differs, hold_back, pinned
from sync.core.decision import Decision
from sync.core.messages import MailMessage
from sync.core.model import AccountState, Action, Hand, Judged, PersonRecord
from sync.core.runs import Mail, MailState
from sync.core.text import clean
from sync.ports import LoadedShard
from sync.usecases import acts
from sync.usecases.commit import Pair, Work, commit_people
from sync.usecases.groups import count_members
from sync.usecases.sending import run_id
from sync.usecases.services import Services

FIXED = frozenset({"email", "manager"})  # these are the directory's: an address is claimed, a manager is a person
_OBJECT_ID = re.compile("[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")  # it may come from an address somebody typed
LONGEST = 256  # characters of a field
_AGAIN = frozenset({MailState.REFUSED, MailState.NEEDS_REVIEW, MailState.CANCELLED})


class NotAField(Exception):
    """A field that this account cannot have, or whose text is too long; its name is the argument."""


def change(
    services: Services,
    connection: Connection,
    object_id: str,
    admin: str,
    *,
    hand: Hand | None = None,
    fields: Mapping[str, str | None] | None = None,
    judged: Judged | None = None,
) -> PersonRecord | None:
    """Set what an admin did by hand; None leaves the hand, or the answer to a suggestion, as it is. A field with text
    is the admin's own from now on (empty text clears it); with None it is the directory's again. Returns the person,
    or None when there is none. Raises NotAField, NeedsAdmin (`no_account`), and what writing raises.
    """
    metering.restart()
    record = find(services, connection, object_id)
    if record is None:
        return None
    wanted = _judged(_wanted(connection, record, hand, fields or {}), judged)
    if not differs(record, wanted):
        return record
    shard = shard_of(object_id, connection.digits)
    run = acts.begin(services, connection, run_id(services), "admin", by=admin, shards_of=[shard])

    def propose(loaded: LoadedShard) -> list[Pair]:
        return [
            (stored, _judged(_wanted(connection, stored, hand, fields or {}), judged))
            for stored in loaded.records.values()
        ]

    done = commit_people(services, Work(connection, run.id, 0, shard, [object_id]), propose, _told)
    count_members(services, connection.scope, done.members)
    counts = services.people.run_counts(connection.scope, shard, run.id, 0)
    finished, _ = services.runs.finish_part(connection.scope, run.id, run.stage, 0, metering.added(counts))
    acts.finish(services, finished)
    log("act.by_hand", connection=connection.id, run=run.id, hand=hand or "", fields=len(fields or {}))
    return find(services, connection, object_id)


def find(services: Services, connection: Connection, object_id: str) -> PersonRecord | None:
    """A person of this connection's directory."""
    if not connection.scope or not _OBJECT_ID.fullmatch(object_id):
        return None
    shard = shard_of(object_id, connection.digits)
    return services.people.load(connection.scope, shard, [object_id]).records.get(object_id)


def resend(services: Services, connection: Connection, object_id: str, generation: int, admin: str) -> Mail | None:
    """Send a mail that was refused, cancelled, or of which nobody can tell: as a new generation, at most once each.
    None when there is no such mail. Raises NeedsAdmin (`mail_not_resendable`, `no_active_account`).
    """
    mail = services.mails.get(connection.tenant_id, object_id, generation)
    if mail is None:
        return None
    following = services.mails.get(connection.tenant_id, object_id, generation + 1)
    if mail.state not in _AGAIN or following is not None:
        raise NeedsAdmin(
            "mail_not_resendable",
            "Only the newest mail of a person can be sent again, once it was refused or cancelled or nobody can tell.",
        )
    person = find(services, connection, object_id)
    if person is None or person.account_state is not AccountState.ACTIVE or not person.address:
        raise NeedsAdmin("no_active_account", "This person has no active account. Reactivate it first.")
    now = iso(services.clock.now())
    services.mails.claim(
        [Mail(mail.tenant_id, object_id, connection.id, person.address, mail.name, now, generation + 1, by=admin)]
    )
    services.queue.send(MailMessage(connection.id, connection.epoch, object_id, generation + 1))
    log("mail.resent", connection=connection.id)
    return services.mails.get(connection.tenant_id, object_id, generation + 1)


def cancel(services: Services, connection: Connection, object_id: str, generation: int, admin: str) -> Mail | None:
    """Keep a mail that is still due from being sent. None when there is no such mail. Raises NeedsAdmin
    (`mail_not_due`) when it is too late.
    """
    mail = services.mails.get(connection.tenant_id, object_id, generation)
    if mail is None:
        return None
    if mail.state is MailState.DUE:
        cancelled = replace(
            mail,
            state=MailState.CANCELLED,
            note="cancelled by an admin",
            by=admin,
            changed_at=iso(services.clock.now()),
        )
        try:
            saved = services.mails.save(cancelled)
        except Conflict:
            pass
        else:
            log("mail.cancelled", connection=connection.id, reason="by an admin")
            return saved
    raise NeedsAdmin("mail_not_due", "This mail is no longer waiting, so it cannot be cancelled.")


def _wanted(
    connection: Connection, record: PersonRecord, hand: Hand | None, fields: Mapping[str, str | None]
) -> PersonRecord:
    """The record as the admin wants it. An act by hand ends what undoing a run had pinned."""
    if record.account_state is AccountState.NONE and (hand is Hand.KEPT or fields):
        raise NeedsAdmin("no_account", "This person has no account, so there is nothing to keep or to edit.")
    known = {rule.target for rule in connection.settings.mapping} | record.own.keys()
    own = dict(record.own)
    for name, text in fields.items():
        if name in FIXED or name not in known or (text is not None and len(text) > LONGEST):
            raise NotAField(name)
        if text is None:
            own.pop(name, None)
        else:
            own[name] = clean(text)
    if hand is None or hand is record.hand:
        return replace(record, own=own)
    return replace(record, own=own, hand=hand, pin=None)


def _judged(record: PersonRecord, answer: Judged | None) -> PersonRecord:
    return record if answer is None else replace(record, judged=answer, pin=None)


def _told(decisions: list[Decision]) -> list[Decision]:
    """An admin's act is always told, also where the account stays as it was. What it asks for is not for the guard to
    judge.
    """
    asked = [_no_more_than_asked(one) for one in decisions]
    return [_with_fields(one) if one.action is Action.SKIP else one for one in asked]


def _no_more_than_asked(decision: Decision) -> Decision:
    """Without a removal that the act does not ask for: that goes on waiting on its hold, or for the run that is to
    judge it.
    """
    before, after = decision.before, decision.after
    asked = after.hand is not before.hand or (after.judged == "not_a_person" and after.judged != before.judged)
    if asked or not (decision.removes or decision.drops):
        return decision
    kept = hold_back(decision, before.held)
    return kept if before.held else replace(kept, reason=before.reason)


def _with_fields(decision: Decision) -> Decision:
    before, after = decision.before, decision.after
    if not differs(before, after):
        return decision
    if pinned(after):  # decided by nobody: only the admin's fields change
        fields = {name: text for name, text in {**after.fields, **after.own}.items() if text}
        decision = replace(decision, after=replace(after, fields=fields))
    return replace(decision, action=Action.UPDATE)
