"""The Directory port over msgraph-sdk against the simulated cloud, on real TLS."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from local.cloud.server import Cloud
from shared.clock import SystemClock
from shared.errors import Defect, NeedsAdmin, SyncError, Transient
from shared.settings import Settings
from sync.adapters.egress import ForbiddenCall
from sync.adapters.graph import client as graph_client
from sync.adapters.graph.decode import NotJson, decode, decode_page
from sync.adapters.microsoft import Microsoft
from sync.core.connection import Connection
from sync.core.model import ChangeKind, FeedName, Page, Presence
from sync.ports import CursorExpired, TenantInfo

NOBODY = "ffffffff-0000-4000-8000-000000000000"


def pages(microsoft: Microsoft, connection: Connection, feed: FeedName, cursor: str = "") -> list[Page]:
    """Every page up to the deltaLink."""
    read = [microsoft.directory.read_page(connection, feed, cursor, order=7, full=not cursor)]
    while read[-1].next_link:
        read.append(microsoft.directory.read_page(connection, feed, read[-1].next_link, order=7, full=not cursor))
    return read


def test_every_person_is_read_once(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """Page by page to the deltaLink, as snapshots with the selected properties."""
    tenant = cloud.control.create_tenant("450")
    cloud.control.consent(tenant)
    ours = Connection("c" * 32, "acme", "Acme", epoch=1, tenant_id=tenant)
    read = pages(microsoft, ours, "users")
    people = [change for page in read for change in page.users]
    truth = {user["id"] for user in cloud.control.truth(tenant)["users"] if user["state"] == "live"}
    assert {change.object_id for change in people} == truth
    assert {change.kind for change in people} == {ChangeKind.SNAPSHOT}
    assert all(change.order == 7 and "displayName" in change.properties for change in people)
    assert connection.tenant_id != tenant


def test_changes_are_patches_and_tombstones(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """A change, a new manager, a leaver and a purge since the deltaLink."""
    control, tenant = cloud.control, connection.tenant_id
    ann, bob, eve = (control.create_user(tenant, displayName=name) for name in ("Ann", "Bob", "Eve"))
    link = pages(microsoft, connection, "users")[-1].delta_link
    assert link
    control.update_user(tenant, ann, jobTitle="Captain")
    control.edit(tenant, {"op": "user.update", "id": ann, "set": {}, "manager": bob})
    control.delete_user(tenant, bob)
    control.purge_user(tenant, eve)
    changes = {
        change.object_id: change for page in pages(microsoft, connection, "users", link) for change in page.users
    }
    assert changes[ann].kind is ChangeKind.PATCH
    assert (changes[ann].properties["jobTitle"], changes[ann].properties["manager"]) == ("Captain", bob)
    assert (changes[bob].kind, changes[bob].presence) == (ChangeKind.REMOVED, Presence.SOFT_DELETED)
    assert changes[eve].presence is Presence.HARD_DELETED


def test_members_come_and_go(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """Edges to people and to nested groups, and their removal."""
    control, tenant = cloud.control, connection.tenant_id
    ann = control.create_user(tenant, displayName="Ann")
    inner = control.create_group(tenant, displayName="Inner")
    outer = control.create_group(tenant, displayName="Outer", members=[ann, inner])
    read = pages(microsoft, connection, "groups")
    edges = {
        (edge.group_id, edge.member_id, edge.member_type, edge.present) for page in read for edge in page.memberships
    }
    assert edges == {(outer, ann, "user", True), (outer, inner, "group", True)}
    link = read[-1].delta_link
    assert link
    control.edit_members(tenant, outer, remove=[ann])
    after = pages(microsoft, connection, "groups", link)
    assert [(edge.member_id, edge.present) for page in after for edge in page.memberships] == [(ann, False)]


def test_nothing_changed_is_one_call(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """An empty round is one page with a new deltaLink."""
    link = pages(microsoft, connection, "users")[-1].delta_link
    assert link
    cloud.control.clear_requests()
    page = microsoft.directory.read_page(connection, "users", link, order=1, full=False)
    assert (page.users, page.next_link) == ([], None)
    assert page.delta_link
    assert cloud.control.counts() == {"GET /users/delta 200": 1}


@pytest.mark.parametrize("reason", ["reset", "expired"])
def test_a_cursor_that_is_no_longer_good(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, reason: str
) -> None:
    """410 with Location, or 400 syncStateNotFound: read the feed from scratch."""
    link = pages(microsoft, connection, "users")[-1].delta_link
    assert link
    cloud.control.void_tokens(connection.tenant_id, reason)
    with pytest.raises(CursorExpired):
        microsoft.directory.read_page(connection, "users", link, order=1, full=False)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 429, "headers": {"Retry-After": "17"}}, Transient),
        ({"status": 500}, Transient),
        ({"status": 502}, Transient),
        ({"status": 503}, Transient),
        ({"status": 504}, Transient),
        ({"status": 404}, Transient),
        ({"status": 403, "code": "Authorization_RequestDenied"}, NeedsAdmin),
        ({"status": 400, "code": "Request_BadRequest"}, Defect),
        ({"status": 302, "headers": {"Location": "https://evil.example/"}}, Defect),
        ({"action": "truncate"}, Transient),
        ({"action": "rst"}, Transient),
        ({"action": "close"}, Transient),
        ({"action": "html"}, Transient),
        ({"action": "body", "body": "{}"}, Transient),
        ({"action": "body", "body": '{"value":[]}'}, Transient),
        ({"action": "body", "body": "\ufeff{}"}, Transient),
        ({"action": "body", "body": '{"value":[],"@odata.deltaLink":"https://evil.example/x"}'}, Transient),
        ({"action": "body", "body": "[" * 100_000}, Transient),
        ({"action": "json", "remove": ["value"]}, Transient),
        ({"action": "json", "set": {"@odata.nextLink": "https://graph.microsoft.com/v1.0/users/delta"}}, Transient),
        ({"action": "json", "set": {"value": {"a": 1}}}, Transient),
    ],
)
def test_a_page_that_did_not_come_whole(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, fault: dict[str, Any], error: type[SyncError]
) -> None:
    """No answer of Graph's but a whole page is a page."""
    ann = cloud.control.create_user(connection.tenant_id, displayName="Ann")
    cloud.control.fault("GET /v1.0/users/delta", **fault)
    with pytest.raises(error) as caught:
        microsoft.directory.read_page(connection, "users", "", order=1, full=True)
    if isinstance(caught.value, Transient):
        assert caught.value.retry_after == (17.0 if fault.get("status") == 429 else None)
    assert ann in {change.object_id for change in pages(microsoft, connection, "users")[0].users}


