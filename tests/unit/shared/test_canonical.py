"""Equal values give equal bytes."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import canonical
from tests.unit.strategies import any_json, any_text


@given(any_json)
def test_json_comes_back_as_it_was(value: Any) -> None:
    """Whatever JSON can hold."""
    assert canonical.loads(canonical.dumps(value)) == value


@given(st.dictionaries(any_text, any_json, max_size=5))
def test_the_order_of_keys_makes_no_difference(value: dict[str, Any]) -> None:
    """Two ways of building the same value are the same bytes, compact and in UTF-8."""
    assert canonical.dumps(dict(reversed(list(value.items())))) == canonical.dumps(value)
    assert canonical.dumps({"b": "ü", "a": [1]}) == '{"a":[1],"b":"ü"}'.encode()


@pytest.mark.parametrize("value", ["\ud800", {1, 2}, object(), {"a": b"x"}])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    """Lone surrogates included: they could not be stored either."""
    with pytest.raises(TypeError):
        canonical.dumps(value)


@pytest.mark.parametrize("text", ["", "{", "{} {}", "NaN", b"\xff"])
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    """Cut short, trailing, not a number, not UTF-8."""
    with pytest.raises(orjson.JSONDecodeError):
        canonical.loads(text)
