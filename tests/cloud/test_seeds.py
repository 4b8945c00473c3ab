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


def test_the_demo_tenant_has_accounts_of_nobody(demo: Json) -> None:
    """Without a licence and a manager, nobody's manager: mailboxes and rooms disabled, accounts of programs not."""
    managers = {user["manager"] for user in demo["users"]}
    nobody = [user for user in demo["users"] if user.get("assignedLicenses") == [] and not user["manager"]]
    assert not managers & {user["id"] for user in nobody}
    names = {user["userPrincipalName"].partition("@")[0]: user for user in nobody}
    for name in ("info", "invoices", "room.fjord", "van.1"):
        assert (names[name]["accountEnabled"], bool(names[name]["mail"])) == (False, True)
    for name in ("svc-backup", "sync_SRV01_0a1b2c3d", "breakglass1", "admin-adele.vance"):
        assert (names[name]["accountEnabled"], names[name].get("mail")) == (True, None)
    assert {name: names[name]["mail"] for name in ("svc-scanner", "test.user")}
    licensed = [user for user in demo["users"] if user.get("assignedLicenses")]
    assert len(licensed) > 880


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
        steps = [life.step() for _ in range(25)]
        logs.append([(step["action"], step["what"]) for step in steps])
        written = [entry for entry in control.life() if entry["tenant"] == tenant]
        assert [entry["action"] for entry in written] == [step["action"] for step in steps]
        control.delete_tenant(tenant)
    assert logs[0] == logs[1]


def test_in_life_everything_happens(control: Control) -> None:
    """People come, change, leave and come back; groups are nested, deleted and restored; and the log is true."""
    tenant = control.create_tenant("60:16")
    before = {group["id"] for group in control.truth(tenant)["groups"]}
    life = Life(control, tenant, seed=5)
    steps = [life.step() for _ in range(200)]
    assert {step["action"] for step in steps} == {
        *("hired", "left", "came back", "disabled", "renamed", "moved", "promoted", "new manager"),
        *("joined group", "left group", "nested group", "took group out", "deleted group", "restored group"),
    }
    truth = control.truth(tenant)
    states = {row["id"]: row["state"] for row in [*truth["users"], *truth["groups"]]}
    assert before == {group["id"] for group in truth["groups"]}
    last: dict[str, str] = {}
    for step in steps:
        subject = step["group"] if step["action"].endswith("d group") else step["user"]
        last[subject] = step["action"]
    assert {states[one] for one, action in last.items() if action in {"left", "deleted group"}} == {"deleted"}
    assert {states[one] for one, action in last.items() if action in {"came back", "restored group"}} == {"live"}


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
