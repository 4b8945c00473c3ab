"""Azurite starts on free ports, keeps accounts apart, keeps what it is told to keep, and dies with its parent."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueClient

from local.azurite import Azurite, AzuriteError

pytestmark = pytest.mark.azurite


def test_queues_and_tables_answer(azurite: str) -> None:
    """The shared account takes a queue message and a table row."""
    queue = QueueClient.from_connection_string(azurite, "answers")
    queue.create_queue()
    queue.send_message("hello")
    table = TableServiceClient.from_connection_string(azurite).create_table("answers")
    table.create_entity({"PartitionKey": "p", "RowKey": "r", "n": 1})
    assert next(iter(queue.receive_messages())).content == "hello"
    assert table.get_entity("p", "r")["n"] == 1


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_has_its_own_account(storage: str, turn: str) -> None:
    """A queue made in one test does not exist in the next."""
    queue = QueueClient.from_connection_string(storage, "mine")
    queue.create_queue()
    with pytest.raises(ResourceExistsError):
        queue.create_queue(metadata={"turn": turn})


def test_a_location_keeps_the_data(tmp_path: Path) -> None:
    """What was written before an orderly stop is there after a new start."""
    with Azurite(location=tmp_path) as server:
        table = TableServiceClient.from_connection_string(server.connection_string).create_table("kept")
        table.create_entity({"PartitionKey": "p", "RowKey": "r"})
    with Azurite(location=tmp_path) as server:
        table = TableServiceClient.from_connection_string(server.connection_string).get_table_client("kept")
        assert table.get_entity("p", "r")["RowKey"] == "r"


def test_a_port_in_use_is_named() -> None:
    """The error names the port that another process holds."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AzuriteError, match=f"port {port}: another process"):
            Azurite(ports=(0, port, 0)).start()


def test_it_dies_with_its_parent() -> None:
    """Killing the process that started Azurite ends Azurite too."""
    code = (
        "import time\nfrom local.azurite import Azurite\nserver = Azurite().start()\n"
        "print(server._process.pid, flush=True)\ntime.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 20
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
