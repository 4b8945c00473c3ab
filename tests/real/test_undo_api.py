"""Undo through API v1: accounts as they were before a run, as a run of its own that can be undone too."""

from __future__ import annotations

import pytest

from tests.real.api import API, Api, Item

pytestmark = pytest.mark.azurite


def facts(api: Api) -> dict[str, Item]:
    """Object id to all that an undo restores."""
    keys = ("account", "reason", "audience", "group_ids", "by_hand", "own_fields")
    return {one["object_id"]: {key: one[key] for key in keys} for one in api.every("people")}


def undone(api: Api, run: Item) -> Item:
    """A run is undone; the undo when it has ended, which is the same one however often it is asked for."""
    begun = api.ask("POST", f"runs/{run['id']}/undo", 202)
    assert api.ask("POST", f"runs/{run['id']}/undo", 202) == begun
    api.settle()
    found = {one["id"]: one for one in api.every("runs")}
    assert found[run["id"]]["undone_by"] == begun["run"]
    return found[begun["run"]]


def changed(api: Api) -> dict[str, str]:
    """Entra renames, deletes, moves and hires, which is not read yet; object ids by name."""
    tenant = api.acme.tenant
    staff = next(one["object_id"] for one in api.every("groups"))
    api.save(audience={"groups": [staff]})
    ids = {name: one["object_id"] for name, one in api.people().items()}
    tenant.change(ids["Person 0"], displayName="Renamed", mail="renamed@contoso.example", department="Sales")
    tenant.soft_delete(ids["Person 1"])
    tenant.leave(staff, ids["Person 2"])
    tenant.join(staff, ids["Person 15"])
    tenant.hire("Nina New")
    return ids


def test_a_run_is_undone_and_the_undo_too(api: Api) -> None:
    """Activation, fields, address, memberships and audience are as before; who was made is inactive, and nobody is
    mailed; a full pass that has no news leaves it so; undoing the undo gives the run's outcome back.
    """
    ids = changed(api)
    before, heard = facts(api), {one["object_id"] for one in api.every(f"{API}/audience")}
    full = api.reconcile()
    after, mails = facts(api), api.every("mails")
    nina = api.people()["Nina New"]["object_id"]
    assert {one for one in before if before[one] != after[one]} == {
        ids[name] for name in ("Person 0", "Person 1", "Person 2", "Person 15")
    }
    undoing = undone(api, full)
    assert (undoing["kind"], undoing["cause"], undoing["by"], undoing["of"]) == ("act", "undo", "ada", full["id"])
    counts = {"update": 1, "moved": 2, "deactivate": 1, "reactivate": 1}
    assert undoing["counts"] == {**counts, "accounts": 5}
    assert len(api.every("activity", run=undoing["id"], limit=2)) == 5
    for _ in range(2):
        now = facts(api)
        assert {one: now[one] for one in before} == before
        assert (now[nina]["account"]["state"], now[nina]["reason"]) == ("inactive", "undone")
        assert {one["object_id"] for one in api.every(f"{API}/audience")} == heard
        api.reconcile()
    assert api.ask("GET", f"people/{ids['Person 0']}")["undone"] is True
    again = undone(api, undoing)
    assert (again["of"], again["counts"]) == (undoing["id"], {**counts, "accounts": 5})
    assert (facts(api), api.every("mails")) == (after, mails)


def test_what_was_changed_since_is_left_and_counted(api: Api) -> None:
    """Somebody whose field an admin edited meanwhile, and somebody of whom Entra has news, stay as they are and count
    as overtaken; the others are put back, and follow Entra again with its first news.
    """
    tenant = api.acme.tenant
    ids = {name: one["object_id"] for name, one in api.people().items()}
    for number in range(4):
        tenant.change(ids[f"Person {number}"], department="Sales")
    run = api.sync()
    api.ask("PATCH", f"people/{ids['Person 0']}", json={"fields": {"department": "Mine"}})
    tenant.change(ids["Person 1"], department="Legal")
    api.sync()
    assert undone(api, run)["counts"] == {"update": 2, "accounts": 4, "overtaken": 2}
    fields = {name: one["account"]["fields"].get("department") for name, one in api.people().items() if one["account"]}
    assert [fields[f"Person {number}"] for number in range(4)] == ["Mine", "Legal", None, None]
    tenant.change(ids["Person 2"], jobTitle="Director")
    api.sync()
    followed = api.ask("GET", f"people/{ids['Person 2']}")
    assert (followed["account"]["fields"]["department"], followed["undone"]) == ("Sales", False)


def test_what_cannot_be_undone_says_why(api: Api) -> None:
    """A run that goes on, one that changed no account, and one that is not there."""
    api.request("PUT", "settings", json={"audience": {"everyone": True}}, headers={"If-Match": api.settings()[1]})
    going = api.every("runs")[0]["id"]
    assert api.refused("POST", f"runs/{going}/undo") == (409, "run_running")
    api.settle()
    api.ask("PUT", "settings", json={"audience": {"everyone": True}, "purge_days": 90}, headers={"If-Match": '"2"'})
    api.settle()
    assert api.refused("POST", f"runs/{api.every('runs')[0]['id']}/undo") == (409, "nothing_to_undo")
    assert api.refused("POST", "runs/unknown/undo") == (404, "no_such_run")
