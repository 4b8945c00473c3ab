"""The users delta feed."""

import pytest

from local.cloud.control import Control
from tests.cloud.client import Graph, Json

SELECTED = "/users/delta?$select=displayName,mail,jobTitle,manager"


def of(items: list[Json], user: str) -> list[Json]:
    """The items about one user."""
    return [item for item in items if item["id"] == user]


def hire(control: Control, tenant: str, number: int) -> list[str]:
    """So many new people."""
    edits = [
        {"op": "user.create", "set": {"displayName": f"P{at}", "mail": f"p{at}@x.example"}} for at in range(number)
    ]
    return [str(result["id"]) for result in control.edit(tenant, *edits)]


def test_every_page_has_exactly_one_link_and_the_last_is_a_delta_link(graph: Graph, control: Control) -> None:
    """A full enumeration pages by the server's size, never with both links, and everybody comes once."""
    control.behave(page_size=3)
    ids = hire(control, graph.tenant, 10)
    pages = graph.pages(SELECTED)
    assert len(pages) == 5
    for page in pages[:-1]:
        assert "@odata.nextLink" in page
        assert "@odata.deltaLink" not in page
        assert "$skiptoken=" in page["@odata.nextLink"]
    assert "@odata.nextLink" not in pages[-1]
    found = [item["id"] for page in pages for item in page["value"]]
    assert len(found) == len(set(found)) == 15
    assert set(ids) < set(found)


def test_no_change_is_an_empty_page_with_a_new_delta_link(graph: Graph) -> None:
    """A round without changes still gives a link to keep."""
    _, link = graph.round(SELECTED)
    items, again = graph.round(link)
    assert items == []
    assert again != link


def test_only_selected_properties_are_tracked(graph: Graph, control: Control) -> None:
    """A change elsewhere yields no item; a change of one yields all selected ones ever set."""
    user = control.create_user(graph.tenant, displayName="Ann", mail="ann@x.example")
    _, link = graph.round(SELECTED)
    control.update_user(graph.tenant, user, department="Sales")
    items, link = graph.round(link)
    assert items == []
    control.update_user(graph.tenant, user, mail="ann2@x.example")
    items, _ = graph.round(link)
    assert items == [{"id": user, "displayName": "Ann", "mail": "ann2@x.example"}]


def test_never_set_is_absent_and_cleared_is_null(graph: Graph, control: Control) -> None:
    """Absent is not the same as null."""
    user = control.create_user(graph.tenant, displayName="Ann", mail="ann@x.example")
    items, link = graph.round(SELECTED)
    assert "jobTitle" not in of(items, user)[0]
    control.update_user(graph.tenant, user, mail=None)
    items, _ = graph.round(link)
    assert items == [{"id": user, "displayName": "Ann", "mail": None}]


def test_return_minimal_gives_only_what_changed(graph: Graph, control: Control) -> None:
    """With Prefer: return=minimal an absent property is unchanged."""
    user = control.create_user(graph.tenant, displayName="Ann", mail="ann@x.example")
    _, link = graph.round(SELECTED)
    control.update_user(graph.tenant, user, mail="b@x.example")
    items, _ = graph.round(link, headers={"Prefer": "return=minimal"})
    assert items == [{"id": user, "mail": "b@x.example"}]


def test_soft_delete_hard_delete_and_restore(graph: Graph, control: Control) -> None:
    """Soft is reason changed, hard is deleted, restored is a full item without annotation."""
    user = control.create_user(graph.tenant, displayName="Ann", mail="ann@x.example")
    _, link = graph.round(SELECTED)
    control.delete_user(graph.tenant, user)
    items, link = graph.round(link)
    assert items == [{"id": user, "@removed": {"reason": "changed"}}]
    control.restore_user(graph.tenant, user)
    items, link = graph.round(link)
    assert items == [{"id": user, "displayName": "Ann", "mail": "ann@x.example"}]
    control.delete_user(graph.tenant, user)
    _, link = graph.round(link)
    control.purge_user(graph.tenant, user)
    items, _ = graph.round(link)
    assert items == [{"id": user, "@removed": {"reason": "deleted"}}]


