"""Whoever applies the delta feeds in order ends with the truth, however unpleasant the feeds are."""

import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.cloud.control import Control
from local.cloud.server import Cloud
from tests.cloud.client import Graph, Json

USERS = "/users/delta?$select=displayName,jobTitle,manager"
GROUPS = "/groups/delta?$select=displayName,members"


class Copy:
    """The plainest possible reader: last writer wins, absent keeps, relations are added and removed."""

    def __init__(self) -> None:
        self.users: dict[str, Json] = {}
        self.groups: dict[str, Json] = {}

    def read_users(self, items: list[Json]) -> None:
        """Apply items of the users feed."""
        for item in items:
            if "@removed" in item:
                self.users.pop(item["id"], None)
                continue
            row = self.users.setdefault(item["id"], {"manager": None})
            row.update({key: value for key, value in item.items() if key in {"displayName", "jobTitle"}})
            for entry in item.get("manager@delta", []):
                if "@removed" not in entry:
                    row["manager"] = entry["id"]
                elif row["manager"] == entry["id"]:
                    row["manager"] = None

    def read_groups(self, items: list[Json]) -> None:
        """Apply items of the groups feed."""
        for item in items:
            if "@removed" in item:
                self.groups.pop(item["id"], None)
                continue
            row = self.groups.setdefault(item["id"], {"members": set()})
            row["displayName"] = item.get("displayName", row.get("displayName"))
            for entry in item.get("members@delta", []):
                (row["members"].discard if "@removed" in entry else row["members"].add)(entry["id"])


def edit_at_random(control: Control, tenant: str, rng: random.Random) -> None:
    """One edit of any kind."""
    truth = control.truth(tenant)
    live = [row["id"] for row in truth["users"] if row["state"] == "live"]
    gone = [row["id"] for row in truth["users"] if row["state"] == "deleted"]
    groups = [row["id"] for row in truth["groups"] if row["state"] == "live"]
    binned = [row["id"] for row in truth["groups"] if row["state"] == "deleted"]
    who, group = rng.choice(live), rng.choice(groups) if groups else ""
    name = f"N{rng.randrange(1000)}"
    edits: list[Callable[[], Any]] = [
        lambda: control.create_user(tenant, displayName=name),
        lambda: control.update_user(tenant, who, displayName=name),
        lambda: control.update_user(tenant, who, jobTitle=rng.choice([None, name])),
        lambda: control.update_user(tenant, who, manager=rng.choice([None, rng.choice(live)])),
        lambda: control.create_group(tenant, displayName=name, members=rng.sample(live, 3)),
    ]
    if group:
        edits += [
            lambda: control.edit_members(tenant, group, add=rng.sample(live, 3), remove=rng.sample(live, 3)),
            lambda: control.edit_members(tenant, group, add=[rng.choice(groups)]),
            lambda: control.delete_group(tenant, group) if len(groups) > 4 else None,
        ]
    if len(live) > 12:
        edits += [lambda: control.delete_user(tenant, who), lambda: control.purge_user(tenant, who)]
    if gone:
        edits.append(lambda: control.restore_user(tenant, gone[0]))
    if binned:
        edits.append(lambda: control.restore_group(tenant, binned[0]))
    rng.choice(edits)()


@pytest.mark.parametrize("preset", ["plain", "hostile"])
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("planted", ["empty", "30:16"])
def test_a_reader_of_the_feeds_ends_with_the_truth(
    cloud: Cloud, http: httpx.Client, control: Control, planted: str, preset: str, seed: int
) -> None:
    """Ten rounds of random edits, then two quiet ones: users, managers, groups and memberships are equal."""
    rng = random.Random(seed)
    graph = Graph(cloud, http, control.create_tenant(planted))
    control.consent(graph.tenant)
    control.behave(preset=preset, hard_delete_in_groups_delta=True)
    if preset == "hostile":
        control.behave(page_size=5, member_slice=4, page_jitter=2)
    copy = Copy()
    users, groups = USERS, GROUPS
    for number in range(12):
        if number < 10:
            for _ in range(12):
                edit_at_random(control, graph.tenant, rng)
        else:
            control.advance(60)
        items, users = graph.round(users)
        copy.read_users(items)
        items, groups = graph.round(groups)
        copy.read_groups(items)
    truth = control.truth(graph.tenant)
    live = {row["id"]: row for row in truth["users"] if row["state"] == "live"}
    assert set(copy.users) == set(live)
    for user, row in copy.users.items():
        assert row.get("displayName") == live[user].get("displayName")
        assert row.get("jobTitle") == live[user].get("jobTitle")
        assert row["manager"] == live[user]["manager"]
    held = {row["id"]: row for row in truth["groups"] if row["state"] == "live"}
    assert set(copy.groups) == set(held)
    for group, row in copy.groups.items():
        assert row["displayName"] == held[group]["displayName"]
        assert row["members"] == {member["id"] for member in held[group]["members"]}
