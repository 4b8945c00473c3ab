"""Seeded crowds: computed when read, changed like anybody else."""

import random

import pytest

from local.cloud.control import Control
from local.cloud.crowd import COST_CENTRE, Crowd, Dice, person
from local.cloud.groups import Groups
from local.cloud.people import People
from tests.cloud.client import Graph, Json
from tests.cloud.test_delta_users import of

NOW = 1_800_000_000.0


@pytest.fixture
def people() -> People:
    """Somebody ordinary, and a crowd of a hundred."""
    people = People()
    people.load("ann", {"id": "ann", "userPrincipalName": "ann@t.example"})
    people.settle(Crowd(100, "t.example", "100"))
    return people


def test_a_person_is_the_same_whenever_computed(people: People) -> None:
    """The same number gives the same person, and the object id leads back to the number."""
    crowd, again = Crowd(100, "t.example", "100"), Crowd(100, "t.example", "100")
    assert [crowd.row(number) for number in range(100)] == [again.row(number) for number in range(100)]
    assert [crowd.number(user_id) for user_id in crowd.ids] == list(range(100))
    assert len(set(crowd.ids)) == len({str(crowd.row(number)["mail"]) for number in range(100)}) == 100
    for stranger in ("", "ann", crowd.ids[3].upper(), Crowd(100, "t.example", "99").ids[3], crowd.ids[3][:-1] + "g"):
        assert crowd.number(stranger) is None
    assert len(people.rows) == len(list(people.rows)) == len(list(people.live())) == 101


def test_object_ids_are_spread_evenly() -> None:
    """No first digit is much more frequent than another, as with random ones."""
    ids = Crowd(4096, "t.example", "4096").ids
    counts = [sum(user_id.startswith(digit) for user_id in ids) for digit in "0123456789abcdef"]
    assert min(counts) > 180
    assert max(counts) < 340


def test_dice_are_fair_and_follow_from_their_text() -> None:
    """The same text throws the same, another text something else, and every side comes up."""
    assert Dice("a").randrange(0, 10**9) == Dice("a").randrange(0, 10**9) != Dice("b").randrange(0, 10**9)
    assert {Dice(f"{number}").choice("abcdef") for number in range(200)} == set("abcdef")
    assert {Dice(f"{number}").randrange(3, 6) for number in range(200)} == {3, 4, 5}


def test_a_computed_person_can_be_changed_deleted_restored_and_purged(people: People) -> None:
    """What was written goes before what is computed, and nobody is counted twice."""
    user = people.order[10]
    name = str(people.get(user)["userPrincipalName"])
    assert people.find(name.upper()) == people.find(user.upper()) == user
    assert people.update(user, {"displayName": "Changed"}) == {"displayName"}
    assert people.get(user)["displayName"] == "Changed"
    assert people.find(name) == user
    assert len(people.rows) == len(set(people.rows)) == 101
    people.update(user, {"userPrincipalName": "new@t.example"})
    assert (people.find(name), people.find("new@t.example")) == (None, user)
    people.bin(user, NOW)
    assert user not in people.rows
    assert people.find("new@t.example") is None
    assert len(people.rows) == len(list(people.rows)) == 100
    people.restore(user)
    assert people.get(user)["displayName"] == "Changed"
    people.purge(user)
    assert user not in people.rows
    assert people.where("id", user) == []


@pytest.mark.parametrize("way", ["bin", "purge"])
def test_a_computed_person_can_go_untouched(people: People, way: str) -> None:
    """Deleted without an edit before: the sign-in name is free, the row is out of the crowd."""
    user = people.order[10]
    name = str(people.get(user)["userPrincipalName"])
    people.bin(user, NOW) if way == "bin" else people.purge(user)
    assert people.find(name) is None
    assert people.where("userPrincipalName", name) == []
    again = people.create({"userPrincipalName": name}, NOW)
    assert people.find(name) == again != user
    assert len(people.rows) == 101


def test_managers_are_computed_until_they_are_set(people: People) -> None:
    """Each has nine reports; a set, cleared or purged manager counts instead."""
    boss, reports = people.order[1], people.order[10:19]
    assert people.manager_of(boss) == ""
    assert {people.manager_of(report) for report in people.order[10:18]} == {people.order[2]}
    second = people.order[2]
    assert people.set_manager(reports[0], "ann") == second
    assert people.set_manager(reports[1], "") == second
    assert people.set_manager(reports[1], "") is None
    assert sorted(people.purge(second)) == sorted(reports[2:9])
    assert [people.manager_of(report) for report in reports] == ["ann", *[""] * 8]


