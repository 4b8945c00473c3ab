"""Feeds that misbehave: ended in the middle, narrowed, silent about something, empty, or with odd items."""

from typing import Any

import pytest

from local.cloud.control import Control
from local.cloud.server import Cloud
from tests.cloud.client import Graph, Json
from tests.cloud.test_delta_users import hire, of

USERS = "/users/delta?$select=displayName,accountEnabled"
GROUPS = "/groups/delta?$select=displayName,members"


def ids(items: list[Json]) -> list[str]:
    """The ids of items, in order."""
    return [str(item["id"]) for item in items]


@pytest.mark.parametrize("feed", ["users", "groups"])
def test_a_full_enumeration_can_end_with_410_in_its_middle(
    graph: Graph, control: Control, cloud: Cloud, feed: str
) -> None:
    """The third page answers 410 with a Location that begins anew; pages and links of before are gone with it."""
    for name in "ABCDEF":
        control.create_group(graph.tenant, displayName=name)
    control.behave(page_size=2)
    _, before = graph.round(f"/{feed}/delta?$select=id")
    control.fault(f"/{feed}/delta", action="reset", skip=2)
    second = graph.ok(graph.ok(f"/{feed}/delta?$select=id")["@odata.nextLink"])
    answer = graph.get(second["@odata.nextLink"])
    assert answer.status_code == 410
    assert answer.headers["location"] == f"{cloud.base_url}/v1.0/{feed}/delta?$deltatoken="
    assert graph.get(second["@odata.nextLink"]).status_code == graph.get(before).status_code == 410
    items, _ = graph.round(answer.headers["location"])
    assert len(set(ids(items))) == (5 if feed == "users" else 6)


def test_a_next_link_can_be_expired(graph: Graph, control: Control) -> None:
    """400 syncStateNotFound in the middle of a round; the other feed's links go on."""
    control.behave(page_size=2)
    _, groups = graph.round(GROUPS)
    link = graph.ok(USERS)["@odata.nextLink"]
    control.fault(r"/users/delta\?\$skiptoken", action="expire")
    error = graph.get(link)
    assert (error.status_code, error.json()["error"]["code"]) == (400, "syncStateNotFound")
    assert graph.get(groups).status_code == 200
    assert len(graph.round(USERS)[0]) == 5


def test_pages_can_lead_in_a_circle(graph: Graph, control: Control) -> None:
    """The second page leads to the first, by the same link each time; with the switch off, on to the third."""
    control.behave(page_size=2, circle_pages=2)
    second = graph.ok(USERS)["@odata.nextLink"]
    first = graph.ok(second)["@odata.nextLink"]
    assert graph.ok(first)["@odata.nextLink"] != first
    again = graph.ok(graph.ok(first)["@odata.nextLink"])
    assert again["@odata.nextLink"] == first
    control.behave(circle_pages=0)
    assert len(graph.round(first)[0]) == 5


