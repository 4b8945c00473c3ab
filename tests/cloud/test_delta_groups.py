"""The groups delta feed."""

import httpx

from local.cloud.control import Control
from local.cloud.server import Cloud
from tests.cloud.client import Graph, Json
from tests.cloud.test_delta_users import hire

SELECTED = "/groups/delta?$select=displayName,members"
REMOVED = {"@removed": {"reason": "deleted"}}


def person(user: str, **more: Json) -> Json:
    """A members@delta entry of a user."""
    return {"@odata.type": "#microsoft.graph.user", "id": user, **more}


def of(items: list[Json], group: str) -> list[Json]:
    """The items about one group."""
    return [item for item in items if item["id"] == group]


def test_members_of_every_kind_come_with_type_and_id_only(graph: Graph, control: Control) -> None:
    """Users, nested groups, devices and service principals; a group without members has no members@delta."""
    user = hire(control, graph.tenant, 1)[0]
    device = control.create_other(graph.tenant, "device")
    robot = control.create_other(graph.tenant, "servicePrincipal")
    inner = control.create_group(graph.tenant, displayName="Inner")
    outer = control.create_group(graph.tenant, displayName="Outer", members=[user, device, robot, inner])
    items, _ = graph.round(SELECTED)
    assert of(items, inner) == [{"id": inner, "displayName": "Inner"}]
    assert of(items, outer)[0]["members@delta"] == [
        person(user),
        {"@odata.type": "#microsoft.graph.device", "id": device},
        {"@odata.type": "#microsoft.graph.servicePrincipal", "id": robot},
        {"@odata.type": "#microsoft.graph.group", "id": inner},
    ]


def test_without_members_in_select_there_is_no_membership(graph: Graph, control: Control) -> None:
    """$select not naming members gives and tracks none; no $select gives them."""
    users = hire(control, graph.tenant, 2)
    group = control.create_group(graph.tenant, displayName="G", members=users[:1])
    items, link = graph.round("/groups/delta?$select=displayName")
    assert of(items, group) == [{"id": group, "displayName": "G"}]
    control.edit_members(graph.tenant, group, add=users[1:])
    assert graph.round(link)[0] == []
    assert "members@delta" in of(graph.round("/groups/delta")[0], group)[0]


def test_adds_and_removes_in_a_change_round(graph: Graph, control: Control) -> None:
    """The net effect by default, in order of arrival; every step of it where the switch says."""
    users = hire(control, graph.tenant, 3)
    group = control.create_group(graph.tenant, displayName="G", members=users[:2])
    _, link = graph.round(SELECTED)
    control.edit_members(graph.tenant, group, add=[users[2]], remove=[users[0]])
    control.edit_members(graph.tenant, group, remove=[users[2]])
    items, _ = graph.round(link)
    assert items == [
        {"id": group, "displayName": "G", "members@delta": [person(users[2], **REMOVED), person(users[0], **REMOVED)]}
    ]
    control.behave(verbose_members=True)
    told = graph.round(link)[0][0]["members@delta"]
    assert told == [person(users[2]), person(users[0], **REMOVED), person(users[2], **REMOVED)]


def test_a_large_group_comes_in_slices_with_its_properties_repeated(graph: Graph, control: Control) -> None:
    """The same group over several pages, in the first round and in change rounds; together all members."""
    users = hire(control, graph.tenant, 25)
    control.behave(member_slice=10)
    small = control.create_group(graph.tenant, displayName="Small", members=users[:3])
    large = control.create_group(graph.tenant, displayName="Large", members=users)
    pages = graph.pages(SELECTED)
    slices = [item for page in pages for item in page["value"] if item["id"] == large]
    assert len(slices) == 3
    assert {item["displayName"] for item in slices} == {"Large"}
    assert [entry["id"] for item in slices for entry in item["members@delta"]] == users
    control.edit_members(graph.tenant, large, remove=users)
    items, _ = graph.round(pages[-1]["@odata.deltaLink"])
    told = of(items, large)
    assert [len(item["members@delta"]) for item in told] == [10, 10, 5]
    assert of(items, small) == []


def test_members_removed_during_an_enumeration_do_not_hide_others(graph: Graph, control: Control) -> None:
    """Editing a group between two slices loses no member."""
    users = hire(control, graph.tenant, 20)
    control.behave(member_slice=10)
    group = control.create_group(graph.tenant, displayName="G", members=users)
    first = graph.ok(SELECTED)
    control.edit_members(graph.tenant, group, remove=users[:5])
    rest, _ = graph.round(first["@odata.nextLink"])
    told = [entry["id"] for item in first["value"] + rest for entry in item["members@delta"]]
    assert set(told) == set(users)


