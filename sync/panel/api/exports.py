"""Lists as CSV: streamed page by page, so that a list of any length costs the memory of one page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from fastapi.responses import StreamingResponse

from shared import csvtext, metering
from sync.core.model import PersonRecord
from sync.core.person import name_of
from sync.core.runs import Hold, Run
from sync.usecases.history import Happening, counted, seconds_of

PAGE = 200
Item = TypeVar("Item")
Step = Callable[[str], tuple[Sequence[Item], str]]

PEOPLE = ("object_id", "name", "mail", "department", "account", "state", "reason", "since", "address", "audience")
RUNS = (
    "id",
    "kind",
    "cause",
    "by",
    "of",
    "outcome",
    "error",
    "started_at",
    "finished_at",
    "duration_seconds",
    "graph_calls",
    "storage_calls",
    "read",
    "counts",
)
HOLDS = ("hold", "cause", "state", "created_at", "expires_at", "decided_by", "object_id", "name", "reason", "loses")
ACTIVITY = ("at", "run", "cause", "by", "object_id", "action", "reason", "field", "before", "after")


def csv(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingResponse:
    """A file of that name. The first row is made before anything is sent, so that an error is still an answer."""
    lines = csvtext.lines(header, rows)
    first = csvtext.BOM + next(lines)
    return StreamingResponse(
        _sent(first, lines),
        media_type=csvtext.MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def every(step: Step[Item]) -> Iterator[Item]:
    """Every item of a list that is read page by page from a cursor."""
    cursor = ""
    while True:
        items, cursor = step(cursor)
        yield from items
        if not cursor:
            return


def person(record: PersonRecord) -> Sequence[object]:
    """A row of PEOPLE."""
    source = record.source
    return (
        record.object_id,
        name_of(source),
        source.get("mail"),
        source.get("department"),
        record.account_id,
        record.account_state,
        record.told_reason,
        record.since,
        record.address,
        "yes" if record.audience else "no",
    )


def run(found: Run) -> Sequence[object]:
    """A row of RUNS."""
    counts = " ".join(f"{name}={number}" for name, number in counted(found).items())
    return (
        found.id,
        found.kind,
        found.cause,
        found.by,
        found.of,
        found.outcome,
        found.error,
        found.started_at,
        found.finished_at,
        seconds_of(found),
        found.counts.get(metering.GRAPH, 0),
        found.counts.get(metering.STORAGE, 0),
        found.read,
        counts,
    )


def hold(found: Hold) -> Iterator[Sequence[object]]:
    """Rows of HOLDS: one for each person it is about."""
    about = (found.id, found.cause, found.state, found.created_at, found.expires_at, found.decided_by)
    for removal in found.removals:
        loses = "simulations" if removal.audience else "account"
        yield (*about, removal.object_id, removal.name, removal.reason, loses)


def happening(found: Happening) -> Iterator[Sequence[object]]:
    """Rows of ACTIVITY: one for each value that changed."""
    run, entry = found.run, found.entry
    about = (found.at, found.run_id, run.cause if run else "", run.by if run else "")
    for name in sorted({*entry.before, *entry.after}):
        before, after = entry.before.get(name, ""), entry.after.get(name, "")
        if before != after:
            yield (*about, entry.object_id, entry.action, entry.reason, name, before, after)


def _sent(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
