"""Queue messages are hidden, retried, poisoned and never lost, as in Azure."""

import json

import pytest

from local.host.process import HostProcess
from tests.host.conftest import SAMPLE, Watch, eventually

pytestmark = pytest.mark.azurite


def test_a_message_arrives_as_in_azure_and_is_deleted(watch: Watch) -> None:
    """The body is exact, the count starts at 1, the time is aware UTC, and a success removes it."""
    with HostProcess(watch.environ, app=SAMPLE):
        sent = watch.order(do="record", text="ü")
        event = watch.until(lambda events: len(events) == 1)[0]
        assert (json.loads(event["body"])["text"], event["id"], event["count"]) == ("ü", sent, 1)
        assert event["inserted"].endswith("+00:00")
        eventually(lambda: watch.work.get_queue_properties().approximate_message_count == 0)


@pytest.mark.parametrize("how", ["fail", "return"])
def test_a_message_that_keeps_failing_goes_to_poison(watch: Watch, how: str) -> None:
    """It is tried maxDequeueCount times, then moved as it was; returning a value is a failure too."""
    with HostProcess(watch.environ, app=SAMPLE):
        watch.order(do=how)
        events = watch.until(lambda events: len(events) == 3)
        assert [event["count"] for event in events] == [1, 2, 3]
        eventually(lambda: _peek(watch) == [json.dumps({"do": how})])
        assert watch.work.get_queue_properties().approximate_message_count == 0


def test_a_batch_runs_at_once(watch: Watch) -> None:
    """Messages of one batch run side by side: three of one second each end within two."""
    with HostProcess(watch.environ, app=SAMPLE) as host:
        for _ in range(3):
            watch.order(do="slow", seconds=1)
        watch.until(lambda events: sum("finished" in event for event in events) == 3)
        lines = [json.loads(line) for line in host.output().splitlines() if line.startswith("{")]
        ended = [line["seconds"] for line in lines if line["message"] == "function.succeeded" and "message_id" in line]
    assert len(ended) == 3
    assert sum("finished" in event for event in watch.events[:4]) < 2


def test_own_keys_overwrite_a_messages_metadata(watch: Watch) -> None:
    """A JSON message's top-level `ID` wins over the message's own, as with the real host."""
    with HostProcess(watch.environ, app=SAMPLE):
        watch.order(do="record", ID="mine")
        assert watch.until(lambda events: len(events) == 1)[0]["id"] == "mine"


def test_a_call_longer_than_the_lease_keeps_its_message(watch: Watch) -> None:
    """The lease is renewed while the call runs, so nobody else gets the message."""
    with HostProcess(watch.environ, app=SAMPLE, lease=1):
        watch.order(do="slow", seconds=2.5)
        events = watch.until(lambda events: any("finished" in event for event in events))
        assert len(events) == 2


def test_kill_9_loses_no_message(watch: Watch) -> None:
    """What was in flight at a SIGKILL comes back to the next host, counted once more."""
    with HostProcess(watch.environ, app=SAMPLE, lease=1) as first:
        watch.order(do="slow", seconds=2)
        watch.until(lambda events: len(events) == 1)
        first.kill()
    with HostProcess(watch.environ, app=SAMPLE, lease=1):
        events = watch.until(lambda events: any("finished" in event for event in events))
        assert [event["count"] for event in events if "count" in event] == [1, 2]


def test_a_stop_waits_for_what_has_begun(watch: Watch) -> None:
    """SIGTERM lets the call end and deletes its message; a message sent meanwhile waits for the next host."""
    with HostProcess(watch.environ, app=SAMPLE) as host:
        watch.order(do="slow", seconds=1)
        watch.until(lambda events: len(events) == 1)
        assert host.stop() == 0
        watch.until(lambda events: any("finished" in event for event in events))
    assert watch.work.get_queue_properties().approximate_message_count == 0


def _peek(watch: Watch) -> list[str]:
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return [message.content for message in watch.poison.peek_messages()]
    except ResourceNotFoundError:
        return []
