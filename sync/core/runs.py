"""Runs, holds and mails: what happened, what waits, what was sent.

A run is one pull, one full pass, one revisit (everybody is decided again: settings or groups changed), or one act of
an admin on single accounts. Its work is split into numbered parts, each applied by one queue message;
`finish_part` marks a part done in the same conditional write that adds its counts, so that a part counts once
however often its message comes, and exactly one caller sees the last part finish.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from sync.core.model import Reason
from sync.core.trail import Trail

Kind = Literal["pull", "pass", "revisit", "act"]
Cause = Literal[
    "notification",
    "timer",
    "admin",
    "first",
    "reconcile",
    "reset",
    "approval",
    "settings",
    "groups",
    "undo",
    "freed",
    "retention",
]
Held = Literal["accounts", "scope", "audience"]  # all removals; those by scope; simulations of active accounts


class Stage(StrEnum):
    """Where a run is. A pull goes applying -> done; a full pass walks the whole line, a first one waits for Start."""

    READING = "reading"
    GROUPING = "grouping"
    PLANNING = "planning"
    WAITING = "waiting"
    APPLYING = "applying"
    REMOVING = "removing"
    DONE = "done"


class Outcome(StrEnum):
    """How a run ended. An incomplete run removed nobody."""

    RUNNING = "running"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Run:
    """One pull or full pass. `id` sorts newest first: inverted milliseconds, then random hex."""

    id: str
    scope: str
    connection: str
    kind: Kind
    cause: Cause
    epoch: int
    started_at: str
    noticed_at: str = ""  # when the change was first heard of: notification received, or the pull's start
    finished_at: str = ""
    touched_at: str = ""  # when it last moved on; a pass that stands still is nudged
    stage: Stage = Stage.APPLYING
    outcome: Outcome = Outcome.RUNNING
    error: str = ""  # a code of docs/errors.md when incomplete
    first: bool = False  # the pass that brings in everybody
    start_order: int = 0  # rows last touched before this order and not seen by the pass are absent
    feed: Literal["users", "groups", ""] = ""  # what is being read (pass), or what was pulled
    cursor: str = ""  # where a pass goes on reading: a nextLink, or empty for the start of the feed
    trail: Trail = field(default_factory=Trail)  # of the feed that a pass reads
    block: int = 0  # blocks read so far
    read: int = 0  # items read so far
    delta_links: Mapping[str, str] = field(default_factory=dict)  # feed -> deltaLink the pass reached
    selected: tuple[str, ...] = ()  # the attributes that the pass reads of people
    lost_groups: tuple[str, ...] = ()  # groups that scope or audience go by, and that vanished or shrank too much
    kept_groups: tuple[str, ...] = ()  # groups of whose members the pass was told nothing: they keep those they have
    holding: tuple[Held, ...] = ()  # what of the removals waits for an admin
    hold: str = ""  # the id of their hold
    by: str = ""  # the admin who caused it
    of: str = ""  # the run that was undone
    undone_by: str = ""  # the run that undid this one
    frozen: tuple[str, ...] = ()  # feeds the pass was refused: nothing is concluded from them
    parts: int = 0  # parts of the present stage
    done_parts: frozenset[int] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)  # Action value -> accounts; also `held`, `groups` …
    etag: str = field(default="", compare=False)


def ended(run: Run, at: str, error: str = "") -> Run:
    """The run as it ends at a moment (ISO): complete, or incomplete with a code (docs/activity.md, Runs)."""
    outcome = Outcome.INCOMPLETE if error else Outcome.COMPLETE
    return replace(run, stage=Stage.DONE, outcome=outcome, error=error, finished_at=at, touched_at=at)


CHANGING = ("create", "link", "update", "deactivate", "reactivate", "moved")


def changed(run: Run) -> bool:
    """Whether a run changed any account or membership."""
    return any(run.counts.get(action, 0) for action in CHANGING)


@dataclass(frozen=True, slots=True)
class HeldRemoval:
    """One person a hold is about."""

    object_id: str
    name: str
    reason: Reason
    audience: bool = False  # the account stays; only its place in the audience is at stake
    absent_order: int = 0  # a pass missed the person: the order to record the absence with; 0: the row tells already


@dataclass(frozen=True, slots=True)
class Hold:
    """Removals waiting for an admin. Approval is for exactly `removals`, once, until `expires_at`."""

    id: str
    scope: str
    connection: str
    run: str
    cause: str
    created_at: str
    expires_at: str
    removals: tuple[HeldRemoval, ...] = ()
    state: Literal["waiting", "approved", "rejected", "expired"] = "waiting"
    decided_by: str = ""
    decided_at: str = ""
    etag: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """Sixteen hex characters that change with who is on the hold, why, and what is at stake for them."""
        about = sorted((one.object_id, one.audience, one.reason.value) for one in self.removals)
        return hashlib.sha256(repr(about).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class GuardWindow:
    """Removals of the last 24 hours and the number of active accounts they are measured by."""

    scope: str
    active: int = 0
    removals: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # part key -> (when ISO, how many)
    lost: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # "group:part key" -> (when ISO, members lost)
    etag: str = field(default="", compare=False)


class MailState(StrEnum):
    """The life of the one onboarding mail of a person."""

    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"  # the server said no for good (bad address)
    NEEDS_REVIEW = "needs_review"  # sent or not: nobody can tell; never resent blindly
    CANCELLED = "cancelled"  # the person was no longer eligible when its turn came


@dataclass(frozen=True, slots=True)
class Mail:
    """The permanent claim on a person's one onboarding mail, keyed (tenant, object id, generation)."""

    tenant_id: str
    object_id: str
    connection: str
    address: str
    name: str
    created_at: str
    generation: int = 1
    state: MailState = MailState.DUE
    operation_id: str = ""  # deterministic, given to the provider where it takes one
    attempts: int = 0
    changed_at: str = ""
    note: str = ""  # what the server said, without addresses
    by: str = ""  # the admin who asked for it again, or cancelled it
    etag: str = field(default="", compare=False)
