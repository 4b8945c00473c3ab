"""The four errors, and what each carries for the caller."""

import inspect

import pytest

import shared.errors
from shared.errors import Conflict, Defect, NeedsAdmin, SyncError, Transient


def test_there_are_four_errors_and_the_docstring_draws_them() -> None:
    """Split by what the caller does next; whoever adds one adds it to the drawing."""
    kinds = {kind for _, kind in inspect.getmembers(shared.errors, inspect.isclass)}
    assert kinds == {SyncError, Transient, NeedsAdmin, Conflict, Defect}
    assert all(kind.__name__ in (shared.errors.__doc__ or "") for kind in kinds)


@pytest.mark.parametrize("kind", [Transient, NeedsAdmin, Conflict, Defect])
def test_none_is_another(kind: type[SyncError]) -> None:
    """An `except` for one never catches its neighbour."""
    assert kind.__bases__ == (SyncError,)


def test_a_passing_fault_says_when_to_come_back_if_somebody_said_so() -> None:
    """Seconds, or nothing."""
    assert Transient("busy", retry_after=30).retry_after == 30
    assert Transient("busy").retry_after is None


def test_what_needs_an_admin_says_what_to_do() -> None:
    """A stable code and a remedy, both in the message."""
    error = NeedsAdmin("consent_missing", "Connect again.")
    assert (error.code, error.remedy, str(error)) == (
        "consent_missing",
        "Connect again.",
        "consent_missing: Connect again.",
    )
