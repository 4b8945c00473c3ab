"""The whole product in one process: fakes of every port, a host that delivers messages, and time that jumps.

What the Functions host does is done here: each message is decoded and given to its one use case; an exception shows
it again after host.json's visibility timeout and poisons it at the fifth; a killed worker leaves it hidden.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from shared import settings
from shared.clock import iso
from sync.core.connection import Connection, ConnectionState, ConnectionView, shards, workspace_key
from sync.core.messages import PassMessage, PullMessage, decode
from sync.core.model import FEEDS, Counts, FeedName, GroupRecord, PersonRecord
from sync.core.runs import Hold, Mail, Run
from sync.ports import Holder, ManualAccount, SignIn
from sync.usecases import (
    apply,
    disconnect,
    full_pass,
    holds,
    manual_accounts,
    onboard,
    pull,
    settings_change,
    start,
    tick,
)
from sync.usecases.services import Services
from sync.usecases.versions import Author
from tests.fakes.directory import FakeDirectory
from tests.fakes.faults import Crash, Faults
from tests.fakes.mail_server import FakeMailServer
from tests.fakes.queue import Delivery, FakeQueue
from tests.fakes.storage import FakeStorage
from tests.fakes.subscriptions import FakeSubscriptions
from tests.fakes.time_and_ids import FakeClock, FakeIds

ENVIRONMENT: Mapping[str, str] = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "PUBLIC_URL": "https://sync.moxso.example",
    "ENTRA_CLIENT_ID": "11111111-1111-4111-8111-111111111111",
    "ENTRA_CLIENT_SECRET": "made-up",
    "MAIL_URL": "smtp://mail.example:25",
    "MAIL_SENDER": "hello@moxso.example",
    "SIGNING_KEYS": "a-made-up-key-of-more-than-32-characters",
    "WORKSPACE_ISSUER": "https://moxso.example",
    "WORKSPACE_AUDIENCE": "sync",
    "WORKSPACE_JWKS": "{}",
}
WORKSPACE, TENANT = "acme", "99999999-0000-4000-8000-000000000001"
VISIBILITY = timedelta(seconds=10)  # host.json
TOO_MANY = 5_000  # deliveries without coming to rest: something goes round in circles
_USE_CASES: Mapping[str, Callable[[Services, Any], None]] = {
    "pulls": pull.run,
    "passes": full_pass.run,
    "changes": apply.run,
    "mails": onboard.run,
}


class Engine:
    """See the module. `errors` are what use cases raised, in order."""

    def __init__(self, *, seed: int = 0, storage: Any = None) -> None:
        self.faults = Faults()
        self.clock = FakeClock()
        self.chance = random.Random(seed)
        self.storage = storage or FakeStorage(self.faults)
        self.queue = FakeQueue(self.clock, self.faults)
        self.mail_server = FakeMailServer(self.faults)
        self.directory = FakeDirectory(self.clock, self.faults, chance=random.Random(seed + 1))
        self.errors: list[BaseException] = []
        self.working: Delivery | None = None  # the message a use case has in hand
        self.concluded: Callable[[Delivery], object] = lambda _: None  # told of every message that is done with
        self._copies: set[int] = set()
        self.services = self._services()

    def _services(self) -> Services:
        loaded = settings.load(ENVIRONMENT)
        storage = self.storage
        return Services(
            settings=loaded,
            clock=self.clock,
            ids=FakeIds(),
            connections=storage.connections,
            settings_history=storage.settings_history,
            tenants=storage.tenants,
            people=storage.people,
            groups=storage.groups,
            addresses=storage.addresses,
            accounts=storage.accounts,
            staging=storage.staging,
            runs=storage.runs,
            mails=storage.mails,
            once=storage.once,
            queue=self.queue,
            directory=self.directory,
            subscriptions=FakeSubscriptions(loaded.public_url, self.faults),
            sign_in=cast("SignIn", None),  # nobody signs in here
            mail_server=self.mail_server,
        )

    # --- what the outside does -----------------------------------------------------------------------------------

    def connect(self, workspace: str = WORKSPACE, tenant_id: str = TENANT, *, digits: int = 0) -> Tenanted:
        """A proven connection that waits for Start, its first full pass enqueued; what the connect flow leaves."""
        tenant = self.tenant(tenant_id)
        connection_id = workspace_key(workspace) + self.services.ids.hex(20)
        epoch = self.services.tenants.bind(tenant_id, workspace, connection_id)
        now = iso(self.clock.now())
        connection = self.services.connections.save(
            Connection(
                id=connection_id,
                workspace=workspace,
                workspace_name=workspace.title(),
                state=ConnectionState.AWAITING_START,
                epoch=epoch,
                tenant_id=tenant_id,
                digits=digits,
                created_at=now,
                connected_at=now,
            )
        )
        self.queue.send(PassMessage(connection.id, epoch, cause="first"))
        return Tenanted(self, tenant, connection.id)

    def tenant(self, tenant_id: str) -> Any:
        """What lives in the directory: a `Tenant`, or something with the same verbs."""
        return self.directory.tenant(tenant_id)

    def tick(self) -> None:
        """The minute's timer fires."""
        with self.attempt():
            tick.run(self.services)

    def deliver(self) -> bool:
        """Hand one visible message to its use case; False when there is none."""
        delivery = self.queue.receive()
        if delivery is None:
            return False
        self.working = delivery
        with self.attempt() as failed:
            _USE_CASES[delivery.queue](self.services, decode(delivery.queue, delivery.body))
        self.working = None
        if not failed:
            self.concluded(delivery)
            self.queue.done(delivery)
        elif not isinstance(failed[0], Crash):
            self.queue.failed(delivery, delay=VISIBILITY)
        return True

    def pump(self, until: datetime | None = None) -> None:
        """Deliver until nothing waits (or nothing before a moment), jumping to when the next message shows."""
        for _ in range(TOO_MANY):
            if self.deliver():
                continue
            following = self.queue.next_at()
            if following is None or (until is not None and following > until):
                break
            self.clock.advance(max(following - self.clock.now(), timedelta(0)))
        else:
            raise AssertionError(f"it does not come to rest: {self.queue.waiting()[:5]}")
        if until is not None and until > self.clock.now():
            self.clock.advance(until - self.clock.now())

    def wait(self, span: timedelta) -> None:
        """Let time pass, the timer firing every minute; everything that shows is delivered."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            self.tick()
            self.pump(until=min(end, self.clock.now() + timedelta(minutes=1)))

    def cycle(self) -> None:
        """One pull interval passes."""
        self.wait(timedelta(seconds=self.services.settings.pull_interval + 60))

    def reshuffle(self) -> None:
        """Whatever waits comes in another order, a part of it twice (never a copy of a copy)."""
        for delivery in self.queue.waiting():
            if delivery.number not in self._copies and self.chance.random() < 0.3:
                self.queue.duplicate(delivery.number)
                self._copies |= {delivery.number, max(one.number for one in self.queue.waiting())}
        self.queue.shuffle(self.chance)

    @contextmanager
    def attempt(self) -> Iterator[list[BaseException]]:
        """Whatever is raised in the body, a `Crash` too, ends up in `errors` and in the list."""
        failed: list[BaseException] = []
        try:
            yield failed
        except (Exception, Crash) as error:  # noqa: BLE001 -- the host takes whatever is raised
            failed.append(error)
            self.errors.append(error)

    @property
    def poison(self) -> list[Delivery]:
        """Messages that failed five times."""
        return self.queue.poison


class Tenanted:
    """One connection of an engine: what its admin can do, and what is stored for it."""

    def __init__(self, engine: Engine, tenant: Any, connection_id: str) -> None:
        self.engine = engine
        self.tenant = tenant
        self.id = connection_id
        self._services = engine.services

    # --- verbs ---------------------------------------------------------------------------------------------------

    def start(self, *, mail_existing: bool = False, onboarding: bool = True) -> None:
        """The admin presses Start."""
        start.start(self._services, self.view, mail_existing=mail_existing, onboarding=onboarding)

    def imported(self, *, mail_existing: bool = False) -> Tenanted:
        """The first import, from the plan to connected."""
        self.engine.pump()
        self.start(mail_existing=mail_existing)
        self.engine.pump()
        return self

    def hint(self, feed: FeedName = "users", *ids: str) -> None:
        """A notification was accepted."""
        now = iso(self.engine.clock.now())
        self.engine.queue.send(PullMessage(self.id, self.connection.epoch, feed, "notification", now, ids))

    def sync(self) -> None:
        """Notifications for both feeds, and everything that follows."""
        for feed in FEEDS:
            self.hint(feed)
        self.engine.pump()

    def request_pass(self) -> None:
        """The admin asks for a full pass."""
        start.reconcile_now(self._services, self.view)

    def reconcile(self) -> None:
        """A full pass, and everything that follows."""
        self.request_pass()
        self.engine.pump()

    def save(self, **changes: Any) -> None:
        """The admin saves settings; everybody is to be decided again."""
        view = self.view
        settings_change.save(self._services, view, replace(view.connection.settings, **changes), Author("admin"))

    def choose(self, **changes: Any) -> None:
        """The admin saves settings, and everything that follows."""
        self.save(**changes)
        self.engine.pump()

    def approve_all(self) -> None:
        """The admin approves every hold, and everything that follows."""
        for hold in self.holds:
            self.approve(hold)
        self.engine.pump()

    def approve(self, hold: Hold) -> None:
        """The admin approves a hold."""
        holds.approve(self._services, self.connection, hold.id, "admin")

    def reject(self, hold: Hold) -> None:
        """The admin rejects a hold."""
        holds.reject(self._services, self.connection, hold.id, "admin")

    def manual(self, address: str, name: str = "By Hand", *, employee_id: str = "") -> ManualAccount:
        """An admin makes an account by hand. Raises Conflict when address or employee id is taken."""
        return manual_accounts.create(self._services, self.connection.workspace, address, name, employee_id)

    def disconnect(self) -> None:
        """As an admin does it."""
        disconnect.run(self._services, self.view)

    # --- what is stored ------------------------------------------------------------------------------------------

    @property
    def view(self) -> ConnectionView:
        """Connection, reader, watch."""
        view = self._services.connections.load(self.id)
        assert view is not None
        return view

    @property
    def connection(self) -> Connection:
        """The connection."""
        return self.view.connection

    @property
    def scope(self) -> str:
        """Its scope."""
        return self.connection.scope

    @property
    def people(self) -> dict[str, PersonRecord]:
        """Every person's record, by object id."""
        found: dict[str, PersonRecord] = {}
        connection = self.connection
        for shard in shards(connection.digits):
            found.update(self._services.people.load(connection.scope, shard).records)
        return found

    def person(self, object_id: str) -> PersonRecord:
        """One person's record."""
        return self.people[object_id]

    @property
    def groups(self) -> Mapping[str, GroupRecord]:
        """Every group's record."""
        return self._services.groups.load(self.scope)

    @property
    def counts(self) -> Counts:
        """The counter rows, summed."""
        return self._services.people.counts(self.scope, shards(self.connection.digits))

    @property
    def addresses(self) -> Mapping[str, Holder]:
        """Who holds which address of the workspace."""
        found: Mapping[str, Holder] = self.engine.storage.addresses.all(self.connection.workspace)
        return found

    @property
    def runs(self) -> list[Run]:
        """Newest first."""
        return list(self._services.runs.page(self.scope, "", 1000)[0])

    @property
    def holds(self) -> list[Hold]:
        """Holds that wait for a decision."""
        return [hold for hold in self._services.runs.holds(self.scope) if hold.state == "waiting"]

    @property
    def mails(self) -> list[Mail]:
        """Every claim on a mail."""
        return list(self._services.mails.page(self.tenant.id, "", 1000)[0])

    @property
    def mailed(self) -> list[str]:
        """The addresses the mail server took a mail for, sorted."""
        return sorted(mail.to_address for mail in self.engine.mail_server.accepted)
