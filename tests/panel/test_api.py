"""API v1 over fakes: shapes, errors, paging, who may."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.errors import Transient
from sync.core.connection import ConnectionState, FeedState
from sync.core.messages import PassMessage, PullMessage
from sync.core.runs import MailState
from tests.panel.browser import Browser
from tests.panel.caller import API, Caller
from tests.panel.cast import HOSTILE
from tests.panel.world import TENANT, World


def test_connecting(world: World, caller: Caller) -> None:
    """POST /connections answers 201 with the id and where to consent; the connection awaits it."""
    answer = caller.post(f"{API}/connections")
    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "consent_url"}
    assert answer.json()["consent_url"].startswith("https://login.microsoftonline.com/")
    found = caller.get(f"{API}/connections/{answer.json()['id']}").json()
    assert (found["state"], found["cloud"], found["tenant_id"]) == ("awaiting_consent", "default", None)
    assert caller.post(f"{API}/connections", json={"cloud": "china"}).status_code == 201
    assert world.sign_in.asked == [("consent", "default"), ("consent", "china")]


def test_consent_begun_by_the_api_ends_in_the_panel(world: World, caller: Caller, browser: Browser) -> None:
    """A connection that a program began is finished by the same admin's panel session."""
    world.directory.tenant(TENANT)
    begun = caller.post(f"{API}/connections").json()
    state = begun["consent_url"].rpartition("state=")[2]
    query = {"admin_consent": "True", "tenant": TENANT, "state": state}
    proof = browser.get("/connect/consented", params=query)
    state = proof.headers["location"].rpartition("state=")[2]
    browser.get("/connect/signed-in", params={"code": "abc", "state": state})
    assert caller.get(f"{API}/connections/{begun['id']}").json()["state"] == "awaiting_start"


@pytest.mark.parametrize("state", list(ConnectionState))
def test_states_are_spoken_to_the_letter(state: ConnectionState, world: World, caller: Caller) -> None:
    """Each state appears by its own name in the list and in the detail."""
    connection = world.connect(state)
    listed = caller.get(f"{API}/connections").json()
    assert [item["state"] for item in listed["items"]] == [state.value]
    assert listed["cursor"] is None
    assert caller.get(f"{API}/connections/{connection.id}").json()["state"] == state.value


def test_detail_counts(world: World, caller: Caller) -> None:
    """The detail has counters, survey, freshness and subscriptions."""
    connection = world.connect()
    world.people(connection.scope, 20)
    world.groups(connection.scope)
    world.run(connection)
    found = caller.get(f"{API}/connections/{connection.id}").json()
    skipped = {"address_conflict": 1, "disabled": 1, "guest": 1, "no_address": 1}
    assert found["counts"] == {"people": 20, "active": 16, "inactive": 0, "skipped": skipped, "groups": 4}
    assert found["freshness"] == {"median_seconds": 4.0, "p95_seconds": 4.0, "runs": 1}
    assert [item["status"] for item in found["subscriptions"]] == ["active", "active"]
    assert found["survey"]["would_create"] == 902
    assert found["next_full_pass_at"] == "2026-03-03T06:00:00.000Z"


def test_detail_says_how_changes_come(world: World, caller: Caller) -> None:
    """When both feeds were read, since when there was no success, and how many changes nobody had announced."""
    connection = world.connect()
    world.run(connection, counts={"update": 1})
    world.run(connection, "timer", counts={"update": 1})
    world.run(connection, "timer", counts={})
    path = f"{API}/connections/{connection.id}"
    found = caller.get(path).json()
    assert found["announced"] == {"notified": 1, "found": 1}
    assert (found["last_read_at"], found["silent_since"]) == (None, None)
    times = {"users": world.ago(hours=3), "groups": world.ago()}
    feeds = {feed: FeedState(delta_link="https://graph", pulled_at=at) for feed, at in times.items()}
    world.read(connection, feeds=feeds)
    found = caller.get(path).json()
    assert (found["last_read_at"], found["silent_since"]) == (times["users"], times["users"])
    assert found["frozen_feeds"] == []
    world.read(connection, feeds={**feeds, "groups": FeedState(frozen="permission_missing", pulled_at=times["groups"])})
    assert caller.get(path).json()["frozen_feeds"] == ["groups"]


def test_starting(world: World, caller: Caller) -> None:
    """POST start moves to importing; a second one is 409 with the reason."""
    connection = world.connect(ConnectionState.AWAITING_START)
    path = f"{API}/connections/{connection.id}/start"
    answer = caller.post(path, json={"mail_existing": True})
    assert (answer.status_code, answer.json()["state"]) == (202, "importing")
    assert caller.get(f"{API}/connections/{connection.id}/settings").json()["mail_existing"] is True
    again = caller.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "cannot_start")


