"""The order of truth: whatever way changes come in, and however often, the record ends the same (S13, S16, S17)."""

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.core.eligibility import eligibility
from sync.core.merge import fill_in, fold_groups, fold_page, merge_group, merge_person
from sync.core.model import AccountState, ChangeKind, GroupChange, GroupRecord, PersonRecord, Presence, UserChange
from sync.core.scope import Policy
from sync.core.sync_settings import SyncSettings
from tests.unit.strategies import ANN, BOB, CEM, properties, user_changes

PATCH, SNAPSHOT, REMOVED, ABSENT = ChangeKind.PATCH, ChangeKind.SNAPSHOT, ChangeKind.REMOVED, ChangeKind.ABSENT
PLAIN = Policy(SyncSettings())
TOLD = (PATCH, SNAPSHOT, REMOVED, ChangeKind.REVISIT)


def after(*changes: UserChange, stored: PersonRecord | None = None) -> PersonRecord:
    """A record after changes, in this order of arrival."""
    record = stored or PersonRecord(ANN)
    for change in changes:
        record = merge_person(record, change)
    return record


def patch(order: int, **told: object) -> UserChange:
    """A patch of Ann."""
    return UserChange(ANN, order, PATCH, told)


def snapshot(order: int, **told: object) -> UserChange:
    """A snapshot of Ann."""
    return UserChange(ANN, order, SNAPSHOT, told)


def tombstone(order: int, presence: Presence = Presence.SOFT_DELETED) -> UserChange:
    """Ann is gone."""
    return UserChange(ANN, order, REMOVED, presence=presence)


@given(user_changes(TOLD), st.randoms(use_true_random=False))
@example([patch(1, manager=BOB), snapshot(2, displayName="x")], random.Random(0))
@example([patch(1, manager=BOB), snapshot(2, displayName="x"), patch(3, displayName="y")], random.Random(1))
def test_any_order_of_arrival_ends_the_same(changes: list[UserChange], chance: random.Random) -> None:
    """Shuffled and doubled, the changes of a person make the record that they make in order. Of somebody who is gone
    only the last known properties may differ, and nothing depends on those.
    """
    mixed = changes + chance.choices(changes, k=3)
    chance.shuffle(mixed)
    told, heard = after(*changes), after(*mixed)
    assert (heard.presence, heard.order, heard.manager_order) == (told.presence, told.order, told.manager_order)
    assert eligibility(heard, PLAIN) == eligibility(told, PLAIN)
    if told.presence not in {Presence.SOFT_DELETED, Presence.HARD_DELETED}:
        assert heard == told


@given(user_changes())
def test_the_same_change_again_is_no_news(changes: list[UserChange]) -> None:
    """Applied already, or older: the very same object comes back, so that nothing is written."""
    record = after(*changes)
    for change in changes:
        if change.kind is not ABSENT:
            assert merge_person(record, change) is record


@given(user_changes())
def test_orders_only_grow_and_the_account_is_left_alone(changes: list[UserChange]) -> None:
    """Merging moves the directory's facts forward and touches nothing that belongs to the account."""
    start = PersonRecord(ANN, account_id="a", account_state=AccountState.ACTIVE, address="a@b.c", fields={"x": "y"})
    record = start
    for change in changes:
        merged = merge_person(record, change)
        assert merged.order >= record.order
        assert merged.manager_order >= record.manager_order
        record = merged
    facts = ("order", "manager_order", "presence", "source")
    assert replace(record, **{name: getattr(start, name) for name in facts}) == start


def test_a_patch_keeps_what_it_does_not_mention_and_clears_what_is_null() -> None:
    """Absent is not cleared; explicit null is."""
    record = after(patch(1, displayName="Ann", jobTitle="Cook"), patch(2, jobTitle=None, mail="a@b.c"))
    assert record.source == {"displayName": "Ann", "mail": "a@b.c"}


