"""Graph's webhooks, item by item, with the queue and the watch in memory."""

import json
import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.clock import iso
from shared.errors import Conflict, Transient
from shared.settings import Settings, load
from sync.core.connection import Connection, ConnectionState, Subscription
from sync.core.messages import PullMessage
from sync.core.model import FeedName
from sync.core.signing import client_state
from sync.usecases.receive_notification import BODY_LIMIT, lifecycle, receive
from sync.usecases.services import LazyServices, Services
from tests.fakes import FakeClock, FakeIds, FakeQueue, FakeStorage, Faults

KEY, FORMER = "k" * 32, "f" * 32
CONNECTION, TENANT = "c" * 32, "11111111-2222-4333-8444-555555555555"
ANN = "aaaaaaaa-0000-4000-8000-000000000000"


def settings() -> Settings:
    """The settings a webhook needs, and what else is required."""
    return load(
        {
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "PUBLIC_URL": "https://sync.moxso.example",
            "ENTRA_CLIENT_ID": "app",
            "ENTRA_CLIENT_SECRET": "secret",
            "MAIL_URL": "smtp://localhost:25",
            "MAIL_SENDER": "no-reply@moxso.example",
            "SIGNING_KEYS": f"{KEY},{FORMER}",
            "WORKSPACE_ISSUER": "https://moxso.example",
            "WORKSPACE_AUDIENCE": "sync",
            "WORKSPACE_JWKS": "{}",
        }
    )


def _given(value: Any, services: Services) -> Any:
    return value


class World:
    """Services in memory, and what a test looks at."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.clock = FakeClock()
        self.storage = FakeStorage(self.faults)
        self.queue = FakeQueue(self.clock, self.faults)
        values: dict[str, Any] = {
            "settings": settings(),
            "clock": self.clock,
            "ids": FakeIds(),
            "connections": self.storage.connections,
            "queue": self.queue,
        }
        self.services: Services = LazyServices({name: partial(_given, value) for name, value in values.items()})

    def pulls(self) -> list[PullMessage]:
        """Every pull that is on its way."""
        return [
            delivery.message for delivery in self.queue.waiting("pulls") if isinstance(delivery.message, PullMessage)
        ]


@pytest.fixture
def world() -> World:
    """Nothing has happened yet."""
    return World()


def item(feed: FeedName = "users", *, key: str = KEY, epoch: int = 3, **changes: Any) -> dict[str, Any]:
    """A notification as Graph sends it."""
    basic = {
        "changeType": "updated",
        "clientState": client_state(key, CONNECTION, TENANT, feed, epoch),
        "resource": f"{feed.capitalize()}/{ANN}",
        "subscriptionId": "7c1b0d9e-0000-4000-8000-000000000001",
        "tenantId": TENANT,
        "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": ANN, "sequenceNumber": 636784480202455800},
    }
    return {**basic, **changes}


def batch(*items: Any) -> bytes:
    """The body of a POST."""
    return json.dumps({"value": list(items)}).encode()


def test_a_notification_becomes_one_durable_hint(world: World) -> None:
    """The pull names feed, epoch and the object, and is visible after the hint delay."""
    assert receive(world.services, CONNECTION, {}, batch(item())).status == 202
    assert world.pulls() == [PullMessage(CONNECTION, 3, "users", "notification", iso(world.clock.now()), (ANN,))]
    assert world.queue.waiting("pulls")[0].visible_at == world.clock.now() + timedelta(seconds=2)


def test_a_batch_becomes_one_hint_per_feed(world: World) -> None:
    """A hundred items of two feeds make two pulls."""
    assert receive(world.services, CONNECTION, {}, batch(*[item("users"), item("groups")] * 50)).status == 202
    assert sorted(pull.feed for pull in world.pulls()) == ["groups", "users"]


def test_bad_items_are_dropped_one_by_one(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A forged item neither gets through nor keeps its neighbour from getting through."""
    caplog.set_level(logging.INFO)
    forged = item(clientState="users.3." + "A" * 43)
    assert receive(world.services, CONNECTION, {}, batch(forged, item(), "text", None)).status == 202
    assert len(world.pulls()) == 1
    assert '"items":3' in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        {"clientState": None},
        {"clientState": ""},
        {"clientState": 7},
        {"clientState": client_state(KEY, "d" * 32, TENANT, "users", 3)},
        {"clientState": client_state(KEY, CONNECTION, TENANT, "groups", 3)},
        {"tenantId": "99999999-2222-4333-8444-555555555555"},
        {"tenantId": None},
        {"resource": f"Groups/{ANN}"},
        {"resource": None},
        {"resource": "me/messages"},
    ],
)
def test_an_item_that_proves_nothing_does_nothing(world: World, changes: dict[str, Any]) -> None:
    """Wrong state, another tenant or another resource: acknowledged, and without any effect."""
    assert receive(world.services, CONNECTION, {}, batch(item(**changes))).status == 202
    assert world.pulls() == []


