"""A workspace as the panel finds it: fakes with a tenant of made-up people, and tokens that its platform signs."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.clock import iso
from shared.settings import Settings, load
from sync.core.connection import (
    Connection,
    ConnectionState,
    FeedState,
    Reader,
    Subscription,
    Survey,
    Watch,
    workspace_key,
)
from sync.core.counting import recount
from sync.core.model import Action, ActivityEntry, GroupRecord, PersonRecord, Reason
from sync.core.runs import Cause, HeldRemoval, Hold, Mail, MailState, Outcome, Run, Stage
from sync.ports import COMMIT_LIMIT, Activity
from sync.usecases.services import Services
from tests.fakes.directory import FakeDirectory
from tests.fakes.mail_server import FakeMailServer
from tests.fakes.queue import FakeQueue
from tests.fakes.storage import FakeStorage
from tests.fakes.subscriptions import FakeSubscriptions
from tests.fakes.time_and_ids import FakeClock, FakeIds
from tests.panel.cast import HOSTILE, group, object_id, person
from tests.panel.sign_in import FakeSignIn

WORKSPACE, TENANT = "ws-contoso", "f8cdef31-a31e-4b4a-93e4-5f571e91255a"


@functools.cache
def platform_key() -> rsa.RSAPrivateKey:
    """The key Moxso's platform signs with."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwks() -> str:
    """Its public half, as WORKSPACE_JWKS holds it."""
    key = jwt.algorithms.RSAAlgorithm.to_jwk(platform_key().public_key(), as_dict=True)
    return json.dumps({"keys": [{**key, "kid": "platform-1", "use": "sig", "alg": "RS256"}]})


def settings(**changes: str) -> Settings:
    """Settings as in the environment, with changes."""
    return load(
        {
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "PUBLIC_URL": "https://sync.moxso.example",
            "ENTRA_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
            "ENTRA_CLIENT_SECRET": "not-a-secret",
            "MAIL_URL": "smtp://127.0.0.1:2525",
            "MAIL_SENDER": "hello@moxso.example",
            "SIGNING_KEYS": "current-key-0123456789-0123456789,earlier-key-0123456789-0123456789",
            "WORKSPACE_ISSUER": "https://app.moxso.example",
            "WORKSPACE_AUDIENCE": "directory-sync",
            "WORKSPACE_JWKS": jwks(),
            **changes,
        }
    )


def workspace_token(
    services: Services, key: Any = None, headers: Mapping[str, str] | None = None, **changes: Any
) -> str:
    """A token of five minutes for the admin of WORKSPACE; a claim changed to None is left out."""
    claims = {
        "iss": "https://app.moxso.example",
        "aud": "directory-sync",
        "sub": "admin-1",
        "name": "Ada Admin",
        "email": "ada@contoso.example",
        "workspace": WORKSPACE,
        "workspace_name": "Contoso",
        "role": "admin",
        "exp": int(services.clock.now().timestamp()) + 300,
        "jti": services.ids.hex(16),
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key or platform_key(), algorithm="RS256", headers={"kid": "platform-1", **(headers or {})})


