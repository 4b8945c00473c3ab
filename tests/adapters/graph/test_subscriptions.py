"""Our subscriptions against the simulated cloud, which calls back over HTTP before it answers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.cloud.server import Cloud
from shared.clock import SystemClock, parse_iso
from shared.errors import Conflict, Defect, NeedsAdmin, Transient
from shared.settings import Settings
from sync.adapters.microsoft import Microsoft
from sync.core.connection import Connection, ConnectionView
from sync.core.messages import PullMessage
from sync.core.subscription import LIFETIME
from sync.usecases import receive_notification, subscribe
from sync.usecases.services import LazyServices, Services
from tests.fakes import FakeQueue, FakeStorage

GROUPS_TOO = ["User.Read.All", "GroupMember.Read.All", "Group.Read.All"]


class Hooks:
    """Our two webhooks on plain HTTP, for the cloud on the same machine."""

    def __init__(self) -> None:
        hooks = self
        self.services: Services | None = None

        class Handler(BaseHTTPRequestHandler):
            """One request to one use case."""

            def do_POST(self) -> None:
                """Notifications and lifecycle events."""
                parts = urlsplit(self.path)
                hook = (
                    receive_notification.receive if "/notifications/" in parts.path else receive_notification.lifecycle
                )
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                assert hooks.services is not None
                reply = hook(hooks.services, parts.path.rpartition("/")[2], dict(parse_qsl(parts.query)), body)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body.encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  -- http.server's name
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    """Listening."""
    made = Hooks()
    thread = Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def _given(value: Any, services: Services) -> Any:
    return value


class World:
    """The product's own webhook, queue and watch, with Microsoft's side simulated."""

    def __init__(self, cloud: Cloud, settings: Settings, hooks: Hooks, connection: Connection) -> None:
        self.control = cloud.control
        self.control.behave(http_loopback=True)
        settings = replace(settings, public_url=hooks.url)
        self.microsoft = Microsoft(settings, SystemClock())
        self.storage, self.queue = FakeStorage(), FakeQueue(SystemClock())
        self.connection = self.storage.connections.save(connection)
        values = {
            "settings": settings,
            "clock": SystemClock(),
            "connections": self.storage.connections,
            "queue": self.queue,
            "subscriptions": self.microsoft.subscriptions,
        }
        self.services: Services = LazyServices({name: partial(_given, value) for name, value in values.items()})
        hooks.services = self.services

    def view(self) -> ConnectionView:
        """As it is stored."""
        view = self.storage.connections.load(self.connection.id)
        assert view is not None
        return view

    def live(self) -> list[dict[str, Any]]:
        """What the cloud has for this tenant."""
        return [one for one in self.control.subscriptions() if one["tenant"] == self.connection.tenant_id]

    def pulls(self) -> list[PullMessage]:
        """Pulls on their way."""
        return [one.message for one in self.queue.waiting("pulls") if isinstance(one.message, PullMessage)]


@pytest.fixture
def world(cloud: Cloud, settings: Settings, hooks: Hooks, connection: Connection) -> Iterator[World]:
    """A tenant that granted enough for both feeds."""
    made = World(cloud, settings, hooks, connection)
    made.control.set_roles(connection.tenant_id, GROUPS_TOO)
    yield made
    for one in made.live():
        made.control.drop_subscription(one["id"])
    made.microsoft.close()


def test_both_feeds_are_watched(world: World) -> None:
    """Two subscriptions for nearly 29 days, and a pull of each feed for what happened before."""
    watch = subscribe.ensure(world.services, world.view())
    assert sorted(one["resource"] for one in world.live()) == ["groups", "users"]
    assert {held.subscription_id for held in watch.subscriptions.values()} == {one["id"] for one in world.live()}
    for held in watch.subscriptions.values():
        left = parse_iso(held.expires_at) - datetime.now(UTC)
        assert LIFETIME - timedelta(minutes=1) < left <= LIFETIME
    assert sorted(pull.feed for pull in world.pulls()) == ["groups", "users"]
    assert world.view().watch == watch


def test_a_change_in_the_tenant_becomes_a_hint(world: World) -> None:
    """The cloud's own notification is believed, and names the person."""
    subscribe.ensure(world.services, world.view())
    ann = world.control.create_user(world.connection.tenant_id, displayName="Ann")
    world.control.settle()
    noticed = [pull for pull in world.pulls() if pull.cause == "notification"]
    assert [(pull.feed, pull.epoch, pull.hinted) for pull in noticed] == [("users", 3, (ann,))]
    assert {item["status"] for item in world.control.notifications() if item["object"] == ann} == {"202"}


def test_ensuring_again_changes_nothing(world: World) -> None:
    """No call to Graph and no write until something is due."""
    watch = subscribe.ensure(world.services, world.view())
    world.control.clear_requests()
    assert subscribe.ensure(world.services, world.view()) == watch
    assert world.control.requests() == []


def test_groups_may_be_refused(world: World) -> None:
    """Without Group.Read.All groups are polled, and asked for again a day later."""
    world.control.set_roles(world.connection.tenant_id, ["User.Read.All", "GroupMember.Read.All"])
    watch = subscribe.ensure(world.services, world.view())
    assert set(watch.subscriptions) == {"users"}
    assert set(watch.refused) == {"groups"}
    assert [one["resource"] for one in world.live()] == ["users"]


