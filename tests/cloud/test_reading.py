"""Ordinary reads: users, groups, members, organization, deleted items, getByIds."""

from urllib.parse import quote

import pytest

from local.cloud import schema
from local.cloud.control import Control
from tests.cloud.client import Graph
from tests.cloud.test_delta_users import hire

EVENTUAL = {"ConsistencyLevel": "eventual"}


def test_users_list_pages_by_top_and_shows_nulls(graph: Graph, control: Control) -> None:
    """$top up to 999 pages with nextLinks that keep the query; unset properties are null here."""
    hire(control, graph.tenant, 6)
    pages = graph.pages("/users?$select=displayName,jobTitle&$top=4")
    assert [len(page["value"]) for page in pages] == [4, 4, 3]
    assert pages[-1]["value"][-1]["jobTitle"] is None
    assert "%24select" in pages[0]["@odata.nextLink"] or "$select" in pages[0]["@odata.nextLink"]
    assert graph.get("/users?$top=1000").status_code == 400


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("mail eq 'P1@X.example'", ["P1"]),
        ("displayName eq 'P0' or displayName eq 'P2'", ["P0", "P2"]),
        ("displayName in ('P0', 'P1')", ["P0", "P1"]),
        ("accountEnabled eq true and displayName eq 'P2'", ["P2"]),
        ("mail eq 'o''neill@x.example'", []),
    ],
)
def test_filters_on_users(graph: Graph, control: Control, clause: str, expected: list[str]) -> None:
    """eq, in, and, or over the filterable properties, without regard to case."""
    hire(control, graph.tenant, 3)
    found = graph.ok(f"/users?$select=displayName&$filter={quote(clause)}")["value"]
    assert [item["displayName"] for item in found] == expected


@pytest.mark.parametrize("clause", ["startswith(mail,'a')", "mail eq a", "id eq 'a' and mail eq 'b' or id eq 'c'", ""])
def test_filters_that_are_not_simulated_are_refused(graph: Graph, control: Control, clause: str) -> None:
    """400 and a violation."""
    assert graph.get(f"/users?$filter={quote(clause)}").status_code == 400
    assert control.violations()
    control.clear_violations()


def test_one_user_by_id_or_sign_in_name(graph: Graph, control: Control) -> None:
    """Any case of the id, an encoded guest name, a 404 for others, and the manager expanded."""
    boss = control.create_user(graph.tenant, displayName="Boss", userPrincipalName="boss_x.example#EXT#@t.example")
    user = control.create_user(graph.tenant, displayName="Ann", manager=boss)
    assert graph.ok(f"/users/{user.upper()}")["id"] == user
    assert graph.ok(f"/users/{quote('boss_x.example#EXT#@t.example')}")["id"] == boss
    shown = graph.ok(f"/users/{user}?$select=id&$expand=manager($select=displayName)")
    assert shown["manager"]["displayName"] == "Boss"
    assert graph.ok(f"/users/{user}/manager")["id"] == boss
    assert graph.get(f"/users/{boss}/manager").status_code == 404
    missing = graph.get("/users/00000000-0000-4000-8000-000000000000")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "Request_ResourceNotFound")


def test_counting_is_an_advanced_query(graph: Graph, control: Control) -> None:
    """/users/$count is text/plain and needs ConsistencyLevel: eventual."""
    hire(control, graph.tenant, 3)
    answer = graph.get("/users/$count", headers=EVENTUAL)
    assert (answer.text, answer.headers["content-type"]) == ("8", "text/plain")
    guests = graph.get("/users/$count?$filter=userType eq 'Guest'", headers=EVENTUAL)
    assert guests.text == "1"
    assert graph.get("/groups/$count", headers=EVENTUAL).text == "0"
    assert graph.get("/users/$count").status_code == 400
    control.clear_violations()


def test_members_are_null_filled_where_the_type_may_not_be_read(graph: Graph, control: Control) -> None:
    """With GroupMember.Read.All alone users show id and type only, without an error."""
    user = control.create_user(graph.tenant, displayName="Ann")
    device = control.create_other(graph.tenant, "device", "LAPTOP")
    robot = control.create_other(graph.tenant, "servicePrincipal", "Robot")
    group = control.create_group(graph.tenant, displayName="G", members=[user, device, robot])
    shown = graph.ok(f"/groups/{group}/members?$select=id,displayName")["value"]
    assert shown == [
        {"@odata.type": schema.USER, "id": user, "displayName": "Ann"},
        {"@odata.type": schema.DEVICE, "id": device, "displayName": None},
    ]
    control.set_roles(graph.tenant, ["GroupMember.Read.All"])
    graph.fresh_token()
    shown = graph.ok(f"/groups/{group}/members?$select=id,displayName")["value"]
    assert {item["displayName"] for item in shown} == {None}


