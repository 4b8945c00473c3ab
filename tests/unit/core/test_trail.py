"""A trail notices every circle, and nothing that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.trail import FEW_PAGES, EndlessFeed, Trail, most_pages


def follow(links: list[str]) -> int:
    """How many links are followed before it is noticed that they lead in a circle."""
    trail = Trail()
    for number, link in enumerate(links):
        try:
            trail = trail.followed(link)
        except EndlessFeed:
            return number
    raise AssertionError("not noticed")


@given(before=st.integers(0, 400), circle=st.integers(1, 400))
def test_a_circle_is_noticed_in_time(before: int, circle: int) -> None:
    """Whatever leads to it, and however large it is: within three times the pages there are, and not before the first
    one comes again.
    """
    links = [f"way {number}" for number in range(before)] + [f"round {number % circle}" for number in range(4000)]
    assert before + circle <= follow(links) <= 3 * (before + circle)


@given(pages=st.integers(1, 3000))
def test_links_that_all_differ_are_followed(pages: int) -> None:
    """No circle, no alarm; how many there were is remembered, and little else."""
    trail = Trail()
    for number in range(pages):
        trail = trail.followed(f"https://graph.microsoft.com/v1.0/users/delta?$skiptoken={number}")
    assert (trail.pages, len(trail.mark)) == (pages, 32)
    assert not trail.long


@pytest.mark.parametrize(("pages", "long"), [(FEW_PAGES, False), (FEW_PAGES + 1, True)])
def test_the_limit_follows_the_head_count(pages: int, *, long: bool) -> None:
    """Up to ten thousand pages nobody is asked; beyond, every person is worth a page."""
    assert Trail(pages).long is long
    assert most_pages(500_000) == FEW_PAGES + 500_000
