"""The completeness of a full pass: who Entra says should have an active account, beside who has one, to the person.

For every person exactly one of these holds, so the numbers add up whatever happened:

    listed = eligible + guests + out of scope + disabled      whom Entra has
    active = eligible - missing + extra                       who has an active account in Moxso

`missing` and `extra` are the differences, each with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sync.core.decide import pinned
from sync.core.eligibility import eligibility
from sync.core.model import AccountState, Hand, PersonRecord, Presence, Reason
from sync.core.person import name_of
from sync.core.scope import Policy

Side = Literal["missing", "extra"]
LEFT_OUT = {Reason.GUEST: "guests", Reason.OUT_OF_SCOPE: "out_of_scope", Reason.DISABLED: "disabled"}
COUNTS = ("listed", "guests", "out_of_scope", "disabled", "eligible", "missing", "extra", "active")


class Difference(NamedTuple):
    """A person who should have an active account and has none, or the reverse. `reason` is `held`, `blocked`, `kept`,
    `undone`, or a `Reason`.
    """

    object_id: str
    name: str
    side: Side
    reason: str


@dataclass(slots=True)
class Balance:
    """Counts and differences of some people; `counts` has every name of COUNTS."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    differences: list[Difference] = field(default_factory=list)

    def take(self, other: Balance) -> None:
        """Add another's."""
        for name, number in other.counts.items():
            self.counts[name] += number
        self.differences += other.differences


def balance(people: Iterable[PersonRecord], policy: Policy) -> Balance:
    """Of people who were just decided by this policy."""
    found = Balance()
    counts = found.counts
    for record in people:
        listed = record.presence is Presence.PRESENT
        active = record.account_state is AccountState.ACTIVE
        if not (listed or active):
            continue
        counts["listed"] += listed
        counts["active"] += active
        if listed and active and not record.held and record.hand is Hand.NONE and record.pin is None:
            counts["eligible"] += 1  # nearly everybody: deciding left the account active because they are
            continue
        reason = eligibility(record, policy)
        eligible = listed and reason not in LEFT_OUT
        counts["eligible"] += eligible
        if listed and not eligible:
            counts[LEFT_OUT[reason]] += 1
        if eligible is not active:
            side: Side = "missing" if eligible else "extra"
            counts[side] += 1
            found.differences.append(Difference(record.object_id, name_of(record.source), side, _why(record, reason)))
    return found


def _why(record: PersonRecord, reason: Reason) -> str:
    """What keeps the account from being as Entra says."""
    if record.held:
        return "held"
    if record.hand is not Hand.NONE:
        return record.hand.value
    if pinned(record):
        return "undone"
    return (reason if reason is not Reason.OK else record.reason).value
