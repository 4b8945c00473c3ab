"""Nested membership, against a model that simply walks up from every group."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.model import GroupRecord, Presence, make_order
from sync.core.nesting import Nesting

THERE = {Presence.PRESENT, Presence.UNKNOWN}
ids = st.sampled_from("abcdefg")
edges = st.sets(st.tuples(ids, ids), max_size=18)  # (child, parent), itself included
presences = st.dictionaries(ids, st.sampled_from(Presence), max_size=7)


def records(edges: set[tuple[str, str]], presences: Mapping[str, Presence]) -> list[GroupRecord]:
    """Group rows of these edges; groups are present unless said otherwise."""
    everyone = {*presences, *(group for edge in edges for group in edge)}
    return [
        GroupRecord(
            group,
            presence=presences.get(group, Presence.PRESENT),
            parents={parent: 7 for child, parent in edges if child == group},
        )
        for group in sorted(everyone)
    ]


def reaches(group: str, roots: Sequence[str], groups: Mapping[str, GroupRecord], seen: frozenset[str]) -> bool:
    """Whether somebody in a group is in one of the roots, by way of groups that are there."""
    if group in seen or group not in groups or groups[group].presence not in THERE:
        return False
    return group in roots or any(reaches(up, roots, groups, seen | {group}) for up in groups[group].parents)


@given(edges, presences, st.lists(ids, max_size=3))
def test_below_is_what_walking_up_finds(
    edges: set[tuple[str, str]], presences: Mapping[str, Presence], roots: list[str]
) -> None:
    """Cycles, several parents and groups that are gone: joining and leaving are told by the same answer."""
    rows = records(edges, presences)
    by_id = {row.object_id: row for row in rows}
    assert Nesting(rows).below(roots) == {group for group in by_id if reaches(group, roots, by_id, frozenset())}


@given(edges, presences, st.lists(ids, min_size=1, max_size=3), ids)
def test_where_gone_groups_count_too_presence_means_nothing(
    edges: set[tuple[str, str]], presences: Mapping[str, Presence], roots: list[str], group: str
) -> None:
    """For exclusion: the same answers as if every group were there."""
    here, all_there = (
        Nesting(records(edges, presences)),
        Nesting(records(edges, dict.fromkeys(presences, Presence.PRESENT))),
    )
    assert here.below(roots, gone=True) == all_there.below(roots)
    assert here.path(group, roots, gone=True) == all_there.path(group, roots)


@given(edges, presences, ids, st.lists(ids, min_size=1, max_size=2))
def test_a_path_is_a_chain_of_edges_and_exists_where_below_says_so(
    edges: set[tuple[str, str]], presences: Mapping[str, Presence], group: str, roots: list[str]
) -> None:
    """Each step is an edge, both ends are where they should be, and no group comes twice."""
    nesting = Nesting(records(edges, presences))
    path = nesting.path(group, roots)
    assert bool(path) == (group in nesting.below(roots))
    if path:
        assert path[0] == group
        assert path[-1] in roots
        assert all(step in edges for step in itertools.pairwise(path))
        assert len({*path}) == len(path)


def chains(way: tuple[str, ...], roots: Sequence[str], groups: Mapping[str, GroupRecord]) -> Iterator[tuple[str, ...]]:
    """Every way up from the end of this one that meets no group twice and ends in a root."""
    here = groups.get(way[-1])
    if here is None or here.presence not in THERE or way[-1] in way[:-1]:
        return
    if way[-1] in roots:
        yield way
    for parent in here.parents:
        yield from chains((*way, parent), roots, groups)


@given(edges, presences, ids, st.lists(ids, min_size=1, max_size=2), st.randoms())
def test_the_path_is_the_first_of_the_shortest_ones(
    edges: set[tuple[str, str]], presences: Mapping[str, Presence], group: str, roots: list[str], random: Random
) -> None:
    """Of all ways the shortest, of those the first by ids, in whatever order the groups and their parents come."""
    rows = records(edges, presences)
    ways = chains((group,), roots, {row.object_id: row for row in rows})
    first = min(ways, key=lambda way: (len(way), way), default=())
    random.shuffle(rows)
    shuffled = [replace(row, parents=dict(random.sample([*row.parents.items()], len(row.parents)))) for row in rows]
    assert Nesting(shuffled).path(group, random.sample(roots, len(roots))) == first


@pytest.mark.parametrize("parents", list(itertools.permutations("bcd")))
def test_of_ways_as_short_the_first_by_ids_is_told(parents: tuple[str, ...]) -> None:
    """In whatever order a group's parents are stored."""
    rows = records({("b", "root"), ("c", "root"), ("d", "root")}, {})
    rows.append(GroupRecord("a", presence=Presence.PRESENT, parents=dict.fromkeys(parents, 7)))
    assert Nesting(rows).path("a", ["root"]) == ("a", "b", "root")


