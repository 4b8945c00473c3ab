"""What is stored comes back as it was, whatever it holds; what cannot be stored, or is not ours, is refused."""

from __future__ import annotations

import builtins
import collections.abc
import json
import math
import random
import types
import typing
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.errors import Defect
from sync.adapters.tables import activity, columns, group, keys, person, reach
from sync.adapters.tables.shape import Shape, upgraded
from sync.core.connection import Connection, FeedState, Problem, Reader, Survey, Watch
from sync.core.model import (
    AccountState,
    Action,
    ActivityEntry,
    GroupRecord,
    Hand,
    MailMark,
    PersonRecord,
    Pin,
    Presence,
    Reason,
)
from sync.core.runs import GuardWindow, Hold, Mail, Run
from sync.core.scope import Circle, Reach
from sync.ports import Activity, ManualAccount, RowTooLarge
from tests.contracts.people_of import oid, some_ids

# Anything but lone surrogates, which no encoding can write and which are refused where text comes in.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
HOSTILE = [
    "\x00", "\x1b[2J", "a\u2028b",
    "👩‍👩‍👧‍👦", "\u202egpj.exe", "e\u0301", "'; drop", '"\\', "\ufeff", "\U0010ffff" * 20_000,
    "x" * 100_000, "😀" * 100_000, "<script>", "=1+1", "\r\nBcc: e@x", "\ud7ff\ue000",
]  # fmt: skip
ANY_TEXT = TEXT | st.sampled_from(HOSTILE)
ORDERS = st.integers(-(2**63) + 1, 2**63 - 1)
GUIDS = st.uuids().map(str)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
PEOPLE = st.builds(
    PersonRecord,
    object_id=GUIDS,
    order=ORDERS,
    manager_order=ORDERS,
    presence=st.sampled_from(Presence),
    source=st.dictionaries(TEXT, JSON, max_size=6),
    memberships=st.dictionaries(GUIDS, ORDERS, max_size=30),
    account_id=TEXT,
    account_state=st.sampled_from(AccountState),
    origin=st.sampled_from(["", "entra", "manual"]),
    reason=st.sampled_from(Reason),
    since=TEXT,
    address=TEXT,
    conflict_with=TEXT,
    fields=st.dictionaries(TEXT, ANY_TEXT, max_size=6),
    held=TEXT,
    mail=st.sampled_from(MailMark),
    baseline=st.booleans(),
    matched_by=st.sampled_from(["", "address", "alias", "employee_id", "rehired"]),
    hand=st.sampled_from(Hand),
    own=st.dictionaries(TEXT, ANY_TEXT, max_size=3),
    judged=st.sampled_from(["", "person", "not_a_person"]),
    audience=st.booleans(),
    formerly=st.lists(GUIDS, max_size=3).map(tuple),
    pin=st.none() | st.builds(Pin, told=TEXT.filter(bool), groups=st.lists(GUIDS, max_size=3).map(tuple)),
    last_entry=TEXT,
)
GROUPS = st.builds(
    GroupRecord,
    object_id=GUIDS,
    order=ORDERS,
    presence=st.sampled_from(Presence),
    source=st.dictionaries(TEXT, JSON, max_size=6),
    parents=st.dictionaries(GUIDS, ORDERS, max_size=30),
    members=st.integers(0, 2**40),
)
ENTRIES = st.builds(
    ActivityEntry,
    object_id=GUIDS,
    action=st.sampled_from(Action),
    reason=st.sampled_from(Reason),
    before=st.dictionaries(TEXT, TEXT, max_size=4),
    after=st.dictionaries(TEXT, ANY_TEXT, max_size=4),
)


