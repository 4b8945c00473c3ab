"""`Queue` in memory, with what the Functions host does at the other end: hide, count, give back, poison."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.errors import Defect
from sync.core.messages import QUEUES, Message, decode, encode, queue_of
from tests.fakes.faults import Faults

LARGEST = 64 * 1024
HIDDEN = timedelta(minutes=10)  # microsoft-facts §7.1: how long a message in work stays hidden if its worker dies
TRIES = 5


@dataclass
class Delivery:
    """A message on its queue. `number` names it in tests; `dequeues` counts how often it was handed out."""

    number: int
    queue: str
    body: str
    visible_at: datetime
    dequeues: int = 0

    @property
    def message(self) -> Message:
        """Decoded. Raises Defect."""
        return decode(self.queue, self.body)


class FakeQueue:
    """See `sync.ports.Queue`. The other half, from `receive` on, is the test's: it plays the host."""

    def __init__(self, clock: Clock, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.poison: list[Delivery] = []
        self._clock = clock
        self._lock = threading.RLock()
        self.ended: Counter[str] = Counter()  # messages that are no longer there: `done`, `poison`, `dropped`
        self.sent = 0  # and how many there ever were, copies included
        self._waiting: list[Delivery] = []

    def send(self, message: Message, *, delay: timedelta = timedelta(0)) -> None:
        """Durable when it returns."""
        body = encode(message)
        if len(body.encode()) > LARGEST:
            raise Defect(f"a message of {len(body.encode())} bytes")
        with self._lock, self.faults.effect("queue.send"):
            visible = self._clock.now() + delay
            self._waiting.append(Delivery(self._number(), queue_of(message), body, visible))

    def poison_counts(self) -> Mapping[str, int]:
        """Queue -> poison messages."""
        with self._lock:
            self.faults.read("queue.poison_counts")
            return {queue: sum(one.queue == queue for one in self.poison) for queue in QUEUES}

    def receive(self, queue: str = "") -> Delivery | None:
        """The next visible message of a queue (of any), hidden from now on; None when there is none."""
        with self._lock:
            for delivery in self._waiting:
                if delivery.visible_at <= self._clock.now() and queue in {"", delivery.queue}:
                    delivery.visible_at = self._clock.now() + HIDDEN
                    delivery.dequeues += 1
                    return delivery
        return None

    def done(self, delivery: Delivery) -> None:
        """The function returned: the message is deleted."""
        with self._lock:
            self._end("done", delivery.number)

    def failed(self, delivery: Delivery, *, delay: timedelta = timedelta(0)) -> None:
        """The function raised: visible again after the host's visibilityTimeout, or poison after five tries."""
        with self._lock:
            if delivery.dequeues >= TRIES:
                self._end("poison", delivery.number)
                self.poison.append(delivery)
            else:
                delivery.visible_at = self._clock.now() + delay

    def waiting(self, queue: str = "") -> list[Delivery]:
        """Every message that is not done, visible or not."""
        with self._lock:
            return [one for one in self._waiting if queue in {"", one.queue}]

    def next_at(self) -> datetime | None:
        """When the next message becomes visible; None when nothing waits."""
        with self._lock:
            return min((one.visible_at for one in self._waiting), default=None)

    def drop(self, number: int) -> None:
        """Lose a message."""
        with self._lock:
            self._end("dropped", number)

    def duplicate(self, number: int) -> None:
        """Let a message come twice."""
        with self._lock:
            for one in [one for one in self._waiting if one.number == number]:
                self._waiting.append(Delivery(self._number(), one.queue, one.body, one.visible_at))

    def put_first(self, number: int) -> None:
        """Deliver this one next."""
        with self._lock:
            self._waiting.sort(key=lambda one: one.number != number)

    def shuffle(self, chance: random.Random) -> None:
        """Deliver in another order."""
        with self._lock:
            chance.shuffle(self._waiting)

    def _number(self) -> int:
        self.sent += 1
        return self.sent

    def _end(self, how: str, number: int) -> None:
        left = [one for one in self._waiting if one.number != number]
        self.ended[how] += len(self._waiting) - len(left)
        self._waiting = left
