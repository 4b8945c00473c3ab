"""`Queue`: a message is durable when send returns, and seen when its delay is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.errors import Defect
from sync import ports
from sync.core.messages import QUEUES, ChangesMessage, MailMessage, Message, PassMessage, PullMessage, decode, queue_of
from tests.fakes import FakeClock, FakeQueue
from tests.storage_settings import storage_settings

MESSAGES: list[Message] = [
    PullMessage("c" * 32, 1, "users", "notification", "2026-03-02T08:00:00.000Z", ("a", "b")),
    PassMessage("c" * 32, 1, "r1"),
    ChangesMessage("c" * 32, 1, "r1", 0, "a", "inline", "cGFja2Vk"),
    MailMessage("c" * 32, 1, "person"),
]


@dataclass
class Line:
    """A queue, and a look at the bodies that are visible on it."""

    port: ports.Queue
    visible: Callable[[str], list[str]]
    poison: Callable[[str], None]  # put a message on a poison queue, as the host does


@pytest.fixture(params=["fake", pytest.param("azure", marks=pytest.mark.azurite)])
def line(request: pytest.FixtureRequest) -> Line:
    """In memory, then in the emulator."""
    return _fake() if request.param == "fake" else _real(request.getfixturevalue("storage"))


def _fake() -> Line:
    queue = FakeQueue(FakeClock())

    def visible(name: str) -> list[str]:
        found = []
        while (delivery := queue.receive(name)) is not None:
            found.append(delivery.body)
        return found

    def poison(name: str) -> None:
        queue.send(MESSAGES[QUEUES.index(name)])
        for _ in range(5):
            delivery = queue.receive(name)
            assert delivery is not None
            queue.failed(delivery)

    return Line(queue, visible, poison)


def _real(connection: str) -> Line:
    from azure.storage.queue import QueueServiceClient

    from sync.adapters.queues import StorageQueue

    service = QueueServiceClient.from_connection_string(connection)

    def visible(name: str) -> list[str]:
        return [one.content for one in service.get_queue_client(name).receive_messages(visibility_timeout=600)]

    def poison(name: str) -> None:
        client = service.get_queue_client(f"{name}-poison")
        client.create_queue()
        client.send_message("spoiled")

    return Line(StorageQueue.open(storage_settings(connection)), visible, poison)


@pytest.mark.parametrize("message", MESSAGES, ids=queue_of)
def test_a_message_arrives_as_it_was(line: Line, message: Message) -> None:
    """Each kind of message comes out of its own queue, plain JSON that decodes to what was sent."""
    line.port.send(message)
    [body] = line.visible(queue_of(message))
    assert body.startswith('{"v":1,')
    assert decode(queue_of(message), body) == message


def test_a_delayed_message_is_not_seen_yet(line: Line) -> None:
    """A message with a delay stays hidden."""
    line.port.send(MESSAGES[0], delay=timedelta(hours=1))
    line.port.send(MESSAGES[3])
    assert line.visible("mails")
    assert line.visible("pulls") == []


def test_a_message_at_the_limit(line: Line) -> None:
    """64 KiB go in; a byte more is a Defect that says so."""
    empty = ChangesMessage("c" * 32, 1, "r1", 0, "a", "inline", "")
    from sync.core.messages import encode

    room = 64 * 1024 - len(encode(empty))
    line.port.send(ChangesMessage("c" * 32, 1, "r1", 0, "a", "inline", "x" * room))
    assert len(line.visible("changes")) == 1
    with pytest.raises(Defect, match="65537 bytes"):
        line.port.send(ChangesMessage("c" * 32, 1, "r1", 0, "a", "inline", "x" * (room + 1)))


def test_poison_is_counted(line: Line) -> None:
    """Every queue's poison messages are counted; none where there is no such queue."""
    assert line.port.poison_counts() == dict.fromkeys(QUEUES, 0)
    line.poison("mails")
    assert line.port.poison_counts() == {**dict.fromkeys(QUEUES, 0), "mails": 1}


@pytest.mark.azurite
def test_every_process_may_be_the_first(storage: str) -> None:
    """A process that starts later finds the queues there, and both send."""
    from sync.adapters.queues import StorageQueue

    for _ in range(2):
        StorageQueue.open(storage_settings(storage)).send(MESSAGES[0])
    assert len(_real(storage).visible("pulls")) == 2