def test_the_former_key_still_opens(world: World) -> None:
    """Subscriptions made before a change of keys are believed until they are renewed."""
    receive(world.services, CONNECTION, {}, batch(item(key=FORMER)))
    assert len(world.pulls()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'"x"',
        b"{}",
        b'{"value":[]}',
        b'{"value":{}}',
        b'{"value":null}',
        b"\xff\xfe",
        b"[" * 50_000,
    ],
)
def test_what_is_no_batch_is_refused(world: World, body: bytes) -> None:
    """No list of items: 400, no effect."""
    assert receive(world.services, CONNECTION, {}, body).status == 400
    assert lifecycle(world.services, CONNECTION, {}, body).status == 400
    assert world.pulls() == []


def test_a_body_that_is_too_large_is_not_even_read(world: World) -> None:
    """256 KiB is ten times what Graph sends."""
    assert receive(world.services, CONNECTION, {}, batch(item(), "x" * BODY_LIMIT)).status == 400
    assert world.pulls() == []


@pytest.mark.parametrize("connection", ["", "x", "C" * 32, "../" + "c" * 29, "c" * 33])
def test_a_path_that_names_no_connection(world: World, connection: str) -> None:
    """Anything but an id of ours is not found."""
    assert receive(world.services, connection, {}, batch(item())).status == 404


def test_when_the_queue_is_down_graph_is_told_to_try_again(world: World) -> None:
    """503 and nothing remembered: the repetition makes the hint durable."""
    world.faults.fail_next("queue.send", Transient("down"))
    assert receive(world.services, CONNECTION, {}, batch(item())).status == 503
    assert receive(world.services, CONNECTION, {}, batch(item())).status == 202
    assert len(world.pulls()) == 1


def test_a_hint_on_its_way_covers_what_comes_meanwhile(world: World) -> None:
    """A burst makes one pull; once that is visible, the next notification makes another."""
    for _ in range(50):
        assert receive(world.services, CONNECTION, {}, batch(item())).status == 202
    assert len(world.pulls()) == 1
    world.clock.advance(2)
    receive(world.services, CONNECTION, {}, batch(item()))
    assert len(world.pulls()) == 2


def test_feeds_epochs_and_connections_do_not_cover_each_other(world: World) -> None:
    """What is on its way for one says nothing about another."""
    other = "d" * 32
    receive(world.services, CONNECTION, {}, batch(item("users"), item("groups"), item("users", epoch=4)))
    receive(world.services, other, {}, batch(item(clientState=client_state(KEY, other, TENANT, "users", 3))))
    assert len(world.pulls()) == 4


def test_a_clock_that_jumps_back_does_not_silence_a_feed(world: World) -> None:
    """Covered is what falls within the hint's own two seconds, nothing else."""
    receive(world.services, CONNECTION, {}, batch(item()))
    world.clock.advance(-600)
    receive(world.services, CONNECTION, {}, batch(item()))
    assert len(world.pulls()) == 2


def test_at_most_twenty_objects_are_named(world: World) -> None:
    """The hint stays small, names nobody twice, and nothing that is not an object id."""
    ids = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(30)]
    items = [item(resourceData={"id": object_id}) for object_id in ["../x", 7, ids[0], *ids]]
    receive(world.services, CONNECTION, {}, batch(*items, item(resourceData=None)))
    assert world.pulls()[0].hinted == tuple(ids[:20])


def test_the_handshake_echoes_the_decoded_token(world: World) -> None:
    """Plain text that no browser takes for a page."""
    token = "Validation: Testing client application reachability for subscription Request-Id: 5c5-1"
    for hook in (receive, lifecycle):
        reply = hook(world.services, CONNECTION, {"validationToken": token}, b"")
        assert (reply.status, reply.body) == (200, token)
        assert reply.headers["Content-Type"].startswith("text/plain")
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("token", ["<script>alert(1)</script>", "a\r\nb", "a\x00b", "é", "a" * 2049, ""])
def test_a_token_that_graph_would_not_send_is_not_echoed(world: World, token: str) -> None:
    """Mark-up, controls and excess are refused."""
    reply = receive(world.services, CONNECTION, {"validationToken": token}, b"")
    assert (reply.status, reply.body) == (400, "")


