"""Delivery of notifications."""

from collections.abc import Iterator

import pytest

from local.cloud.control import Control
from tests.cloud.client import Graph
from tests.cloud.listener import Listener
from tests.cloud.test_delta_users import hire
from tests.cloud.test_subscriptions import make


@pytest.fixture
def subscribed(graph: Graph, control: Control, listener: Listener) -> Graph:
    """Users and groups of the tenant are subscribed."""
    control.behave(groups_subscription_role="GroupMember.Read.All")
    assert make(graph, control, listener).status_code == 201
    assert make(graph, control, listener, resource="groups").status_code == 201
    return graph


@pytest.fixture
def plain_listener() -> Iterator[Listener]:
    """A subscriber without TLS on loopback."""
    with Listener(None) as listener:
        yield listener


def test_an_edit_of_a_user_is_announced_in_the_documented_shape(
    subscribed: Graph, control: Control, listener: Listener
) -> None:
    """Creation is `updated`, the resource has a capital U, numbers exceed 2^53, and nothing says what changed."""
    user = control.create_user(subscribed.tenant, displayName="Ann")
    item = listener.until(1)[0]
    assert (item["changeType"], item["resource"]) == ("updated", f"Users/{user}")
    assert (item["clientState"], item["tenantId"]) == ("secret", subscribed.tenant)
    data = item["resourceData"]
    assert data["@odata.type"] == "#Microsoft.Graph.User"
    assert (data["id"], data["@odata.id"], data["organizationId"]) == (user, f"Users/{user}", subscribed.tenant)
    assert data["sequenceNumber"] > 2**53
    assert data["eventTime"].endswith("Z")
    assert listener.posts[0]["path"] == "/notify?c=1"


def test_soft_delete_is_updated_and_purge_is_deleted(subscribed: Graph, control: Control, listener: Listener) -> None:
    """`deleted` means for good; a restoration is `updated`."""
    user = hire(control, subscribed.tenant, 1)[0]
    control.delete_user(subscribed.tenant, user)
    control.restore_user(subscribed.tenant, user)
    control.purge_user(subscribed.tenant, user)
    assert [item["changeType"] for item in listener.until(4)] == ["updated", "updated", "updated", "deleted"]


def test_membership_changes_are_told_on_the_group(subscribed: Graph, control: Control, listener: Listener) -> None:
    """members@delta in the payload has the removal as a string; a switch leaves it out."""
    user = hire(control, subscribed.tenant, 1)[0]
    group = control.create_group(subscribed.tenant, displayName="G")
    control.edit_members(subscribed.tenant, group, add=[user])
    control.edit_members(subscribed.tenant, group, remove=[user])
    items = listener.until(4)
    assert items[2]["resource"] == f"Groups/{group}"
    assert items[2]["resourceData"]["members@delta"] == [{"id": user}]
    assert items[3]["resourceData"]["members@delta"] == [{"id": user, "@removed": "deleted"}]
    control.behave(notify_members=False, notify_event_fields=False)
    control.edit_members(subscribed.tenant, group, add=[user])
    assert not {"members@delta", "eventTime", "sequenceNumber"} & set(listener.until(5)[4]["resourceData"])


def test_one_post_may_carry_several_items_and_tenants(subscribed: Graph, control: Control, listener: Listener) -> None:
    """Items to one URL travel together, whichever tenant they are of."""
    other = Graph(subscribed.cloud, subscribed.http, control.create_tenant())
    control.consent(other.tenant)
    make(other, control, listener)
    control.behave(notify_delay=0.3)
    hire(control, subscribed.tenant, 2)
    hire(control, other.tenant, 1)
    listener.until(3)
    assert {item["tenantId"] for item in listener.posts[0]["value"]} == {subscribed.tenant, other.tenant}


def test_a_refused_post_is_tried_again_until_it_is_given_up(
    subscribed: Graph, control: Control, listener: Listener
) -> None:
    """Non-2xx answers back off exponentially; in compressed time four hours end soon."""
    control.behave(retry_scale=0.001)
    listener.reply = lambda number: 503 if number < 3 else 202
    hire(control, subscribed.tenant, 1)
    listener.until(3)
    control.settle()
    record = control.notifications()[-1]
    assert (record["attempts"], record["status"]) == (3, "202")
    assert record["delivered_at"] > record["arose_at"]
    control.behave(retry_hours=0.005)
    listener.reply = lambda _number: 500
    hire(control, subscribed.tenant, 1)
    listener.until(4)
    control.settle()
    assert control.notifications()[-1]["status"].startswith("given up")


