"""What may be named of a person, what is asked of Graph for it, and how any value becomes one line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.attributes import (
    ATTRIBUTES,
    EXTENSIONS,
    TEXT_LIMIT,
    Kind,
    graph_select,
    in_extensions,
    is_attribute,
    is_directory_extension,
    kind_of,
    text_of,
)
from tests.unit.strategies import any_json

COST_CENTRE = "extension_" + "0f" * 16 + "_costCentre"
NAMES = st.sampled_from([*ATTRIBUTES, COST_CENTRE])


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mail",
        "skills",
        "signInActivity",
        "mailboxSettings",
        "photo",
        "employeeLeaveDateTime",  # needs User-LifeCycleInfo.Read.All, else silently blank
        EXTENSIONS,
        "extensionAttribute0",
        "extensionAttribute16",
        "extensionAttribute1\n",
        COST_CENTRE.replace("0f0f", "0f"),
        COST_CENTRE.upper(),
        COST_CENTRE + "&$top=1",
        COST_CENTRE + "\n",
        f"extension_{'0f' * 16}_",
        f"extension_{'0f' * 16}_{'x' * 65}",
    ],
)
def test_what_cannot_be_named(name: str) -> None:
    """Outside the main store, beyond our rights, not an attribute at all, or not safe in a URL."""
    assert not is_attribute(name)


@given(NAMES)
def test_every_attribute_has_a_kind_and_is_safe_in_a_url(name: str) -> None:
    """The catalogue and the tenant's own extensions; names are letters, digits and underscores."""
    assert is_attribute(name)
    assert kind_of(name) in Kind
    assert is_directory_extension(name) == (name == COST_CENTRE)
    assert name.isascii()
    assert name.replace("_", "").isalnum()


@given(st.lists(NAMES))
def test_the_select_names_each_once(names: list[str]) -> None:
    """`id` first, the rest sorted, whatever the order of asking; extension attributes as the one object they are in."""
    select = graph_select(names)
    assert select == graph_select(reversed(names))
    assert select[0] == "id"
    assert list(select[1:]) == sorted({*select[1:]})
    assert {*select[1:]} == {EXTENSIONS if in_extensions(name) else name for name in names}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        ("  Ann\r\nLee ", "Ann Lee"),
        (True, "true"),
        (False, "false"),
        ([], ""),
        (["", None, " ", "b", "c"], "b"),
        (5, ""),
        ({"a": 1}, ""),
        ("x" * (TEXT_LIMIT + 1), "x" * TEXT_LIMIT),
    ],
)
def test_any_value_is_one_text(value: Any, text: str) -> None:
    """Of a list the first that says something, a flag by its name, nothing for nothing."""
    assert text_of({"mail": value}, "mail") == text


def test_what_is_absent_is_empty() -> None:
    """Like null."""
    assert text_of({}, "mail") == ""


@given(any_json | st.lists(st.text()))
def test_no_value_spoils_the_line(value: Any) -> None:
    """One line without blanks around it, of limited length, whatever Graph told."""
    text = text_of({"mail": value}, "mail")
    assert len(text) <= TEXT_LIMIT
    assert text.splitlines() in ([], [text])
    assert text == text.strip()
