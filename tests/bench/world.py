"""The product's own use cases and storage adapters in this process, over a crowd instead of Graph."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from shared import settings
from shared.clock import SystemClock, iso
from sync.adapters.ids import RandomIds
from sync.adapters.tables import Storage
from sync.core.connection import Connection, ConnectionState, ConnectionView, digits_for, workspace_key
from sync.core.messages import Message, PassMessage, PullMessage, decode, encode, queue_of
from sync.core.runs import Stage
from sync.usecases import apply, full_pass, pull, revisit, start
from sync.usecases.services import Services
from tests.bench.crowd import CrowdDirectory
from tests.fakes.subscriptions import FakeSubscriptions

ENVIRONMENT = {
    "PUBLIC_URL": "https://sync.moxso.example",
    "ENTRA_CLIENT_ID": "11111111-1111-4111-8111-111111111111",
    "ENTRA_CLIENT_SECRET": "made-up",
    "MAIL_URL": "smtp://127.0.0.1:25",
    "MAIL_SENDER": "hello@moxso.example",
    "SIGNING_KEYS": "a-made-up-key-of-more-than-32-characters",
    "WORKSPACE_ISSUER": "https://moxso.example",
    "WORKSPACE_AUDIENCE": "sync",
    "WORKSPACE_JWKS": "{}",
}
WORKERS = 4  # host.json lets an instance work on up to 24 messages; four keep two cores busy
WORKSPACE, TENANT = "acme", "99999999-0000-4000-8000-000000000001"


class Line:
    """The `Queue` port without a queue: messages are encoded, kept, and delivered one after the other."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, str]] = deque()

    def send(self, message: Message, *, delay: timedelta = timedelta(0)) -> None:
        """At the end of the line, whatever the delay."""
        self._waiting.append((queue_of(message), encode(message)))

    def poison_counts(self) -> Mapping[str, int]:
        """None."""
        return {}

    def receive(self) -> Message | None:
        """The next one."""
        return decode(*self._waiting.popleft()) if self._waiting else None


class World:
    """One connection of one workspace on real tables. Tables of different prefixes never meet."""

    def __init__(
        self, storage: str, directory: CrowdDirectory, prefix: str, line: Line | None = None, workers: int = WORKERS
    ) -> None:
        self.directory = directory
        self._workers = workers
        self.line = line or Line()
        loaded = settings.load({**ENVIRONMENT, "AzureWebJobsStorage": storage})
        tables = Storage.open(loaded, prefix)
        nothing = cast("Any", None)  # nobody signs in or is mailed here
        self.services = Services(
            settings=loaded,
            clock=SystemClock(),
            ids=RandomIds(),
            connections=tables.connections,
            settings_history=tables.settings_history,
            tenants=tables.tenants,
            people=tables.people,
            groups=tables.groups,
            addresses=tables.addresses,
            accounts=tables.accounts,
            staging=tables.staging,
            runs=tables.runs,
            mails=tables.mails,
            once=tables.once,
            queue=self.line,
            directory=directory,
            subscriptions=FakeSubscriptions(loaded.public_url),
            sign_in=nothing,
            mail_server=nothing,
        )

    def connect(self) -> ConnectionView:
        """The connection of an earlier process, or a new one that waits for Start."""
        known = self.services.connections.list(WORKSPACE)
        if known:
            return known[0]
        connection_id = workspace_key(WORKSPACE) + self.services.ids.hex(20)
        epoch = self.services.tenants.bind(TENANT, WORKSPACE, connection_id)
        now = iso(self.services.clock.now())
        connection = Connection(
            id=connection_id,
            workspace=WORKSPACE,
            workspace_name="Acme",
            state=ConnectionState.AWAITING_START,
            epoch=epoch,
            tenant_id=TENANT,
            digits=digits_for(self.directory.people),
            created_at=now,
            connected_at=now,
        )
        self.services.connections.save(connection)
        return self.view

    @property
    def view(self) -> ConnectionView:
        """Connection, reader, watch."""
        return self.services.connections.list(WORKSPACE)[0]

    def first_import(self) -> None:
        """Read, plan, start without mails, apply."""
        view = self.connect()
        self.line.send(PassMessage(view.connection.id, view.connection.epoch, cause="first"))
        self.drain()
        start.start(self.services, self.view, mail_existing=False)
        self.drain()
        assert self.view.connection.state is ConnectionState.CONNECTED

    def full_pass(self) -> Mapping[str, int]:
        """A reconciliation from its beginning to its end; returns the counts of its run."""
        start.reconcile_now(self.services, self.view)
        self.drain()
        (run, *_), _ = self.services.runs.page(self.view.connection.scope, "", 1)
        assert run.stage is Stage.DONE
        return run.counts

    def revisit(self) -> None:
        """Everybody is decided again from what is stored."""
        revisit.begin(self.services, self.view, "settings")
        self.drain()
        assert not self.view.reader.revisit_run

    def pull(self) -> None:
        """One look at the users feed, as the timer asks for it."""
        connection = self.view.connection
        message = PullMessage(connection.id, connection.epoch, "users", "timer", iso(self.services.clock.now()))
        pull.run(self.services, message)

    def drain(self) -> None:
        """Deliver every message, several at a time as the Functions host does."""
        with ThreadPoolExecutor(self._workers) as workers:
            under_way: set[Future[None]] = set()
            while True:
                while len(under_way) < self._workers and (message := self.line.receive()) is not None:
                    under_way.add(workers.submit(USE_CASES[queue_of(message)], self.services, message))
                if not under_way:
                    return
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for finished in done:
                    finished.result()


USE_CASES: Mapping[str, Callable[[Services, Any], None]] = {
    "pulls": pull.run,
    "passes": full_pass.run,
    "changes": apply.run,
}


@contextmanager
def counted_requests() -> Iterator[Counter[str]]:
    """Every request to storage while it lasts, by method; transactions count once, as `POST $batch`."""
    counts: Counter[str] = Counter()
    lock = threading.Lock()
    send = HTTPAdapter.send

    def counting(adapter: HTTPAdapter, request: PreparedRequest, **options: Any) -> Response:
        with lock:
            batch = " $batch" if (request.url or "").endswith("$batch") else ""
            counts[f"{request.method}{batch}"] += 1
        return send(adapter, request, **options)

    HTTPAdapter.send = counting  # type: ignore[method-assign, assignment]
    try:
        yield counts
    finally:
        HTTPAdapter.send = send  # type: ignore[method-assign]
