"""Whether a person should have an active account."""

from __future__ import annotations

from sync.core.model import PersonRecord, Presence, Reason
from sync.core.person import address_of
from sync.core.scope import Policy, Rule, in_scope
from sync.core.text import clean

GONE = frozenset({Presence.SOFT_DELETED, Presence.HARD_DELETED, Presence.ABSENT})
_OUTSIDE = {Rule.GUEST: Reason.GUEST, Rule.UNREAD: Reason.UNKNOWN}


def eligibility(record: PersonRecord, policy: Policy) -> Reason:
    """Why this person should not have an active account; `Reason.OK` when they should.

    `accountEnabled` has three values: only an explicit false disables, only an explicit true creates; a person
    whose properties have not all arrived yet waits.
    """
    if record.presence in GONE:
        return Reason.LEFT
    if record.presence is Presence.UNKNOWN:
        return Reason.UNKNOWN
    verdict = in_scope(record, policy)
    if not verdict.inside:
        return _OUTSIDE.get(verdict.rule, Reason.OUT_OF_SCOPE)
    source = record.source
    enabled = source.get("accountEnabled")
    if enabled is not True and not (enabled is False and policy.settings.scope.disabled):
        return Reason.DISABLED if enabled is False else Reason.UNKNOWN
    if not address_of(source):
        return Reason.NO_ADDRESS
    named = clean(source.get("displayName")) or clean(source.get("givenName")) or clean(source.get("surname"))
    return Reason.OK if named else Reason.NO_NAME
