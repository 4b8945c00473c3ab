"""docs/mapping.md against the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sync.core.attributes import ATTRIBUTES, in_extensions
from sync.core.expression import FUNCTIONS, evaluate, parse
from sync.core.sync_settings import DEFAULT_MAPPING

TEXT = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
ANNA = {
    "mail": "anna.berg@contoso.com",
    "givenName": "Anna",
    "surname": "Berg",
    "department": "SALES / North",
    "extensionAttribute3": "DK-7",
}
_EXAMPLES = TEXT.partition("| expression | value |")[2].partition("## Attributes")[0]
EXAMPLES = re.findall(r"^\| `(.+?)` \|(?: `(.+?)`)? \|$", _EXAMPLES, re.MULTILINE)


@pytest.mark.parametrize(("expression", "value"), EXAMPLES)
def test_every_example_gives_what_it_says(expression: str, value: str) -> None:
    """The table of examples was computed, not imagined."""
    assert evaluate(parse(expression), ANNA) == value


def test_there_are_examples_of_every_function() -> None:
    """Each function stands in the table of functions and in an example."""
    told = TEXT.partition("| function | result |")[2].partition("An expression has")[0]
    assert set(re.findall(r"`(\w+)\(", told)) == set(FUNCTIONS)
    assert set(re.findall(r"(\w+)\(", " ".join(one for one, _ in EXAMPLES))) >= set(FUNCTIONS) - {"trim"}


def test_every_attribute_is_listed() -> None:
    """The list is the catalogue, extension attributes told as a range."""
    told = set(re.findall(r"`(\w+)`", TEXT.partition("## Attributes")[2]))
    assert {name for name in ATTRIBUTES if not in_extensions(name)} <= told


def test_every_field_of_ours_is_named() -> None:
    """The targets of the default mapping stand in the table."""
    assert {rule.target for rule in DEFAULT_MAPPING} <= set(re.findall(r"`(\w+)`", TEXT.partition("## Expr")[0]))
