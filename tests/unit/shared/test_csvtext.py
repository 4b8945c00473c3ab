"""Comma-separated text: what comes out of a file is what went in, and nothing of it is a formula."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import csvtext

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.mark.parametrize("start", [*"=+-@\t\r\n", *"＝＋－＠"])
def test_a_formula_becomes_text(start: str) -> None:
    """A cell that a spreadsheet might run gets an apostrophe in front."""
    (cell,) = next(csv.reader(io.StringIO(csvtext.line([f"{start}1+1"]), newline="")))
    assert cell == f"'{start}1+1"


def test_lines_are_those_of_the_rfc() -> None:
    """Carriage return and line feed end a line; quotes are doubled where a cell needs them; None is empty."""
    assert csvtext.line(["a", 'say "hi", twice', None, 3]) == 'a,"say ""hi"", twice",,3\r\n'


@given(st.lists(st.lists(TEXT, min_size=2, max_size=4), max_size=5))
def test_what_is_written_is_read_back(rows: list[list[str]]) -> None:
    """Any text survives, but for the apostrophe that some get; no cell begins like a formula."""
    text = "".join(csvtext.lines(["h", "i"], rows))
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[0] == ["h", "i"]
    assert len(read) == len(rows) + 1
    for wrote, found in zip(rows, read[1:], strict=True):
        assert [cell.removeprefix("'") for cell in found] == [cell.removeprefix("'") for cell in wrote]
        assert not any(cell.startswith(tuple("=+-@\t\r\n＝＋－＠")) for cell in found)
