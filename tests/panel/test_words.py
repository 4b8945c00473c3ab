"""The words that admins read are complete: a page never meets a value it has no word for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

import pytest

from sync.core.connection import Cloud, ConnectionState
from sync.core.model import AccountState, MailMark, Reason
from sync.core.runs import Cause, MailState, Run, Stage
from sync.panel import words


@pytest.mark.parametrize(
    ("told", "values"),
    [
        (words.STATES, ConnectionState),
        (words.CLOUDS, Cloud),
        (words.REASONS, Reason),
        (words.EXPLANATIONS, Reason),
        (words.ACCOUNT_STATES, AccountState),
        (words.MAIL_STATES, MailState),
        (words.MAIL_MARKS, MailMark),
        (words.STAGES, Stage),
        (words.CAUSES, get_args(Cause)),
    ],
)
def test_there_is_a_word_for_every_value(told: Mapping[str, str], values: Iterable[str]) -> None:
    """Each value has one, and nothing else has."""
    assert set(told) == set(values)


@pytest.mark.parametrize(
    ("counts", "finished_at", "told"),
    [
        ({"groups": 1}, "2026-03-02T08:00:01.000Z", "1 group changed"),
        ({"groups": 1200, "create": 2, "held": 0}, "2026-03-02T08:00:01.000Z", "2 created, 1,200 groups changed"),
        ({"graph_calls": 3}, "2026-03-02T08:00:01.000Z", "Nothing had changed"),
        ({}, "", "Under way"),
    ],
)
def test_what_a_run_did_is_one_phrase(counts: Mapping[str, int], finished_at: str, told: str) -> None:
    """What it did is counted in words that fit the number; calls are no part of it."""
    run = Run("r", "s", "c", "pull", "timer", 1, "2026-03-02T08:00:00.000Z", counts=counts, finished_at=finished_at)
    assert words.run_summary(run) == told
