"""The words that admins read are complete: a page never meets a value it has no word for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

import pytest

from sync.core.connection import Cloud, ConnectionState
from sync.core.model import AccountState, MailMark, Reason
from sync.core.runs import Cause, MailState, Stage
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
