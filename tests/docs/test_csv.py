"""docs/csv.md against the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.csvtext import plain, safe

TEXT = (Path(__file__).parents[2] / "docs" / "csv.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\| `(.+)` \| `(.+)` \|$", TEXT, re.MULTILINE)


def test_there_are_examples_of_both_kinds() -> None:
    """Text that is changed, and text that is not."""
    assert {text == cell for text, cell in EXAMPLES} == {True, False}


@pytest.mark.parametrize(("text", "cell"), EXAMPLES)
def test_every_example_is_what_is_written(text: str, cell: str) -> None:
    """The table was computed, not imagined, and can be taken back."""
    assert safe(text) == cell
    assert plain(cell) == text
