"""The language of mapping values: what it computes, what it refuses and where, and that nothing makes it slow."""

import gc
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.attributes import ATTRIBUTES
from sync.core.expression import (
    DEPTH_LIMIT,
    FUNCTIONS,
    LENGTH_LIMIT,
    NODE_LIMIT,
    VALUE_LIMIT,
    BadExpression,
    Expression,
    evaluate,
    parse,
)
from tests.unit.strategies import any_json

ANN: dict[str, Any] = {
    "givenName": "Ann",
    "surname": "Lee",
    "mail": "Ann@Example.com",
    "otherMails": ["", "a@b.c"],
    "accountEnabled": True,
    "manager": "b0b",
    "jobTitle": None,
    "department": 7,
    "onPremisesDistinguishedName": f"CN=Ann,OU={'x' * 300},DC=example",
}
LEAVES = st.builds(lambda name: Expression(attribute=name), st.sampled_from([*ANN, "city"])) | st.builds(
    lambda text: Expression(literal=text), st.text(max_size=8)
)


def _calls(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    def call(function: str) -> st.SearchStrategy[Expression]:
        _, fewest, most = FUNCTIONS[function]
        arguments = st.lists(inner, min_size=fewest, max_size=min(most, 4)).map(tuple)
        return st.builds(lambda values: Expression(function=function, arguments=values), arguments)

    return st.sampled_from(sorted(FUNCTIONS)).flatmap(call)


def _readable(expression: Expression) -> bool:
    return (
        len(str(expression)) <= LENGTH_LIMIT and _nodes(expression) <= NODE_LIMIT and _depth(expression) <= DEPTH_LIMIT
    )


def _nodes(expression: Expression) -> int:
    return 1 + sum(map(_nodes, expression.arguments))


def _depth(expression: Expression) -> int:
    return 1 + max(map(_depth, expression.arguments), default=0)


EXPRESSIONS = st.recursive(LEAVES, _calls, max_leaves=12).filter(_readable)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("givenName", "Ann"),
        ("  givenName  ", "Ann"),
        ('"a \\"b\\" \\\\ c"', 'a "b" \\ c'),
        ('""', ""),
        ('"a\nb"', "a b"),
        ("accountEnabled", "true"),
        ("otherMails", "a@b.c"),
        ("manager", "b0b"),
        ("department", ""),
        ("first(jobTitle, city, givenName)", "Ann"),
        ("first(city)", ""),
        ('join(", ",surname,city,givenName)', "Lee, Ann"),
        ('join("-", city)', ""),
        ('join("", "a", "b")', "ab"),
        ("lower(mail)", "ann@example.com"),
        ('upper("straße")', "STRASSE"),
        ('join("|", trim(" a "), "b")', "a|b"),
        ('before(mail, "@")', "Ann"),
        ('before(mail, "#")', "Ann@Example.com"),
        ('before(mail, "")', "Ann@Example.com"),
        ('after(mail, "@")', "Example.com"),
        ('after(mail, "#")', ""),
        ('after(mail, "")', ""),
        ('after("a-b-c", "-")', "b-c"),
        ('after(onPremisesDistinguishedName, "DC=")', "example"),
        ('replace(mail, "Example.com", "b.c")', "Ann@b.c"),
        ('replace("aXbX", "X", "")', "ab"),
        ('replace(mail, "", "x")', "Ann@Example.com"),
        ('replace(".*", ".", "a")', "a*"),
    ],
)
def test_what_it_computes(text: str, value: str) -> None:
    """Attributes, texts and each function, with what is empty, absent or not text."""
    assert evaluate(parse(text), ANN) == value


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        ("", 1, "expected"),
        ("   ", 4, "expected"),
        ("nosuch", 1, "no attribute nosuch"),
        ("skills", 1, "no attribute skills"),
        ("  nosuch(mail)", 3, "no function nosuch"),
        ("first", 1, "no attribute first"),
        ("lower(nosuch)", 7, "no attribute"),
        ("mail surname", 6, "nothing more"),
        ('mail"x"', 5, "nothing more"),
        ("mail)", 5, "nothing more"),
        ("mail ;", 6, "cannot be read"),
        ("lower(mail", 11, "comma or a closing bracket"),
        ("lower(mail surname)", 12, "comma or a closing bracket"),
        ('first("a"("b"))', 10, "comma or a closing bracket"),
        ("first()", 7, "expected"),
        ("first(mail,)", 12, "expected"),
        ("first(,mail)", 7, "expected"),
        ("lower(mail, surname)", 1, "lower takes 1 values"),
        ('upper(replace(mail, "a"))', 7, "replace takes 3"),
        ('join("-")', 1, "join takes 2 or more"),
        ('lower("open', 7, "a text ends"),
        (r'"a\n"', 1, "a text ends"),
        ("__import__", 1, "no attribute"),
        ("mail.upper()", 5, "cannot be read"),
        ("ma\u0131l", 3, "cannot be read"),
        ("42", 1, "cannot be read"),
        ("lower(" * DEPTH_LIMIT + "mail" + ")" * DEPTH_LIMIT, 6 * DEPTH_LIMIT + 1, "too complex"),
        (f"first({','.join(['mail'] * NODE_LIMIT)})", 6 + 5 * (NODE_LIMIT - 1) + 1, "too complex"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, at: int, why: str) -> None:
    """Nothing is guessed; the message says at which character, counted from 1, and why."""
    with pytest.raises(BadExpression) as caught:
        parse(text)
    assert str(caught.value).startswith(f"At character {at}: ")
    assert why in str(caught.value)


