"""How one person counts in a shard's counter row."""

from __future__ import annotations

from collections.abc import Iterable

from sync.core.model import AccountState, Counts, PersonRecord, Presence


def counts_of(record: PersonRecord) -> Counts:
    """This person alone."""
    present = record.presence is Presence.PRESENT
    without = present and record.account_state is AccountState.NONE
    return Counts(
        people=int(present),
        active=int(record.account_state is AccountState.ACTIVE),
        inactive=int(record.account_state is AccountState.INACTIVE),
        skipped={record.reason.value: 1} if without else {},
        matched=_matched(record),
    )


def _matched(record: PersonRecord) -> dict[str, int]:
    if not record.matched_by and not record.conflict_with:
        return {}  # nearly everybody
    told = (record.matched_by, "conflict" if record.conflict_with else "")
    return {name: 1 for name in told if name}


def recount(counts: Counts, changes: Iterable[tuple[PersonRecord, PersonRecord]]) -> Counts:
    """The counts after (before, after) pairs were written."""
    people, active, inactive = counts.people, counts.active, counts.inactive
    skipped, matched = dict(counts.skipped), dict(counts.matched)
    for before, after in changes:
        for record, sign in ((before, -1), (after, 1)):
            one = counts_of(record)
            people += sign * one.people
            active += sign * one.active
            inactive += sign * one.inactive
            for reason in one.skipped:
                skipped[reason] = skipped.get(reason, 0) + sign
            for name in one.matched:
                matched[name] = matched.get(name, 0) + sign
    return Counts(people, active, inactive, _without_zeros(skipped), _without_zeros(matched))


def _without_zeros(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}
