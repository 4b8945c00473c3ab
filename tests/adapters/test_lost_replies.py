"""Storage behind a bad connection: a write whose reply was lost is found, not made twice, not taken for another's."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from shared.errors import Conflict, Transient
from sync.adapters import azure_clients, azure_faults
from sync.adapters.queues import StorageQueue
from sync.adapters.tables import Storage
from sync.core.messages import MailMessage
from sync.core.model import Counts
from sync.core.runs import GuardWindow, Mail, Run, Stage
from sync.ports import Holder
from tests.adapters.meddler import Meddler, Reply
from tests.contracts.people_of import SCOPE, TENANT, activity, group, oid, person
from tests.storage_settings import storage_settings

pytestmark = pytest.mark.azurite
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


@dataclass
class Bad:
    """Storage over a connection that meddles with tables, and the same storage over a good one."""

    storage: Storage
    good: Storage
    tables: Meddler
    queue: StorageQueue
    queues: Meddler


@pytest.fixture
def bad(storage: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bad]:
    """Short pauses, so that giving up does not take long."""
    monkeypatch.setattr(azure_faults, "PAUSES", (0.001,))
    monkeypatch.setattr(azure_clients, "READ_SECONDS", 1)
    fields = dict(part.split("=", 1) for part in storage.strip(";").split(";"))
    with Meddler(fields["TableEndpoint"]) as tables, Meddler(fields["QueueEndpoint"]) as queues:
        fields["TableEndpoint"] = tables.address + urlsplit(fields["TableEndpoint"]).path
        fields["QueueEndpoint"] = queues.address + urlsplit(fields["QueueEndpoint"]).path
        settings = storage_settings(";".join(f"{name}={value}" for name, value in fields.items()))
        good = Storage.open(storage_settings(storage))
        yield Bad(Storage.open(settings), good, tables, StorageQueue.open(settings), queues)


FAULTS = ["lose_reply", "cut", "hang"]


@pytest.mark.parametrize("fault", ["lose_reply", "hang"])
def test_an_insert_finds_itself(bad: Bad, fault: str) -> None:
    """The reply to an insert is lost: the caller gets its record with the right etag, and no conflict."""
    bad.storage.runs.window(SCOPE)
    getattr(bad.tables, fault)("POST", "runs")
    saved = bad.storage.runs.save_window(GuardWindow(SCOPE, 1))
    assert bad.good.runs.window(SCOPE).etag == saved.etag
    bad.storage.runs.save_window(replace(saved, active=2))


@pytest.mark.parametrize("fault", ["lose_reply", "hang"])
def test_a_replacement_finds_itself(bad: Bad, fault: str) -> None:
    """The reply to a conditional replacement is lost: found by its mark."""
    saved = bad.storage.runs.save_window(GuardWindow(SCOPE, 1))
    getattr(bad.tables, fault)("PUT", "runs")
    again = bad.storage.runs.save_window(replace(saved, active=2))
    assert bad.good.runs.window(SCOPE) == again
    assert bad.good.runs.window(SCOPE).etag == again.etag


def test_anothers_write_is_not_mistaken_for_ours(bad: Bad) -> None:
    """The request was never carried out and somebody else wrote meanwhile: that is a conflict."""
    saved = bad.storage.runs.save_window(GuardWindow(SCOPE, 1))
    bad.good.runs.save_window(replace(saved, active=9))
    bad.tables.answer("PUT", "runs", Reply(500))
    with pytest.raises(Conflict):
        bad.storage.runs.save_window(replace(saved, active=2))
    assert bad.good.runs.window(SCOPE).active == 9


def test_a_write_that_did_not_happen_is_repeated(bad: Bad) -> None:
    """500, 503 and 504 without effect: the write is made by the next try."""
    saved = bad.storage.runs.save_window(GuardWindow(SCOPE, 1))
    for number, status in enumerate((500, 503, 504, 429)):
        bad.tables.answer("PUT", "runs", Reply(status))
        saved = bad.storage.runs.save_window(replace(saved, active=number))
    assert bad.good.runs.window(SCOPE).active == 3


def test_a_busy_service_is_not_pressed(bad: Bad) -> None:
    """A long Retry-After is handed to the caller after one try."""
    saved = bad.storage.runs.save_window(GuardWindow(SCOPE, 1))
    bad.tables.answer("PUT", "runs", Reply(503, {"Retry-After": "60"}))
    tries = len(bad.tables.seen)
    with pytest.raises(Transient) as caught:
        bad.storage.runs.save_window(replace(saved, active=2))
    assert caught.value.retry_after == 60
    assert len(bad.tables.seen) == tries + 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_commit_finds_itself(bad: Bad, fault: str) -> None:
    """The reply to a transaction is lost or cut: the shard comes back as it is now, and can be committed on."""
    loaded = bad.storage.people.load(SCOPE, "")
    getattr(bad.tables, fault)("POST", "$batch")
    loaded = bad.storage.people.commit(loaded, [person(1), person(2)], Counts(2), activity(1, 2))
    assert loaded.records == {oid(1): person(1), oid(2): person(2)}
    assert loaded == bad.good.people.load(SCOPE, "")
    renamed = replace(loaded.records[oid(1)], order=6 << 44)
    getattr(bad.tables, fault)("POST", "$batch")
    loaded = bad.storage.people.commit(loaded, [renamed], Counts(2), activity(1))
    assert bad.good.people.load(SCOPE, "").records[oid(1)].etag == loaded.records[oid(1)].etag
    assert bad.good.people.run_counts(SCOPE, "", "000000000001ab", 0) == {"create": 3}


def test_a_commit_that_did_not_happen_is_repeated(bad: Bad) -> None:
    """A transaction answered by 503 goes in with the next try."""
    bad.tables.answer("POST", "$batch", Reply(503))
    bad.storage.people.commit(bad.storage.people.load(SCOPE, ""), [person(1)], Counts(1), None)
    assert set(bad.good.people.load(SCOPE, "").records) == {oid(1)}


def test_a_lost_commit_against_another(bad: Bad) -> None:
    """A transaction that never happened, while another went in, is a conflict."""
    loaded = bad.storage.people.load(SCOPE, "")
    bad.good.people.commit(loaded, [person(5)], Counts(1), None)
    bad.tables.answer("POST", "$batch", Reply(500))
    with pytest.raises(Conflict):
        bad.storage.people.commit(loaded, [person(1)], Counts(1), None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Azure's client forgets the socket
@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"Content-Type": "text/html"}, b"<html>"),
        Reply(202, {}, b"nonsense"),
        Reply(202, {"Content-Type": "multipart/mixed; boundary=x"}, b"--x\r\n\r\nHTTP/1.1 \r\n\r\n--x--"),
    ],
)
def test_nonsense_in_reply_to_a_commit(bad: Bad, reply: Reply) -> None:
    """A reply that cannot be read leaves it open whether the commit happened; it is found out, not guessed."""
    bad.tables.answer("POST", "$batch", reply)
    loaded = bad.storage.people.commit(bad.storage.people.load(SCOPE, ""), [person(1)], Counts(1), None)
    assert bad.good.people.load(SCOPE, "") == loaded


def test_groups_claims_and_mails_find_themselves(bad: Bad) -> None:
    """The other transactions, too: what was written is answered with its etags."""
    bad.tables.lose_reply("POST", "$batch")
    written = bad.storage.groups.commit(SCOPE, [group(1), group(2)])
    assert {one.object_id: one.etag for one in written} == {k: v.etag for k, v in bad.good.groups.load(SCOPE).items()}
    bad.tables.lose_reply("POST", "$batch")
    claimed = bad.storage.addresses.claim("acme", {"a@x.example": Holder("a", SCOPE, oid(1), "")})
    assert claimed == bad.good.addresses.peek("acme", ["a@x.example"])
    bad.tables.lose_reply("POST", "$batch")
    bad.storage.mails.claim([Mail(TENANT, oid(1), "c", "a@x.example", "Ann", "2026-03-02T08:00:00.000Z")])
    mail = bad.good.mails.get(TENANT, oid(1), 1)
    assert mail is not None
    bad.tables.lose_reply("POST", "$batch")
    assert bad.storage.mails.save(replace(mail, attempts=1)) == bad.good.mails.get(TENANT, oid(1), 1)


def test_finishing_a_part_counts_once(bad: Bad) -> None:
    """The reply to the write that finishes the last part is lost: this caller is still told that it was last."""
    bad.storage.runs.save(Run("r1", SCOPE, "c", "pull", "timer", 1, "2026-03-02T08:00:00.000Z", parts=1))
    bad.tables.lose_reply("PUT", "runs")
    run, last = bad.storage.runs.finish_part(SCOPE, "r1", Stage.APPLYING, 0, {"create": 1})
    assert (last, run.counts) == (True, {"create": 1})


def test_taking_once_survives_a_lost_reply(bad: Bad) -> None:
    """The one who took it is told so although the reply was lost."""
    bad.storage.once.put("state", "key", {"a": "b"}, NOW)
    bad.tables.lose_reply("PUT", "once")
    assert bad.storage.once.take("state", "key", datetime(2026, 1, 1, tzinfo=UTC)) == {"a": "b"}


@pytest.mark.parametrize("fault", FAULTS)
def test_reads_are_repeated(bad: Bad, fault: str) -> None:
    """A scan and a read by key whose reply is lost, cut or late are made again."""
    bad.storage.people.commit(bad.storage.people.load(SCOPE, ""), [person(1)], Counts(1), None)
    getattr(bad.tables, fault)("GET", "people()")
    assert set(bad.storage.people.load(SCOPE, "").records) == {oid(1)}
    getattr(bad.tables, fault)("GET", "people(P")
    assert bad.storage.people.counts(SCOPE, [""]) == Counts(1)


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"value": [{"RowKey": "n", "da', b"\xff\xfe", b"", b"{}", b"[]", b"null", b'{"value": 3}']
)
def test_nonsense_in_reply_to_a_scan(bad: Bad, body: bytes) -> None:
    """A page that is not JSON is never taken for an empty shard."""
    bad.storage.people.commit(bad.storage.people.load(SCOPE, ""), [person(1)], Counts(1), None)
    bad.tables.answer("GET", "people()", Reply(200, {"Content-Type": "application/json"}, body))
    assert set(bad.storage.people.load(SCOPE, "").records) == {oid(1)}


def test_an_unreachable_service_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens: Transient, for reads, writes and messages alike."""
    monkeypatch.setattr(azure_faults, "PAUSES", (0.001,))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/a"
    account = f"AccountName=a;AccountKey=bG9jYWw=;TableEndpoint={nobody};QueueEndpoint={nobody}"
    storage, queue = Storage.open(storage_settings(account)), StorageQueue.open(storage_settings(account))
    with pytest.raises(Transient):
        storage.runs.window(SCOPE)
    with pytest.raises(Transient):
        storage.runs.save_window(GuardWindow(SCOPE))
    with pytest.raises(Transient):
        queue.send(MailMessage("c", 1, "p"))


@pytest.mark.parametrize("status", [500, 503])
def test_a_message_is_sent_again(bad: Bad, status: int) -> None:
    """A queue that refuses once gets the message with the next try; one that keeps refusing is Transient."""
    bad.queue.send(MailMessage("c", 1, "first"))
    bad.queues.answer("POST", "mails/messages", Reply(status))
    bad.queue.send(MailMessage("c", 1, "second"))
    for _ in range(3):
        bad.queues.answer("POST", "mails/messages", Reply(status))
    with pytest.raises(Transient):
        bad.queue.send(MailMessage("c", 1, "third"))
