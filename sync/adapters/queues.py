"""`Queue` on Azure Storage queues: plain JSON, as host.json's `messageEncoding: none` reads it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Self

from azure.storage.queue import QueueClient, QueueServiceClient

from shared.errors import Conflict, Defect
from shared.settings import Settings
from sync.adapters import azure_clients
from sync.adapters.azure_faults import Missing, read
from sync.core.messages import QUEUES, Message, encode, queue_of

LARGEST = 64 * 1024  # bytes a message
# Messages never expire: `changes` carry what nobody would read again before the next full pass, and a message that
# waited too long is a no-op by its epoch and order.
FOR_EVER = -1


class StorageQueue:
    """See `sync.ports.Queue`. A queue is made at its first use in this process if it is not there."""

    def __init__(self, service: QueueServiceClient, prefix: str = "") -> None:
        self._service = service
        self._prefix = prefix
        self._lock = threading.Lock()
        self._made: dict[str, QueueClient] = {}

    @classmethod
    def open(cls, settings: Settings, prefix: str = "") -> Self:
        """From a connection string or an account's name; `prefix` (letters and digits) goes before queue names."""
        given = azure_clients.options(settings)
        if settings.storage_connection:
            return cls(QueueServiceClient.from_connection_string(settings.storage_connection, **given), prefix)
        address = f"https://{settings.storage_account}.queue.core.windows.net"
        return cls(QueueServiceClient(address, credential=azure_clients.credential(settings), **given), prefix)

    def send(self, message: Message, *, delay: timedelta = timedelta(0)) -> None:
        """Durable when it returns. Repeated when the reply was lost: a doubled message is harmless."""
        body = encode(message)
        size = len(body.encode())
        if size > LARGEST:
            raise Defect(f"a message for {queue_of(message)} takes {size} bytes; a queue takes {LARGEST}")
        queue = self._queue(queue_of(message))
        seconds = max(0, round(delay.total_seconds()))
        read(lambda: queue.send_message(body, visibility_timeout=seconds, time_to_live=FOR_EVER))

    def poison_counts(self) -> Mapping[str, int]:
        """Azure's own count, which is approximate; a queue that is not there has no poison."""
        return {name: self._count(f"{name}-poison") for name in QUEUES}

    def _count(self, name: str) -> int:
        client = self._service.get_queue_client(f"{self._prefix}{name}")
        try:
            return read(client.get_queue_properties).approximate_message_count or 0
        except Missing:
            return 0

    def _queue(self, name: str) -> QueueClient:
        if name not in self._made:
            with self._lock:
                if name not in self._made:
                    client = self._service.get_queue_client(f"{self._prefix}{name}")
                    with contextlib.suppress(Conflict):  # somebody else made it, in another way
                        read(client.create_queue)
                    self._made[name] = client
        return self._made[name]