def test_a_snapshot_is_all_there_is() -> None:
    """What a snapshot does not mention was never set, the manager included."""
    record = after(patch(1, displayName="Ann", jobTitle="Cook", manager=BOB), snapshot(2, displayName="Ann"))
    assert record.source == {"displayName": "Ann"}


def test_a_pass_has_the_last_word_on_what_the_feed_beside_it_does_not_select() -> None:
    """Of those attributes alone, and only where the feed told of the person later; a value or that there is none."""
    told = after(patch(9, displayName="Ann", extensionAttribute2="old", city="old"))
    read = snapshot(5, displayName="Anna", extensionAttribute2="new")
    filled = fill_in(told, read, {"city", "onPremisesExtensionAttributes"})
    assert filled.source == {"displayName": "Ann", "extensionAttribute2": "new"}
    assert filled.order == 9
    assert fill_in(told, read, frozenset()) is told
    assert fill_in(told, snapshot(9, city="x"), {"city"}) is told
    assert fill_in(told, snapshot(5, city="old"), {"city"}) is told


def test_a_manager_told_alone_is_no_news_of_the_person() -> None:
    """An item with only the manager neither brings anybody back nor moves the order of their properties."""
    gone = after(patch(1, displayName="Ann"), tombstone(2), patch(3, manager=BOB))
    assert gone.presence is Presence.SOFT_DELETED
    assert (gone.order, gone.manager_order) == (2, 3)
    assert gone.source["manager"] == BOB
    unknown = after(patch(3, manager=BOB))
    assert (unknown.presence, unknown.order) == (Presence.UNKNOWN, 0)


def test_the_managers_items_have_an_order_of_their_own() -> None:
    """A late item of properties does not undo a newer manager, nor the other way round."""
    record = after(patch(5, manager=CEM), patch(4, displayName="Ann", manager=BOB))
    assert record.source == {"displayName": "Ann", "manager": CEM}
    assert after(patch(6, manager=None), stored=record).source == {"displayName": "Ann"}


def test_an_item_that_tells_nothing_is_no_news() -> None:
    """Only an id: not even that the person is there."""
    record = PersonRecord(ANN)
    assert merge_person(record, patch(5)) is record


@pytest.mark.parametrize("presence", [Presence.SOFT_DELETED, Presence.HARD_DELETED])
def test_a_tombstone_keeps_what_was_known(presence: Presence) -> None:
    """Those who leave keep their properties, so that a page can still say who they were."""
    record = after(patch(1, displayName="Ann"), tombstone(2, presence))
    assert record.presence is presence
    assert record.source == {"displayName": "Ann"}


def test_the_restored_are_present_again_whatever_arrives_late() -> None:
    """Restoring is a full item after the tombstone; the tombstone arriving again changes nothing."""
    record = after(patch(1, displayName="Ann"), tombstone(2), patch(3, displayName="Anna"), tombstone(2))
    assert record.presence is Presence.PRESENT
    assert record.source == {"displayName": "Anna"}


@pytest.mark.parametrize(
    ("before", "then"),
    [
        (Presence.PRESENT, Presence.ABSENT),
        (Presence.UNKNOWN, Presence.ABSENT),
        (Presence.SOFT_DELETED, Presence.SOFT_DELETED),
        (Presence.HARD_DELETED, Presence.HARD_DELETED),
        (Presence.ABSENT, Presence.ABSENT),
    ],
)
def test_absence_is_weaker_than_a_tombstone(before: Presence, then: Presence) -> None:
    """Missing from a pass says nothing new of somebody whose deletion was told, and nothing against newer news."""
    stored = PersonRecord(ANN, order=5, presence=before)
    assert after(UserChange(ANN, 6, ABSENT), stored=stored).presence is then
    assert after(UserChange(ANN, 5, ABSENT), stored=stored) is stored


