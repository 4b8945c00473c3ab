"""Queue messages round-trip, refuse what they do not know, and hold no name the Functions host would overwrite."""

import base64
import contextlib
import json
import zlib
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Defect
from sync.core.messages import (
    QUEUES,
    VERSION,
    ChangesMessage,
    MailMessage,
    Message,
    PassMessage,
    PullMessage,
    decode,
    encode,
    pack,
    queue_of,
    unpack,
)
from sync.core.model import ChangeKind, GroupChange, MembershipChange, Presence, UserChange
from tests.unit.strategies import any_json, any_text

MESSAGES: list[Message] = [
    PullMessage("c", 3, "users", "notification", "2026-03-02T08:00:00.000Z", ("a", "b"), 2),
    PullMessage("c", 3, "groups", "timer", ""),
    PassMessage("c", 3),
    PassMessage("c", 3, "run", 7, "first"),
    ChangesMessage("c", 3, "run", 1, "ab", "inline", "packed"),
    ChangesMessage("c", 3, "run", 1, "groups", "plan"),
    MailMessage("c", 3, "person", 2),
]
# Of microsoft-facts §7.7: the host writes these over a message's metadata, in any case.
HOST_NAMES = {"id", "dequeuecount", "expirationtime", "insertiontime", "nextvisibletime", "popreceipt"}

texts = any_text | st.sampled_from(("\x00", "\ud800", "İ", "</script>"))
told = st.dictionaries(texts, any_json, max_size=4)
orders = st.integers(0, 2**63 - 1)
changes = st.lists(
    st.builds(UserChange, texts, orders, st.sampled_from(ChangeKind), told, st.sampled_from(Presence), st.booleans())
    | st.builds(GroupChange, texts, orders, st.sampled_from(ChangeKind), told, st.sampled_from(Presence))
    | st.builds(MembershipChange, texts, texts, texts, orders, st.booleans()),
    max_size=5,
)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    """Encoding and decoding on its queue gives an equal message, from text and from bytes."""
    queue = queue_of(message)
    assert decode(queue, encode(message)) == message
    assert decode(queue, encode(message).encode()) == message


def test_every_queue_has_a_message() -> None:
    """The four queues are those of the architecture, and each carries one shape."""
    assert {queue_of(message) for message in MESSAGES} == set(QUEUES)


@pytest.mark.parametrize("shape", [PullMessage, PassMessage, ChangesMessage, MailMessage])
def test_no_field_is_called_as_the_hosts_metadata(shape: Any) -> None:
    """The Functions host overwrites such top-level keys, whatever their case."""
    assert not {field.name.casefold().replace("_", "") for field in fields(shape)} & HOST_NAMES


@pytest.mark.parametrize("version", [VERSION + 1, 0, -1, "1", None, [], {}])
def test_an_unknown_version_is_a_defect_that_names_it(version: Any) -> None:
    """A message of a later release goes to the poison queue with the reason, and is never half understood."""
    body = json.dumps({**json.loads(encode(MESSAGES[0])), "v": version})
    with pytest.raises(Defect, match="version"):
        decode("pulls", body)


def test_a_missing_version_is_a_defect() -> None:
    """A message without a version is not ours."""
    body = json.loads(encode(MESSAGES[0]))
    del body["v"]
    with pytest.raises(Defect, match="not ours"):
        decode("pulls", json.dumps(body))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "x",
        "[]",
        "[1]",
        "5",
        "null",
        '"v"',
        "{",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        "[" * 100_000,
        '{"v":1}',
        '{"v":1,"connection":"c","epoch":1,"feed":"users","cause":"timer","noticed_at":"","hinted":5}',
        '{"v":1,"connection":"c","epoch":1,"feed":"users","cause":"timer","noticed_at":"","hinted":null}',
        '{"v":1,"connection":"c","epoch":1,"feed":"users","cause":"timer","noticed_at":"","surprise":1}',
        '{"v":1,"connection":"c"} trailing',
    ],
)
def test_what_is_not_a_message_is_a_defect(body: str | bytes) -> None:
    """Other JSON, no JSON, missing and unknown fields all end as the one error that leads to the poison queue."""
    with pytest.raises(Defect):
        decode("pulls", body)


@given(any_json)
def test_no_json_breaks_decoding_otherwise(value: Any) -> None:
    """Any JSON on any queue is a message or a Defect."""
    for queue in QUEUES:
        for body in (value, {"v": VERSION, "x": value}):
            with pytest.raises(Defect):
                decode(queue, json.dumps(body))


@given(changes)
def test_packed_changes_come_back_as_they_were(some: list[UserChange | GroupChange | MembershipChange]) -> None:
    """Whatever the directory told, hostile text and odd values included, survives the queue."""
    assert unpack(pack(some)) == some


@pytest.mark.parametrize(
    "rows", [5, {"u": 1}, [5], [[]], [["u"]], [["u", "a", 1, "unknown", {}, "present", False]], [["x", 1]], [None]]
)
def test_rows_of_another_shape_are_a_defect(rows: Any) -> None:
    """A change of a kind or shape we do not know is not applied in part."""
    text = base64.b64encode(zlib.compress(json.dumps(rows).encode())).decode()
    with pytest.raises(Defect):
        unpack(text)


@pytest.mark.parametrize("text", ["", "!", "ü", "AAAA", base64.b64encode(b"[]").decode()])
def test_damaged_packing_is_a_defect(text: str) -> None:
    """Not base64, not compressed or cut short: refused as a whole."""
    with pytest.raises(Defect):
        unpack(text)


@given(changes.filter(bool), st.integers(0, 10_000), st.integers(1, 255))
def test_a_flipped_byte_is_never_applied(some: list[Any], place: int, mask: int) -> None:
    """Packing that was tampered with is refused, or was not changed in what it says."""
    raw = bytearray(base64.b64decode(pack(some)))
    raw[place % len(raw)] ^= mask
    with contextlib.suppress(Defect):
        assert unpack(base64.b64encode(raw).decode()) == some
