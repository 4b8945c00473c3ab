"""Text of a directory, whatever it holds, becomes one harmless line. Cases 1-39 of docs' bad inputs."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.text import TEXT_LIMIT, clean, fold
from tests.unit.strategies import any_json

LITERAL = [
    "<img src=x onerror=alert(1)>",
    "</title><script>1</script>",
    '"><svg/onload=1>',
    '<a href="https://evil">Reset password</a>',
    "{{7*7}} {%x%} ${7*7} #{7*7} <%=7*7%>",
    "%s%n{0.__class__}",
    "=?utf-8?q?Bob=0ABcc=3A_e=40x?=",
    '"Bob" <e@x>,',
    "Bob;e@x",
    '=HYPERLINK("http://e")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "＝1",
    'a","=1',
    "раураl",
    "👨‍👩‍👧",
    "İ ı ß",
    "مرحبا שלום",
    "undefined",
    "None",
    "NaN",
    "true",
    "https://evil.tld",
    "a\u202egpj.exe",
    "\u2066isolated\u2069",
    "O\u200dNeil",
]


@pytest.mark.parametrize("text", LITERAL)
def test_text_is_kept_as_data(text: str) -> None:
    """Markup, formulas, templates and scripts of any kind are stored to the letter: sinks escape them."""
    assert clean(text) == text


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_nothing_starts_a_new_line(line_end: str) -> None:
    """Every character that some sink takes for a line end becomes one space."""
    assert clean(f"Bob{line_end}Bcc: e@x") == "Bob Bcc: e@x"


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("\x00Bob\x00", "Bob"),
        ("\ud800Bob", "Bob"),
        ("Bob\x1b[2J", "Bob [2J"),
        ("\t=1", "=1"),
        ("Jose\u0301", "José"),
        ("   ", ""),
        ("", ""),
        ("  Ann   Lee  ", "Ann Lee"),
        ("\u00a0Ann\u3000Ä\u00a0", "Ann Ä"),
    ],
)
def test_controls_and_spaces_are_tidied(given_text: str, kept: str) -> None:
    """Controls, lone surrogates and runs of blanks go, composed letters come."""
    assert clean(given_text) == kept


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], ["x"], {}, b"x"])
def test_what_is_not_text_is_empty(value: Any) -> None:
    """A number, a list, an object or null in place of text is nothing."""
    assert clean(value) == ""


@pytest.mark.parametrize("length", [256, 257, 100_000])
def test_length_is_bounded(length: int) -> None:
    """No text is longer than the limit, however long it was, and a thousand marks on a letter are no longer either."""
    assert clean("a" * length) == "a" * 256
    assert len(clean("ä" * length)) == 256
    assert len(clean("Z" + "\u0335" * length)) <= TEXT_LIMIT


@given(st.text(max_size=600) | any_json)
def test_cleaning_is_final(value: Any) -> None:
    """What was cleaned is one line of NFC without controls at its edges or within, and cleaning again keeps it."""
    text = clean(value)
    assert clean(text) == text
    assert text == text.strip()
    assert len(text) <= TEXT_LIMIT
    assert unicodedata.is_normalized("NFC", text)
    assert len(text.splitlines()) <= 1
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)


@pytest.mark.parametrize(("one", "other"), [("STRASSE", "Straße"), ("ﬁ", "FI"), ("Ａnn", "ann"), ("é", "E\u0301")])
def test_searching_ignores_case_and_form(one: str, other: str) -> None:
    """Folding makes texts equal that a person would call the same."""
    assert fold(one) == fold(other)
