"""Memberships: each edge keeps the order of its last news, removals are remembered."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.core.merge import fold_edges, merge_edges, settle_edges
from sync.core.model import MembershipChange
from tests.unit.strategies import GROUPS, edges

Edge = tuple[str, int, bool]
A, B, C = GROUPS[:3]
remembered = st.dictionaries(st.sampled_from(GROUPS), st.integers(-99, 99).filter(bool))
seen_edges = st.dictionaries(st.sampled_from(GROUPS), st.integers(50, 99))


@given(edges, st.randoms(use_true_random=False))
def test_edges_end_the_same_in_any_order_of_arrival(told: list[Edge], chance: random.Random) -> None:
    """For each group the edge with the highest order says whether the person is in it."""
    mixed = told * 2
    chance.shuffle(mixed)
    last = {group: (order, present) for group, order, present in sorted(told, key=lambda edge: edge[1])}
    expected = {group: order if present else -order for group, (order, present) in last.items()}
    assert merge_edges({}, mixed) == expected
    step: dict[str, int] = {}
    for edge in mixed:
        step = dict(merge_edges(step, [edge]))
    assert step == expected


@given(remembered, edges)
def test_edges_that_are_no_news_change_nothing(stored: dict[str, int], told: list[Edge]) -> None:
    """Applied already: the same object comes back, and what was stored is never changed in place."""
    kept = dict(stored)
    merged = merge_edges(stored, told)
    assert stored == kept
    assert merge_edges(merged, told) is merged


def test_a_removal_is_remembered_against_an_older_addition() -> None:
    """The addition that comes late is refused; a newer one is taken."""
    removed = merge_edges({A: 3}, [(A, 5, False)])
    assert removed == {A: -5}
    assert merge_edges(removed, [(A, 4, True)]) is removed
    assert merge_edges(removed, [(A, 6, True)]) == {A: 6}


def test_the_last_of_a_pages_items_about_an_edge_counts() -> None:
    """A member added and removed within one page share an order: the order of arrival decides."""
    on, off = (MembershipChange(A, "p", "user", 5, present) for present in (True, False))
    other = MembershipChange(B, "p", "user", 5, present=True)
    assert fold_edges([on, other, off]) == [off, other]
    assert fold_edges([off, on]) == [on]


@pytest.mark.parametrize(
    ("stored", "seen", "groups"),
    [
        ({}, {A: 60}, {A}),
        ({A: 10}, {A: 60}, {A}),
        ({A: 10}, {}, set()),
        ({A: 55}, {}, {A}),
        ({A: 50}, {}, {A}),
        ({A: -10}, {A: 60}, {A}),
        ({A: -55}, {A: 60}, {A}),
        ({A: -70}, {A: 60}, set()),
        ({A: -10}, {}, set()),
        ({A: 10, B: 10}, {B: 60, C: 61}, {B, C}),
    ],
)
def test_a_complete_pass_settles_memberships(stored: dict[str, int], seen: dict[str, int], groups: set[str]) -> None:
    """Unseen edges from before the pass (begun at 50) are gone, later pulls' news stay, seen edges are in."""
    settled = settle_edges(stored, seen, 50)
    assert {group for group, order in settled.items() if order > 0} == groups


@pytest.mark.parametrize(
    ("stored", "seen", "groups"),
    [
        ({A: 10}, {}, {A}),
        ({A: 10, B: 10}, {}, {A}),
        ({A: -10}, {}, set()),
        ({A: -10}, {A: 60}, {A}),
        ({}, {B: 60}, {B}),
    ],
)
def test_a_pass_that_was_told_nothing_of_a_group(
    stored: dict[str, int], seen: dict[str, int], groups: set[str]
) -> None:
    """Memberships of such a group stay as they are, those of the others are settled."""
    settled = settle_edges(stored, seen, 50, {A})
    assert {group for group, order in settled.items() if order > 0} == groups
    assert settle_edges(settled, seen, 50, {A}) is settled


def test_old_removals_are_forgotten_by_a_pass() -> None:
    """No older addition can be on its way any more, so the memory does not grow for ever."""
    assert settle_edges({A: -10, B: 10}, {B: 60, C: 61}, 50) == {B: 10, C: 61}


@given(remembered, seen_edges)
def test_settling_again_changes_nothing(stored: dict[str, int], seen: dict[str, int]) -> None:
    """The same pass compared twice gives the same memberships, and the same object where the groups stay the same."""
    kept = dict(stored)
    settled = settle_edges(stored, seen, 50)
    assert stored == kept
    assert settle_edges(settled, seen, 50) is settled
    same = {g for g, order in stored.items() if order > 0} == {g for g, order in settled.items() if order > 0}
    assert (settled is stored) == same


@given(remembered, seen_edges, edges)
@example({}, {A: 60}, [(A, 70, False)])
def test_news_after_the_pass_read_an_edge_count_before_and_after_it_is_settled(
    stored: dict[str, int], seen: dict[str, int], told: list[Edge]
) -> None:
    """A pull's message may overtake the comparison of the shard or come after it: the groups are the same."""
    later = [edge for edge in told if edge[1] > max(50, seen.get(edge[0], 0))]
    old = {group: order for group, order in stored.items() if abs(order) < 50}
    first = settle_edges(merge_edges(old, later), seen, 50)
    last = merge_edges(settle_edges(old, seen, 50), later)
    assert {g for g, order in first.items() if order > 0} == {g for g, order in last.items() if order > 0}