def test_soft_deleted_people_stay_members_and_the_feed_says_nothing(graph: Graph, control: Control) -> None:
    """Neither the deletion nor the restoration of a member shows; only a purge does (switch)."""
    user = hire(control, graph.tenant, 1)[0]
    group = control.create_group(graph.tenant, displayName="G", members=[user])
    _, link = graph.round(SELECTED)
    control.delete_user(graph.tenant, user)
    control.restore_user(graph.tenant, user)
    control.delete_user(graph.tenant, user)
    items, link = graph.round(link)
    assert items == []
    assert of(graph.round(SELECTED)[0], group)[0]["members@delta"] == [person(user)]
    control.behave(soft_deleted_in_members=False)
    assert "members@delta" not in of(graph.round(SELECTED)[0], group)[0]
    control.purge_user(graph.tenant, user)
    items, _ = graph.round(link)
    assert items[0]["members@delta"] == [person(user, **REMOVED)]


def test_a_purge_can_go_unsaid_in_the_groups_feed(graph: Graph, control: Control) -> None:
    """What others have seen: even permanent deletions never reach the groups feed."""
    user = hire(control, graph.tenant, 1)[0]
    control.create_group(graph.tenant, displayName="G", members=[user])
    _, link = graph.round(SELECTED)
    control.behave(hard_delete_in_groups_delta=False)
    control.purge_user(graph.tenant, user)
    assert graph.round(link)[0] == []


def test_groups_are_deleted_as_their_kind_is(graph: Graph, control: Control) -> None:
    """Cloud security groups and Microsoft 365 groups softly, synced and mail-enabled ones at once."""
    soft = control.create_group(graph.tenant, displayName="Security")
    unified = control.create_group(graph.tenant, displayName="Team", groupTypes=["Unified"], mailEnabled=True)
    synced = control.create_group(graph.tenant, displayName="Synced", onPremisesSyncEnabled=True)
    mailed = control.create_group(graph.tenant, displayName="Mailed", mailEnabled=True)
    _, link = graph.round(SELECTED)
    reasons = [control.delete_group(graph.tenant, group) for group in (soft, unified, synced, mailed)]
    assert reasons == ["changed", "changed", "deleted", "deleted"]
    items, _ = graph.round(link)
    assert {item["id"]: item["@removed"]["reason"] for item in items} == dict(
        zip((soft, unified, synced, mailed), reasons, strict=True)
    )
    control.behave(security_groups_soft_delete=False)
    assert control.delete_group(graph.tenant, control.create_group(graph.tenant, displayName="Old")) == "deleted"


def test_a_restored_group_comes_as_new_with_or_without_its_members(graph: Graph, control: Control) -> None:
    """Whether members are sent again is undocumented, so it is a switch."""
    user = hire(control, graph.tenant, 1)[0]
    group = control.create_group(graph.tenant, displayName="G", members=[user])
    control.delete_group(graph.tenant, group)
    _, link = graph.round(SELECTED)
    control.restore_group(graph.tenant, group)
    items, link = graph.round(link)
    assert items == [{"id": group, "displayName": "G", "members@delta": [person(user)]}]
    control.behave(restore_resends_members=False)
    control.delete_group(graph.tenant, group)
    control.restore_group(graph.tenant, group)
    assert graph.round(link)[0] == [{"id": group, "displayName": "G"}]


def test_a_change_in_a_nested_group_does_not_touch_its_parent(graph: Graph, control: Control) -> None:
    """Delta knows direct members only."""
    user = hire(control, graph.tenant, 1)[0]
    inner = control.create_group(graph.tenant, displayName="Inner")
    control.create_group(graph.tenant, displayName="Outer", members=[inner])
    _, link = graph.round(SELECTED)
    control.edit_members(graph.tenant, inner, add=[user])
    assert [item["id"] for item in graph.round(link)[0]] == [inner]


def test_a_nested_group_with_several_parents_leaves_all_of_them_for_good_only(graph: Graph, control: Control) -> None:
    """A soft delete leaves its places in its parents unsaid, in a ring too; a purge is told at each of them."""
    inner = control.create_group(graph.tenant, displayName="Inner")
    parents = [control.create_group(graph.tenant, displayName=name, members=[inner]) for name in "AB"]
    control.edit_members(graph.tenant, inner, add=parents[:1])
    entry = {"@odata.type": "#microsoft.graph.group", "id": inner}
    items, link = graph.round(SELECTED)
    assert [of(items, parent)[0]["members@delta"] for parent in parents] == [[entry], [entry]]
    control.delete_group(graph.tenant, inner)
    items, link = graph.round(link)
    assert items == [{"id": inner, "@removed": {"reason": "changed"}}]
    control.behave(soft_deleted_in_members=False)
    assert not any("members@delta" in item for item in graph.round(SELECTED)[0])
    control.purge_group(graph.tenant, inner)
    items, _ = graph.round(link)
    assert of(items, inner) == [{"id": inner, "@removed": {"reason": "deleted"}}]
    assert [of(items, parent)[0]["members@delta"] for parent in parents] == [[{**entry, **REMOVED}]] * 2