def test_transitive_members_reach_through_nesting_and_cycles(graph: Graph, control: Control) -> None:
    """Each member once; the cast is an advanced query; soft-deleted people are not listed."""
    ann, bob, eve = hire(control, graph.tenant, 3)
    inner = control.create_group(graph.tenant, displayName="Inner", members=[bob, eve])
    outer = control.create_group(graph.tenant, displayName="Outer", members=[ann, inner])
    control.edit_members(graph.tenant, inner, add=[outer])
    control.delete_user(graph.tenant, eve)
    everything = {item["id"] for item in graph.ok(f"/groups/{outer}/transitiveMembers")["value"]}
    assert everything == {ann, bob, inner, outer}
    url = f"/groups/{outer}/transitiveMembers/microsoft.graph.user?$count=true&$select=id"
    page = graph.ok(url, headers=EVENTUAL)
    assert ([item["id"] for item in page["value"]], page["@odata.count"]) == ([ann, bob], 2)
    assert graph.get(url).status_code == 400
    control.clear_violations()


@pytest.mark.parametrize("path", ["memberOf", "transitiveMemberOf"])
def test_memberships_of_a_user_need_directory_read_all(graph: Graph, control: Control, path: str) -> None:
    """403 with the minimal permissions."""
    user = hire(control, graph.tenant, 1)[0]
    inner = control.create_group(graph.tenant, displayName="Inner", members=[user])
    control.create_group(graph.tenant, displayName="Outer", members=[inner])
    assert graph.get(f"/users/{user}/{path}").status_code == 403
    control.consent(graph.tenant, roles=["Directory.Read.All"])
    graph.fresh_token()
    names = [item["displayName"] for item in graph.ok(f"/users/{user}/{path}")["value"]]
    assert names == (["Inner"] if path == "memberOf" else ["Inner", "Outer"])


def test_get_by_ids_needs_directory_read_all(graph: Graph, control: Control) -> None:
    """403 with the minimal permissions; unknown ids are left out."""
    user = hire(control, graph.tenant, 1)[0]
    body = {"ids": [user, "00000000-0000-4000-8000-000000000000"]}
    assert graph.send("POST", "/directoryObjects/getByIds", json=body).status_code == 403
    control.consent(graph.tenant, roles=["Directory.Read.All"])
    graph.fresh_token()
    found = graph.send("POST", "/directoryObjects/getByIds", json=body).json()["value"]
    assert [item["id"] for item in found] == [user]


def test_organization_is_refused_reduced_or_whole(graph: Graph, control: Control) -> None:
    """403 by default, a reduced object by switch, domains with Organization.Read.All."""
    assert graph.get("/organization").status_code == 403
    control.behave(organization_reduced=True)
    reduced = graph.ok("/organization?$select=id,displayName,verifiedDomains")["value"][0]
    assert (reduced["id"], reduced["verifiedDomains"]) == (graph.tenant, None)
    control.consent(graph.tenant, roles=["Organization.Read.All"])
    graph.fresh_token()
    assert graph.ok("/organization")["value"][0]["verifiedDomains"][0]["isDefault"] is True


def test_deleted_people_are_in_the_deleted_items(graph: Graph, control: Control) -> None:
    """Their sign-in name is prefixed with the object id and free again; a purge ends it."""
    user = control.create_user(graph.tenant, displayName="Ann", userPrincipalName="ann@t.example")
    control.delete_user(graph.tenant, user)
    assert graph.get(f"/users/{user}").status_code == 404
    held = graph.ok("/directory/deletedItems/microsoft.graph.user")["value"]
    assert held[0]["userPrincipalName"] == user.replace("-", "") + "ann@t.example"
    assert graph.ok(f"/directory/deletedItems/{user}")["deletedDateTime"]
    again = control.create_user(graph.tenant, displayName="Ann", userPrincipalName="ann@t.example")
    assert graph.ok("/users/ann@t.example")["id"] == again != user
    control.purge_user(graph.tenant, user)
    assert graph.ok("/directory/deletedItems/microsoft.graph.user")["value"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/me"),
        ("GET", "/applications"),
        ("POST", "/users"),
        ("PATCH", "/users/11111111-1111-4111-8111-111111111111"),
        ("DELETE", "/groups/11111111-1111-4111-8111-111111111111"),
        ("POST", "/groups/11111111-1111-4111-8111-111111111111/members"),
    ],
)
def test_unknown_routes_and_writes_are_violations(graph: Graph, control: Control, method: str, path: str) -> None:
    """501, and remembered."""
    assert graph.send(method, path, json={}).status_code == 501
    assert len(control.violations()) == 1
    control.clear_violations()


def test_every_reply_has_what_a_client_logs(graph: Graph) -> None:
    """Errors carry request ids and echo client-request-id; good answers echo it too."""
    given = {"client-request-id": "11111111-2222-4333-8444-555555555555"}
    inner = graph.get("/users/nobody@x", headers=given).json()["error"]["innerError"]
    assert inner["client-request-id"] == given["client-request-id"]
    assert graph.get("/users", headers=given).headers["client-request-id"] == given["client-request-id"]
