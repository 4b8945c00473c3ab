"""CSV: what is written is read again, by whatever reader, and nothing of it is a formula. Bad inputs 13-19."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.csvtext import BOM, line, lines, plain, safe

# What formulas, their disguises and the ends of cells are made of, often enough to meet.
NASTY = st.text(
    st.sampled_from("=+-@|%＝＋－＠;,\t\r\n \"'\x00\u200b\ufeff\u00a0ax1") | st.characters(exclude_categories=["Cs"]),
    max_size=12,
)
ROWS = st.lists(st.lists(NASTY, min_size=1, max_size=4), min_size=1, max_size=4)
FORMULA = tuple("=+-@|%＝＋－＠")


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    """What a reader with this list separator makes of a file."""
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        pytest.param('=HYPERLINK("http://e")', '\'=HYPERLINK("http://e")', id="13"),
        pytest.param("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0", id="14"),
        pytest.param("-2+3", "'-2+3", id="15"),
        pytest.param("@SUM(1)", "'@SUM(1)", id="16"),
        pytest.param("\t=1", "'\t'=1", id="17-tab"),
        pytest.param("\r=1", "'\r'=1", id="17-return"),
        pytest.param("＝1", "'＝1", id="18"),
        pytest.param('a","=1', 'a","=1', id="19"),
    ],
)
def test_bad_inputs_become_text_and_come_back(text: str, cell: str) -> None:
    """Each is one cell that begins no formula, between its neighbours, and is the same text again afterwards."""
    assert read(line(["before", text, "after"])) == [["before", cell, "after"]]
    assert plain(cell) == text


@pytest.mark.parametrize("formula", list("=+-@|%＝＋－＠"))
@pytest.mark.parametrize(
    "before", ["", " ", "\u00a0", "\u3000", "\n", "\ufeff", "\u200b", "\u2060", "\u202e", '"', "'"]
)
def test_nothing_in_front_hides_a_formula(before: str, formula: str) -> None:
    """Blanks, invisible characters and quotes before a formula character do not help it."""
    assert safe(f"{before}{formula}1").startswith(f"'{before}")


@pytest.mark.parametrize("control", ["\t", "\r", "\x00"])
def test_a_cell_never_begins_with_a_control(control: str) -> None:
    """Tab, carriage return and NUL are guarded whatever follows."""
    assert safe(f"{control}Ann;=1") == f"'{control}Ann;'=1"
    assert plain(f"'{control}Ann;'=1") == f"{control}Ann;=1"


@pytest.mark.parametrize(
    "name",
    ["", "Ann Lee", "'t Hart", "''", "O'Brien", "Test-Hansen", "a@b.c", "50 %", "Sales; North", "1 - 2", "R&D | IT",
     "Ærø, Übung", "👩‍👩‍👧", "مرحبا"],
)  # fmt: skip
def test_ordinary_text_is_left_alone(name: str) -> None:
    """Names, addresses and punctuation within text are written to the letter."""
    assert safe(name) == name
    assert plain(name) == name


@pytest.mark.parametrize(
    ("text", "cell"), [("'=1", "''=1"), ("''=1", "'''=1"), ("'t =1", "'t =1"), ("a;=1", "a;'=1"), ("a;'=1", "a;''=1")]
)
def test_apostrophes_of_its_own_are_kept(text: str, cell: str) -> None:
    """Text that has apostrophes already comes back with exactly those."""
    assert safe(text) == cell
    assert plain(cell) == text


@given(ROWS)
def test_every_text_comes_back(rows: list[list[str]]) -> None:
    """Python's csv reads the cells that were meant, and `plain` gives the texts that went in."""
    found = read("".join(lines(rows[0], rows[1:])))
    assert [[plain(cell) for cell in cells] for cells in found] == rows


@given(ROWS, st.sampled_from(",;\t"))
def test_no_reader_finds_a_formula(rows: list[list[str]], delimiter: str) -> None:
    """However a spreadsheet separates cells, none of them begins with a formula once blanks are taken away."""
    for cells in read("".join(lines(rows[0], rows[1:])), delimiter):
        assert [cell for cell in cells if cell.strip(" \t\r\n\x00\u00a0\u200b\ufeff").startswith(FORMULA)] == []


def test_every_cell_is_quoted_and_every_line_ends_alike() -> None:
    """RFC 4180: quotes doubled, CRLF after each line, the last one too; nothing is the empty cell."""
    assert list(lines(["name", "note"], [['Ann "Lee"', "a,b"], [None, 7], ["", "x\ny"]])) == [
        '"name","note"\r\n',
        '"Ann ""Lee""","a,b"\r\n',
        '"","7"\r\n',
        '"","x\ny"\r\n',
    ]


def test_the_mark_for_excel_is_no_part_of_the_first_cell() -> None:
    """Behind the byte order mark, a reader of UTF-8 with BOM finds the header as it was."""
    written = (BOM + line(["name"])).encode()
    assert written.startswith(b"\xef\xbb\xbf")
    assert read(written.decode("utf-8-sig")) == [["name"]]


@pytest.mark.parametrize("unit", ["\t", " ", "'", ";", "=", ";=", "\t'", "a"])
def test_long_text_is_no_trap(unit: str) -> None:
    """A hundred thousand characters of any kind are guarded and taken back: each is looked at once or twice."""
    text = unit * 100_000
    assert plain(safe(text)) == text
