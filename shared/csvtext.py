"""CSV that every reader parses to the same cells, and that no spreadsheet takes for formulas.

RFC 4180: every cell in double quotes, commas, CRLF. A spreadsheet evaluates a cell that begins with one of `= + - @`
(CWE-1236, ASVS 1.2.10), so text that would begin a formula is given an apostrophe in front:

- at the start of a cell, when a formula character is the first that is no blank, not invisible, no quote and no
  apostrophe, or when the cell begins with tab, carriage return or NUL;
- within a cell, after `;`, tab or a line end, on the same condition: where a semicolon separates lists (Danish,
  German …), a spreadsheet ignores our quotes and starts a cell there.

Apostrophes count as blanks in this rule, so that it says the same with and without the one it puts, and can be taken
back: `plain(safe(text)) == text` for every text. A reader that wants the text removes one apostrophe wherever the
rule would put one; a name such as *'t Hart* was never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MEDIA_TYPE = "text/csv; charset=utf-8"
BOM = "\ufeff"  # Excel reads UTF-8 only behind it; whoever writes the file puts it before the first line

# What a spreadsheet may skip before a formula: white space and controls, quotes, soft hyphen, zero-width characters,
# marks of direction, the byte order mark.
_SKIPPED = "[\\s\x00-\x1f'\"\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
_FORMULA = "[=+@|%＝＋－＠-]"
# From where a run of what is skipped begins to the formula character: each character is looked at once.
_BEFORE_FORMULA = re.compile(f"(;|(?<!{_SKIPPED}))({_SKIPPED}*+)(?={_FORMULA})")
_BEGINS_FORMULA = re.compile(f"{_SKIPPED}*+{_FORMULA}")
_BEGINS_CONTROL = re.compile("'*+[\t\r\x00]")
_CELL_END = re.compile("([\t\r\n])")
_GUARDED_CELL_END = re.compile("([\t\r\n])'")


def line(cells: Iterable[object]) -> str:
    """One row with its CRLF. None is the empty cell; any other value is shown as text."""
    texts = ("" if cell is None else safe(str(cell)).replace('"', '""') for cell in cells)
    return ",".join(f'"{text}"' for text in texts) + "\r\n"


def lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The header's line, then one for each row, as they come: nothing is gathered."""
    yield line(header)
    for cells in rows:
        yield line(cells)


def safe(text: str) -> str:
    """The text with an apostrophe wherever it would begin a formula."""
    return ("'" if _control_first(text) else "") + _BEFORE_FORMULA.sub(_guard, text)


def plain(cell: str) -> str:
    """The text that `safe` made a cell of, as a CSV reader gives it."""
    return _BEFORE_FORMULA.sub(_unguard, cell.removeprefix("'") if _control_first(cell) else cell)


def _control_first(text: str) -> bool:
    """Whether text begins with a control that counts as a formula though none follows."""
    return _BEGINS_CONTROL.match(text) is not None and _BEGINS_FORMULA.match(text) is None


def _guard(match: re.Match[str]) -> str:
    before, skipped = match.groups()
    begins = before or match.start() == 0
    return before + ("'" if begins else "") + _CELL_END.sub(r"\1'", skipped)


def _unguard(match: re.Match[str]) -> str:
    before, skipped = match.groups()
    begins = before or match.start() == 0
    return before + _GUARDED_CELL_END.sub(r"\1", skipped.removeprefix("'") if begins else skipped)
