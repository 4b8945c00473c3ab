"""Every error the product raises on purpose, split by what the caller does next.

SyncError
├── Transient     try again later: after `retry_after` seconds where somebody said so
├── NeedsAdmin    only a person at the customer can help: `code` and `remedy` go to the panel
├── Conflict      somebody else wrote first: read again and decide again
└── Defect        our bug, or a shape we do not know: to the poison queue, with the reason

Anything else that escapes is a bug and is treated as a `Defect`.
"""

from __future__ import annotations


class SyncError(Exception):
    """The root; never raised itself."""


class Transient(SyncError):
    """A passing fault. `retry_after` is in seconds, None where nobody said."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NeedsAdmin(SyncError):
    """The customer's admin must act. `code` is stable (docs/errors.md), `remedy` is a sentence for the admin."""

    def __init__(self, code: str, remedy: str) -> None:
        super().__init__(f"{code}: {remedy}")
        self.code = code
        self.remedy = remedy


class Conflict(SyncError):
    """A conditional write lost: the row changed since it was read, or exists already."""


class Defect(SyncError):
    """A shape or state that must not occur. Trying again would not help."""
