"""The demo tenant, crowds, and the life script."""

import time

import pytest

from local.cloud.control import Control
from local.cloud.life import Life
from local.cloud.seed import stable_id
from local.cloud.server import Cloud
from tests.cloud.client import Json


@pytest.fixture
def demo(control: Control) -> Json:
    """The truth of a fresh demo tenant (under another id, for the session's cloud is shared)."""
    name = f"Contoso Shoes {time.monotonic_ns()}"
    return control.truth(control.create_tenant("demo", name=name))


def test_the_demo_tenant_has_a_thousand_people_and_forty_groups(demo: Json) -> None:
    """And everything awkward: guests, disabled, no address, the same address, shared mailbox, hostile names."""
    users, groups = demo["users"], demo["groups"]
    assert (len(users), len(groups)) == (1000, 40)
    assert len({user["id"] for user in users}) == 1000
    assert len({user["userPrincipalName"].lower() for user in users}) == 1000
    assert sum(user["userType"] == "Guest" for user in users) == 25
    assert sum(not user["accountEnabled"] for user in users) >= 20
    assert sum("mail" not in user for user in users) >= 8
    mails = [user["mail"].lower() for user in users if "mail" in user]
    assert len(mails) - len(set(mails)) >= 1
    names = {user["displayName"] for user in users}
    assert "<img src=x onerror=alert(1)>" in names
    assert any("\r\n" in name for name in names)
    assert any("shared mailbox" in name for name in names)
    assert all(len(name) <= 256 for name in names)
    assert sum(bool(user["manager"]) for user in users) > 900


def test_the_demo_groups_nest_cycle_and_compute(demo: Json) -> None:
    """Three levels, a cycle, a dynamic group, a hidden one, an empty one, devices."""
    groups = {group["displayName"]: group for group in demo["groups"]}
    world, europe = groups["All offices"], groups["Offices in Europe"]
    assert europe["id"] in {member["id"] for member in world["members"]}
    assert set(europe["effective_users"]) < set(world["effective_users"])
    first, second = groups["Cycle A"], groups["Cycle B"]
    assert set(first["effective_users"]) == set(second["effective_users"])
    assert len(first["effective_users"]) == 6
    assert groups["Dynamic Sales"]["groupTypes"] == ["DynamicMembership"]
    assert groups["Empty group"]["members"] == []
    kinds = {member["kind"] for group in demo["groups"] for member in group["members"]}
    assert len(kinds) == 4


def test_the_demo_tenant_is_the_same_in_every_run() -> None:
    """Ids, names and memberships repeat, the tenant's id too."""
    truths = []
    for _ in range(2):
        with Cloud() as cloud:
            truths.append(cloud.control.truth(cloud.control.create_tenant("demo")))
    assert truths[0] == truths[1]
    assert truths[0]["tenant"] == stable_id("tenant", "Contoso Shoes")


def test_a_crowd_has_the_size_asked_for(control: Control) -> None:
    """A number as the seed."""
    truth = control.truth(control.create_tenant("2345"))
    assert len(truth["users"]) == 2345
    assert len(truth["groups"]) == 12


def test_life_is_deterministic_and_written_down(control: Control) -> None:
    """The same seed does the same to the same directory, and the log says what."""
    logs = []
    for _ in range(2):
        tenant = control.create_tenant("demo", name=f"Contoso {time.monotonic_ns()}")
        life = Life(control, tenant, seed=3)
        steps = [life.step() for _ in range(40)]
        logs.append([(step["action"], step["what"]) for step in steps])
        written = [entry for entry in control.life() if entry["tenant"] == tenant]
        assert [entry["action"] for entry in written] == [step["action"] for step in steps]
        control.delete_tenant(tenant)
    assert logs[0] == logs[1]
    assert {"hired", "left", "renamed", "moved", "joined group"} <= {action for action, _ in logs[0]}


def test_life_runs_pauses_and_stops(control: Control) -> None:
    """In a thread of its own."""
    tenant = control.create_tenant("60")
    life = Life(control, tenant, every=0.01)
    life.start()
    end = time.monotonic() + 10
    while not [entry for entry in control.life() if entry["tenant"] == tenant]:
        assert time.monotonic() < end
    life.pause()
    life.resume()
    life.stop()
    count = len(control.life())
    life.step()
    assert len(control.life()) == count + 1