def test_loss_duplication_and_reordering(subscribed: Graph, control: Control, listener: Listener) -> None:
    """Everything lost; then everything twice and out of order."""
    control.behave(notify_loss=1.0)
    hire(control, subscribed.tenant, 3)
    assert [record["status"] for record in control.notifications()[-3:]] == ["lost"] * 3
    control.behave(notify_loss=0.0, notify_duplicate=1.0, notify_reorder=True, notify_delay=0.2)
    ids = hire(control, subscribed.tenant, 10)
    told = [item["resourceData"]["id"] for item in listener.until(20)]
    assert sorted(told) == sorted(ids * 2)
    assert told != [user for user in ids for _ in range(2)]


def test_lifecycle_notifications(subscribed: Graph, control: Control, listener: Listener) -> None:
    """On demand, near expiry, and when permissions are taken back; they carry no resource."""
    held = control.subscriptions()
    mine = [sub for sub in held if sub["tenant"] == subscribed.tenant]
    control.send_lifecycle(mine[0]["id"], "missed")
    item = listener.until(1)[0]
    assert (item["lifecycleEvent"], item["subscriptionId"], item["clientState"]) == ("missed", mine[0]["id"], "secret")
    assert "resource" not in item
    assert listener.posts[0]["path"] == "/life"
    control.advance(24 * 3600 - 600)
    assert {item["lifecycleEvent"] for item in listener.until(3)[1:]} == {"reauthorizationRequired"}
    control.revoke(subscribed.tenant, "roles")
    assert len(listener.until(5)) == 5


def test_nothing_is_told_after_revocation(subscribed: Graph, control: Control, listener: Listener) -> None:
    """A deleted service principal takes its subscriptions along."""
    control.revoke(subscribed.tenant, "deleted")
    hire(control, subscribed.tenant, 1)
    assert [sub for sub in control.subscriptions() if sub["tenant"] == subscribed.tenant] == []
    assert listener.posts == []


def test_a_subscription_to_one_group_hears_of_it_alone(graph: Graph, control: Control, listener: Listener) -> None:
    """groups/{id}/members hears only membership changes of that group."""
    control.behave(groups_subscription_role="GroupMember.Read.All")
    user = hire(control, graph.tenant, 1)[0]
    group = control.create_group(graph.tenant, displayName="G")
    assert make(graph, control, listener, resource=f"groups/{group}/members").status_code == 201
    control.update_group(graph.tenant, group, description="x")
    control.create_group(graph.tenant, displayName="Other", members=[user])
    control.edit_members(graph.tenant, group, add=[user])
    control.settle()
    assert [item["resourceData"]["id"] for item in listener.until(1)] == [group]


def test_http_on_loopback_only_by_switch(graph: Graph, control: Control, plain_listener: Listener) -> None:
    """Http is refused, and allowed on loopback where the switch says."""
    assert make(graph, control, plain_listener).status_code == 400
    control.behave(http_loopback=True)
    assert make(graph, control, plain_listener).status_code == 201
    hire(control, graph.tenant, 1)
    plain_listener.until(1)
    assert make(graph, control, plain_listener, notificationUrl="http://app.example/x").status_code == 400


def test_a_slow_endpoint_is_delayed_and_then_dropped(subscribed: Graph, control: Control, listener: Listener) -> None:
    """Too large a share of slow answers loses new items for the rest of the ten-minute window."""
    control.behave(slow_answer=-1.0, notify_batch=1)
    hire(control, subscribed.tenant, 20)
    listener.until(20)
    control.settle()
    hire(control, subscribed.tenant, 1)
    assert control.notifications()[-1]["status"] == "dropped"
    control.behave(slow_answer=10.0)
    control.advance(601)
    user = hire(control, subscribed.tenant, 1)[0]
    assert listener.until(21)[-1]["resourceData"]["id"] == user
