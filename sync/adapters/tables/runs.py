"""`Runs` on table `runs`: a scope is a partition with runs `r:`, holds (`h:`, `x:`) and the row `guard`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.errors import Conflict, Defect, Transient
from sync.adapters.azure_faults import pause
from sync.adapters.tables import keys
from sync.adapters.tables.holds import TableHolds
from sync.adapters.tables.shape import Shape
from sync.adapters.tables.table import Table, etag_of
from sync.core.runs import GuardWindow, Hold, Run
from sync.ports import BadCursor

RUN, WINDOW = Shape(Run), Shape(GuardWindow)
GUARD = "guard"
TRIES = 40  # parts of a pass finish at about the same time, all on one row


class TableRuns:
    """See `sync.ports.Runs`."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._holds = TableHolds(table)

    def save(self, run: Run) -> Run:
        """Conditional."""
        key = f"r:{keys.name(run.id)}"
        return replace(run, etag=self._table.write(keys.hexadecimal(run.scope), key, RUN.encode(run), run.etag))

    def get(self, scope: str, run_id: str) -> Run | None:
        """One run. An id that is none of ours is None: it may come from an address somebody typed."""
        row = self._table.get(keys.hexadecimal(scope), f"r:{run_id}") if keys.is_name(run_id) else None
        return None if row is None else RUN.decode(row, etag_of(row))

    def finish_part(
        self, scope: str, run_id: str, stage: str, part: int, counts: Mapping[str, int], at: str = ""
    ) -> tuple[Run, bool]:
        """Read, add, write on the etag; again while others do the same."""
        for tries in range(1, TRIES):
            run = self.get(scope, run_id)
            if run is None:
                raise Defect("there is no such run")
            if run.stage != stage or part in run.done_parts:
                return run, False
            if not 0 <= part < run.parts:
                raise Defect(f"a run of {run.parts} parts has no part {part}")
            done = run.done_parts | {part}
            totals = {name: run.counts.get(name, 0) + counts.get(name, 0) for name in {*run.counts, *counts}}
            try:
                return self.save(replace(run, done_parts=done, counts=totals, touched_at=at or run.touched_at)), len(
                    done
                ) == run.parts
            except Conflict:
                pause(tries)
        raise Transient("the run stays contended", retry_after=2)

    def page(self, scope: str, cursor: str, limit: int) -> tuple[Sequence[Run], str]:
        """Newest first: the ids sort that way."""
        if cursor and not keys.is_name(cursor):
            raise BadCursor("a cursor is not ours")
        found: list[Run] = []
        after = f"r:{cursor}" if cursor else ""
        for row in self._table.rows(keys.hexadecimal(scope), "r:", "r;", after=after, limit=limit + 1):
            if len(found) == limit:
                return found, found[-1].id
            found.append(RUN.decode(row, etag_of(row)))
        return found, ""

    def forget(self, scope: str, from_run: str, limit: int) -> int:
        """By the range of their keys."""
        return self._table.clear(keys.hexadecimal(scope), f"r:{keys.name(from_run)}", "r;", limit)

    def save_hold(self, hold: Hold) -> Hold:
        """Conditional."""
        return self._holds.save(hold)

    def holds(self, scope: str) -> Sequence[Hold]:
        """Newest first."""
        return self._holds.all(scope)

    def forget_holds(self, scope: str, before: str, limit: int) -> int:
        """One by one: there are few."""
        return self._holds.forget(scope, before, limit)

    def window(self, scope: str) -> GuardWindow:
        """The guard's window."""
        row = self._table.get(keys.hexadecimal(scope), GUARD)
        return GuardWindow(scope) if row is None else WINDOW.decode(row, etag_of(row))

    def save_window(self, window: GuardWindow) -> GuardWindow:
        """Conditional."""
        partition = keys.hexadecimal(window.scope)
        return replace(window, etag=self._table.write(partition, GUARD, WINDOW.encode(window), window.etag))
