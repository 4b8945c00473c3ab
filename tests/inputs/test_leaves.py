"""No text of API v1 is forgotten: each that the OpenAPI document has is in the table of what it may hold."""

from __future__ import annotations

from pathlib import Path

from tests.inputs import leaves

HERE = Path(__file__).parent


def test_every_text_that_is_told_is_known() -> None:
    """A new field of text must be said to be ours, or be looked at with every input."""
    known = [*leaves.STRICT, *leaves.NAMELESS, *leaves.TOLD, *leaves.ELSEWHERE]
    assert sorted(known) == sorted(leaves.leaves("responses"))


def test_every_text_that_is_sent_is_known() -> None:
    """A new field of a body must be sent every input."""
    assert {*leaves.SENT} == leaves.leaves("requestBody")


def test_every_text_that_is_asked_with_is_known() -> None:
    """A new parameter of text must be given every input."""
    assert {*leaves.ASKED} == leaves.parameters()


def test_what_is_looked_at_elsewhere_is_there() -> None:
    """File and test exist."""
    for named in {*leaves.ELSEWHERE.values(), *leaves.SENT.values(), *leaves.ASKED.values()}:
        file, _, test = named.partition("::")
        assert f"def {test}(" in (HERE / file).read_text(encoding="utf-8"), named
