"""What a decision is made of, and what it says: claims and context go in, a decision comes out, with its line for the
audit.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync.core.model import (
    REMOVAL_REASONS,
    AccountState,
    Action,
    ActivityEntry,
    Hand,
    MatchedBy,
    PersonRecord,
    Reason,
)
from sync.core.scope import Policy


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of a person's wish for an address.

    `granted` with the account that goes with it: a new one, an account made by hand (`linked`, found `by`), or the
    account of a person who is gone and came back under another object id (`rehired`; `former` is who they were, and
    `linked` says that the account was made by hand once).
    `took_over`: another person's row was written for it. Not granted: `holder` has it and is alive.
    """

    granted: bool
    account_id: str = ""
    linked: bool = False
    rehired: bool = False
    by: MatchedBy = ""
    holder: str = ""
    took_over: bool = False
    former: PersonRecord | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What holds for the whole batch. `now` is ISO; `first` is the pass that brings in everybody."""

    policy: Policy
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
    left_out: bool = False  # of the audience, by the settings themselves: that waits for nobody

    @property
    def removes(self) -> bool:
        """Whether an active account would be taken away."""
        return self.action is Action.DEACTIVATE and self.reason in REMOVAL_REASONS

    @property
    def drops(self) -> bool:
        """Whether an account that stays active would lose its simulations, and perhaps because a group vanished."""
        kept = self.after.account_state is AccountState.ACTIVE and not self.left_out
        return kept and self.before.audience and not self.after.audience

    @property
    def entry(self) -> ActivityEntry | None:
        """The line for the audit; None when the account did not change."""
        if self.action is Action.SKIP:
            return None
        before, after = shown(self.before), shown(self.after)
        if before and self.before.groups != self.after.groups:
            before["groups"], after["groups"] = _listed(self.before.groups), _listed(self.after.groups)
        if before and self.before.own != self.after.own:
            before["own"], after["own"] = " ".join(sorted(self.before.own)), " ".join(sorted(self.after.own))
        return ActivityEntry(self.after.object_id, self.action, self.reason, before, after)


def account_facts(record: PersonRecord) -> dict[str, str]:
    """What is shown of an account: its state, the reason and its fields; empty where there is none."""
    if record.account_state is AccountState.NONE:
        return {}
    return {"state": record.account_state.value, "reason": record.reason.value, **record.fields}


def shown(record: PersonRecord) -> dict[str, str]:
    """The account as the audit tells it."""
    facts = account_facts(record)
    if facts and record.audience:
        facts["audience"] = "yes"
    if record.hand is not Hand.NONE:
        facts["by_hand"] = record.hand.value
    return facts


def _listed(groups: frozenset[str]) -> str:
    return " ".join(sorted(groups))
