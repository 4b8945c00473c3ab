"""People with their accounts in shards, the activity written with them, and groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from shared.errors import Defect
from sync.core.model import ActivityEntry, Counts, GroupRecord, PersonRecord
from sync.core.scope import Reach


@dataclass(frozen=True, slots=True)
class LoadedShard:
    """Rows of one shard as they were read, with the counter row that must be written with them.

    `records` has the people that exist; `token` is the adapter's own (the counter row's etag).
    """

    scope: str
    shard: str
    records: Mapping[str, PersonRecord]
    counts: Counts
    token: str


class Activity(NamedTuple):
    """The audit of one transaction: every account it changed, with its cause. `at` is ISO."""

    run: str
    part: int
    at: str
    entries: Sequence[ActivityEntry]


COMMIT_LIMIT = 98  # a transaction takes 100 rows: 98 people, the activity row, the counter row
RUN_ROWS = 100_000  # more activity rows than a run can have in one shard


class RowTooLarge(Defect):
    """One person's row is more than a row can hold; the others of the batch may be written without it."""

    def __init__(self, object_id: str) -> None:
        super().__init__("a row is larger than storage can hold")
        self.object_id = object_id


class TransactionTooLarge(Defect):
    """The rows of one transaction are more than 4 MiB together; nothing was written. Halve and try again."""


class People(Protocol):
    """Person rows with their accounts, in shards; group rows beside them."""

    def load(self, scope: str, shard: str, object_ids: Sequence[str] | None = None) -> LoadedShard:
        """The named people of a shard, or all of it in one scan."""

    def commit(
        self, loaded: LoadedShard, writes: Sequence[PersonRecord], counts: Counts, activity: Activity | None
    ) -> LoadedShard:
        """Write up to COMMIT_LIMIT people, the shard's counts and the activity in ONE transaction, or nothing.
        Each write is conditional on its record's etag (empty: must not exist); the counter on `loaded.token`.
        Raises `Conflict`, `RowTooLarge`, `TransactionTooLarge`. Returns the shard as it is now (written records
        carry their new etags).
        """

    def fits(self, record: PersonRecord) -> bool:
        """Whether a row can hold this person: `commit` would not raise RowTooLarge. Reads and writes nothing."""

    def page(self, scope: str, shards: Sequence[str], cursor: str, limit: int) -> tuple[Sequence[PersonRecord], str]:
        """The next `limit` people over the given shards, and the cursor to go on with (empty at the end)."""

    def counts(self, scope: str, shards: Sequence[str]) -> Counts:
        """The sum of the shards' counter rows."""

    def run_counts(self, scope: str, shard: str, run: str, part: int) -> Mapping[str, int]:
        """What a part of a run did to this shard, summed from its activity rows: exact, whatever was redelivered.
        Action value -> accounts.
        """

    def activity(
        self, scope: str, shards: Sequence[str], run: str = "", limit: int = 100
    ) -> Sequence[tuple[Activity, str]]:
        """The newest activity first (of one run if named), each with its shard."""

    def trail(
        self, scope: str, shards: Sequence[str], after: str, likely: int, *, run: str = "", from_run: str = ""
    ) -> Iterator[tuple[Activity, str]]:
        """The activities beyond a place, each with its own: newest run first, within it by shard, there the newest
        first. `likely` is about how many the caller will take; no more than needed are read. `run`: of this one only;
        `from_run`: of runs with this id or a later one (so older) only. Raises BadCursor for a place that is none.
        """

    def story(self, scope: str, shard: str, object_id: str, after: str) -> Iterator[tuple[Activity, str]]:
        """The activities about one person beyond a place, each with its own and with their entry alone, the newest
        first: each is one read, however much there is of others. Raises BadCursor for a place that is none.
        """

    def forget_activity(self, scope: str, shard: str, from_run: str, limit: int) -> int:
        """Delete up to `limit` activities of runs whose ids are `from_run` or later (so older); returns how many."""


class Groups(Protocol):
    """Group rows, one partition per scope, and what scope and audience reach in them."""

    def reach(self, scope: str) -> Reach:
        """What was computed last; an empty one with an empty etag when nothing was."""

    def save_reach(self, scope: str, reach: Reach) -> Reach:
        """Conditional on the etag; insert when it is empty."""

    def load(self, scope: str, object_ids: Sequence[str] | None = None) -> Mapping[str, GroupRecord]:
        """The named groups, or all of them in one scan."""

    def commit(self, scope: str, writes: Sequence[GroupRecord]) -> Sequence[GroupRecord]:
        """Write any number in transactions of 100, each row conditional on its etag; returned with new etags.
        Raises `Conflict` (transactions before it stay), `RowTooLarge`.
        """

    def page(self, scope: str, cursor: str, limit: int) -> tuple[Sequence[GroupRecord], str]:
        """The next `limit` groups and the cursor to go on with (empty at the end)."""