def fits(row: dict[str, Any]) -> bool:
    """Whether Azure's limits for columns and rows hold (microsoft-facts §8)."""
    sizes = [len(v) if isinstance(v, bytes) else 2 * (len(v.encode("utf-16-le")) // 2) for v in row.values()]
    return all(size <= 64 * 1024 for size in sizes) and sum(sizes) < 1024 * 1024 - 4096 and len(row) < 250


@settings(max_examples=60)
@given(PEOPLE)
@example(PersonRecord(oid(1), memberships={oid(n): (-1) ** n * (2**62 + n) for n in range(9000)}))
@example(PersonRecord(oid(1), source={"displayName": "é" * 29_990}))
def test_people_round_trip(record: PersonRecord) -> None:
    """Every person comes back equal, with the etag of the row, within Azure's limits."""
    row = person.encode(record)
    assert fits(row)
    assert person.decode(record.object_id, row, "e") == record
    again = person.decode(record.object_id, row, "e")
    assert (again.etag, again.last_entry) == ("e", record.last_entry)


@settings(max_examples=40)
@given(GROUPS)
def test_groups_round_trip(record: GroupRecord) -> None:
    """Every group comes back equal."""
    row = group.encode(record)
    assert fits(row)
    assert group.decode(record.object_id, row, "e") == record


@settings(max_examples=40)
@given(st.lists(ENTRIES, max_size=20), TEXT, st.integers(0, 999))
def test_activity_round_trips(entries: list[ActivityEntry], run: str, part: int) -> None:
    """Entries come back equal, of one person theirs alone with the place of the one before; the head counts them by
    action.
    """
    record = Activity(run, part, "2026-03-02T08:00:00.000Z", entries)
    row = activity.encode(record, {entry.object_id: f"before {entry.object_id}" for entry in entries})
    assert activity.decode(row) == (record, "")
    for entry in entries:
        own = [one for one in entries if one.object_id == entry.object_id]
        assert activity.decode(row, entry.object_id) == (record._replace(entries=own), f"before {entry.object_id}")
    assert sum(activity.head(row)["counts"].values()) == len(entries)


def any_of(hint: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 -- a line for every kind of type
    """Values of a type as our records have them: text without lone surrogates, numbers of up to 64 bits."""
    if is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return st.builds(typing.cast("Any", hint), **{field.name: any_of(hints[field.name]) for field in fields(hint)})
    inner = [any_of(one) for one in typing.get_args(hint) if isinstance(one, type) or typing.get_origin(one)]
    match typing.get_origin(hint):
        case typing.Literal:
            return st.sampled_from(typing.get_args(hint))
        case types.UnionType | typing.Union:
            return st.one_of(inner)
        case builtins.tuple if Ellipsis in typing.get_args(hint):
            return st.lists(inner[0], max_size=3).map(tuple)
        case builtins.tuple:
            return st.tuples(*inner)
        case builtins.frozenset:
            return st.frozensets(inner[0], max_size=5)
        case collections.abc.Mapping:
            return st.dictionaries(inner[0], inner[1], max_size=3)
    plain = {str: TEXT, int: st.integers(-(2**53), 2**53), bool: st.booleans(), types.NoneType: st.none()}
    return plain[hint] if hint in plain else st.sampled_from(hint)


PLAIN: list[type] = [Connection, Reader, Watch, Run, Hold, GuardWindow, Mail, ManualAccount]


@pytest.mark.parametrize("kind", PLAIN)
def test_plain_records_round_trip(kind: type) -> None:
    """Records with nested values, options, sets and tuples come back equal, by their type hints."""
    shape: Shape[Any] = Shape(kind)

    @settings(max_examples=40)
    @given(any_of(kind))
    def holds(record: Any) -> None:
        assert shape.decode(shape.encode(record), record.etag) == record

    holds()


def test_a_lone_surrogate_is_refused() -> None:
    """Text that no encoding can write is a Defect, not a broken row."""
    with pytest.raises(Defect):
        person.encode(PersonRecord(oid(1), source={"displayName": "\ud800"}))
    entry = ActivityEntry(oid(1), Action.UPDATE, Reason.OK, {}, {"a": "\udfff"})
    with pytest.raises(Defect):
        activity.encode(Activity("r", 0, "", [entry]), {})
    with pytest.raises(Defect):
        Shape(Mail).encode(Mail("t", "o", "c", "a", "\ud800", "now"))


@pytest.mark.parametrize("value", [2**64, object(), {1: 2}])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    """Numbers beyond 64 bits and things that are no data are a Defect."""
    with pytest.raises(Defect):
        person.encode(PersonRecord(oid(1), source={"a": value}))


def test_a_row_that_is_too_large_names_its_object() -> None:
    """Beyond what a row holds even compressed: RowTooLarge, for people and groups."""
    many = {oid(n * 2**90 + n * n * 7919): n for n in range(60_000)}
    with pytest.raises(RowTooLarge) as caught:
        person.encode(PersonRecord(oid(7), source={"noise": _noise()}))
    assert caught.value.object_id == oid(7)
    with pytest.raises(RowTooLarge):
        group.encode(GroupRecord(oid(8), source={"noise": _noise()}, parents=many))


def test_sizes_are_not_underestimated() -> None:
    """What a row is said to take in a request is at least what Azure's client makes of it."""
    for text in ["plain", 'quo"ted\\', "æøå" * 50, "😀" * 50, "\x00\x1f" * 20]:
        row = person.encode(PersonRecord(oid(1), source={"a": text}))
        assert columns.sent_bytes(row) >= len(json.dumps(row))


@pytest.mark.parametrize(
    "row",
    [
        {"data": '{"v":2,"order":1}'},
        {"data": '{"order":1}'},
        {"data": '{"v":null}'},
        {"data": '{"v":"1"}'},
        {"data": '{"v":1,"order":1,"presence":"elsewhere","state":"none","reason":""}'},
        {"data": '{"v":1}'},
        {"data": "not json"},
        {"z0": b"not compressed"},
        {"data": None},
        {},
    ],
)
def test_a_row_that_is_not_ours_is_a_defect(row: dict[str, Any]) -> None:
    """An unknown version, a missing field, an unknown word or damage: never a person made up of defaults."""
    with pytest.raises(Defect):
        person.decode(oid(1), row, "e")
    with pytest.raises(Defect):
        group.decode(oid(1), row, "e")
    with pytest.raises(Defect):
        activity.decode(row)
    with pytest.raises(Defect):
        Shape(Mail).decode(row, "e")


@dataclass(frozen=True)
class Thing:
    """A record whose shape has changed twice."""

    name: str
    size: int = 0
    feeds: tuple[FeedState, ...] = ()
    survey: Survey | None = None
    problem: Problem | None = None
    etag: str = ""


SHAPE = Shape(
    Thing,
    version=3,
    upgrades={
        1: lambda old: {"title": old["name"]},
        2: lambda old: {"name": old["title"].upper(), "size": 1},
    },
)


def test_old_versions_are_upgraded_step_by_step() -> None:
    """A row of version 1 goes through every step to the present one."""
    assert SHAPE.decode({"data": '{"v":1,"name":"a"}'}, "e") == Thing("A", 1, etag="e")
    assert SHAPE.decode({"data": '{"v":2,"title":"b"}'}, "e") == Thing("B", 1, etag="e")
    full = Thing("c", 2, (FeedState("x"),), Survey(people=3), Problem("a", "b", "c"))
    assert SHAPE.decode(SHAPE.encode(full), "") == full


@pytest.mark.parametrize("version", [0, 4, 99, -1, None, "1", 2.5])
def test_other_versions_are_refused(version: object) -> None:
    """A version from the future, or none at all, is a Defect that names it."""
    with pytest.raises(Defect, match="this version reads 3"):
        upgraded({"v": version, "name": "a"}, 3, SHAPE.upgrades, "thing")


@pytest.mark.parametrize("data", [{"v": 3}, {"v": 3, "name": "a", "new": 1}, {"v": 3, "name": "a", "feeds": 3}])
def test_missing_and_unknown_fields_are_refused(data: dict[str, Any]) -> None:
    """A field without a default must be there; one that this version does not know is not dropped silently."""
    with pytest.raises(Defect):
        SHAPE.decode({"data": orjson.dumps(data).decode()}, "e")


def test_a_new_field_with_a_default_needs_no_version() -> None:
    """Rows written before the field existed get its default."""
    assert SHAPE.decode({"data": '{"v":3,"name":"a"}'}, "") == Thing("a")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 8,
        "../../x",
        "a/b",
        "a\\b",
        "a#b",
        "a?b",
        "a'b",
        "' or 1 eq 1 or '",
        "a\x00",
        "ａ",
        "x" * 36,
        oid(0xABC).upper(),
        f"{{{oid(1)}}}",
        f"urn:uuid:{oid(1)}",
        f"{oid(1)}\n",
    ],
)
def test_keys_are_made_of_guids_and_hex_alone(text: str) -> None:
    """Nothing else becomes a key: it raises before a request is made."""
    with pytest.raises(Defect):
        keys.guid(text)
    with pytest.raises(Defect):
        keys.hexadecimal(text)
    assert not keys.is_guid(text)


def test_quotes_in_filters_are_doubled() -> None:
    """A value within a filter cannot end it."""
    assert keys.under("it's", after="a'b") == "PartitionKey eq 'it''s' and RowKey gt 'a''b'"


def _noise() -> str:
    return random.Random(1).randbytes(1_200_000).hex()


def test_decoding_ignores_the_etag_for_equality() -> None:
    """Two reads of the same content compare equal whatever their etags: nothing is written for an etag."""
    record = PersonRecord(oid(1), order=math.comb(60, 3))
    assert replace(record, etag="a") == replace(record, etag="b")


@given(
    st.lists(st.sets(st.integers(0, 299)), min_size=4, max_size=4),
    st.integers(0, 2**40),
    st.dictionaries(st.integers(0, 299), st.integers(1, 2**62)),
)
def test_a_reach_comes_back(sets: list[set[int]], version: int, lost: dict[int, int]) -> None:
    """Whatever is in which of its four sets and was emptied lately, as JSON or packed."""
    ids = some_ids(300)
    four = [frozenset(ids[number] for number in some) for some in sets]
    made = Reach(version, Circle(*four[:2]), Circle(*four[2:]), {ids[number]: order for number, order in lost.items()})
    assert reach.decode(reach.encode(made), "e") == made


def test_a_reach_of_another_version_or_damaged_is_refused() -> None:
    """A packed reach that a later version wrote, or whose bytes are not whole, is a defect."""
    row = reach.encode(Reach(1, Circle(frozenset(some_ids(300)))))
    head = json.loads(row["data"])
    for broken in (
        {**row, "data": json.dumps({**head, "v": 3})},
        {**row, "data": json.dumps({**head, "groups": 299})},
        {**row, "z0": row["z0"][:-9]},
    ):
        with pytest.raises(Defect):
            reach.decode(broken, "e")


def test_the_window_of_a_day_in_which_every_group_lost_somebody_fits_into_a_row() -> None:
    """20,000 groups, kept by the hour."""
    lost = {f"{one}:2026-03-02T08": ("2026-03-02T08:59:59.123Z", number) for number, one in enumerate(some_ids(20_000))}
    row = Shape(GuardWindow).encode(GuardWindow("5" * 20, 500_000, {}, lost))
    assert Shape(GuardWindow).decode(row, "").lost == lost