def test_sync_and_reconcile(world: World, caller: Caller) -> None:
    """Both answer 202 and put work in the queue that names the admin; before the start they are 409."""
    connection = world.connect()
    assert caller.post(f"{API}/connections/{connection.id}/sync").status_code == 202
    assert caller.post(f"{API}/connections/{connection.id}/reconcile").status_code == 202
    messages = [delivery.message for delivery in world.queue.waiting()]
    assert [type(message) for message in messages] == [PullMessage, PullMessage, PassMessage]
    assert {message.by for message in messages if hasattr(message, "by")} == {"admin-1"}
    early = world.connect(ConnectionState.AWAITING_START, tenant_id="another")
    for verb in ("sync", "reconcile"):
        assert caller.post(f"{API}/connections/{early.id}/{verb}").json()["code"] == "not_started"


def test_people(world: World, caller: Caller) -> None:
    """People with account and reason, in pages, searched and filtered, one by one."""
    connection = world.connect()
    records = world.people(connection.scope, 30)
    path = f"{API}/connections/{connection.id}/people"
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = caller.get(path, params={"limit": 7, "cursor": cursor}).json()
        seen += [item["object_id"] for item in page["items"]]
        cursor = page["cursor"]
    assert sorted(seen) == sorted(record.object_id for record in records)
    guests = caller.get(path, params={"reason": "guest"}).json()["items"]
    assert [(guest["name"], guest["account"], guest["reason"]) for guest in guests] == [("Gunnar Guest", None, "guest")]
    assert guests[0]["explanation"] == "Guests of the tenant get no account."
    one = caller.get(f"{path}/{records[0].object_id}").json()
    assert (one["name"], one["account"]["state"], one["account"]["source"]) == (HOSTILE, "active", "entra")
    assert one["account"]["fields"]["email"] == "person0@contoso.example"
    assert caller.get(path, params={"state": "none"}).json()["items"][0]["account"] is None
    assert caller.get(f"{path}/nobody").json()["code"] == "no_such_person"


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "state=dead", "reason=because", "search=" + "x" * 201]
)
def test_bad_queries_are_named(query: str, world: World, caller: Caller) -> None:
    """A parameter that cannot be read is 422, with its name and without its value."""
    connection = world.connect()
    answer = caller.get(f"{API}/connections/{connection.id}/people?{query}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "not_understood"
    assert answer.json()["fields"][0]["field"] == f"query.{query.partition('=')[0]}"


def test_cursors_belong_to_their_list(world: World, caller: Caller) -> None:
    """A cursor is refused by another list, another filter, another connection, and when it was changed."""
    connection = world.connect()
    other = world.connect(tenant_id="another")
    world.people(connection.scope, 30)
    path = f"{API}/connections/{connection.id}/people"
    cursor = caller.get(path, params={"limit": 5}).json()["cursor"]
    assert caller.get(path, params={"cursor": cursor}).status_code == 200
    for bad in (
        f"{API}/connections/{connection.id}/groups?cursor={cursor}",
        f"{API}/connections/{other.id}/people?cursor={cursor}",
        f"{path}?search=a&cursor={cursor}",
        f"{path}?cursor={cursor[:-2]}AA",
        f"{path}?cursor=made-up",
        f"{API}/accounts?cursor={cursor}",
    ):
        answer = caller.get(bad)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor"), bad


def test_groups_runs_mails_activity(world: World, caller: Caller) -> None:
    """The other lists have their shapes; mails of another workspace's time with the tenant are not shown."""
    connection = world.connect()
    records = world.people(connection.scope, 20)
    world.groups(connection.scope)
    world.run(connection, counts={"create": 2})
    world.mail(connection, 1, MailState.SENT)
    world.mail(world.connect(workspace="ws-other"), 2, MailState.SENT)
    world.change(connection, records[10], "Legal", "run-7")
    base = f"{API}/connections/{connection.id}"
    groups = caller.get(f"{base}/groups").json()["items"]
    assert (groups[0]["name"], groups[0]["dynamic"]) == ("Everyone", True)
    run = caller.get(f"{base}/runs").json()["items"][0]
    assert (run["cause"], run["outcome"], run["counts"], run["feed"]) == (
        "notification", "complete", {"create": 2}, "users"
    )  # fmt: skip
    mails = caller.get(f"{base}/mails").json()["items"]
    assert [(mail["name"], mail["state"]) for mail in mails] == [("Person 1", "sent")]
    activity = caller.get(f"{base}/activity", params={"run": "run-7"}).json()["items"]
    assert [(item["action"], item["after"]["department"]) for item in activity] == [("update", "Legal")]


def test_holds(world: World, caller: Caller) -> None:
    """A hold names its people; it is decided once, and the second decision is 409."""
    connection = world.connect()
    hold = world.hold(connection, ["Bert Berg"])
    path = f"{API}/connections/{connection.id}/holds"
    listed = caller.get(path).json()["items"]
    assert [(item["state"], item["removals"][0]["name"]) for item in listed] == [("waiting", "Bert Berg")]
    assert (listed[0]["count"], listed[0]["removals"][0]["loses"], listed[0]["goes_on"]) == (1, "account", None)
    for etag in ('"0123456789abcdef"', "", '""'):
        refused = caller.post(f"{path}/{hold.id}/approve", headers={"If-Match": etag})
        assert (refused.status_code, refused.json()["code"]) == (412, "hold_changed")
    approved = caller.post(f"{path}/{hold.id}/approve", headers={"If-Match": listed[0]["etag"]})
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    assert caller.post(f"{path}/{hold.id}/reject").json()["code"] == "hold_decided"
    assert caller.post(f"{path}/unknown/approve").json()["code"] == "hold_unknown"


def test_a_hold_of_a_connection_that_ended_is_not_approved(world: World, caller: Caller) -> None:
    """Nothing would come of it: 409 `not_started`, and the hold stays as it is."""
    connection = world.connect(ConnectionState.DISCONNECTED)
    hold = world.hold(connection, ["Bert Berg"])
    refused = caller.post(f"{API}/connections/{connection.id}/holds/{hold.id}/approve")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_started")
    assert world.storage.runs.holds(connection.scope)[0].state == "waiting"


def test_accounts_made_by_hand(world: World, caller: Caller) -> None:
    """POST /accounts claims the folded address; the same address again is 409, nonsense is 422."""
    made = caller.post(f"{API}/accounts", json={"address": " Anna.Berg@Contoso.Example ", "name": "Anna Berg"})
    assert made.status_code == 201
    assert (made.json()["address"], made.json()["source"]) == ("anna.berg@contoso.example", "manual")
    again = caller.post(f"{API}/accounts", json={"address": "anna.berg@CONTOSO.example"})
    assert (again.status_code, again.json()["code"]) == (409, "address_in_use")
    assert caller.post(f"{API}/accounts", json={"address": "not an address"}).json()["code"] == "not_an_address"
    other = Caller(world, workspace="ws-other")
    assert other.post(f"{API}/accounts", json={"address": "anna.berg@contoso.example"}).status_code == 201
    assert len(caller.get(f"{API}/accounts").json()["items"]) == 1


def test_abandoned_address_is_finished(world: World, caller: Caller) -> None:
    """An address that was claimed for an account that was never stored is taken over by the next request."""
    world.storage.faults.fail_next("accounts.save", Transient("away"))
    assert caller.post(f"{API}/accounts", json={"address": "anna.berg@contoso.example"}).status_code == 503
    assert caller.post(f"{API}/accounts", json={"address": "anna.berg@contoso.example"}).status_code == 201


def test_accounts_of_every_source_are_one_list(world: World, caller: Caller) -> None:
    """GET /accounts lists accounts made by hand and those of every directory, each once."""
    connection = world.connect()
    world.people(connection.scope, 30)
    for number in range(4):
        caller.post(f"{API}/accounts", json={"address": f"hand{number}@contoso.example"})
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = caller.get(f"{API}/accounts", params={"limit": 3, "cursor": cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["cursor"]
    assert len(seen) == len(set(seen)) == 4 + 26


def test_disconnecting(world: World, caller: Caller) -> None:
    """DELETE disconnects and may be repeated; erasing is not promised before it can be kept."""
    connection = world.connect()
    world.storage.tenants.bind(TENANT, connection.workspace, connection.id)
    path = f"{API}/connections/{connection.id}"
    assert caller.request("DELETE", f"{path}?erase=true").json()["code"] == "erase_unavailable"
    assert caller.request("DELETE", path).json()["state"] == "disconnected"
    assert caller.request("DELETE", path).json()["state"] == "disconnected"


def test_errors_are_problem_json(world: World, caller: Caller, anonymous: Browser) -> None:
    """Every error has type, title, status, detail, code and instance, as application/problem+json."""
    world.connect()
    answers = [
        anonymous.get(f"{API}/connections"),
        caller.get(f"{API}/connections/{'0' * 32}"),
        caller.get(f"{API}/nothing"),
        caller.request("PATCH", f"{API}/connections"),
        caller.post(f"{API}/accounts", content=b"{", headers={"Content-Type": "application/json"}),
    ]
    assert [answer.status_code for answer in answers] == [401, 404, 404, 405, 422]
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert body.keys() >= {"type", "title", "status", "detail", "code", "instance"}
        assert body["status"] == answer.status_code
        assert body["instance"].startswith(API)
    assert answers[0].headers["www-authenticate"] == "Bearer"
    assert answers[3].headers["allow"]


def test_bearer_tokens_live_five_minutes(world: World) -> None:
    """A bearer token may be used again and again until it expires, and not longer."""
    caller = Caller(world)
    assert caller.get(f"{API}/connections").status_code == 200
    assert caller.get(f"{API}/connections").status_code == 200
    world.clock.advance(300)
    assert caller.get(f"{API}/connections").json()["code"] == "token_refused"
    assert Caller(world, jti=None).get(f"{API}/connections").status_code == 200
    assert Caller(world, role="owner").get(f"{API}/connections").status_code == 401


def test_broken_bearer_does_not_fall_back_to_the_cookie(browser: Browser) -> None:
    """Who sends a bearer token is judged by it alone."""
    headers = {"Authorization": "Bearer nonsense"}
    assert browser.get(f"{API}/connections", headers=headers).status_code == 401


def test_viewer_may_read_only(world: World, viewer: Browser) -> None:
    """A viewer's GETs work; every write is 403."""
    connection = world.connect()
    world.hold(connection, ["Bert"])
    base = f"{API}/connections/{connection.id}"
    for path in ("", "/settings", "/people", "/groups", "/runs", "/holds", "/activity", "/mails"):
        assert viewer.get(base + path).status_code == 200
    assert viewer.get(f"{API}/accounts").status_code == 200
    body = {"mail_existing": True, "onboarding": True}
    writes = [
        viewer.post(f"{API}/connections"),
        viewer.request("PUT", f"{base}/settings", json=body, headers={"If-Match": '"1"'}),
        viewer.post(f"{base}/start"),
        viewer.post(f"{base}/sync"),
        viewer.post(f"{base}/reconcile"),
        viewer.post(f"{base}/holds/{'h' * 16}/approve"),
        viewer.post(f"{base}/holds/{'h' * 16}/reject"),
        viewer.request("DELETE", base),
        viewer.post(f"{API}/accounts", json={"address": "a@contoso.example"}),
    ]
    assert {answer.status_code for answer in writes} == {403}
    assert {answer.json()["code"] for answer in writes} == {"viewer"}


def test_other_workspaces_do_not_exist(world: World, caller: Caller) -> None:
    """Every path of another workspace's connection is 404."""
    other = world.connect(workspace="ws-other")
    base = f"{API}/connections/{other.id}"
    gets = ("", "/settings", "/people", "/people/x", "/groups", "/runs", "/holds", "/activity", "/mails")
    posts = ("/start", "/sync", "/reconcile", "/holds/x/approve", "/holds/x/reject")
    body = {"mail_existing": True, "onboarding": True}
    answers = [caller.get(base + path) for path in gets] + [caller.post(base + path) for path in posts]
    answers += [
        caller.request("DELETE", base),
        caller.request("PUT", f"{base}/settings", json=body, headers={"If-Match": '"1"'}),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert caller.get(f"{API}/connections").json()["items"] == []


def test_cookie_writes_from_other_sites_are_refused(browser: Browser) -> None:
    """With the cookie, a write that a browser sends from another site is 403; a program's and our own page's work."""
    for headers, status in (
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({}, 201),
    ):
        assert browser.post(f"{API}/connections", headers=headers).status_code == status


def test_openapi_describes_every_route(caller: Caller) -> None:
    """The OpenAPI document names every API path with a summary, and none of the panel's pages."""
    schema = caller.get(f"{API}/openapi.json").json()
    assert schema["openapi"].startswith("3.")
    assert {path for path in schema["paths"] if not path.startswith(f"{API}/")} == set()
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    served = {f"{method.upper()} {path}" for path, methods in schema["paths"].items() for method in methods}
    documents = Path(__file__).parents[2] / "docs" / "api.md"
    assert served == set(re.findall(r"^\| `([A-Z]+ /api/v1[^` ?]*)", documents.read_text(), re.MULTILINE))
    assert all(operation["summary"] and operation["description"] for operation in operations)
