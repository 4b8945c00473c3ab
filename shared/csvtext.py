"""CSV that every reader parses to the same cells, and that no spreadsheet takes for formulas.

RFC 4180: every cell in double quotes, comma, CRLF, UTF-8. A spreadsheet evaluates a cell that begins with one of
`= + - @` (CWE-1236, ASVS 1.2.10), so text that would begin a formula gets an apostrophe in front. It does so

- at the start of a cell, when a formula character is the first that is not a blank, invisible, a quote or an
  apostrophe, or when the cell begins with tab, carriage return or NUL;
- within a cell after `;`, tab or a line end, on the same condition: where a semicolon is the list separator (Danish,
  German …), a spreadsheet ignores our quotes and starts a cell there.

Apostrophes count as blanks in this rule, so it does not matter how many there are already, and it can be taken back:
`plain(guarded(text)) == text` for every text. A reader that wants the text removes one apostrophe wherever the rule
would put one; a name such as *'t Hart* was never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

BOM = "\ufeff"  # Excel reads UTF-8 only behind it; written once, before the first line, by whoever writes the file

# What a spreadsheet may skip before a formula: white space and controls, quotes, soft hyphen, zero-width characters,
# marks of direction, the byte order mark.
_SKIPPED = "[\\s\x00-\x1f'\"\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
_FORMULA = "[=+@|%＝＋－＠-]"
# What is skipped before a formula character, from where a run of it begins: each character is looked at once.
_BEFORE_FORMULA = re.compile(f"(;|(?<!{_SKIPPED}))({_SKIPPED}*)(?={_FORMULA})")
_TAKEN_FOR_FORMULA = re.compile("'*[\t\r\x00]")
_CELL_END = re.compile("([\t\r\n])")
_CELL_END_GUARDED = re.compile("([\t\r\n])'")


def row(values: Iterable[str]) -> str:
    """One line with its CRLF."""
    return ",".join(['"' + guarded(value).replace('"', '""') + '"' for value in values]) + "\r\n"


def lines(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """The header's line, then one for each row, as they come: nothing is gathered."""
    yield row(header)
    for values in rows:
        yield row(values)


def guarded(text: str) -> str:
    """The text with an apostrophe wherever it would begin a formula."""
    found = _BEFORE_FORMULA.sub(_guard, text)
    return f"'{found}" if found == text and _TAKEN_FOR_FORMULA.match(text) else found


def plain(cell: str) -> str:
    """The text that `guarded` made a cell of."""
    found = _BEFORE_FORMULA.sub(_unguard, cell)
    return cell[1:] if found == cell and cell[:1] == "'" and _TAKEN_FOR_FORMULA.match(cell) else found


def _guard(match: re.Match[str]) -> str:
    before, skipped = match.groups()
    begins = before or match.start() == 0
    return before + ("'" if begins else "") + _CELL_END.sub(r"\1'", skipped)


def _unguard(match: re.Match[str]) -> str:
    before, skipped = match.groups()
    begins = before or match.start() == 0
    return before + _CELL_END_GUARDED.sub(r"\1", skipped.removeprefix("'") if begins else skipped)