class World:
    """Services over fakes. The directory and the sign-in are those of tests/fakes and beside."""

    def __init__(self, **setting_changes: str) -> None:
        self.clock = FakeClock()
        self.storage = FakeStorage()
        self.queue = FakeQueue(self.clock, self.storage.faults)
        self.directory = FakeDirectory(self.clock, self.storage.faults, chance=random.Random(1))
        self.sign_in = FakeSignIn(TENANT)
        self.services = Services(
            settings=settings(**setting_changes),
            clock=self.clock,
            ids=FakeIds(),
            connections=self.storage.connections,
            settings_history=self.storage.settings_history,
            tenants=self.storage.tenants,
            people=self.storage.people,
            groups=self.storage.groups,
            addresses=self.storage.addresses,
            accounts=self.storage.accounts,
            staging=self.storage.staging,
            runs=self.storage.runs,
            mails=self.storage.mails,
            once=self.storage.once,
            queue=self.queue,
            directory=self.directory,
            subscriptions=FakeSubscriptions("https://sync.moxso.example", self.storage.faults),
            sign_in=self.sign_in,
            mail_server=FakeMailServer(),
        )

    def token(self, key: Any = None, headers: Mapping[str, str] | None = None, **changes: Any) -> str:
        """A workspace token of five minutes; a claim changed to None is left out."""
        return workspace_token(self.services, key, headers, **changes)

    def ago(self, **delta: float) -> str:
        """ISO of a while ago."""
        return iso(self.clock.now() - timedelta(**delta))

    def connect(
        self, state: ConnectionState = ConnectionState.CONNECTED, workspace: str = WORKSPACE, **changes: Any
    ) -> Connection:
        """A connection in a state, with what belongs to it."""
        bound = state is not ConnectionState.AWAITING_CONSENT
        started = state in {ConnectionState.IMPORTING, ConnectionState.CONNECTED, ConnectionState.ATTENTION}
        survey = Survey(1000, 38, 21, 9, 2, 40, 902, 3)
        connection = Connection(
            id=workspace_key(workspace) + self.services.ids.hex(20),
            workspace=workspace,
            workspace_name="Contoso",
            state=state,
            epoch=1 if bound else 0,
            tenant_id=TENANT if bound else "",
            tenant_name="Contoso Shoes" if bound else "",
            created_at=self.ago(hours=3),
            created_by="admin-1",
            connected_at=self.ago(hours=3) if bound else "",
            started_at=self.ago(minutes=3) if started else "",
            survey=survey if bound else None,
            first_pass_done=state is ConnectionState.CONNECTED,
        )
        saved = self.storage.connections.save(replace(connection, **changes))
        if state in {ConnectionState.CONNECTED, ConnectionState.ATTENTION}:
            self.watch(saved)
        return saved

    def state(self, connection: Connection) -> ConnectionState:
        """The state it is in now."""
        view = self.storage.connections.load(connection.id)
        assert view is not None
        return view.connection.state

    def watch(self, connection: Connection, *, groups_refused: bool = False) -> None:
        """Subscriptions, cursors and the time of the last pass."""
        view = self.storage.connections.load(connection.id)
        assert view is not None
        ends = iso(self.clock.now() + timedelta(days=20))
        watch = Watch(connection.id, {"users": Subscription("s1", ends)}, {"groups": self.ago(hours=1)}, self.ago())
        if not groups_refused:
            watch = Watch(
                connection.id, {"users": Subscription("s1", ends), "groups": Subscription("s2", ends)}, {}, self.ago()
            )
        self.storage.connections.save_watch(connection, replace(watch, etag=view.watch.etag))
        self.read(
            connection,
            feeds={feed: FeedState(delta_link="https://graph") for feed in ("users", "groups")},
            passed_at=self.ago(hours=2),
        )

    def read(self, connection: Connection, **changes: Any) -> Reader:
        """Change the reader's row."""
        view = self.storage.connections.load(connection.id)
        assert view is not None
        return self.storage.connections.save_reader(connection, replace(view.reader, **changes))

    def people(self, scope: str, count: int = 0) -> list[PersonRecord]:
        """Seven remarkable people at least, and ordinary ones up to `count`."""
        records = [person(number, self.ago(days=1)) for number in range(max(7, count))]
        self.store(scope, records)
        return records

    def store(self, scope: str, records: list[PersonRecord], activity: Activity | None = None) -> None:
        """Write people with their counters."""
        for start in range(0, len(records), COMMIT_LIMIT):
            batch = records[start : start + COMMIT_LIMIT]
            loaded = self.storage.people.load(scope, "", [record.object_id for record in batch])
            pairs = [(loaded.records.get(record.object_id, PersonRecord(record.object_id)), record) for record in batch]
            self.storage.people.commit(loaded, batch, recount(loaded.counts, pairs), activity)

    def groups(self, scope: str, count: int = 4) -> list[GroupRecord]:
        """Groups of several kinds."""
        return list(self.storage.groups.commit(scope, [group(number) for number in range(count)]))

    def run(
        self, connection: Connection, cause: Cause = "notification", seconds_ago: float = 60, **changes: Any
    ) -> Run:
        """A run that took four seconds from the notification, finished unless changed."""
        began = self.clock.now() - timedelta(seconds=seconds_ago)
        run = Run(
            id=f"{10**15 - 1 - int(began.timestamp() * 1000):015d}{self.services.ids.hex(8)}",
            scope=connection.scope,
            connection=connection.id,
            kind="pass" if cause in {"first", "reconcile", "reset"} else "pull",
            cause=cause,
            epoch=1,
            started_at=iso(began),
            noticed_at=iso(began - timedelta(seconds=2)),
            finished_at=iso(began + timedelta(seconds=2)),
            stage=Stage.DONE,
            outcome=Outcome.COMPLETE,
            feed="users",
            read=3,
            counts={"create": 1, "update": 2},
        )
        return self.storage.runs.save(replace(run, **changes))

    def hold(self, connection: Connection, names: list[str]) -> Hold:
        """Removals that wait."""
        removals = tuple(HeldRemoval(object_id(number), name, Reason.LEFT) for number, name in enumerate(names))
        return self.storage.runs.save_hold(
            Hold(
                "h" * 16,
                connection.scope,
                connection.id,
                "run",
                "reconcile",
                self.ago(minutes=5),
                iso(self.clock.now() + timedelta(hours=23)),
                removals,
            )
        )

    def mail(self, connection: Connection, number: int, state: MailState, note: str = "") -> None:
        """A person's onboarding mail."""
        made = Mail(
            connection.tenant_id,
            object_id(number),
            connection.id,
            f"person{number}@contoso.example",
            HOSTILE if number == 0 else f"Person {number}",
            self.ago(minutes=number),
        )
        self.storage.mails.claim([made])
        claimed = self.storage.mails.get(made.tenant_id, made.object_id, 1)
        assert claimed is not None
        self.storage.mails.save(replace(claimed, state=state, note=note, changed_at=self.ago(minutes=number)))

    def change(self, connection: Connection, record: PersonRecord, department: str, run: str = "run-1") -> None:
        """Somebody changes department, with its activity."""
        stored = self.storage.people.load(connection.scope, "", [record.object_id]).records[record.object_id]
        entry = ActivityEntry(
            record.object_id,
            Action.UPDATE,
            Reason.OK,
            dict(stored.fields),
            {**stored.fields, "department": department},
        )
        moved = replace(stored, fields={**stored.fields, "department": department})
        self.store(connection.scope, [moved], Activity(run, 0, self.ago(seconds=20), [entry]))
