"""`Runs` and `Staging` in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from shared.errors import Defect
from sync.core.runs import GuardWindow, Hold, Run
from sync.ports import BadCursor
from tests.fakes.rows import Ground, Rows


class FakeRuns:
    """See `sync.ports.Runs`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._runs: Rows[Run] = Rows(ground)
        self._holds: Rows[Hold] = Rows(ground)
        self._windows: Rows[GuardWindow] = Rows(ground)

    def save(self, run: Run) -> Run:
        """Conditional."""
        with self._ground.lock, self._ground.faults.effect("runs.save"):
            return self._runs.put((run.scope, run.id), run)

    def get(self, scope: str, run_id: str) -> Run | None:
        """One run."""
        with self._ground.lock:
            self._ground.faults.read("runs.get")
            return self._runs.get((scope, run_id))

    def finish_part(
        self, scope: str, run_id: str, stage: str, part: int, counts: Mapping[str, int], at: str = ""
    ) -> tuple[Run, bool]:
        """Exactly one call finishes the last part."""
        with self._ground.lock, self._ground.faults.effect("runs.finish_part"):
            run = self._runs.get((scope, run_id))
            if run is None:
                raise Defect(f"there is no run {run_id}")
            if run.stage != stage or part in run.done_parts:
                return run, False
            if not 0 <= part < run.parts:
                raise Defect(f"run {run_id} has no part {part}")
            done = run.done_parts | {part}
            totals = {key: run.counts.get(key, 0) + counts.get(key, 0) for key in {*run.counts, *counts}}
            saved = self._runs.put(
                (scope, run_id), replace(run, done_parts=done, counts=totals, touched_at=at or run.touched_at)
            )
            return saved, len(done) == run.parts

    def page(self, scope: str, cursor: str, limit: int) -> tuple[Sequence[Run], str]:
        """Newest first: the ids sort that way."""
        with self._ground.lock:
            self._ground.faults.read("runs.page")
            if cursor and not cursor.isalnum():
                raise BadCursor("a cursor is not ours")
            left = [run for key, run in self._runs.under(scope) if key[1] > cursor]
            return left[:limit], left[limit - 1].id if len(left) > limit else ""

    def forget(self, scope: str, from_run: str, limit: int) -> int:
        """The newest of them first, as storage deletes them."""
        with self._ground.lock, self._ground.faults.effect("runs.forget"):
            old = [key for key, _ in self._runs.under(scope) if key[1] >= from_run][:limit]
            for key in old:
                self._runs.drop(key)
            return len(old)

    def save_hold(self, hold: Hold) -> Hold:
        """Conditional."""
        with self._ground.lock, self._ground.faults.effect("runs.save_hold"):
            return self._holds.put((hold.scope, hold.id), hold)

    def holds(self, scope: str) -> Sequence[Hold]:
        """Newest first."""
        with self._ground.lock:
            self._ground.faults.read("runs.holds")
            found = [hold for _, hold in self._holds.under(scope)]
            return sorted(found, key=lambda hold: hold.created_at, reverse=True)

    def forget_holds(self, scope: str, before: str, limit: int) -> int:
        """By when they were made."""
        with self._ground.lock, self._ground.faults.effect("runs.forget_holds"):
            decided = [
                key for key, one in self._holds.under(scope) if one.state != "waiting" and one.created_at < before
            ]
            for key in decided[:limit]:
                self._holds.drop(key)
            return len(decided[:limit])

    def window(self, scope: str) -> GuardWindow:
        """The guard's window."""
        with self._ground.lock:
            self._ground.faults.read("runs.window")
            return self._windows.get((scope,)) or GuardWindow(scope)

    def save_window(self, window: GuardWindow) -> GuardWindow:
        """Conditional."""
        with self._ground.lock, self._ground.faults.effect("runs.save_window"):
            return self._windows.put((window.scope,), window)


class FakeStaging:
    """See `sync.ports.Staging`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._blocks: dict[tuple[str, str, str, int], bytes] = {}

    def put(self, scope: str, run: str, block: int, shards: Mapping[str, bytes]) -> None:
        """The same block again overwrites."""
        with self._ground.lock, self._ground.faults.effect("staging.put"):
            for shard, data in shards.items():
                self._blocks[scope, run, shard, block] = bytes(data)

    def get(self, scope: str, run: str, shard: str) -> Iterator[bytes]:
        """In the order of reading."""
        with self._ground.lock:
            self._ground.faults.read("staging.get")
            keys = sorted(key for key in self._blocks if key[:3] == (scope, run, shard))
            return iter([self._blocks[key] for key in keys])

    def clear(self, scope: str, run: str) -> None:
        """Forget a pass."""
        with self._ground.lock, self._ground.faults.effect("staging.clear"):
            for key in [key for key in self._blocks if key[:2] == (scope, run)]:
                del self._blocks[key]
