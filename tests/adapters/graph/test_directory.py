"""The Directory port over msgraph-sdk against the simulated cloud, on real TLS: pages, head count, name, roles."""

import json
from typing import Any

import pytest

from local.cloud.server import Cloud
from shared.errors import Defect, NeedsAdmin, SyncError, Transient
from sync.adapters.graph import client as graph_client
from sync.adapters.microsoft import Microsoft
from sync.core.connection import Connection
from sync.core.mapping import select_of
from sync.core.model import ChangeKind, Presence
from sync.ports import CursorExpired, TenantInfo
from tests.adapters.graph.reading import NOBODY, pages


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


def test_a_cursor_goes_on_telling_what_it_was_begun_with(
    cloud: Cloud, microsoft: Microsoft, connection: Connection
) -> None:
    """The `$select` of the beginning, whatever the settings name by now; a person read alone brings as much."""
    control, tenant = cloud.control, connection.tenant_id
    ann = control.create_user(tenant, displayName="Ann", city="Oslo")
    select = (*select_of(connection.settings), "city")
    read = microsoft.directory.read_page
    begun = read(connection, "users", "", order=1, full=True, select=select)
    assert {change.object_id: change.properties.get("city") for change in begun.users}[ann] == "Oslo"
    control.update_user(tenant, ann, city="Odense")
    assert begun.delta_link
    (change,) = read(connection, "users", begun.delta_link, order=2, full=False, select=select).users
    assert change.properties["city"] == "Odense"
    alone = microsoft.directory.fetch_people(connection, [ann], order=3, select=select)[ann]
    assert alone is not None
    assert alone.properties["city"] == "Odense"


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