def test_what_is_just_within_the_limits_is_read() -> None:
    """The longest, the deepest and the one with most parts."""
    parse('"' + "x" * (LENGTH_LIMIT - 2) + '"')
    parse("lower(" * (DEPTH_LIMIT - 1) + "mail" + ")" * (DEPTH_LIMIT - 1))
    parse(f"first({','.join(['mail'] * (NODE_LIMIT - 1))})")
    with pytest.raises(BadExpression, match="at most 500 characters"):
        parse('"' + "x" * (LENGTH_LIMIT - 1) + '"')


def test_it_tells_which_attributes_it_needs() -> None:
    """Each name once, at any depth, and nothing from texts."""
    needed = parse('first(join(" ", givenName, surname), lower(before(mail, "@")), mail, "city")').attributes
    assert needed == {"givenName", "surname", "mail"}


@pytest.mark.parametrize("name", sorted(ATTRIBUTES))
def test_the_name_of_every_attribute_is_an_expression(name: str) -> None:
    """And needs that attribute alone."""
    assert parse(name).attributes == {name}


@given(EXPRESSIONS)
def test_what_is_written_is_what_is_read(expression: Expression) -> None:
    """Its text reads as itself, with any characters in its literals."""
    assert parse(str(expression)) == expression


@given(st.text() | st.text(alphabet='first()," \\mail'))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but BadExpression comes out, and its message is one line for an admin."""
    refused = ""
    try:
        parse(text)
    except BadExpression as error:
        refused = str(error)
    assert not refused or (refused.endswith(".") and refused.isprintable())


@given(EXPRESSIONS, st.dictionaries(st.sampled_from([*ANN, "city"]), any_json | st.text(min_size=200)))
def test_the_value_is_one_line_whoever_it_is_for(expression: Expression, source: dict[str, Any]) -> None:
    """No person makes it fail, break a line or grow."""
    value = evaluate(expression, source)
    assert len(value) <= 256
    assert value.splitlines() in ([], [value])
    assert value == value.strip()


@given(st.sampled_from(sorted(FUNCTIONS)), st.text(min_size=1, max_size=6), st.text(max_size=3), st.integers(1, 300))
def test_no_function_makes_much_of_little(function: str, text: str, piece: str, times: int) -> None:
    """What one makes of values within the limit is a few times as long at most, before it is cut."""
    act, fewest, _ = FUNCTIONS[function]
    long, needle = (text * times)[:VALUE_LIMIT], piece or text[0]
    values = [long, needle, long] if fewest == 3 else [long] * fewest
    assert len(act(*values)) <= 3 * VALUE_LIMIT


def test_a_replacement_that_grows_is_cut_exactly() -> None:
    """It ends soon after the limit, and up to there it is what replacing everything would have given."""
    text, new = "ab" * (VALUE_LIMIT // 2), "xyz" * 100
    made = FUNCTIONS["replace"][0](text, "a", new)
    assert made[:VALUE_LIMIT] == text.replace("a", new)[:VALUE_LIMIT]
    assert len(made) <= 3 * VALUE_LIMIT


def steps(act: Callable[[], object]) -> int:
    """How many calls, Python's and built-in ones, it takes; those of a collection of garbage are not of it."""
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    gc.disable()
    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(before)
        gc.enable()
    return count


@pytest.mark.parametrize("piece", ["mail,", '"",', "  mail  ,", "lower(mail),", '"\\\\",'])
def test_twice_as_much_takes_twice_the_steps(piece: str) -> None:
    """Reading and evaluating are linear in the length: each part costs the same, however many there are."""
    texts = [f'join("-", {piece * times}"x")' for times in (3, 6, 12)]
    read = [parse(text) for text in texts]
    assert all(evaluate(expression, ANN) for expression in read)  # what is kept of a value is kept now
    for few, some, many in (
        [steps(partial(parse, text)) for text in texts],
        [steps(partial(evaluate, expression, ANN)) for expression in read],
    ):
        assert many - some == 2 * (some - few)
