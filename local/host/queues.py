"""The queue trigger: polls, hides, renews, deletes, retries and poisons as the WebJobs SDK does.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger
"""

import asyncio
import base64
import binascii
import contextlib
import json
import logging
import random
import time
from datetime import datetime
from typing import Any

import azure.functions as func
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.functions.meta import Datum
from azure.functions.queue import QueueMessageInConverter
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.host.calls import Calls, WorkerDiedError
from local.host.loading import LoadedFunction, QueueTrigger
from local.host.settings import QueueSettings

# The shortest wait between two looks at an empty queue, in seconds.
SHORTEST_POLL = 0.1
_METADATA = ("Id", "DequeueCount", "ExpirationTime", "InsertionTime", "NextVisibleTime", "PopReceipt")
_log = logging.getLogger("local.host")


class QueueListener:
    """Feeds one function from its queue.

    `lease` is how long a message in flight stays hidden, in seconds; it is renewed at half of that. In Azure it is
    ten minutes: a killed host's messages come back after as long.
    """

    def __init__(
        self,
        function: LoadedFunction,
        trigger: QueueTrigger,
        service: QueueServiceClient,
        calls: Calls,
        settings: QueueSettings,
        *,
        lease: int,
    ) -> None:
        self._function = function
        self._queue: QueueClient = service.get_queue_client(trigger.queue)
        self._poison: QueueClient = service.get_queue_client(f"{trigger.queue}-poison")
        self._calls = calls
        self._settings = settings
        self._lease = lease
        self._running: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._room.set()

    async def create(self) -> None:
        """Create the queue where it is missing. Raises AzureError when the storage does not answer."""
        with contextlib.suppress(ResourceExistsError):
            await self._queue.create_queue()

    async def listen(self) -> None:
        """Poll until cancelled; messages in flight then go on (see `drain`)."""
        idle = SHORTEST_POLL
        while True:
            await self._room.wait()
            try:
                messages = await self._receive()
            except ResourceNotFoundError:
                with contextlib.suppress(AzureError):
                    await self.create()
                messages = []
            except AzureError as error:
                _log.warning("queue.unreachable", extra={"queue": self._queue.queue_name, "error": str(error)})
                messages = []
            for message in messages:
                self._begin(message)
            if messages:
                idle = SHORTEST_POLL
                continue
            await asyncio.sleep(idle)
            # Random, so that many pollers do not keep step; exponential, up to what host.json allows.
            idle = min(idle * random.uniform(1.5, 2.5), self._settings.max_polling_interval)

    async def drain(self) -> None:
        """Wait until no message is in flight."""
        while self._running:
            await asyncio.wait(self._running)

    async def _receive(self) -> list[QueueMessage]:
        pages = self._queue.receive_messages(
            messages_per_page=self._settings.batch_size, visibility_timeout=self._lease
        ).by_page()
        # One page is one request; iterating further would ask again.
        async for page in pages:
            return [message async for message in page]
        return []

    def _begin(self, message: QueueMessage) -> None:
        task = asyncio.create_task(self._handle(message))
        self._running.add(task)
        self._room.clear()
        task.add_done_callback(self._ended)
        if len(self._running) <= self._settings.new_batch_threshold:
            self._room.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if len(self._running) <= self._settings.new_batch_threshold:
            self._room.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("queue.lost_track", extra={"queue": self._queue.queue_name, "error": repr(error)})

    async def _handle(self, message: QueueMessage) -> None:
        count = message.dequeue_count or 0
        if count > self._settings.max_dequeue_count:
            await self._move_to_poison(message, str(message.pop_receipt), "dequeued too often")
            return
        try:
            body = self._decode(message)
        except ValueError:
            await self._move_to_poison(message, str(message.pop_receipt), "not base64, as host.json says it is")
            return
        began = time.perf_counter()
        held = _Held(self._queue, message, self._lease)
        try:
            await self._call(message, body)
        except WorkerDiedError:
            # Nobody knows what it did: the message comes back when its lease ends.
            held.stop()
            return
        except Exception as error:  # noqa: BLE001 -- whatever the app raises, its message is shown again
            receipt = await held.release()
            details = {"function": self._function.name, "message_id": message.id, "dequeue_count": count}
            _log.error("function.failed", extra=details, exc_info=error)
            await self._fail(message, receipt, count)
            return
        receipt = await held.release()
        await self._finish(message, receipt, began)

    async def _call(self, message: QueueMessage, body: bytes) -> None:
        returned = await self._calls.call(self._function, _to_function(message, body))
        if returned is not None:
            raise TypeError(f"a queue function must return None, not {type(returned).__name__}")

    async def _finish(self, message: QueueMessage, receipt: str, began: float) -> None:
        await self._quietly(self._queue.delete_message(message.id, receipt), "queue.delete_failed", message)
        _log.info(
            "function.succeeded",
            extra={
                "function": self._function.name,
                "message_id": message.id,
                "dequeue_count": message.dequeue_count,
                "seconds": round(time.perf_counter() - began, 3),
            },
        )

    async def _fail(self, message: QueueMessage, receipt: str, count: int) -> None:
        if count >= self._settings.max_dequeue_count:
            await self._move_to_poison(message, receipt, "failed for the last time")
            return
        shown_again = self._queue.update_message(
            message.id, receipt, visibility_timeout=round(self._settings.visibility_timeout)
        )
        await self._quietly(shown_again, "queue.release_failed", message)

    async def _move_to_poison(self, message: QueueMessage, receipt: str, reason: str) -> None:
        _log.error(
            "queue.poisoned", extra={"queue": self._queue.queue_name, "message_id": message.id, "reason": reason}
        )
        try:
            await self._poison.send_message(message.content)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                await self._poison.create_queue()
            await self._poison.send_message(message.content)
        await self._quietly(self._queue.delete_message(message.id, receipt), "queue.delete_failed", message)

    async def _quietly(self, operation: Any, event: str, message: QueueMessage) -> None:
        """Do it; when it fails the message merely comes back, as at-least-once delivery allows."""
        try:
            await operation
        except AzureError as error:
            _log.warning(event, extra={"queue": self._queue.queue_name, "message_id": message.id, "error": str(error)})

    def _decode(self, message: QueueMessage) -> bytes:
        content = str(message.content)
        if self._settings.message_encoding == "none":
            return content.encode()
        try:
            return base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from None


