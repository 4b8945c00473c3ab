"""The deletion guard, over all runs in a rolling day (invariant S7)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.guard import MANY, WINDOW, judge, limit_of, note_lost, shrank
from sync.core.runs import GuardWindow

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("active", "limit"), [(0, 5), (1, 5), (50, 5), (59, 5), (60, 6), (69, 6), (70, 7), (1000, 100), (1009, 100)]
)
def test_the_limit_is_five_or_a_tenth(active: int, limit: int) -> None:
    """Whichever is more, rounded down."""
    assert limit_of(active) == limit


@given(st.integers(0, 1_000_000))
def test_the_limit_is_exact_at_every_size(active: int) -> None:
    """No rounding of fractions lets one removal more or fewer through."""
    assert limit_of(active) == max(5, active // 10)


def test_removals_up_to_the_limit_go_through_and_one_more_is_held() -> None:
    """The boundary itself is unremarkable; beyond it nothing of the part is released."""
    window = GuardWindow("s", active=100)
    assert judge(window, "a", 10, NOON).released
    verdict = judge(window, "a", 11, NOON)
    assert not verdict.released
    assert (verdict.limit, verdict.used) == (10, 0)
    assert verdict.window.removals == {}


def test_a_part_is_released_whole_or_not_at_all() -> None:
    """What fits of a part that is too large is not let through."""
    window = judge(GuardWindow("s", active=100), "a", 8, NOON).window
    assert not judge(window, "b", 3, NOON).released
    assert judge(window, "b", 2, NOON).released


def test_the_same_part_again_gets_the_same_answer_and_counts_once() -> None:
    """A message that is delivered twice neither uses up the limit nor meets it."""
    first = judge(GuardWindow("s", active=100), "a", 10, NOON)
    again = judge(first.window, "a", 10, NOON + timedelta(hours=1))
    assert again.released
    assert again.window == first.window
    assert judge(first.window, "a", 4, NOON).released


def test_a_part_that_grew_is_judged_anew() -> None:
    """A repetition that would remove more than was released is held, when that is more than the limit."""
    window = judge(GuardWindow("s", active=100), "a", 6, NOON).window
    assert judge(window, "a", 10, NOON).released
    assert not judge(window, "a", 11, NOON).released


def test_a_slow_drip_is_stopped_and_flows_again_after_a_day() -> None:
    """One per cent an hour is as much as ten at once; what is a day old no longer counts."""
    window = GuardWindow("s", active=1000)
    released = 0
    for hour in range(24):
        verdict = judge(window, f"run{hour}", 10, NOON + timedelta(hours=hour))
        released += 10 * verdict.released
        window = verdict.window if verdict.released else window
    assert released == 100
    assert not judge(window, "late", 10, NOON + WINDOW - timedelta(seconds=1)).released
    assert judge(window, "late", 10, NOON + WINDOW).released


def test_old_entries_are_forgotten() -> None:
    """The window does not grow for ever."""
    window = judge(GuardWindow("s", active=100), "a", 1, NOON).window
    assert set(judge(window, "b", 1, NOON + timedelta(days=2)).window.removals) == {"b"}


def test_a_clock_that_goes_back_forgets_nothing() -> None:
    """Ten minutes backwards leave what was released in force."""
    window = judge(GuardWindow("s", active=100), "a", 10, NOON).window
    assert not judge(window, "b", 1, NOON - timedelta(minutes=10)).released


@given(
    st.lists(st.tuples(st.integers(0, 90), st.sampled_from("abcdefgh"), st.integers(0, 12)), min_size=1, max_size=30),
    st.integers(0, 120),
)
def test_no_day_ever_sees_more_than_the_limit(asked: Sequence[tuple[int, str, int]], active: int) -> None:
    """Over any sequence of parts, repeated or grown, what was released within any 24 hours keeps to the limit."""
    window, now, applied = GuardWindow("s", active=active), NOON, list[tuple[datetime, str, int]]()
    done: dict[str, int] = {}
    for minutes, part, removals in asked:
        now += timedelta(minutes=10 * minutes)
        verdict = judge(window, part, removals, now)
        if verdict.released:
            window = verdict.window
            new = max(0, removals - done.get(part, 0))  # a repetition removes again only who is not removed yet
            done[part] = max(removals, done.get(part, 0))
            applied.append((now, part, new))
    for start, _, _ in applied:
        within = sum(number for moment, _, number in applied if start <= moment < start + WINDOW)
        assert within <= max(5, active // 10)


@pytest.mark.parametrize(
    ("before", "after", "percent", "held"),
    [
        (10, 5, 30, False),
        (10, 4, 30, True),
        (5, 0, 30, False),
        (100, 70, 30, False),
        (100, 69, 30, True),
        (100, 0, 100, False),
        (100, 94, 0, True),
        (10, 20, 30, False),
    ],
)
def test_a_group_shrank_beyond_the_floor_and_the_share(before: int, after: int, percent: int, held: bool) -> None:
    """Five members, or so many in a hundred, whichever is more, are unremarkable."""
    assert shrank(before, after, percent) is held


def test_a_group_that_loses_little_by_little_shrank_all_the_same() -> None:
    """Losses of a day count together, whoever took them; the same part counts once; after a day they are forgotten."""
    window, members, shrunk = GuardWindow("s"), 100, frozenset[str]()
    for part in range(10):
        window, shrunk = note_lost(window, f"p{part}", {"g": 3}, {"g": members}, 30, NOON)
        assert note_lost(window, f"p{part}", {"g": 3}, {"g": members}, 30, NOON) == (window, shrunk)
        assert not shrunk
        members -= 3
    window, shrunk = note_lost(window, "p10", {"g": 1}, {"g": members}, 30, NOON)
    assert shrunk == {"g"}
    window, shrunk = note_lost(window, "late", {"g": 1}, {"g": members - 1}, 30, NOON + WINDOW)
    assert not shrunk
    assert set(window.lost) == {"g:late"}


def test_only_the_group_that_shrank_is_named() -> None:
    """Another one that lost a member in the same part is not."""
    _, shrunk = note_lost(GuardWindow("s"), "p", {"big": 1, "small": 8}, {"big": 100, "small": 20}, 30, NOON)
    assert shrunk == {"small"}


def test_losses_and_removals_do_not_mix() -> None:
    """Noting what groups lost leaves the removals of the day as they are, and the other way round."""
    window = judge(GuardWindow("s", active=100), "a", 4, NOON).window
    noted, _ = note_lost(window, "a", {"g": 2}, {"g": 9}, 30, NOON)
    assert noted.removals == window.removals
    assert judge(noted, "b", 1, NOON).window.lost == noted.lost


def test_a_busy_day_of_very_many_parts_is_counted_to_the_last_and_stays_small() -> None:
    """Of 6,000 parts that take one account each within a day, exactly as many are released as the limit says, and the
    window keeps some by their part and the rest by the minute; after a day all are forgotten.
    """
    window, released = GuardWindow("s", active=50_000), 0
    for number in range(6_000):
        verdict = judge(window, f"run{number}:0", 1, NOON + timedelta(seconds=number * 10))
        window, released = verdict.window, released + verdict.released
        assert len(window.removals) <= MANY + 24 * 60
    assert released == 5_000
    assert judge(window, "one more", 1, NOON + timedelta(seconds=59_990)).used == 5_000
    assert judge(window, "next day", 1, NOON + timedelta(days=2)).used == 0


def test_groups_that_lose_members_in_very_many_parts() -> None:
    """A used group that loses one member in each of many parts is noticed when it has lost too many, though the parts
    are no longer kept apart; another that lost few is not.
    """
    window, members = GuardWindow("s"), {"large": 10_000, "calm": 10_000}
    for number in range(3_001):
        lost = {"large": 1, "calm": int(number == 0)} if number == 0 else {"large": 1}
        window, shrunk = note_lost(window, f"run:{number}", lost, members, 30, NOON + timedelta(seconds=number))
        assert shrunk == (frozenset({"large"}) if number == 3_000 else frozenset())
        members = {**members, "large": members["large"] - 1}
        assert len(window.lost) <= MANY + 3