def test_a_subscription_whose_creation_was_not_noticed_is_replaced(world: World) -> None:
    """The answer was lost: the orphan makes way, and there is never more than one pair."""
    subscribe.ensure(world.services, world.view())
    lost = {one["id"] for one in world.live()}
    view = world.view()
    world.storage.connections.save_watch(view.connection, replace(view.watch, subscriptions={}))
    watch = subscribe.ensure(world.services, world.view())
    assert len(world.live()) == 2
    assert not lost & {held.subscription_id for held in watch.subscriptions.values()}


def test_an_orphan_is_removed_by_the_comparison(world: World) -> None:
    """What Graph lists for our address and we do not know is removed; what we know and Graph lost is made anew."""
    subscribe.ensure(world.services, world.view())
    gone = next(one["id"] for one in world.live() if one["resource"] == "users")
    world.control.drop_subscription(gone)
    view = world.view()
    world.storage.connections.save_watch(view.connection, replace(view.watch, checked_at=""))
    watch = subscribe.ensure(world.services, world.view())
    assert gone not in {held.subscription_id for held in watch.subscriptions.values()}
    assert sorted(one["resource"] for one in world.live()) == ["groups", "users"]
    assert len([pull for pull in world.pulls() if pull.feed == "users"]) == 2


@pytest.mark.parametrize("gone", [False, True])
def test_half_way_through_its_life_it_is_renewed(world: World, gone: bool) -> None:
    """Prolonged by PATCH; made anew where Graph no longer has it."""
    before = subscribe.ensure(world.services, world.view())
    view = world.view()
    soon = {
        feed: replace(held, expires_at=(datetime.now(UTC) + timedelta(days=1)).isoformat())
        for feed, held in view.watch.subscriptions.items()
    }
    world.storage.connections.save_watch(view.connection, replace(view.watch, subscriptions=soon))
    if gone:
        for one in world.live():
            world.control.drop_subscription(one["id"])
    after = subscribe.ensure(world.services, world.view())
    ids = [{held.subscription_id for held in watch.subscriptions.values()} for watch in (before, after)]
    assert (ids[0] == ids[1]) is not gone
    assert all(
        parse_iso(held.expires_at) > datetime.now(UTC) + timedelta(days=27) for held in after.subscriptions.values()
    )
    assert len(world.live()) == 2


def test_reauthorization_renews_at_the_next_tick(world: World) -> None:
    """The lifecycle event of the cloud itself, believed, then a PATCH."""
    watch = subscribe.ensure(world.services, world.view())
    users = watch.subscriptions["users"].subscription_id
    world.control.send_lifecycle(users, "reauthorizationRequired")
    world.control.settle()
    world.control.clear_requests()
    after = subscribe.ensure(world.services, world.view())
    assert after.subscriptions["users"].subscription_id == users
    assert [request["method"] for request in world.control.requests() if "/subscriptions" in request["path"]] == [
        "PATCH"
    ]


def test_dropping_leaves_nothing(world: World) -> None:
    """Every subscription of the tenant is removed, known or not."""
    subscribe.ensure(world.services, world.view())
    subscribe.drop(world.services, world.view())
    assert world.live() == []
    subscribe.drop(world.services, world.view())


def test_a_doubled_creation_is_a_conflict(world: World) -> None:
    """Graph's 409."""
    expires_at = datetime.now(UTC) + timedelta(days=1)
    world.microsoft.subscriptions.create(world.connection, "users", "state", expires_at)
    with pytest.raises(Conflict):
        world.microsoft.subscriptions.create(world.connection, "users", "state", expires_at)


def test_a_refusal_has_its_own_code(world: World) -> None:
    """403 on creating is not a lost permission to read."""
    world.control.fault("POST /v1.0/subscriptions", status=403, code="Authorization_RequestDenied")
    with pytest.raises(NeedsAdmin, match="subscription_refused"):
        world.microsoft.subscriptions.create(world.connection, "users", "s", datetime.now(UTC) + timedelta(days=1))


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "5"}},
        {"status": 503},
        {"status": 400, "code": "ValidationError"},
        {"action": "html"},
        {"action": "body", "body": "[]"},
        {"action": "body", "body": '{"id":"../x"}'},
        {"action": "body", "body": '{"id":"x","resource":"users","expirationDateTime":"soon"}'},
    ],
)
def test_passing_trouble_while_creating(world: World, fault: dict[str, Any]) -> None:
    """Throttling, an unanswered handshake and odd answers are tried again by the next tick."""
    world.control.fault("POST /v1.0/subscriptions", **fault)
    with pytest.raises(Transient):
        subscribe.ensure(world.services, world.view())
    assert len(subscribe.ensure(world.services, world.view()).subscriptions) == 2


def test_gone_already_is_fine(world: World) -> None:
    """Renewing says so, removing does not mind; an id that is none never becomes part of a URL."""
    expires_at = datetime.now(UTC) + timedelta(days=1)
    unknown = "ffffffff-0000-4000-8000-000000000000"
    assert world.microsoft.subscriptions.renew(world.connection, unknown, expires_at) is None
    world.microsoft.subscriptions.delete(world.connection, unknown)
    with pytest.raises(Defect):
        world.microsoft.subscriptions.delete(world.connection, "../users")