def test_nothing_confidential_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the clientState nor the object nor the tenant is in the log."""
    caplog.set_level(logging.DEBUG)
    receive(world.services, CONNECTION, {}, batch(item(), item(clientState="users.3." + "B" * 43)))
    assert ANN not in caplog.text
    assert TENANT not in caplog.text
    assert item()["clientState"] not in caplog.text


def watched(world: World) -> None:
    """A connection with a live users subscription."""
    connection = Connection(CONNECTION, "w", "W", ConnectionState.CONNECTED, epoch=3, tenant_id=TENANT)
    world.storage.connections.save(connection)
    view = world.storage.connections.load(CONNECTION)
    assert view is not None
    held = Subscription("s1", iso(world.clock.now() + timedelta(days=28)))
    world.storage.connections.save_watch(view.connection, replace(view.watch, subscriptions={"users": held}))


def left(world: World) -> timedelta | None:
    """How much life the users subscription is believed to have."""
    view = world.storage.connections.load(CONNECTION)
    assert view is not None
    held = view.watch.subscriptions.get("users")
    return None if held is None else world.clock.now().fromisoformat(held.expires_at) - world.clock.now()


def event(name: Any, **changes: Any) -> dict[str, Any]:
    """A lifecycle item: it has no resource."""
    return {
        "subscriptionId": "s1",
        "tenantId": TENANT,
        "lifecycleEvent": name,
        "clientState": client_state(KEY, CONNECTION, TENANT, "users", 3),
        **changes,
    }


def test_reauthorization_is_left_to_the_next_tick(world: World) -> None:
    """The subscription counts as expiring, and the feed is looked at."""
    watched(world)
    assert lifecycle(world.services, CONNECTION, {}, batch(event("reauthorizationRequired"))).status == 202
    assert left(world) == timedelta(minutes=10)
    assert [pull.feed for pull in world.pulls()] == ["users"]


def test_a_removed_subscription_is_forgotten(world: World) -> None:
    """The next tick creates it anew; the feed is looked at meanwhile."""
    watched(world)
    assert lifecycle(world.services, CONNECTION, {}, batch(event("subscriptionRemoved"))).status == 202
    assert left(world) is None
    assert len(world.pulls()) == 1


def test_missed_notifications_make_a_pull(world: World) -> None:
    """`missed` needs no more than looking."""
    watched(world)
    assert lifecycle(world.services, CONNECTION, {}, batch(event("missed"))).status == 202
    assert left(world) == timedelta(days=28)
    assert len(world.pulls()) == 1


@pytest.mark.parametrize(
    "odd",
    [
        event("unheardOf"),
        event(None),
        event("subscriptionRemoved", clientState="users.3." + "A" * 43),
        event("subscriptionRemoved", tenantId="99999999-2222-4333-8444-555555555555"),
    ],
)
def test_lifecycle_events_that_mean_or_prove_nothing(world: World, odd: dict[str, Any]) -> None:
    """Acknowledged, and nothing changes."""
    watched(world)
    assert lifecycle(world.services, CONNECTION, {}, batch(odd)).status == 202
    assert left(world) == timedelta(days=28)
    assert world.pulls() == []


def test_a_lifecycle_event_of_an_earlier_epoch_changes_nothing_stored(world: World) -> None:
    """The subscription it speaks of is not the present one."""
    watched(world)
    old = event("subscriptionRemoved", clientState=client_state(KEY, CONNECTION, TENANT, "users", 2))
    assert lifecycle(world.services, CONNECTION, {}, batch(old)).status == 202
    assert left(world) == timedelta(days=28)


def test_a_watch_that_changes_meanwhile_is_read_again(world: World) -> None:
    """A lost conditional write is repeated; after three Graph is told to try again."""
    watched(world)
    world.faults.fail_next("connections.save_watch", Conflict("lost"), times=2)
    assert lifecycle(world.services, CONNECTION, {}, batch(event("subscriptionRemoved"))).status == 202
    watched_again = event("subscriptionRemoved")
    world2 = World()
    watched(world2)
    world2.faults.fail_next("connections.save_watch", Conflict("lost"), times=3)
    assert lifecycle(world2.services, CONNECTION, {}, batch(watched_again)).status == 503
    world2.faults.fail_next("connections.load", Transient("down"))
    assert lifecycle(world2.services, CONNECTION, {}, batch(watched_again)).status == 503
