"""Hosts of the sample app, and the queues it is watched through."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.storage.queue import QueueClient

from local.azurite import Azurite
from local.host.process import HostProcess

SAMPLE = Path(__file__).parent / "apps" / "sample"


@pytest.fixture(scope="module")
def host(azurite_server: Azurite) -> Iterator[HostProcess]:
    """One host for the HTTP tests of a module."""
    environ = {"AzureWebJobsStorage": azurite_server.connection_string, "WORK_QUEUE": "http-only"}
    with HostProcess(environ, app=SAMPLE) as process:
        yield process


@pytest.fixture
def client(host: HostProcess) -> Iterator[httpx.Client]:
    """A client of the module's host that follows no redirect."""
    with httpx.Client(base_url=host.url) as made:
        yield made


class Watch:
    """A storage account, the orders sent to the sample app in it, and what the app recorded."""

    def __init__(self, storage: str) -> None:
        self.environ = {"AzureWebJobsStorage": storage, "WORK_QUEUE": "work"}
        self.work = QueueClient.from_connection_string(storage, "work")
        self.poison = QueueClient.from_connection_string(storage, "work-poison")
        self._recorded = QueueClient.from_connection_string(storage, "events")
        self._recorded.create_queue()
        self.work.create_queue()
        self.events: list[dict[str, Any]] = []

    def order(self, **order: object) -> str:
        """Send a message to the app; returns its id."""
        return str(self.work.send_message(json.dumps(order)).id)

    def until(self, enough: Callable[[list[dict[str, Any]]], bool], timeout: float = 20) -> list[dict[str, Any]]:
        """Collect what the app records until `enough`; fails after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not enough(self.events):
            assert time.monotonic() < deadline, self.events
            for message in self._recorded.receive_messages(messages_per_page=32):
                self.events.append(json.loads(message.content))
                self._recorded.delete_message(message)
            time.sleep(0.02)
        return self.events


@pytest.fixture
def watch(storage: str) -> Watch:
    """A storage account of this test alone, watched."""
    return Watch(storage)


def eventually(condition: Callable[[], bool], timeout: float = 20) -> None:
    """Poll until `condition` holds; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
