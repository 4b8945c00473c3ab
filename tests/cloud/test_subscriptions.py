"""Subscriptions and their handshake."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from local.cloud.control import Control
from tests.cloud.client import Graph, Json
from tests.cloud.listener import Listener


def wanted(listener: Listener, minutes: float = 60 * 24, skipped: float = 0.0, **changes: Any) -> Json:
    """A request for all users."""
    ends = datetime.now(UTC) + timedelta(minutes=minutes, seconds=skipped)
    body: Json = {
        "changeType": "updated,deleted",
        "resource": "users",
        "notificationUrl": f"{listener.url}/notify?c=1",
        "lifecycleNotificationUrl": f"{listener.url}/life",
        "expirationDateTime": ends.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
        "clientState": "secret",
        **changes,
    }
    return {key: value for key, value in body.items() if value is not None}


def skipped(control: Control) -> float:
    """How far the simulated clock is ahead."""
    return float(control.state()["now"]) - time.time()


def make(graph: Graph, control: Control, listener: Listener, **changes: Any) -> httpx.Response:
    """POST /subscriptions."""
    return graph.send("POST", "/subscriptions", json=wanted(listener, skipped=skipped(control), **changes))


def test_creation_validates_both_urls_with_a_decoded_token(graph: Graph, control: Control, listener: Listener) -> None:
    """Two handshakes, each a text/plain POST with a token to be echoed decoded; then 201 with the resource."""
    answer = make(graph, control, listener)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["resource"], body["changeType"], body["clientState"]) == ("users", "updated,deleted", "secret")
    assert body["notificationUrl"].endswith("?c=1")
    assert body["applicationId"]
    assert body["creatorId"]
    assert [path.partition("?")[0] for path in listener.validations] == ["/notify", "/life"]
    assert listener.validations[0].startswith("/notify?c=1&validationToken=")
    assert "%20" in listener.validations[0]
    assert listener.validation_headers[0]["content-type"].startswith("text/plain")
    assert graph.ok("/subscriptions")["value"] == [graph.ok(f"/subscriptions/{body['id']}")]


@pytest.mark.parametrize("kind", ["encoded", "html", "status", "other"])
def test_a_failed_handshake_refuses_the_subscription(
    graph: Graph, control: Control, listener: Listener, kind: str
) -> None:
    """An encoded token, another content type, another status or another text fail it."""
    listener.echo = {
        "encoded": lambda token: (200, "text/plain", token.replace(" ", "%20")),
        "html": lambda token: (200, "text/html", token),
        "status": lambda token: (202, "text/plain", token),
        "other": lambda _token: (200, "text/plain", "other"),
    }[kind]
    answer = make(graph, control, listener)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequest")
    assert "validation request failed" in answer.json()["error"]["message"]
    assert graph.ok("/subscriptions")["value"] == []
    assert control.handshakes()[-1]["outcome"] != "ok"


def test_a_slow_handshake_times_out(graph: Graph, control: Control, listener: Listener) -> None:
    """An endpoint that does not answer within the limit (10 s; shortened here) is refused."""
    control.behave(validation_timeout=0.2)

    def slowly(token: str) -> tuple[int, str, str]:
        time.sleep(0.5)
        return 200, "text/plain", token

    listener.echo = slowly
    assert make(graph, control, listener).status_code == 400
    assert control.handshakes()[-1]["outcome"] == "TimeoutError"


def test_the_same_subscription_twice_is_a_conflict(graph: Graph, control: Control, listener: Listener) -> None:
    """409 naming the one there; another resource or changeType is another subscription."""
    first = make(graph, control, listener).json()["id"]
    answer = make(graph, control, listener, resource="/users")
    assert answer.status_code == 409
    assert first in answer.json()["error"]["message"]
    assert make(graph, control, listener, changeType="updated").status_code == 201


def test_groups_need_group_read_all_unless_the_switch_says_less(
    graph: Graph, control: Control, listener: Listener
) -> None:
    """403 with the minimal permissions; tolerated with the switch or the role."""
    assert make(graph, control, listener, resource="groups").status_code == 403
    control.behave(groups_subscription_role="GroupMember.Read.All")
    assert make(graph, control, listener, resource="groups").status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"minutes": 41_770},
        {"minutes": 10},
        {"changeType": "created,updated"},
        {"resource": "me/messages"},
        {"clientState": "x" * 129},
        {"notificationUrl": "http://localhost:1/notify"},
        {"expirationDateTime": "tomorrow"},
    ],
)
def test_requests_out_of_bounds_are_refused(
    graph: Graph, control: Control, listener: Listener, changes: dict[str, Any]
) -> None:
    """Lifetime, change type, resource, clientState and URL have limits."""
    assert make(graph, control, listener, **changes).status_code == 400
    assert listener.validations == []


def test_too_long_a_lifetime_can_be_shortened_instead(graph: Graph, control: Control, listener: Listener) -> None:
    """The clamp switch."""
    control.behave(clamp_lifetime=True)
    body = make(graph, control, listener, minutes=100_000).json()
    ends = datetime.fromisoformat(body["expirationDateTime"]).timestamp()
    assert abs(ends - control.state()["now"] - 41_760 * 60) < 60


def test_quotas(graph: Graph, control: Control, listener: Listener) -> None:
    """The limit for an application and tenant answers 403 with words."""
    control.behave(quota_app_tenant=1)
    assert make(graph, control, listener).status_code == 201
    answer = make(graph, control, listener, changeType="updated")
    assert answer.status_code == 403
    assert "quota" in answer.json()["error"]["message"]


def test_renewal_reauthorization_and_deletion(graph: Graph, control: Control, listener: Listener) -> None:
    """PATCH extends, reauthorize is 204 and does not, both close together are a violation, DELETE is 204."""
    url = f"/subscriptions/{make(graph, control, listener, minutes=60).json()['id']}"
    longer = wanted(listener, 120, skipped(control))["expirationDateTime"]
    body = graph.send("PATCH", url, json={"expirationDateTime": longer}).json()
    assert body["expirationDateTime"][:16] == longer[:16]
    assert graph.send("POST", f"{url}/reauthorize").status_code == 204
    assert "ten minutes" in control.violations()[0]["what"]
    control.clear_violations()
    control.advance(601)
    assert graph.send("PATCH", url, json={"expirationDateTime": longer}).status_code == 200
    assert graph.send("DELETE", url).status_code == 204
    assert graph.get(url).status_code == 404
    assert graph.send("PATCH", url, json={"expirationDateTime": longer}).status_code == 404


def test_only_the_expiry_can_be_changed(graph: Graph, control: Control, listener: Listener) -> None:
    """A lifecycle URL cannot be added later."""
    url = f"/subscriptions/{make(graph, control, listener, lifecycleNotificationUrl=None).json()['id']}"
    assert graph.send("PATCH", url, json={"lifecycleNotificationUrl": f"{listener.url}/life"}).status_code == 400
    control.clear_violations()


def test_an_expired_or_dropped_subscription_is_silently_gone(
    graph: Graph, control: Control, listener: Listener
) -> None:
    """No lifecycle event tells of it; GET lists it no more."""
    control.behave(reauthorize_before=0)
    first = make(graph, control, listener, minutes=60).json()["id"]
    control.advance(3700)
    assert graph.get(f"/subscriptions/{first}").status_code == 404
    second = make(graph, control, listener).json()["id"]
    control.drop_subscription(second)
    assert graph.ok("/subscriptions")["value"] == []
    assert listener.posts == []


def test_one_tenant_cannot_see_anothers_subscriptions(
    graph: Graph, control: Control, listener: Listener, http: httpx.Client
) -> None:
    """404 across tenants."""
    first = make(graph, control, listener).json()["id"]
    other = Graph(graph.cloud, http, control.create_tenant())
    control.consent(other.tenant)
    assert other.ok("/subscriptions")["value"] == []
    assert other.get(f"/subscriptions/{first}").status_code == 404