def test_a_group_within_itself_is_only_a_group() -> None:
    """An edge from a group to itself gives nothing and hides nothing."""
    nesting = Nesting(records({("a", "a"), ("a", "root")}, {}))
    assert nesting.below(["a"]) == {"a"}
    assert nesting.path("a", ["a"]) == ("a",)
    assert nesting.path("a", ["root"]) == ("a", "root")


def test_an_edge_that_was_undone_is_none() -> None:
    """A removal is remembered by a negative order, and gives no membership."""
    rows = [GroupRecord("root", presence=Presence.PRESENT), GroupRecord("a", presence=Presence.PRESENT)]
    assert Nesting([rows[0], GroupRecord("a", presence=Presence.PRESENT, parents={"root": 5})]).below(["root"]) == {
        "root",
        "a",
    }
    assert Nesting([rows[0], GroupRecord("a", presence=Presence.PRESENT, parents={"root": -5})]).below(["root"]) == {
        "root"
    }


def test_a_group_that_is_gone_passes_nothing_on() -> None:
    """The middle one is in the bin: what is below it is not reached, and it is not either."""
    rows = records({("a", "b"), ("b", "root")}, {"b": Presence.SOFT_DELETED})
    assert Nesting(rows).below(["root"]) == {"root"}
    assert Nesting(rows).path("a", ["root"]) == ()
    assert Nesting(rows).below(["nowhere"]) == frozenset()


def test_a_chain_of_twenty_thousand_groups() -> None:
    """Nesting is as deep as an admin likes: nothing here recurses."""
    length = 20_000
    rows = [
        GroupRecord(f"{number}", presence=Presence.PRESENT, parents={f"{number - 1}": 1} if number else {})
        for number in range(length)
    ]
    nesting = Nesting(rows)
    assert len(nesting.below(["0"])) == length
    assert len(nesting.path(f"{length - 1}", ["0"])) == length


@pytest.mark.parametrize(
    ("presence", "deleted", "taken_out", "excluded"),
    [
        (Presence.HARD_DELETED, (9, 2), (9, 1), True),  # told on an earlier page of the same reading
        (Presence.HARD_DELETED, (9, 90), (9, 1), True),  # or on a much earlier one
        (Presence.SOFT_DELETED, (9, 2), (11, 1), True),  # when it was purged
        (Presence.SOFT_DELETED, (9, 2), (8, 40), False),  # an admin's doing, before
        (Presence.PRESENT, (9, 2), (9, 3), False),
    ],
)
def test_a_deleted_group_that_is_told_to_be_no_member(
    presence: Presence, deleted: tuple[int, int], taken_out: tuple[int, int], *, excluded: bool
) -> None:
    """Deleting takes a group out of its parents; by that it stops excluding as little as by the deletion itself."""
    gone = GroupRecord("a", make_order(1, *deleted), presence, parents={"root": -make_order(1, *taken_out)})
    nesting = Nesting([GroupRecord("root", presence=Presence.PRESENT), gone])
    assert ("a" in nesting.below(["root"], gone=True)) is excluded
    assert nesting.below(["root"]) == {"root"}