def test_an_answer_that_never_comes(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole call has a deadline, and the connection is usable afterwards."""
    assert pages(microsoft, connection, "users")  # with a token and a connection, the deadline is met by the hang alone
    monkeypatch.setattr(graph_client, "CALL_SECONDS", 0.5)
    cloud.control.fault("GET /v1.0/users/delta", action="hang")
    with pytest.raises(Transient):
        microsoft.directory.read_page(connection, "users", "", order=1, full=True)
    cloud.control.clear_faults()
    monkeypatch.setattr(graph_client, "CALL_SECONDS", 25.0)
    assert pages(microsoft, connection, "users")


def test_half_a_surrogate_in_a_name_spoils_nothing(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """The name loses it, the page and its other people are read."""
    body = {"value": [{"id": NOBODY, "displayName": "A?B"}], "@odata.deltaLink": f"{cloud.base_url}/v1.0/users/delta?x"}
    cloud.control.fault("GET /v1.0/users/delta", action="body", body=json.dumps(body).replace("?B", "\\ud800B"))
    page = microsoft.directory.read_page(connection, "users", "", order=1, full=True)
    assert page.users[0].properties == {"displayName": "A B"}


def test_an_id_that_comes_twice_is_refused(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """JSON with two `id` keys could make one person another."""
    body = f'{{"value":[{{"id":"{NOBODY}","id":"{NOBODY}"}}],"@odata.deltaLink":"{cloud.base_url}/v1.0/users/delta?x"}}'
    cloud.control.fault("GET /v1.0/users/delta", action="body", body=body)
    with pytest.raises(Transient, match="malformed page"):
        microsoft.directory.read_page(connection, "users", "", order=1, full=True)


@pytest.mark.parametrize(
    "cursor",
    [
        "https://evil.example/v1.0/users/delta?$deltatoken=a",
        "http://169.254.169.254/v1.0/users/delta",
        "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=a",
    ],
)
def test_a_stored_cursor_that_leads_elsewhere_gets_no_token(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, cursor: str
) -> None:
    """Nothing is called at all, not even for a token."""
    with pytest.raises(Defect):
        microsoft.directory.read_page(connection, "users", cursor, order=1, full=False)
    assert cloud.control.requests() == []


def test_the_head_count(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """All users of the tenant; anything but a number is not a count."""
    before = microsoft.directory.count_people(connection)
    for name in ("Ann", "Bob"):
        cloud.control.create_user(connection.tenant_id, displayName=name)
    assert microsoft.directory.count_people(connection) == before + 2
    for body, count in (("\ufeff12", 12), ("many", None), ("-1", None), ("", None), ("9" * 12, None)):
        cloud.control.fault("GET /v1.0/users/.count", action="body", body=body, content_type="text/plain")
        if count is not None:
            assert microsoft.directory.count_people(connection) == count
            continue
        with pytest.raises(Transient):
            microsoft.directory.count_people(connection)


def test_the_tenants_name_needs_a_right_we_do_not_ask_for(
    cloud: Cloud, microsoft: Microsoft, connection: Connection
) -> None:
    """Empty on 403; name and domains, the default one first, where it was granted."""
    assert microsoft.directory.tenant_info(connection) == TenantInfo("", ())
    cloud.control.set_roles(connection.tenant_id, ["User.Read.All", "GroupMember.Read.All", "Organization.Read.All"])
    microsoft.tokens.forget(connection)
    info = microsoft.directory.tenant_info(connection)
    assert info.name
    assert info.domains


def test_roles_are_read_from_a_new_token(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """Whatever was cached is thrown away."""
    assert microsoft.directory.granted_roles(connection) == ("GroupMember.Read.All", "User.Read.All")
    cloud.control.set_roles(connection.tenant_id, ["User.Read.All"])
    assert microsoft.directory.granted_roles(connection) == ("User.Read.All",)


def test_people_are_found_twenty_at_a_time(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """Present, soft-deleted and unknown ones, in two batches."""
    control, tenant = cloud.control, connection.tenant_id
    present = [control.create_user(tenant, displayName=f"P{number}") for number in range(24)]
    control.delete_user(tenant, present[3])
    found = microsoft.directory.fetch_people(connection, [*present, NOBODY], order=3)
    assert {object_id for object_id, person in found.items() if person is None} == {present[3], NOBODY}
    assert control.counts()["POST /$batch 200"] == 2


def test_groups_are_found_by_their_ids(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """A group that is there, a deleted one and an unknown one."""
    control, tenant = cloud.control, connection.tenant_id
    there, gone = (control.create_group(tenant, displayName=name) for name in ("Staff", "Former"))
    control.delete_group(tenant, gone)
    found = microsoft.directory.find_groups(connection, [there, gone, NOBODY])
    assert found == {there: True, gone: False, NOBODY: False}


def test_a_person_is_fetched_with_everything_selected(
    cloud: Cloud, microsoft: Microsoft, connection: Connection
) -> None:
    """Properties and manager as in a snapshot of the feed, under the order it was asked with."""
    control, tenant = cloud.control, connection.tenant_id
    boss = control.create_user(tenant, displayName="Boss", accountEnabled=True)
    ann = control.create_user(tenant, displayName="Ann", jobTitle="Baker", accountEnabled=True, manager=boss)
    person = microsoft.directory.fetch_people(connection, [ann], order=7)[ann]
    assert person is not None
    assert (person.order, person.kind) == (7, ChangeKind.SNAPSHOT)
    told = {name: value for name, value in person.properties.items() if value is not None}
    expected = {"displayName": "Ann", "jobTitle": "Baker", "accountEnabled": True, "manager": boss}
    assert {name: told.get(name) for name in expected} == expected


@pytest.mark.parametrize(("status", "error"), [(429, Transient), (503, Transient), (403, NeedsAdmin)])
def test_an_error_within_a_batch_is_no_absence(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, status: int, error: type[SyncError]
) -> None:
    """One inner 429 under an outer 200 fails the whole call, with its Retry-After."""
    ann, bob = (cloud.control.create_user(connection.tenant_id, displayName=name) for name in ("Ann", "Bob"))
    cloud.control.fault(f"GET /v1.0/users/{bob}", status=status, headers={"Retry-After": "9"})
    with pytest.raises(error) as caught:
        microsoft.directory.fetch_people(connection, [ann, bob], order=3)
    if isinstance(caught.value, Transient):
        assert caught.value.retry_after == 9.0


@pytest.mark.parametrize("object_id", ["", "../organization", "x' or 1 eq 1", NOBODY.upper()])
def test_what_is_no_object_id_is_not_asked_for(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, object_id: str
) -> None:
    """It never becomes part of a URL."""
    with pytest.raises(Defect):
        microsoft.directory.fetch_people(connection, [object_id], order=3)
    assert cloud.control.requests() == []


def test_a_token_that_graph_refuses_is_replaced_once(
    cloud: Cloud, microsoft: Microsoft, connection: Connection
) -> None:
    """A 401 costs one new token; a second one is passing trouble."""
    cloud.control.fault("GET /v1.0/users/delta", status=401, code="InvalidAuthenticationToken")
    assert pages(microsoft, connection, "users")
    assert cloud.control.counts()["POST token 200"] == 2
    cloud.control.fault("GET /v1.0/users/delta", status=401, code="InvalidAuthenticationToken", count=2)
    with pytest.raises(Transient):
        microsoft.directory.read_page(connection, "users", "", order=1, full=True)


def test_bulk_reads_let_others_go_first(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """A full pass is of low priority, a pull is not; every call can be traced, none accepts more than gzip."""
    link = pages(microsoft, connection, "users")[-1].delta_link
    assert link
    pages(microsoft, connection, "users", link)
    full, pull = (request["headers"] for request in cloud.control.requests() if "/delta" in request["path"])
    assert full["x-ms-throttle-priority"] == "low"
    assert "x-ms-throttle-priority" not in pull
    assert full["client-request-id"] != pull["client-request-id"]


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "/v1.0/users"),
        ("DELETE", "/v1.0/users/" + NOBODY),
        ("PATCH", "/v1.0/groups/" + NOBODY),
        ("GET", "/v1.0/me"),
        ("GET", "/beta/users"),
        ("GET", "/v1.0/users/../applications"),
    ],
)
def test_nothing_else_can_be_called(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, method: str, url: str
) -> None:
    """The transport refuses before a socket opens, whoever asks."""
    from kiota_abstractions.method import Method

    with pytest.raises(ForbiddenCall):
        microsoft.graph.call(connection, Method(method), f"{cloud.base_url}{url}")
    assert not any(request["path"].startswith(("/v1.0", "/beta")) for request in cloud.control.requests())


def test_a_server_that_nobody_vouches_for_is_not_spoken_to(settings: Settings, connection: Connection) -> None:
    """Without the private authority nothing is sent, and it is passing trouble."""
    from dataclasses import replace

    stranger = Microsoft(replace(settings, ca_file=""), SystemClock())
    with pytest.raises(Transient):
        stranger.directory.count_people(connection)
    stranger.close()


def test_what_orjson_refuses_is_read_exactly() -> None:
    """The slow reader is strict about keys, constants, depth and encoding."""
    assert decode(b'{"a":"\\ud800"}') == {"a": "\ud800"}
    for odd in (b'{"a":"\\ud800","a":1}', b'{"a":NaN,"b":"\\ud800"}', b"\xff", b"[" * 200_000, b"{}{}", b""):
        with pytest.raises(NotJson):
            decode(odd)


def test_an_id_as_a_text_is_not_taken_for_a_key() -> None:
    """A person called "id" makes the page be read again, exactly, and nothing else."""
    body = json.dumps({"value": [{"id": NOBODY, "displayName": "id"}]}).encode()
    assert decode_page(body) == json.loads(body)


def test_a_bomb_does_not_fill_the_memory(tmp_path: Path) -> None:
    """Decompression stops at the limit; a cut or an encoding nobody asked for is refused."""
    import asyncio

    import httpx

    from sync.adapters.egress import Rule
    from sync.adapters.graph.transport import AllowedTransport, BodyRefused

    bomb = gzip.compress(b"0" * 10_000_000)
    answers = [
        (bomb, "gzip"),
        (bomb[:-20], "gzip"),
        (b"not gzip", "gzip"),
        (b"x", "br"),
        (b"x" * 2_000_000, "identity"),
    ]

    async def fetch(body: bytes, encoding: str) -> bytes:
        def answer(request: httpx.Request) -> httpx.Response:
            class Stream(httpx.AsyncByteStream):
                async def __aiter__(self) -> Any:
                    yield body

            return httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Stream())

        import re

        rule = Rule("GET", "https://graph.example:443", re.compile("/x"))
        transport = AllowedTransport([rule], httpx.MockTransport(answer), limit=1_000_000)
        async with httpx.AsyncClient(transport=transport) as sender:
            return (await sender.get("https://graph.example/x")).content

    for body, encoding in answers:
        with pytest.raises(BodyRefused):
            asyncio.run(fetch(body, encoding))
    assert asyncio.run(fetch(gzip.compress(b"fine"), "gzip")) == b"fine"
