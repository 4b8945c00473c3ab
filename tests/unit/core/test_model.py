"""Orders, epochs and the sums of counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.model import Counts, PersonRecord, make_order, reading_of

EPOCHS, FENCES, PAGES = st.integers(0, 2**19 - 1), st.integers(0, 2**24 - 1), st.integers(0, 2**12 - 1)
PLACES = st.tuples(EPOCHS, FENCES, PAGES)


@given(PLACES, PLACES)
def test_orders_compare_as_epoch_then_fence_then_page(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    """The packed number sorts as its parts do, with room between any two for what is read beside the reader."""
    assert (make_order(*one) < make_order(*other)) == (one < other)
    assert one == other or abs(make_order(*one) - make_order(*other)) >= 256


@given(PLACES, PAGES, FENCES)
def test_a_reading_is_a_lease(place: tuple[int, int, int], page: int, fence: int) -> None:
    """All pages that are read under one lease are one reading, and a later lease's is a later one."""
    epoch, at, _ = place
    assert reading_of(make_order(*place)) == reading_of(make_order(epoch, at, page))
    assert (reading_of(make_order(*place)) < reading_of(make_order(epoch, fence, page))) == (at < fence)


@given(PLACES)
def test_an_order_fits_where_it_is_stored(place: tuple[int, int, int]) -> None:
    """Table storage holds 64-bit integers, and its negative must fit as well."""
    assert 0 <= make_order(*place) < 2**63


@pytest.mark.parametrize("place", [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (2**19, 0, 0), (0, 2**24, 0), (0, 0, 2**12)])
def test_an_order_out_of_range_is_refused(place: tuple[int, int, int]) -> None:
    """A part that would run into its neighbour raises instead of sorting wrongly."""
    with pytest.raises(ValueError, match="out of range"):
        make_order(*place)


COUNTS = st.builds(
    Counts,
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.dictionaries(st.sampled_from(("guest", "no_name")), st.integers(1, 9)),
)


@given(COUNTS, COUNTS, COUNTS)
def test_counts_add_up_in_any_order(one: Counts, two: Counts, three: Counts) -> None:
    """Summing shards is associative and commutative, and nothing added changes nothing."""
    assert one.plus(two) == two.plus(one)
    assert one.plus(two).plus(three) == one.plus(two.plus(three))
    assert one.plus(Counts()) == one


def test_zeros_are_left_out_of_counts() -> None:
    """A reason that nobody has any more is not listed."""
    assert Counts(skipped={"guest": 1}).plus(Counts(skipped={"guest": -1})).skipped == {}


def test_groups_of_a_person_are_the_present_edges() -> None:
    """A remembered removal is not a membership."""
    assert PersonRecord("p", memberships={"a": 5, "b": -7}).groups == {"a"}
