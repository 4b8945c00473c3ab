"""The timer trigger: past due after a stop, one host at a time, never two calls of one timer at once.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer. Azure keeps the schedule's status and the
lock in blobs; here both are rows of one table in the same storage account, so they survive a restart as well.
"""

import asyncio
import json
import logging
import os
import platform
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient
from azure.functions.meta import Datum
from azure.functions.timer import TimerRequestConverter

from local.host.calls import Calls, WorkerDiedError
from local.host.loading import LoadedFunction, TimerTrigger

TABLE = "LocalHostTimers"
LOCK_SECONDS = 15
_log = logging.getLogger("local.host")


class TimerStatus:
    """The stored status of timers, and the lock that lets one host run them."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(TABLE)
        self._owner = f"{platform.node()}:{os.getpid()}:{uuid.uuid4()}"

    async def create(self) -> None:
        """Create the table where it is missing. Raises AzureError when the storage does not answer."""
        try:
            await self._table.create_table()
        except ResourceExistsError:
            return

    async def read(self, function: str) -> tuple[datetime | None, datetime | None]:
        """When `function` ran last and when it was to run next, or None twice."""
        try:
            row = await self._table.get_entity("timer", function)
        except ResourceNotFoundError:
            return None, None
        last, following = row.get("Last"), row.get("Next")
        return (
            datetime.fromisoformat(last) if last else None,
            datetime.fromisoformat(following) if following else None,
        )

    async def write(self, function: str, last: datetime | None, following: datetime) -> None:
        """Remember both times; failing storage only costs the memory."""
        row = {
            "PartitionKey": "timer",
            "RowKey": function,
            "Last": last.isoformat() if last else "",
            "Next": following.isoformat(),
        }
        try:
            await self._table.upsert_entity(row, mode=UpdateMode.REPLACE)
        except AzureError as error:
            _log.warning("timer.status_not_stored", extra={"function": function, "error": str(error)})

    async def hold_lock(self) -> bool:
        """Take or renew the lock; False while another living host has it."""
        now = datetime.now(UTC)
        row = {
            "PartitionKey": "lock",
            "RowKey": "timers",
            "Owner": self._owner,
            "Until": (now + timedelta(seconds=LOCK_SECONDS)).isoformat(),
        }
        try:
            held = await self._table.get_entity("lock", "timers")
        except ResourceNotFoundError:
            try:
                await self._table.create_entity(row)
            except ResourceExistsError:
                return False
            return True
        if held["Owner"] != self._owner and datetime.fromisoformat(held["Until"]) > now and _lives(held["Owner"]):
            return False
        try:
            await self._table.update_entity(
                row, mode=UpdateMode.REPLACE, etag=held.metadata["etag"], match_condition=MatchConditions.IfNotModified
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            return False
        return True

    async def free_lock(self) -> None:
        """Give the lock back on an orderly stop."""
        try:
            held = await self._table.get_entity("lock", "timers")
            if held["Owner"] == self._owner:
                await self._table.delete_entity(
                    held, etag=held.metadata["etag"], match_condition=MatchConditions.IfNotModified
                )
        except AzureError:
            return


class TimerRunner:
    """Calls one timer function when its schedule comes due."""

    def __init__(self, function: LoadedFunction, trigger: TimerTrigger, status: TimerStatus, calls: Calls) -> None:
        self._schedule = trigger.schedule
        self._function = function
        self._run_on_startup = trigger.run_on_startup
        self._monitored = trigger.use_monitor and not self._schedule.is_shorter_than_a_minute()
        self._status = status
        self._calls = calls
        self._last: datetime | None = None
        self._current: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Call at every occurrence until cancelled; a call that has begun goes on (see `drain`)."""
        past_due = await self._is_past_due(datetime.now(UTC))
        if self._run_on_startup or past_due:
            await self._uninterrupted(past_due=past_due)
        while True:
            await _sleep_until(self._schedule.after(datetime.now(UTC)))
            await self._uninterrupted(past_due=False)

    async def drain(self) -> None:
        """Wait for the call in flight, if there is one."""
        if self._current is not None:
            await asyncio.wait({self._current})

    async def _uninterrupted(self, *, past_due: bool) -> None:
        self._current = asyncio.create_task(self._call(past_due=past_due))
        await asyncio.shield(self._current)

    async def _is_past_due(self, now: datetime) -> bool:
        """Whether an occurrence passed while no host ran."""
        if not self._monitored:
            return False
        try:
            self._last, following = await self._status.read(self._function.name)
        except AzureError as error:
            _log.warning("timer.status_unknown", extra={"function": self._function.name, "error": str(error)})
            return False
        # From the last call, not from what was stored: the schedule may have changed since.
        expected = self._schedule.after(self._last) if self._last is not None else following
        if expected is None:
            await self._status.write(self._function.name, None, self._schedule.after(now))
            return False
        return expected < now

    async def _call(self, *, past_due: bool) -> None:
        began = datetime.now(UTC)
        try:
            await self._calls.call(self._function, self._request(began, past_due=past_due))
        except WorkerDiedError:
            return
        except Exception:  # noqa: BLE001 -- a timer that failed waits for its next occurrence
            _log.exception("function.failed", extra={"function": self._function.name})
        else:
            seconds = round((datetime.now(UTC) - began).total_seconds(), 3)
            details = {"function": self._function.name, "past_due": past_due, "seconds": seconds}
            _log.info("function.succeeded", extra=details)
        self._last = began
        if self._monitored:
            await self._status.write(self._function.name, began, self._schedule.after(datetime.now(UTC)))

    def _request(self, now: datetime, *, past_due: bool) -> func.TimerRequest:
        status = None
        if self._monitored:
            status = {
                "Last": _moment(self._last) if self._last else "0001-01-01T00:00:00+00:00",
                "Next": _moment(self._schedule.after(now)),
                "LastUpdated": _moment(self._last or now),
            }
        document = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due}
        request: func.TimerRequest = TimerRequestConverter.decode(
            Datum(json.dumps(document), "json"), trigger_metadata={}
        )
        return request


async def run_timers(runners: list[TimerRunner], status: TimerStatus) -> None:
    """Run all timers while this host holds the lock; until cancelled."""
    running: list[asyncio.Task[None]] = []
    try:
        while True:
            try:
                mine = await status.hold_lock()
            except AzureError as error:
                # As long as the lock may still be ours, go on; the next renewal decides.
                _log.warning("timer.lock_unreachable", extra={"error": str(error)})
                mine = bool(running)
            if mine and not running:
                running = [asyncio.create_task(runner.run()) for runner in runners]
            elif not mine and running:
                await _cancel(running)
                running = []
            _report_ended(running)
            await asyncio.sleep(LOCK_SECONDS / 3 if mine else 1)
    finally:
        await _cancel(running)


def _report_ended(running: list[asyncio.Task[None]]) -> None:
    for task in [task for task in running if task.done()]:
        running.remove(task)
        _log.error("timer.stopped", extra={"error": repr(task.exception())})


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _sleep_until(moment: datetime) -> None:
    """In short sleeps, so that a changed clock is noticed."""
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110 -- time is what it waits for
        await asyncio.sleep(min(left, 10))


def _lives(owner: str) -> bool:
    """Whether the lock's owner may still run: a process of this machine can be looked up, any other is believed."""
    machine, pid, _ = owner.rsplit(":", 2)
    if machine != platform.node():
        return True
    if int(pid) == os.getpid():
        return False  # this process before it replaced itself
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _moment(moment: datetime) -> str:
    # .NET writes seven digits of a second's fraction.
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0+00:00"