def test_a_restored_person_is_back_in_groups_said_or_unsaid(graph: Graph, control: Control) -> None:
    """The groups feed need not tell of it; where the switch says, it tells of an addition."""
    user = hire(control, graph.tenant, 1)[0]
    group = control.create_group(graph.tenant, displayName="G", members=[user])
    _, link = graph.round(SELECTED)
    for told in (False, True):
        control.behave(restore_in_groups_delta=told)
        control.delete_user(graph.tenant, user)
        assert graph.ok(f"/groups/{group}/members")["value"] == []
        control.restore_user(graph.tenant, user)
        items, link = graph.round(link)
        assert items == ([{"id": group, "displayName": "G", "members@delta": [person(user)]}] if told else [])
        assert [member["id"] for member in graph.ok(f"/groups/{group}/members")["value"]] == [user]


def test_removed_groups_can_appear_in_a_full_enumeration(graph: Graph, control: Control) -> None:
    """Tombstones of groups never seen, where the switch says."""
    soft, hard = (control.create_group(graph.tenant, displayName=name) for name in "AB")
    control.delete_group(graph.tenant, soft)
    control.purge_group(graph.tenant, hard)
    assert graph.round(SELECTED)[0] == []
    control.behave(removed_in_initial=True)
    reasons = {item["id"]: item["@removed"]["reason"] for item in graph.round(SELECTED)[0]}
    assert reasons == {soft: "changed", hard: "deleted"}


def test_a_dynamic_group_is_told_like_any_other(graph: Graph, control: Control) -> None:
    """Its kind, its rule, and what the service worked out as ordinary additions and removals."""
    users = hire(control, graph.tenant, 2)
    rule = '(user.department -eq "Sales")'
    kind = {"groupTypes": ["DynamicMembership"], "membershipRule": rule}
    group = control.create_group(graph.tenant, displayName="D", members=users[:1], **kind)
    items, link = graph.round("/groups/delta?$select=groupTypes,membershipRule,members")
    assert items == [{"id": group, **kind, "members@delta": [person(users[0])]}]
    control.edit_members(graph.tenant, group, add=users[1:], remove=users[:1])
    told = graph.round(link)[0][0]["members@delta"]
    assert told == [person(users[1]), person(users[0], **REMOVED)]


def test_hidden_membership_needs_its_own_permission(graph: Graph, control: Control) -> None:
    """Without Member.Read.Hidden a hidden group has no members, in delta and in lists."""
    user = hire(control, graph.tenant, 1)[0]
    group = control.create_group(
        graph.tenant, displayName="H", groupTypes=["Unified"], visibility="HiddenMembership", members=[user]
    )
    assert "members@delta" not in of(graph.round(SELECTED)[0], group)[0]
    assert graph.ok(f"/groups/{group}/members")["value"] == []
    control.consent(graph.tenant, roles=["Member.Read.Hidden"])
    graph.fresh_token()
    assert of(graph.round(SELECTED)[0], group)[0]["members@delta"] == [person(user)]


def test_filter_by_id_and_minimal(graph: Graph, control: Control) -> None:
    """Only the groups picked, and only what changed in them."""
    first, second = (control.create_group(graph.tenant, displayName=name) for name in "AB")
    items, link = graph.round(f"{SELECTED}&$filter=id eq '{first}'")
    assert [item["id"] for item in items] == [first]
    for group in (first, second):
        control.update_group(graph.tenant, group, description="new", displayName="N")
    items, _ = graph.round(link, headers={"Prefer": "return=minimal"})
    assert items == [{"id": first, "displayName": "N"}]


def test_the_least_permission_is_groupmember_read_all(cloud: Cloud, http: httpx.Client, control: Control) -> None:
    """User.Read.All alone is refused."""
    tenant = control.create_tenant()
    control.consent(tenant, roles=["User.Read.All"])
    graph = Graph(cloud, http, tenant)
    assert graph.get(SELECTED).status_code == 403
    control.set_roles(tenant, ["GroupMember.Read.All"])
    graph.fresh_token()
    assert graph.get(SELECTED).status_code == 200
    assert graph.get("/users/delta").status_code == 403
