"""docs/bad-input.md against the table of inputs and the tests there are."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from tests.inputs.pages import PAGES, BadPage
from tests.inputs.zoo import ADDRESSES, IDS, TEXTS, Address, Id, Text

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "bad-input.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| .+ \| (.+) \| (`.+`) \|$", TEXT, re.MULTILINE)


def test_every_input_has_its_outcome() -> None:
    """1 to 82 in order, each with what the table of inputs says becomes of it."""
    outcomes: dict[int, dict[str, None]] = {}
    tables: list[Sequence[Text | Address | Id | BadPage]] = [TEXTS, ADDRESSES, IDS, PAGES]
    for one in itertools.chain(*tables):
        outcomes.setdefault(one.number, {})[one.outcome.value] = None
    assert [int(number) for number, _, _ in ROWS] == list(range(1, 83))
    assert {int(number): told.split("; or ") for number, told, _ in ROWS} == {
        number: list(found) for number, found in outcomes.items()
    }


def test_every_test_that_is_named_is_there() -> None:
    """File and function exist; every row, and every sink, names one."""
    named = set(re.findall(r"`([a-z_/]+\.py)::(\w+)`", TEXT))
    for file in {file for file, _ in named}:
        tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
        there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert {name for other, name in named if other == file} <= there, file
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.endswith(("--- |", "shown by |"))]
    assert [row for row in rows if "::test_" not in row] == []
