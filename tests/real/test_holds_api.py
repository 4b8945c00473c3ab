"""Guard and holds through API v1: what waits, whose it is, what goes on meanwhile, and how it is decided, once."""

from __future__ import annotations

import pytest

from tests.real.api import Api, Item

pytestmark = pytest.mark.azurite


def names(hold: Item) -> set[str]:
    """Whom a hold is about."""
    return {one["name"] for one in hold["removals"]}


def test_settings_that_remove_many_wait_for_an_admin(api: Api) -> None:
    """The preview says so; saved, everybody keeps the account under one hold with cause and names while a joiner gets
    theirs and others change; approved, exactly these are deactivated, by whom; and it cannot be decided again.
    """
    people = api.people()
    staff = next(one["object_id"] for one in api.every("groups"))
    wanted: Item = {"scope": {"chosen": {"groups": [staff]}}}
    seen = api.ask("POST", "settings/preview", json=wanted)
    assert seen["guard"] == {"held": True, "limit": 5, "used": 0}
    removed = {one["name"] for one in seen["removed"]["people"]}
    api.save(f'"{seen["version"]}"', **wanted)
    (hold,) = api.waiting()
    assert (hold["cause"], names(hold), len(removed)) == ("changed settings", removed, 14)
    assert {one["reason"] for one in hold["removals"]} == {"out_of_scope"}
    run = api.every("runs")[0]
    assert (run["id"], run["cause"], run["by"], run["counts"]) == (hold["run"], "settings", "ada", {"held": 14})
    assert api.ask("GET", "")["holds_waiting"] == 1
    assert {one["name"] for one in api.every("people", reason="held")} == removed
    joiner = api.acme.tenant.hire("Jo Joiner")
    api.acme.tenant.join(staff, joiner)
    api.acme.tenant.change(people["Person 5"]["object_id"], jobTitle="Director")
    api.sync()
    assert api.active() == {name for name in people if people[name]["account"]} | {"Jo Joiner"}
    assert api.people()["Person 5"]["account"]["fields"]["job_title"] == "Director"
    bo = Api(api.acme, sub="bo", name="Bo")
    assert (hold["count"], hold["goes_on"], {one["loses"] for one in hold["removals"]}) == (14, {}, {"account"})
    stale = {"If-Match": '"0123456789abcdef"'}
    assert bo.refused("POST", f"holds/{hold['id']}/approve", headers=stale) == (412, "hold_changed")
    decided = bo.ask("POST", f"holds/{hold['id']}/approve", headers={"If-Match": hold["etag"]})
    assert (decided["state"], decided["decided_by"], names(decided)) == ("approved", "bo", removed)
    api.settle()
    assert api.active() == {name for name in people if people[name]["account"]} - removed | {"Jo Joiner"}
    run = api.every("runs")[0]
    assert (run["cause"], run["by"], run["counts"]) == ("approval", "bo", {"deactivate": 14})
    for verb in ("approve", "reject"):
        assert api.refused("POST", f"holds/{hold['id']}/{verb}") == (409, "hold_decided")
        assert api.refused("POST", f"holds/{'0' * 16}/{verb}") == (404, "hold_unknown")
    assert (api.waiting(), api.ask("GET", "")["holds_waiting"]) == ([], 0)


def test_leavers_wait_are_left_and_wait_again(api: Api) -> None:
    """Six leave within a day: rejected, all keep their accounts; one comes back, and the next full pass holds the
    five that are still gone, while a seventh is within the day's limit. A day later that hold is over too.
    """
    people = api.people()
    gone = [f"Person {number}" for number in range(6)]
    for name in gone:
        api.acme.tenant.soft_delete(people[name]["object_id"])
    api.sync()
    (first,) = api.waiting()
    assert (names(first), first["cause"]) == (set(gone), "changes in Entra")
    assert {one["reason"] for one in first["removals"]} == {"left"}
    assert api.ask("POST", f"holds/{first['id']}/reject")["state"] == "rejected"
    assert set(gone) <= api.active()
    api.acme.tenant.restore(people["Person 0"]["object_id"])
    api.acme.tenant.soft_delete(people["Person 6"]["object_id"])
    api.reconcile()
    (second,) = api.waiting()
    assert "Person 6" not in api.active()
    assert (second["cause"], names(second)) == ("changes in Entra", set(gone[1:]))
    api.at(hours=25)
    assert api.refused("POST", f"holds/{second['id']}/approve") == (409, "hold_decided")
    holds = api.every("holds")
    assert [(hold["state"], hold["decided_by"]) for hold in holds if hold["id"] == first["id"]] == [("rejected", "ada")]
    assert [hold["state"] for hold in holds if hold["id"] == second["id"]] == ["expired"]
    assert set(gone) <= api.active()
    rows = [(row["hold"], row["state"], row["name"], row["reason"]) for row in api.file("holds")]
    told = [(hold["id"], hold["state"], one["name"], one["reason"]) for hold in holds for one in hold["removals"]]
    assert rows == told


def test_groups_that_scope_goes_by_hold_too(api: Api) -> None:
    """The chosen group vanishes: its people wait under its name, without a number; back, nobody waits."""
    staff = next(one["object_id"] for one in api.every("groups"))
    api.save(audience={"groups": [staff]})
    api.acme.tenant.delete_group(staff)
    api.sync()
    (hold,) = api.waiting()
    assert (hold["cause"], len(names(hold))) == ("group vanished or shrank: Staff", 10)
    assert len(api.every("/api/v1/audience", limit=3)) == 10
    api.acme.tenant.restore_group(staff)
    api.reconcile()
    assert (api.waiting(), len(api.every("/api/v1/audience"))) == ([], 10)
