"""Runs and activity through API v1: counts that add up, who and why, every way of searching, and the same as a file."""

from __future__ import annotations

from collections import Counter

import pytest

from sync.usecases.history import ACTIONS
from tests.real.api import Api, Item

pytestmark = pytest.mark.azurite
FORMULA = '=HYPERLINK("http://evil.example";"=1")'


def a_day(api: Api) -> dict[str, str]:
    """A day of a tenant: name to object id of those to whom something happened."""
    tenant, people = api.acme.tenant, api.people()
    ids = {name: one["object_id"] for name, one in people.items()}
    staff = next(one["object_id"] for one in api.every("groups"))
    tenant.change(ids["Person 0"], displayName=FORMULA, department="-2+3")
    tenant.change(ids["Person 1"], accountEnabled=False)
    tenant.join(staff, ids["Person 15"])
    tenant.leave(staff, ids["Person 2"])
    ids["Nina New"] = tenant.hire("Nina New", department="+Sales")
    api.sync()
    tenant.change(ids["Person 1"], accountEnabled=True)
    tenant.soft_delete(ids["Person 3"])
    api.reconcile()
    api.save(audience={"groups": [staff]})
    api.ask("PATCH", f"people/{ids['Person 4']}", json={"fields": {"department": "@Works Council"}})
    return {**ids, "Staff": staff}


def test_the_counts_of_every_run_are_its_entries(api: Api) -> None:
    """Over a day of syncs, a full pass, settings and an act: each run tells as many accounts by action as the activity
    has entries of it, what it read, its calls, its cause and who asked; all runs together told every entry.
    """
    a_day(api)
    runs, told = api.every("runs", limit=2), api.every("activity", limit=7)
    entries = {run["id"]: Counter(one["action"] for one in told if one["run"] == run["id"]) for run in runs}
    counts = {run["id"]: {name: n for name, n in run["counts"].items() if name in ACTIONS} for run in runs}
    assert counts == {run: dict(found) for run, found in entries.items()}
    assert sum(sum(found.values()) for found in entries.values()) == len(told)
    assert {run["outcome"] for run in runs} == {"complete"}
    assert [(run["kind"], run["cause"], run["by"]) for run in runs] == [
        ("act", "admin", "ada"),
        ("revisit", "settings", "ada"),
        ("pass", "admin", "ada"),
        *[("pull", "admin", "ada")] * 2,
        ("pass", "first", runs[-1]["by"]),
    ]
    act, revisit, full, *pulls, first = runs
    assert {pull["feed"]: pull["read"] for pull in pulls} == {"users": 3, "groups": 1 + 2}
    assert (first["read"], full["read"], first["counts"]["create"], revisit["counts"]) == (
        25 + 1,
        25 + 1,
        24,
        {"moved": 9},
    )
    assert all(run["storage_calls"] > 0 for run in runs)
    assert (act["graph_calls"], revisit["graph_calls"]) == (0, 0)
    assert min(run["graph_calls"] for run in (full, *pulls, first)) > 0


def test_a_run_takes_as_long_as_it_takes(api: Api) -> None:
    """Begun by one worker, finished by another seven seconds later: duration and both ends say so; before, it has
    none.
    """
    api.request("PUT", "settings", json={"audience": {"everyone": True}}, headers={"If-Match": api.settings()[1]})
    begun = api.every("runs")[0]
    assert (begun["outcome"], begun["finished_at"], begun["duration_seconds"]) == ("running", None, None)
    api.acme.engine.clock.advance(7)
    api.settle()
    ended = api.every("runs")[0]
    assert (ended["id"], ended["outcome"], ended["duration_seconds"]) == (begun["id"], "complete", 7.0)
    assert ended["started_at"] < ended["finished_at"]


def test_the_activity_is_searched_and_is_a_file(api: Api) -> None:
    """By person, group, cause, run, action and time, page by page; the file has every value that changed as the JSON
    has it, names that a spreadsheet would calculate too, and nothing in it begins a formula.
    """
    ids = a_day(api)
    told = api.every("activity")

    def found(**filters: str) -> list[Item]:
        hits = api.every("activity", limit=3, **filters)
        assert hits == [one for one in told if one in hits], filters
        return hits

    assert [one["action"] for one in found(person=ids["Person 1"])] == ["moved", "reactivate", "deactivate", "create"]
    assert {one["object_id"] for one in found(group=ids["Staff"])} == {
        ids[f"Person {number}"] for number in (2, 15)
    }  # those of the first pass were told as created
    assert {one["run"] for one in found(cause="settings")} == {api.every("runs")[1]["id"]}
    assert found(run=told[0]["run"], action="update") == told[:1]
    assert told[0]["after"]["department"] == "@Works Council"
    times = sorted({one["at"] for one in told})
    assert found(since=times[1], until=times[3]) == [one for one in told if times[1] <= one["at"] < times[3]]
    assert found(person=ids["Nina New"], cause="settings") == []
    assert {one["object_id"] for one in found(action="deactivate")} == {ids["Person 1"], ids["Person 3"]}
    about = ("at", "run", "cause", "by", "object_id", "action", "reason")
    rows = [tuple(row.values()) for row in api.file("activity")]
    assert rows == [
        (*(one[name] or "" for name in about), field, one["before"].get(field, ""), one["after"].get(field, ""))
        for one in told
        for field in sorted({*one["before"], *one["after"]})
        if one["before"].get(field, "") != one["after"].get(field, "")
    ]
    assert FORMULA in {row[-1] for row in rows}
    assert {row["name"]: row["department"] for row in api.file("people")} == {
        name: one["department"] or "" for name, one in api.people().items()
    }
    listed = [(run["id"], str(run["duration_seconds"]), run["by"] or "", str(run["read"])) for run in api.every("runs")]
    assert [(row["id"], row["duration_seconds"], row["by"], row["read"]) for row in api.file("runs")] == listed
