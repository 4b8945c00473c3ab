"""The change log of one feed: what happened, in the order the delta feed will tell it."""

import uuid
from typing import NamedTuple


class Change(NamedTuple):
    """One entry. `kind` says which of the other fields count."""

    kind: str  # new | gone | set | link | member | stale
    id: str
    names: frozenset[str] = frozenset()  # set: properties that changed
    old: str = ""  # link: former manager
    other: str = ""  # link: new manager ("" none); member: the member's id
    added: bool = True  # member: added or removed
    row: bytes = b""  # stale: the state to show instead of the present one


class ChangeLog:
    """Entries never move, so a position in the log is all that a delta token needs to hold."""

    def __init__(self) -> None:
        self.incarnation = uuid.uuid4().hex[:12]  # tokens of another life of this log are not understood
        self.epoch = 0  # raised when the service declares all older tokens void
        self.void_reason = ""  # "reset" (410) or "expired" (400): why older tokens are void
        self.entries: list[Change] = []
        self._pending: list[tuple[float, Change]] = []

    def add(self, change: Change, visible_at: float, now: float) -> None:
        """Append, at once or when `visible_at` has come (replication lag)."""
        if visible_at <= now and not self._pending:
            self.entries.append(change)
            return
        self._pending.append((visible_at, change))
        self._pending.sort(key=lambda item: item[0])

    def head(self, now: float) -> int:
        """How many entries are visible now."""
        while self._pending and self._pending[0][0] <= now:
            self.entries.append(self._pending.pop(0)[1])
        return len(self.entries)

    def void(self, reason: str) -> None:
        """All tokens given out so far end with `reason`."""
        self.epoch += 1
        self.void_reason = reason
