"""Delivery of notifications: validation handshake, batches over HTTPS, retry, and losses on purpose."""

import asyncio
import contextlib
import random
import ssl
import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import httpx
import orjson

from local.cloud.behaviour import Behaviour
from local.cloud.clock import Clock, iso_ticks
from local.cloud.endpoint import Endpoint
from local.cloud.tenant import Event
from local.cloud.wire import Json

_SEQUENCE_START: Final = 636_784_480_202_455_800
_ANSWER_SECONDS: Final = 10.0
_SLOW_DELAY: Final = 10.0
_MEMBERS: Final = 100  # told in one item, which is a hint and not the whole


@dataclass(slots=True)
class Letter:
    """One notification item on its way to one URL."""

    url: str
    item: Json
    record: Json
    due: float  # real time
    first: float
    attempts: int = 0
    held: bool = False  # waits for its own time


class Delivery:
    """Collects items for each URL and posts them, several to a POST."""

    def __init__(self, behaviour: Behaviour, clock: Clock) -> None:
        self._behaviour = behaviour
        self._clock = clock
        self._client: httpx.AsyncClient | None = None
        self._boxes: dict[str, list[Letter]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._sequence = _SEQUENCE_START
        self._random = random.Random(7)
        self.sent: deque[Json] = deque(maxlen=20_000)  # every item: when it arose, when it arrived, how
        self.handshakes: deque[Json] = deque(maxlen=1000)

    def open(self, trust: ssl.SSLContext) -> None:
        """Begin; called in the server's event loop."""
        self._client = httpx.AsyncClient(verify=trust, timeout=_ANSWER_SECONDS, trust_env=False)

    async def close(self) -> None:
        """Drop what is on its way and end."""
        for task in self._tasks.values():
            task.cancel()
        for task in self._tasks.values():
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        if self._client is not None:
            await self._client.aclose()

    # handshake -------------------------------------------------------------------------------------------
    async def validated(self, url: str) -> bool:
        """Ask the URL to echo a token: 200, text/plain, the decoded token, within 10 s."""
        token = f"Validation: Testing client application reachability for subscription Request-Id: {uuid.uuid4()}"
        joined = f"{url}{'&' if '?' in url else '?'}validationToken={quote(token, safe='')}"
        outcome = "ok"
        try:
            async with asyncio.timeout(self._behaviour.validation_timeout):
                answer = await self._http.post(joined, headers={"Content-Type": "text/plain; charset=utf-8"})
        except (TimeoutError, httpx.HTTPError) as error:
            outcome = type(error).__name__
        else:
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if answer.status_code != 200:
                outcome = f"status {answer.status_code}"
            elif kind != "text/plain":
                outcome = f"content type {kind}"
            elif answer.text != token:
                outcome = "wrong token"
        self.handshakes.append({"at": self._clock.now(), "url": url, "outcome": outcome})
        return outcome == "ok"

    @property
    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            raise RuntimeError("the simulated cloud is not running")
        return self._client

    # items -----------------------------------------------------------------------------------------------
    def notify(self, url: str, sub: Json, event: Event) -> None:
        """Queue one change notification."""
        behaviour = self._behaviour
        lost = not behaviour.notify or self._random.random() < behaviour.notify_loss
        item = self._item(sub, event)
        record = self._record(url, item, event.resource)
        self.sent.append(record)
        standing = self._endpoint(url).state(self._clock.now())
        if lost or standing == "drop":
            record["status"] = "lost" if lost else "dropped"
            return
        copies = 2 if self._random.random() < behaviour.notify_duplicate else 1
        for _ in range(copies):
            self._post_later(url, item, record, extra=_SLOW_DELAY if standing == "slow" else 0.0)

    def _endpoint(self, url: str) -> Endpoint:
        return self._endpoints.setdefault(url.partition("?")[0], Endpoint())

    def lifecycle(self, url: str, sub: Json, tenant: str, kind: str) -> None:
        """Queue one lifecycle notification."""
        item: Json = {
            "subscriptionId": sub["id"],
            "subscriptionExpirationDateTime": sub["expirationDateTime"],
            "tenantId": tenant,
            "clientState": sub["clientState"],
            "lifecycleEvent": kind,
        }
        record = self._record(url, item, kind)
        self.sent.append(record)
        self._post_later(url, item, record)

    def _record(self, url: str, item: Json, what: str) -> Json:
        return {
            "what": what,
            "url": url,
            "subscription": item["subscriptionId"],
            "tenant": item["tenantId"],
            "object": item.get("resourceData", {}).get("id"),
            "change": item.get("changeType"),
            "arose_at": time.time(),
            "delivered_at": None,
            "attempts": 0,
            "status": "queued",
        }

    def _item(self, sub: Json, event: Event) -> Json:
        kind = "User" if event.resource == "users" else "Group"
        path = f"{kind}s/{event.id}"
        data: Json = {
            "@odata.type": f"#Microsoft.Graph.{kind}",
            "@odata.id": path,
            "id": event.id,
            "organizationId": event.tenant,
        }
        self._sequence += 1
        if self._behaviour.notify_event_fields:
            data["eventTime"] = iso_ticks(self._clock.now())
            data["sequenceNumber"] = self._sequence
        if event.members and self._behaviour.notify_members:
            data["members@delta"] = [
                {"id": member} if added else {"id": member, "@removed": "deleted"}
                for member, added in event.members[:_MEMBERS]
            ]
        return {
            "changeType": event.change,
            "clientState": sub["clientState"],
            "resource": path,
            "resourceData": data,
            "subscriptionExpirationDateTime": sub["expirationDateTime"],
            "subscriptionId": sub["id"],
            "tenantId": event.tenant,
        }

    # posting ---------------------------------------------------------------------------------------------
    def _post_later(self, url: str, item: Json, record: Json, extra: float = 0.0) -> None:
        now = time.time()
        due = now + self._behaviour.notify_delay + extra
        self._boxes.setdefault(url, []).append(Letter(url, item, record, due, now, held=bool(extra)))
        task = self._tasks.get(url)
        if task is None or task.done():
            self._tasks[url] = asyncio.get_running_loop().create_task(self._work(url))

    async def _work(self, url: str) -> None:
        """Post what is due until the box is empty."""
        box = self._boxes[url]
        while box:
            wait = min(letter.due for letter in box) - time.time()
            if wait > 0:
                await asyncio.sleep(min(wait, 0.05))
                continue
            now = time.time()
            # New items travel with the first that is due; retries and delayed ones wait for their own time.
            due = [letter for letter in box if letter.due <= now or not letter.held]
            if self._behaviour.notify_reorder:
                self._random.shuffle(due)
            batch = due[: max(1, self._behaviour.notify_batch)]
            taken = {id(letter) for letter in batch}
            box[:] = [letter for letter in box if id(letter) not in taken]
            await self._post(url, batch, box)

    async def _post(self, url: str, batch: list[Letter], box: list[Letter]) -> None:
        body = orjson.dumps({"value": [letter.item for letter in batch]})
        started = time.monotonic()
        try:
            answer = await self._http.post(url, content=body, headers={"Content-Type": "application/json"})
            status = str(answer.status_code)
            good = answer.is_success
        except httpx.HTTPError as error:
            status, good = type(error).__name__, False
        slow = time.monotonic() - started > self._behaviour.slow_answer
        self._endpoint(url).answered(self._clock.now(), slow=slow)
        now = time.time()
        for letter in batch:
            letter.attempts += 1
            letter.record["attempts"] += 1
            letter.record["status"] = status
            if good:
                letter.record["delivered_at"] = letter.record["delivered_at"] or now
            else:
                self._again(letter, box, now)

    def _again(self, letter: Letter, box: list[Letter], now: float) -> None:
        """Back off exponentially, up to four (simulated) hours."""
        behaviour = self._behaviour
        wait = behaviour.retry_first * 2 ** (letter.attempts - 1) * behaviour.retry_scale
        if now + wait - letter.first > behaviour.retry_hours * 3600 * behaviour.retry_scale:
            letter.record["status"] = f"given up after {letter.record['status']}"
            return
        letter.due, letter.held = now + wait, True
        box.append(letter)
