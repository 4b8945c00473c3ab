"""docs/traces.md: every lesson, invariant and fault is traced once, and whatever is named there exists."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from fastapi import FastAPI

from sync.panel import api

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TRACES = (DOCS / "traces.md").read_text()
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
_CALL = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/api/v1/\S+)`")
_DOCUMENT = re.compile(r"\]\(([\w./-]+\.md)\)")


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level, up to the next one."""
    _, _, below = text.partition(f"\n## {heading}\n")
    assert below, heading
    return below.partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def traced(heading: str) -> list[str]:
    """The first cells of a table of the traces, in order."""
    return [row[0] for row in rows(section(TRACES, heading))]


@functools.cache
def defined_in(path: str) -> frozenset[str]:
    """The tests a file defines, found without importing it."""
    file = ROOT / path
    tree = ast.parse(file.read_text()) if file.exists() else ast.Module([], [])
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_lesson_is_traced_once() -> None:
    """The rows of what users ran into, the points nobody offers and the best of each feature, in their order."""
    lessons = (DOCS / "lessons.md").read_text()
    points = re.findall(
        r"^(\d+)\. ", section(lessons, "What nobody offers, and a Moxso admin would want"), re.MULTILINE
    )
    assert len(points) == 20
    assert traced("What users ran into") == [row[0] for row in rows(section(lessons, "What users ran into"))]
    assert traced("What nobody offers") == points
    best = rows(section(lessons, "The best that anybody does, by feature"))
    assert traced("The best that anybody does") == [row[0] for row in best]


def test_every_invariant_and_fault_is_traced_once() -> None:
    """S, L and F of docs/invariants.md, in their order."""
    text = (DOCS / "invariants.md").read_text()
    named = re.findall(r"\b[SL]\d+\b", _between(text, "\n## Invariants", "\n## Faults"))
    assert traced("What must always hold") == list(dict.fromkeys(named))
    faults = [f"F{number}" for number in re.findall(r"^\|F(\d+)", section(text, "Faults"), re.MULTILINE)]
    assert (traced("What is survived"), len(faults)) == (faults, 66)


def _between(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0]


def test_every_row_has_a_test_or_says_that_there_is_none() -> None:
    """And none of them says neither."""
    for line in TRACES.splitlines():
        if line.startswith("| ") and not line.startswith(("| ---", "| #", "| feature", "| promise")):
            assert _TEST.search(line) or "ot yet" in line, line


def test_every_test_that_is_named_exists() -> None:
    """By its file and its name."""
    named = _TEST.findall(TRACES)
    assert len(named) > 300
    assert sorted({f"{path}::{name}" for path, name in named if name not in defined_in(path)}) == []


def test_every_call_that_is_named_is_in_the_openapi_document() -> None:
    """Method and path, to the letter; every promise has one."""
    app = FastAPI()
    app.include_router(api.router)
    paths = app.openapi()["paths"]
    known = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    named = {f"{method} {path}" for method, path in _CALL.findall(TRACES)}
    assert sorted(named - known) == []
    assert all(_CALL.search(row[1]) for row in promises())


def test_every_promise_has_its_document() -> None:
    """A page of docs/ that is there."""
    for name, _, documents, *_ in promises():
        found = _DOCUMENT.findall(documents)
        assert found, name
        assert all((DOCS / one).exists() for one in found), name


def test_every_rule_that_is_named_is_one_of_the_state_machine() -> None:
    """A promise names the rules that act it, or says that there is none yet."""
    rules = {name for file in (ROOT / "tests" / "property").glob("*.py") for name in rules_in(file)}
    for name, *_, acted in promises():
        named = set(re.findall(r"`(\w+)`", acted))
        assert named or acted == "not yet", name
        assert named <= rules, name


def rules_in(file: Path) -> list[str]:
    """The functions that hypothesis calls as rules: `act` is a rule that is counted."""
    functions = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]
    return [one.name for one in functions if any("act(" in ast.unparse(mark) for mark in one.decorator_list)]


def promises() -> Sequence[Sequence[str]]:
    """The rows of what an admin can rely on: name, calls, documents, over fakes, on real storage, state machine."""
    return rows(section(TRACES, "What an admin can rely on"))


@pytest.mark.parametrize("name", ["test_nothing", "test_every_test_that_is_named"])
def test_a_test_that_is_not_there_would_be_noticed(name: str) -> None:
    """Neither a made-up name nor the beginning of a real one is found."""
    assert name not in defined_in("tests/docs/test_traces.py")
