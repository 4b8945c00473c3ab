"""Full passes, runs, holds and mails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sync.core.runs import GuardWindow, Hold, Mail, Run


class Staged(NamedTuple):
    """What a pass read of one shard: people as (object id, order, properties), edges as (group, member, order)."""

    people: Sequence[tuple[str, int, Mapping[str, Any]]]
    edges: Sequence[tuple[str, str, int]]
    removed: Sequence[tuple[str, int, str]]  # tombstones within the enumeration: (object id, order, presence)


class Staging(Protocol):
    """What a full pass has read and not yet compared: compressed rows, hundreds of people each."""

    def put(self, scope: str, run: str, block: int, shards: Mapping[str, bytes]) -> None:
        """One block: shard -> encoded rows, any size (split over rows). The same block again overwrites."""

    def get(self, scope: str, run: str, shard: str) -> Iterator[bytes]:
        """Every block of one shard, in the order of reading."""

    def clear(self, scope: str, run: str) -> None:
        """Forget a pass."""


class Runs(Protocol):
    """Runs, holds and the guard's window, by scope."""

    def save(self, run: Run) -> Run:
        """Conditional on the etag; insert when it is empty."""

    def get(self, scope: str, run_id: str) -> Run | None:
        """One run."""

    def finish_part(
        self, scope: str, run_id: str, stage: str, part: int, counts: Mapping[str, int], at: str = ""
    ) -> tuple[Run, bool]:
        """Mark a part of a stage done and add its counts, in one conditional write, retried until it is in; `at`
        (ISO) is when the run moved on by it. Done already, or another stage: changes nothing. True for exactly the
        call that finished the last part.
        """

    def page(self, scope: str, cursor: str, limit: int) -> tuple[Sequence[Run], str]:
        """Newest first, and the cursor to go on with (empty at the end). A cursor is a run's id: those after it come
        next, whether it is still there or not.
        """

    def forget(self, scope: str, from_run: str, limit: int) -> int:
        """Delete up to `limit` runs whose ids are `from_run` or later (so older); returns how many."""

    def save_hold(self, hold: Hold) -> Hold:
        """Conditional on the etag; insert when it is empty."""

    def holds(self, scope: str) -> Sequence[Hold]:
        """Newest first, decided ones included."""

    def forget_holds(self, scope: str, before: str, limit: int) -> int:
        """Delete up to `limit` holds that were made before then (ISO) and do not wait; returns how many."""

    def window(self, scope: str) -> GuardWindow:
        """The guard's window; an empty one with an empty etag when there is none yet."""

    def save_window(self, window: GuardWindow) -> GuardWindow:
        """Conditional on the etag; insert when it is empty."""


class Mails(Protocol):
    """The permanent claims on onboarding mails, by tenant. A row is never deleted; that is what `ever` means."""

    def claim(self, mails: Sequence[Mail]) -> None:
        """Insert those that do not exist, in batches; existing ones stay as they are."""

    def get(self, tenant_id: str, object_id: str, generation: int) -> Mail | None:
        """One claim."""

    def save(self, mail: Mail) -> Mail:
        """Conditional on the etag."""

    def page(self, tenant_id: str, cursor: str, limit: int) -> tuple[Sequence[Mail], str]:
        """Mails of a tenant, newest first, without etags: to change one, `get` it first."""

    def due(self, tenant_id: str, before: datetime) -> Sequence[Mail]:
        """Claims still `due` that were made before then: their message may have been lost."""