def test_manager_is_told_as_a_relation(graph: Graph, control: Control) -> None:
    """manager@delta names the new manager, and the old one as removed."""
    boss, other = hire(control, graph.tenant, 2)
    user = control.create_user(graph.tenant, displayName="Ann", manager=boss)
    items, link = graph.round(SELECTED)
    reference = {"@odata.type": "#microsoft.graph.user", "id": boss}
    assert of(items, user)[0]["manager@delta"] == [reference]
    control.update_user(graph.tenant, user, manager=other)
    items, link = graph.round(link)
    assert items[0]["manager@delta"] == [
        {**reference, "@removed": {"reason": "deleted"}},
        {"@odata.type": "#microsoft.graph.user", "id": other},
    ]
    control.behave(manager_separate=True)
    control.update_user(graph.tenant, user, manager=None)
    items, _ = graph.round(link)
    assert items[0] == {
        "id": user,
        "manager@delta": [{"@odata.type": "#microsoft.graph.user", "id": other, "@removed": {"reason": "deleted"}}],
    }


def test_without_select_the_documented_default_properties_come(graph: Graph, control: Control) -> None:
    """accountEnabled, department and the like must be selected; manager@delta comes by default."""
    boss = hire(control, graph.tenant, 1)[0]
    user = control.create_user(graph.tenant, displayName="Ann", department="Sales", manager=boss)
    items, _ = graph.round("/users/delta")
    assert set(of(items, user)[0]) == {"id", "displayName", "userPrincipalName", "manager@delta"}


def test_latest_gives_a_link_from_now_on(graph: Graph, control: Control) -> None:
    """$deltatoken=latest reads nobody, and later changes come with the selection given then."""
    page = graph.ok(f"{SELECTED}&$deltatoken=latest")
    assert page["value"] == []
    user = control.create_user(graph.tenant, displayName="Ann")
    items, _ = graph.round(page["@odata.deltaLink"])
    assert items == [{"id": user, "displayName": "Ann"}]


@pytest.mark.parametrize("form", ["/users/delta()", "/users/microsoft.graph.delta", "/users/microsoft.graph.delta()"])
def test_the_other_forms_of_the_path_are_the_same_feed(graph: Graph, form: str) -> None:
    """SDKs write the function with parentheses or namespace."""
    items, _ = graph.round(f"{form}?$select=id")
    assert len(items) == 5


def test_parameter_names_have_no_case(graph: Graph) -> None:
    """$SELECT and $skipToken are understood."""
    _, link = graph.round("/users/delta?$SELECT=id")
    items, _ = graph.round(link.replace("$deltatoken", "$deltaToken"))
    assert items == []


def test_filter_by_id_narrows_the_feed(graph: Graph, control: Control) -> None:
    """Up to 50 ids; only those are told, then and later."""
    ids = hire(control, graph.tenant, 3)
    items, link = graph.round(f"/users/delta?$select=mail&$filter=id eq '{ids[0]}' or id eq '{ids[2]}'")
    assert [item["id"] for item in items] == [ids[0], ids[2]]
    control.update_user(graph.tenant, ids[0], mail="a@x.example")
    control.update_user(graph.tenant, ids[1], mail="b@x.example")
    items, _ = graph.round(link)
    assert [item["id"] for item in items] == [ids[0]]


@pytest.mark.parametrize(
    "query",
    [
        "$top=5",
        "$expand=manager",
        "$orderby=displayName",
        "$search=x",
        "$count=true",
        "$select=nonsense",
        "made=up",
        "$filter=mail eq 'a@b.c'",
        "$filter=" + " or ".join("id eq '00000000-0000-4000-8000-000000000000'" for _ in range(51)),
        "$deltatoken=a&$skiptoken=b",
        "$select=id&$select=mail",
    ],
)
def test_unsupported_options_are_refused_and_remembered(graph: Graph, control: Control, query: str) -> None:
    """400, and a violation."""
    assert graph.get(f"/users/delta?{query}").status_code == 400
    assert len(control.violations()) == 1
    control.clear_violations()


def test_a_property_outside_the_main_store_is_not_implemented(graph: Graph, control: Control) -> None:
    """Skills and the like answer 501."""
    assert graph.get("/users/delta?$select=skills").status_code == 501
    control.clear_violations()