def test_a_page_that_repeats_a_person_makes_one_change() -> None:
    """Repeated items add up in the order of arrival, other people stay apart."""
    folded = fold_page(
        [
            patch(1, displayName="Ann", jobTitle="Cook"),
            UserChange(BOB, 1, PATCH, {"displayName": "Bob"}),
            patch(1, jobTitle=None),
            patch(1, manager=BOB),
        ]
    )
    assert folded == [
        patch(1, displayName="Ann", jobTitle=None, manager=BOB),
        UserChange(BOB, 1, PATCH, {"displayName": "Bob"}),
    ]


def test_within_a_page_the_last_item_says_whether_somebody_is_there() -> None:
    """Properties after a tombstone win and a tombstone after properties wins; a manager alone brings nobody back."""
    alive, dead = patch(1, displayName="Ann"), tombstone(1)
    assert fold_page([dead, alive]) == [alive]
    assert fold_page([alive, dead]) == [dead]
    assert fold_page([dead, patch(1, manager=BOB)]) == [dead]


@given(st.lists(properties(), min_size=1, max_size=4))
def test_folding_a_page_equals_applying_its_items_one_by_one(told: list[dict[str, object]]) -> None:
    """One change of a page is worth all its items."""
    changes = [UserChange(ANN, order, PATCH, item) for order, item in enumerate(told, start=1)]
    (folded,) = fold_page(changes)
    assert after(folded).source == after(*changes).source


def group(order: int, kind: ChangeKind = PATCH, **told: object) -> GroupChange:
    """A change of the one group."""
    presence = {REMOVED: Presence.SOFT_DELETED, ABSENT: Presence.ABSENT}.get(kind, Presence.PRESENT)
    return GroupChange("g", order, kind, told, presence)


def group_after(*changes: GroupChange) -> GroupRecord:
    """The group after changes in this order of arrival."""
    record = GroupRecord("g")
    for change in changes:
        record = merge_group(record, change)
    return record


@given(
    st.lists(st.tuples(st.sampled_from((PATCH, SNAPSHOT, REMOVED)), st.sampled_from("xyz")), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_groups_end_the_same_in_any_order_of_arrival(told: list[tuple[ChangeKind, str]], chance: random.Random) -> None:
    """Shuffled and doubled changes of a group make the record that they make in order."""
    changes = [
        group(order, kind, **({} if kind is REMOVED else {"displayName": name, "mail": name}))
        for order, (kind, name) in enumerate(told, start=1)
    ]
    mixed = changes + chance.choices(changes, k=2)
    chance.shuffle(mixed)
    one, other = group_after(*changes), group_after(*mixed)
    assert (one.order, one.presence) == (other.order, other.presence)
    if one.presence is Presence.PRESENT:
        assert one == other


def test_a_group_keeps_and_clears_properties_like_a_person() -> None:
    """A patch keeps and clears, a snapshot replaces, an item that only brought members says nothing."""
    record = group_after(group(1, displayName="Team", mail="t@b.c"), group(2, mail=None))
    assert record.source == {"displayName": "Team"}
    assert record.name == "Team"
    assert merge_group(record, group(3)) is record
    assert merge_group(record, group(3, SNAPSHOT, mail="x@b.c")).source == {"mail": "x@b.c"}
    assert merge_group(record, group(3, ABSENT)).presence is Presence.ABSENT


@pytest.mark.parametrize(
    ("items", "source", "presence"),
    [
        ([group(1, displayName="T"), group(1, mail="m")], {"displayName": "T", "mail": "m"}, Presence.PRESENT),
        ([group(1, displayName="T"), group(1, REMOVED)], {}, Presence.SOFT_DELETED),
        ([group(1, REMOVED), group(1, displayName="T")], {"displayName": "T"}, Presence.PRESENT),
        ([group(1, REMOVED), group(1)], {}, Presence.SOFT_DELETED),
    ],
)
def test_a_page_that_repeats_a_group_makes_one_change(
    items: list[GroupChange], source: Mapping[str, str], presence: Presence
) -> None:
    """Slices of a large group add up; members alone bring no deleted group back."""
    (folded,) = fold_groups(items)
    assert (folded.properties, folded.presence) == (source, presence)
