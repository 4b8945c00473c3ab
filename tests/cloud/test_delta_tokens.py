"""The tokens of delta links and page links: how long they live, what they are bound to, how they end."""

from urllib.parse import parse_qs, urlsplit

import httpx

from local.cloud.control import Control
from local.cloud.server import Cloud
from tests.cloud.client import Graph
from tests.cloud.test_delta_users import SELECTED


def test_a_token_older_than_seven_days_is_expired(graph: Graph, control: Control) -> None:
    """400 syncStateNotFound with the documented message; the code's case is a switch."""
    _, link = graph.round(SELECTED)
    control.advance(7 * 86_400 - 60)
    assert graph.get(link).status_code == 200
    control.advance(120)
    error = graph.get(link)
    assert (error.status_code, error.json()["error"]["code"]) == (400, "syncStateNotFound")
    assert error.json()["error"]["message"].startswith("The sync state generation is not found.")
    control.behave(expired_code="SyncStateNotFound")
    assert graph.get(link).json()["error"]["code"] == "SyncStateNotFound"


def test_tokens_can_be_voided_by_expiry_or_reset(graph: Graph, control: Control, cloud: Cloud) -> None:
    """A reset answers 410 with a Location whose token is empty; following it enumerates everything."""
    _, link = graph.round(SELECTED)
    control.void_tokens(graph.tenant, "expired", "users")
    assert graph.get(link).json()["error"]["code"] == "syncStateNotFound"
    _, link = graph.round(SELECTED)
    control.void_tokens(graph.tenant, "reset")
    answer = graph.get(link)
    assert answer.status_code == 410
    assert answer.headers["location"] == f"{cloud.base_url}/v1.0/users/delta?$deltatoken="
    assert len(graph.round(answer.headers["location"])[0]) == 5
    control.behave(reset_location="https://evil.example/v1.0/users/delta")
    assert graph.get(link).headers["location"].startswith("https://evil.example/")


def test_a_stale_page_token_is_expired_where_the_switch_says(graph: Graph, control: Control) -> None:
    """Directory_ExpiredPageToken in the middle of a round."""
    control.behave(page_size=2, skiptoken_seconds=60)
    link = graph.ok(SELECTED)["@odata.nextLink"]
    control.advance(61)
    assert graph.get(link).json()["error"]["code"] == "Directory_ExpiredPageToken"


def test_links_are_opaque_and_nothing_may_be_added(graph: Graph, control: Control) -> None:
    """A changed token is refused, and so is a parameter added to a nextLink."""
    control.behave(page_size=2)
    link = str(graph.ok(SELECTED)["@odata.nextLink"])
    token = parse_qs(urlsplit(link).query)["$skiptoken"][0]
    assert len(token) > 200
    flipped = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    assert graph.get(link.replace(token, flipped)).status_code == 400
    assert control.violations() == []
    assert graph.get(f"{link}&$select=id").status_code == 400
    assert len(control.violations()) == 1
    control.clear_violations()


def test_a_token_of_another_tenant_or_feed_is_refused(
    graph: Graph, control: Control, cloud: Cloud, http: httpx.Client
) -> None:
    """Tokens are bound to tenant and resource; mixing them is a violation."""
    other = Graph(cloud, http, control.create_tenant())
    control.consent(other.tenant)
    _, link = graph.round(SELECTED)
    assert other.get(link).status_code == 400
    assert graph.get(link.replace("/users/", "/groups/")).status_code == 400
    assert len(control.violations()) == 2
    control.clear_violations()
