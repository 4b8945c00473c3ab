"""Every text to Azurite and back, unread by us: a table's row and a queue's message hold it, or refuse it whole."""

from __future__ import annotations

import random

import pytest
from azure.storage.queue import QueueServiceClient

from shared.errors import Defect
from sync.adapters.queues import StorageQueue
from sync.adapters.tables import Storage
from sync.core.counting import recount
from sync.core.messages import ChangesMessage, decode, pack, unpack
from sync.core.model import ChangeKind, Counts, GroupRecord, PersonRecord, UserChange
from sync.ports import LoadedShard, RowTooLarge
from tests.inputs.pages import ANN
from tests.inputs.zoo import TEXTS
from tests.storage_settings import storage_settings

pytestmark = pytest.mark.azurite
SCOPE = "a" * 20
STRINGS = [str(text.given) for text in TEXTS if isinstance(text.given, str)]
HALF = [text for text in STRINGS if "\ud800" in text]


def guid(number: int) -> str:
    """A made-up object id."""
    return f"00000000-0000-4000-8000-{number:012d}"


def test_a_row_holds_every_text(storage: str) -> None:
    """People and groups come back equal, 100,000 characters and NUL too; half a character is refused, not stored."""
    opened = Storage.open(storage_settings(storage))
    whole = [text for text in STRINGS if text not in HALF]
    people = [PersonRecord(guid(number), source={"displayName": text}) for number, text in enumerate(whole)]
    loaded = opened.people.load(SCOPE, "", [])
    opened.people.commit(
        loaded, people, recount(Counts(), [(PersonRecord(one.object_id), one) for one in people]), None
    )
    assert opened.people.load(SCOPE, "").records == {one.object_id: one for one in people}
    groups = [GroupRecord(guid(number), source={"displayName": text}) for number, text in enumerate(whole)]
    opened.groups.commit(SCOPE, groups)
    assert opened.groups.load(SCOPE) == {one.object_id: one for one in groups}
    for text in HALF:
        with pytest.raises(Defect):
            opened.groups.commit(SCOPE, [GroupRecord(guid(999), source={"displayName": text})])
    assert guid(999) not in opened.groups.load(SCOPE)


def test_more_than_a_row_holds_is_told_by_its_person(storage: str) -> None:
    """A text that cannot be made small: RowTooLarge names the person, who is then parked."""
    opened = Storage.open(storage_settings(storage))
    endless = random.Random(1).randbytes(1_200_000).hex()
    loaded: LoadedShard = opened.people.load(SCOPE, "", [])
    with pytest.raises(RowTooLarge) as caught:
        opened.people.commit(loaded, [PersonRecord(ANN, source={"displayName": endless})], Counts(), None)
    assert caught.value.object_id == ANN


def test_a_queue_brings_every_text(storage: str) -> None:
    """What was sent is received, to the letter, half a character too."""
    queue = StorageQueue.open(storage_settings(storage))
    changes = [UserChange(ANN, number, ChangeKind.PATCH, {"displayName": text}) for number, text in enumerate(STRINGS)]
    queue.send(ChangesMessage("c" * 32, 1, "run", 0, "", "inline", pack(changes)))
    with QueueServiceClient.from_connection_string(storage) as service:
        (received,) = service.get_queue_client("changes").receive_messages(max_messages=1)
    message = decode("changes", received.content)
    assert isinstance(message, ChangesMessage)
    assert unpack(message.changes) == changes
