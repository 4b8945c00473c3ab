"""The table of inputs is the document's."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.inputs.pages import PAGES
from tests.inputs.zoo import ADDRESSES, IDS, TEXTS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "invariants.md").read_text(encoding="utf-8")
SECTION = DOCUMENT.partition("## Bad input")[2].partition("**links**")[0]
TOLD = {int(one[1]): one[2] for one in re.finditer(r"(?:^|· |– )(\d+) (.*?)(?= · \d+ |$)", SECTION, re.MULTILINE)}


def test_every_number_is_there() -> None:
    """1-39 texts, 40-59 addresses, 60-68 ids, 69-82 pages: each has a value, none has another number."""
    assert sorted(TOLD) == list(range(1, 83))
    assert {one.number for one in TEXTS} == set(range(1, 40))
    assert {one.number for one in ADDRESSES} == set(range(40, 60))
    assert {one.number for one in IDS} == set(range(60, 69))
    assert {one.number for one in PAGES} == set(range(69, 83))


def test_every_literal_of_the_document_is_among_the_values() -> None:
    """What the document writes out stands in the table under the same number."""
    values: dict[int, list[str]] = {}
    for number, value in [
        *(
            (text.number, text.given if isinstance(text.given, str) else json.dumps(text.given, default=str))
            for text in TEXTS
        ),
        *((address.number, f"{address.mail} {address.username}") for address in ADDRESSES),
        *((one.number, one.given) for one in IDS),
    ]:
        values.setdefault(number, []).append(value)
    missing = []
    for number, told in TOLD.items():
        for literal in re.findall(r"`([^`]+)`", told) if number in values else ():
            escaped = literal.encode("unicode_escape").replace(b"\\\\", b"\\").decode("unicode_escape").strip('"')
            forms = [[part for part in form.split("…") if part] for form in (literal, escaped)]
            if not any(all(part in value for part in parts) for parts in forms for value in values[number]):
                missing.append((number, literal))
    assert missing == [(28, "İ/ı"), (65, "$filter")]  # two letters and a place, not inputs