def test_the_leave_date_is_silently_absent_without_its_permission(graph: Graph, control: Control) -> None:
    """No error and no property; with User-LifeCycleInfo.Read.All it is there."""
    user = control.create_user(graph.tenant, displayName="Ann", employeeLeaveDateTime="2027-01-31T00:00:00Z")
    url = "/users/delta?$select=displayName,employeeLeaveDateTime"
    assert of(graph.round(url)[0], user) == [{"id": user, "displayName": "Ann"}]
    control.consent(graph.tenant, roles=["User-LifeCycleInfo.Read.All"])
    graph.fresh_token()
    assert of(graph.round(url)[0], user)[0]["employeeLeaveDateTime"] == "2027-01-31T00:00:00Z"


def test_empty_pages_repeats_and_jitter_still_tell_everybody(graph: Graph, control: Control) -> None:
    """The allowed oddities: empty pages with a nextLink, uneven pages, the same person twice in a round."""
    hire(control, graph.tenant, 40)
    control.behave(page_size=7, page_jitter=3, empty_every=2, repeat_every=3)
    pages = graph.pages(SELECTED)
    assert any(page["value"] == [] and "@odata.nextLink" in page for page in pages)
    found = [item["id"] for page in pages for item in page["value"]]
    assert len(set(found)) == 45
    assert len(found) > 45


def test_rounds_can_replay_earlier_changes(graph: Graph, control: Control) -> None:
    """replay_changes tells again what an earlier round told."""
    user = control.create_user(graph.tenant, displayName="Ann")
    _, link = graph.round(SELECTED)
    control.behave(replay_changes=5)
    assert of(graph.round(link)[0], user)


def test_changes_during_an_enumeration_come_in_it_or_in_the_next_round(graph: Graph, control: Control) -> None:
    """A round is not a snapshot, but nothing is lost between it and the next."""
    control.behave(page_size=2)
    first = graph.ok(SELECTED)
    early = str(first["value"][0]["id"])
    control.update_user(graph.tenant, early, jobTitle="Changed")
    hired = control.create_user(graph.tenant, displayName="Late")
    items, link = graph.round(first["@odata.nextLink"])
    more, _ = graph.round(link)
    assert of(more, early)[0]["jobTitle"] == "Changed"
    assert of(items + more, hired)


def test_lag_hides_a_change_from_the_next_round_only(graph: Graph, control: Control) -> None:
    """The same link, asked again later, has it."""
    _, link = graph.round(SELECTED)
    control.behave(lag_seconds=30)
    user = control.create_user(graph.tenant, displayName="Ann")
    items, link = graph.round(link)
    assert items == []
    control.advance(31)
    assert of(graph.round(link)[0], user)


def test_an_old_state_can_follow_a_new_one(graph: Graph, control: Control) -> None:
    """Replica lag: new, old, and in a later round new again."""
    user = control.create_user(graph.tenant, displayName="Before")
    _, link = graph.round(SELECTED)
    control.behave(stale_echo=30)
    control.update_user(graph.tenant, user, displayName="After")
    items, link = graph.round(link)
    assert [item["displayName"] for item in items] == ["After", "Before"]
    control.advance(31)
    items, _ = graph.round(link)
    assert [item["displayName"] for item in items] == ["After"]


def test_removed_people_can_appear_in_a_full_enumeration(graph: Graph, control: Control) -> None:
    """Tombstones of people never seen, where the switch says."""
    user = control.create_user(graph.tenant, displayName="Ann")
    control.delete_user(graph.tenant, user)
    assert of(graph.round(SELECTED)[0], user) == []
    control.behave(removed_in_initial=True)
    assert of(graph.round(SELECTED)[0], user) == [{"id": user, "@removed": {"reason": "changed"}}]


def test_a_large_change_round_pages_too(graph: Graph, control: Control) -> None:
    """More changes than a page come over several, all of them."""
    ids = hire(control, graph.tenant, 25)
    _, link = graph.round(SELECTED)
    control.behave(page_size=4)
    control.edit(graph.tenant, *[{"op": "user.update", "id": user, "set": {"jobTitle": "T"}} for user in ids])
    pages = graph.pages(link)
    assert len(pages) == 7
    assert {item["id"] for page in pages for item in page["value"]} == set(ids)