class _Held:
    """Keeps one message hidden, renewing at half of the lease, and knows its latest receipt."""

    def __init__(self, queue: QueueClient, message: QueueMessage, lease: int) -> None:
        self._queue = queue
        self._message = message
        self._lease = lease
        self._receipt = str(message.pop_receipt)
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self._renew())

    def stop(self) -> None:
        """Stop renewing, at once."""
        self._task.cancel()

    async def release(self) -> str:
        """Stop renewing and return the receipt that is valid now; a renewal on its way is waited for."""
        self._stopping.set()
        await self._task
        return self._receipt

    async def _renew(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._lease / 2):
                    await self._stopping.wait()
            except TimeoutError:
                pass
            else:
                return
            try:
                renewed = await self._queue.update_message(
                    self._message.id, self._receipt, visibility_timeout=self._lease
                )
                self._receipt = str(renewed.pop_receipt)
            except HttpResponseError as error:
                # Seen too late, it belongs to somebody else by now; otherwise the next try may do.
                _log.warning("queue.renewal_failed", extra={"message_id": self._message.id, "error": str(error)})


def _to_function(message: QueueMessage, body: bytes) -> func.QueueMessage:
    """The message object, made by the worker's own converter. Raises ValueError as that does."""
    metadata = {
        "Id": Datum(message.id, "string"),
        "DequeueCount": Datum(message.dequeue_count, "int"),
        "ExpirationTime": Datum(_moment(message.expires_on), "string"),
        "InsertionTime": Datum(_moment(message.inserted_on), "string"),
        "NextVisibleTime": Datum(_moment(message.next_visible_on), "string"),
        "PopReceipt": Datum(message.pop_receipt, "string"),
    }
    metadata.update(_overwritten(body))
    made: func.QueueMessage = QueueMessageInConverter.decode(Datum(body, "bytes"), trigger_metadata=metadata)
    return made


def _overwritten(body: bytes) -> dict[str, Datum]:
    """The host also binds a JSON message's own top-level keys, and they win over the message's metadata."""
    if not body.lstrip().startswith(b"{"):
        return {}
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    own = {key.lower(): value for key, value in document.items()}
    return {
        name: Datum(
            value if isinstance(value, str) else json.dumps(value), "string" if isinstance(value, str) else "json"
        )
        for name in _METADATA
        if (value := own.get(name.lower())) is not None
    }


def _moment(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+00:00") if moment is not None else ""