def test_people_have_what_mappings_are_made_of() -> None:
    """Licences, employee ids, addresses; some have extension attributes, extensions or an account on premises."""
    rows = [person(random.Random(number), number, "t.example") for number in range(60)]
    assert all(len(row["assignedLicenses"]) == 1 for row in rows)
    assert len({row["assignedLicenses"][0]["skuId"] for row in rows}) == 3
    assert len({row["employeeId"] for row in rows}) == 60
    assert all(row["proxyAddresses"][0] == f"SMTP:{row['mail']}" for row in rows)
    addresses = [proxy.lower() for row in rows for proxy in row["proxyAddresses"]]
    assert len(addresses) == len(set(addresses)) == 120
    for name in ("onPremisesExtensionAttributes", COST_CENTRE, "onPremisesSyncEnabled", "mobilePhone"):
        assert 0 < sum(name in row for row in rows) < 60


def test_a_seed_can_number_people_and_groups(graph: Graph, control: Control) -> None:
    """`people:groups`: departments, then teams that nest several deep, in two parents, and in a ring."""
    tenant = control.create_tenant("600:1100")
    truth = control.truth(tenant)
    assert (len(truth["users"]), len(truth["groups"])) == (600, 1100)
    parents: dict[str, list[str]] = {}
    for group in truth["groups"]:
        for member in group["members"]:
            parents.setdefault(member["id"], []).append(group["id"])
    nested = [group["id"] for group in truth["groups"] if group["id"] in parents]
    assert len(nested) > 500
    assert any(len(parents[group]) == 2 for group in nested)
    assert any(child in parents[parent] for child in nested for parent in parents[child] if parent in parents)
    assert all(len(group["members"]) == len({one["id"] for one in group["members"]}) for group in truth["groups"])
    assert len(control.truth(control.create_tenant("50:5"))["groups"]) == 5
    assert control.truth(control.create_tenant("50:0"))["groups"] == []


def test_groups_computed_at_first_are_edited_like_others() -> None:
    """Filled at once, indexed only when edited; the order of members stays."""
    group = Groups().create({"displayName": "G"}, NOW)
    group.fill(["a", "b", "c"])
    assert (group.has("b"), group.has("d"), group.remove("d")) == (True, False, False)
    assert (group.remove("b"), group.remove("b"), group.add("c"), group.add("d")) == (True, False, False, True)
    assert group.members() == ["a", "c", "d"]


def test_the_people_of_a_large_tenant_are_read_in_parts(control: Control) -> None:
    """As the truth tells them, without groups; deleted ones too, purged ones not."""
    tenant = control.create_tenant("300")
    users = [str(user["id"]) for user in control.people(tenant)]
    control.delete_user(tenant, users[7])
    control.purge_user(tenant, users[8])
    read = {user["id"]: user for user in control.people(tenant, count=70)}
    assert read == {user["id"]: user for user in control.truth(tenant, groups=False)["users"]}
    assert (len(read), read[users[7]]["state"]) == (299, "deleted")


def test_a_very_large_group_is_read_in_slices(graph: Graph, control: Control) -> None:
    """A hundred thousand direct members: a thousand on a page, in an enumeration and in a change round."""
    control.behave(throttle=False)
    tenant = control.create_tenant("100005:0")
    control.consent(tenant)
    large = Graph(graph.cloud, graph.http, tenant)
    link = large.ok("/groups/delta?$select=displayName,members&$deltatoken=latest")["@odata.deltaLink"]
    members = [str(user["id"]) for user in control.people(tenant, count=50_000)][5:]
    group = control.create_group(tenant, displayName="Everyone", members=members)
    for url in (link, "/groups/delta?$select=displayName,members"):
        pages = large.pages(url)
        slices = [item["members@delta"] for page in pages for item in page["value"]]
        assert len(pages) == 100
        assert [entry["id"] for slice_ in slices for entry in slice_] == members
    control.edit_members(tenant, group, remove=members[:2500])
    items, _ = large.round(pages[-1]["@odata.deltaLink"])
    assert [len(item["members@delta"]) for item in items] == [1000, 1000, 500]


def test_a_crowd_is_told_by_the_feed_as_it_is(graph: Graph, control: Control) -> None:
    """Computed people, edits on them, and a resync: the same everywhere."""
    tenant = control.create_tenant("40")
    control.consent(tenant)
    crowd = Graph(graph.cloud, graph.http, tenant)
    url = f"/users/delta?$select=displayName,employeeId,assignedLicenses,manager,{COST_CENTRE}"
    items, link = crowd.round(url)
    truth: dict[str, Json] = {user["id"]: user for user in control.people(tenant)}
    assert {item["id"] for item in items} == set(truth)
    for item in items:
        assert {name: truth[item["id"]].get(name) for name in item if name != "manager@delta"} == {
            name: value for name, value in item.items() if name != "manager@delta"
        }
        assert item.get("manager@delta", [{"id": None}])[0]["id"] == truth[item["id"]]["manager"]
    user = next(iter(set(truth)))
    control.update_user(tenant, user, displayName="Changed", **{COST_CENTRE: "1"})
    told, _ = crowd.round(link)
    assert (told[0]["displayName"], told[0][COST_CENTRE]) == ("Changed", "1")
    assert of(crowd.round(url)[0], user)[0]["displayName"] == "Changed"