def test_the_right_to_groups_can_end_while_they_are_read(graph: Graph, control: Control) -> None:
    """The token in use still works, the next one gets 403 on the same link, people go on; granted again it goes on."""
    users = hire(control, graph.tenant, 6)
    control.behave(member_slice=2)
    group = control.create_group(graph.tenant, displayName="G", members=users)
    first = graph.ok(GROUPS)
    control.set_roles(graph.tenant, ["User.Read.All"])
    second = graph.ok(first["@odata.nextLink"])
    graph.fresh_token()
    refused = graph.get(second["@odata.nextLink"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Authorization_RequestDenied")
    assert len(graph.round(USERS)[0]) == 11
    control.set_roles(graph.tenant, ["User.Read.All", "GroupMember.Read.All"])
    graph.fresh_token()
    rest, _ = graph.round(second["@odata.nextLink"])
    told = [entry["id"] for item in [*first["value"], *second["value"], *rest] for entry in item["members@delta"]]
    assert (told, {item["id"] for item in rest}) == (users, {group})


@pytest.mark.parametrize("feed", ["users", "groups"])
def test_an_enumeration_can_be_empty_and_complete(graph: Graph, control: Control, feed: str) -> None:
    """200, nothing, and a deltaLink that tells of later changes only; of one tenant, or from a later page on."""
    made = [control.create_group(graph.tenant, displayName=name) for name in "AB"]
    control.behave(page_size=1)
    control.fault(f"/{feed}/delta", action="empty", tenant=graph.tenant)
    page = graph.ok(f"/{feed}/delta?$select=displayName")
    assert page["value"] == []
    assert "@odata.nextLink" not in page
    assert graph.round(page["@odata.deltaLink"])[0] == []
    control.update_group(graph.tenant, made[0], displayName="C")
    user = control.create_user(graph.tenant, displayName="C")
    assert ids(graph.round(page["@odata.deltaLink"])[0]) == [user if feed == "users" else made[0]]
    control.fault(f"/{feed}/delta", action="empty", skip=1)
    assert len(graph.round(f"/{feed}/delta?$select=displayName")[0]) == 1


@pytest.mark.parametrize("purge", [False, True])
def test_change_rounds_can_omit_a_deletion(graph: Graph, control: Control, *, purge: bool) -> None:
    """No round tells that somebody or a group is gone, not even one about an earlier change; an enumeration does."""
    ann, bob = hire(control, graph.tenant, 2)
    group = control.create_group(graph.tenant, displayName="G")
    _, users = graph.round(USERS)
    _, groups = graph.round(GROUPS)
    control.update_user(graph.tenant, ann, displayName="Anne")
    control.behave(omit_deletions=1)
    (control.purge_user if purge else control.delete_user)(graph.tenant, ann)
    (control.purge_group if purge else control.delete_group)(graph.tenant, group)
    control.behave(omit_deletions=0)
    control.delete_user(graph.tenant, bob)
    assert ids(graph.round(users)[0]) == [bob]
    assert graph.round(groups)[0] == []
    assert not {ann, bob} & set(ids(graph.round(USERS)[0]))
    assert graph.round(GROUPS)[0] == []


def test_what_follows_an_omitted_deletion_is_told(graph: Graph, control: Control) -> None:
    """The purge of who was deleted silently is a tombstone, the restoration a full item."""
    ann, bob = hire(control, graph.tenant, 2)
    _, link = graph.round(USERS)
    control.behave(omit_deletions=1)
    for user in (ann, bob):
        control.delete_user(graph.tenant, user)
    control.behave(omit_deletions=0)
    control.purge_user(graph.tenant, ann)
    control.restore_user(graph.tenant, bob)
    items, _ = graph.round(link)
    assert items == [
        {"id": ann, "@removed": {"reason": "deleted"}},
        {"id": bob, "displayName": "P1", "accountEnabled": True},
    ]


def test_change_rounds_can_omit_a_restoration(graph: Graph, control: Control) -> None:
    """The deletion is told, the undelete in the same or a later round is not, until something else changes."""
    ann, bob = hire(control, graph.tenant, 2)
    group = control.create_group(graph.tenant, displayName="G", members=[ann])
    _, users = graph.round(USERS)
    _, groups = graph.round(GROUPS)
    control.behave(omit_restores=1)
    for user in (ann, bob):
        control.delete_user(graph.tenant, user)
        control.restore_user(graph.tenant, user)
    control.delete_group(graph.tenant, group)
    control.restore_group(graph.tenant, group)
    gone = {"@removed": {"reason": "changed"}}
    items, users = graph.round(users)
    assert items == [{"id": ann, **gone}, {"id": bob, **gone}]
    items, groups = graph.round(groups)
    assert items == [{"id": group, **gone}]
    control.update_user(graph.tenant, ann, displayName="Anne")
    control.edit_members(graph.tenant, group, add=[bob])
    assert graph.round(users)[0] == [{"id": ann, "displayName": "Anne", "accountEnabled": True}]
    assert [entry["id"] for entry in graph.round(groups)[0][0]["members@delta"]] == [bob]
    assert {ann, bob} < set(ids(graph.round(USERS)[0]))


def test_omissions_have_a_probability(graph: Graph, control: Control) -> None:
    """Some of many deletions are told, and some are not."""
    users = hire(control, graph.tenant, 60)
    _, link = graph.round(USERS)
    control.behave(omit_deletions=0.5)
    for user in users:
        control.delete_user(graph.tenant, user)
    assert 10 < len(graph.round(link)[0]) < 50


def test_properties_can_go_untracked(graph: Graph, control: Control) -> None:
    """A change of these alone is no item; with another change the new value comes along."""
    user = control.create_user(graph.tenant, displayName="Ann", accountEnabled=True)
    _, link = graph.round(USERS)
    control.behave(untracked_properties=["accountEnabled"])
    control.update_user(graph.tenant, user, accountEnabled=False)
    items, link = graph.round(link)
    assert items == []
    control.update_user(graph.tenant, user, displayName="Anne")
    assert graph.round(link)[0] == [{"id": user, "displayName": "Anne", "accountEnabled": False}]


def test_account_enabled_can_be_absent(graph: Graph, control: Control) -> None:
    """Of one person, who never had it; or of every item of a feed."""
    without = control.create_user(graph.tenant, displayName="Ann", accountEnabled=None)
    items, link = graph.round(USERS)
    assert of(items, without) == [{"id": without, "displayName": "Ann"}]
    assert sum("accountEnabled" in item for item in items) == 5
    control.behave(absent_properties=["accountEnabled"])
    assert not any("accountEnabled" in item for item in graph.round(USERS)[0])
    bob = control.create_user(graph.tenant, displayName="Bob")
    assert graph.round(link)[0] == [{"id": bob, "displayName": "Bob"}]


def test_items_can_have_fields_that_nobody_selected(graph: Graph, control: Control) -> None:
    """An annotation and a property of tomorrow, on people and groups."""
    control.create_group(graph.tenant, displayName="G")
    control.behave(unknown_fields=True)
    for url, kind in ((USERS, "user"), (GROUPS, "group")):
        item = graph.round(url)[0][0]
        assert item["@odata.type"] == f"#microsoft.graph.{kind}"
        assert item["propertyOfTomorrow"] == {"values": [None, {"deep": True}]}


def test_members_can_be_ids_only(graph: Graph, control: Control) -> None:
    """Without a type, added or removed, whatever they are."""
    user = hire(control, graph.tenant, 1)[0]
    device = control.create_other(graph.tenant, "device")
    group = control.create_group(graph.tenant, displayName="G", members=[user, device])
    control.behave(untyped_members=True)
    items, link = graph.round(GROUPS)
    assert items[0]["members@delta"] == [{"id": user}, {"id": device}]
    control.edit_members(graph.tenant, group, remove=[device])
    assert graph.round(link)[0][0]["members@delta"] == [{"id": device, "@removed": {"reason": "deleted"}}]


@pytest.mark.parametrize(
    "values",
    [
        {"jobTitle": "x" * 100_000},
        {"jobTitle": "\N{FAMILY}" * 40_000},
        {f"extension_{'ab' * 16}_{number}": "y" * 10_000 for number in range(30)},
        {"otherMails": [f"a{number}@x.example" for number in range(20_000)]},
        {"jobTitle": {"not": ["a", "text"]}, "mail": 7, "accountEnabled": "yes"},
    ],
)
def test_values_can_be_oversized_or_of_another_type(graph: Graph, control: Control, values: dict[str, Any]) -> None:
    """What is set is told as it is: no limit of length, number or type is enforced."""
    user = control.create_user(graph.tenant, **values)
    url = f"/users/delta?$select={','.join(values)}"
    assert of(graph.round(url)[0], user) == [{"id": user, **values}]


def test_a_fault_of_one_tenant_is_met_inside_a_batch_too(graph: Graph, control: Control) -> None:
    """The tenant of an inner request is that of the batch."""
    control.fault("GET /v1.0/users/nobody", status=503, tenant=graph.tenant)
    body = {"requests": [{"id": "1", "method": "GET", "url": "/users/nobody@x.example"}]}
    statuses = [graph.send("POST", "/$batch", json=body).json()["responses"][0]["status"] for _ in range(2)]
    assert statuses == [503, 404]
