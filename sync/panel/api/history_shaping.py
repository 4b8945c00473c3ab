"""Runs, holds, activity and mails as the API tells them."""

from __future__ import annotations

from shared import metering
from sync.core.runs import Hold, Mail, Run
from sync.panel import words
from sync.panel.api.acts_schemas import HappeningShape
from sync.panel.api.history_schemas import HeldRemovalShape, HoldShape, MailShape, RunShape
from sync.usecases.history import ACTIONS, Happening, counted, seconds_of


def run(found: Run) -> RunShape:
    """A run."""
    return RunShape(
        id=found.id,
        kind=found.kind,
        cause=found.cause,
        feed=found.feed or None,
        stage=found.stage,
        outcome=found.outcome,
        error=found.error or None,
        explanation=words.why_incomplete(found) or None,
        by=found.by or None,
        of=found.of or None,
        undone_by=found.undone_by or None,
        noticed_at=found.noticed_at or None,
        started_at=found.started_at,
        finished_at=found.finished_at or None,
        duration_seconds=seconds_of(found),
        graph_calls=found.counts.get(metering.GRAPH, 0),
        storage_calls=found.counts.get(metering.STORAGE, 0),
        read=found.read,
        counts=counted(found),
    )


def hold(found: Hold, made_by: Run | None) -> HoldShape:
    """A hold, with what went on beside it in the run that made it."""
    return HoldShape(
        id=found.id,
        etag=f'"{found.digest}"',
        run=found.run,
        cause=found.cause,
        state=found.state,
        created_at=found.created_at,
        expires_at=found.expires_at,
        decided_by=found.decided_by or None,
        decided_at=found.decided_at or None,
        count=len(found.removals),
        goes_on=None if made_by is None else {name: n for name, n in counted(made_by).items() if name in ACTIONS},
        removals=[
            HeldRemovalShape(
                object_id=removal.object_id,
                name=removal.name,
                reason=removal.reason,
                loses="simulations" if removal.audience else "account",
            )
            for removal in found.removals
        ],
    )


def happening(found: Happening) -> HappeningShape:
    """What a run did to an account."""
    run, entry = found.run, found.entry
    return HappeningShape(
        at=found.at,
        run=found.run_id,
        cause=run.cause if run else None,
        by=(run.by or None) if run else None,
        object_id=entry.object_id,
        action=entry.action,
        reason=entry.reason,
        before=dict(entry.before),
        after=dict(entry.after),
    )


def mail(found: Mail) -> MailShape:
    """An onboarding mail."""
    return MailShape(
        id=f"{found.object_id}.{found.generation}",
        object_id=found.object_id,
        address=found.address,
        name=found.name,
        state=found.state,
        created_at=found.created_at,
        changed_at=found.changed_at or None,
        attempts=found.attempts,
        note=found.note or None,
        by=found.by or None,
    )
