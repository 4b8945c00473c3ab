"""Why, one person now, and certificates through API v1, on a directory that really answers."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.real.api import Api, Item

pytestmark = pytest.mark.azurite
NOBODY = "11111111-2222-4333-8444-555555555555"


def outlook(why: Item) -> tuple[str, str, str, str]:
    """What asking tells: found in Entra? what would be done? the mail's and the audience's decision."""
    return why["in_entra"]["answer"], why["after_sync"]["action"], why["mail"]["decision"], why["audience"]["rule"]


def test_a_joiner_is_explained_then_synchronised(api: Api) -> None:
    """Somebody Entra has and no feed told yet: who would get an account, fields and a mail, by which rule; asking wrote
    nothing; synchronised while the script waits, it is all so, with the run, the admin and the mail.
    """
    staff = next(one["object_id"] for one in api.every("groups"))
    api.save(audience={"groups": [staff]}, scope={"chosen": {"everyone": True}, "domains": ["contoso.example"]})
    nina = api.acme.tenant.hire("Nina New", department="Sales")
    before = api.every("runs"), api.every("activity"), api.every("mails"), api.every("people")
    why = api.ask("GET", f"people/{nina}/why")
    assert outlook(why) == ("found", "create", "will_be_mailed", "not_chosen")
    assert (why["presence"], why["account"], why["scope"]["rule"], why["happened"]) == (None, None, "everyone", [])
    foreseen = {one["name"]: one["after_sync"] for one in why["fields"]}
    assert foreseen["department"] == "Sales"
    assert (api.every("runs"), api.every("activity"), api.every("mails"), api.every("people")) == before
    done = api.ask("POST", f"people/{nina}/sync")
    assert (done["run"]["cause"], done["run"]["by"], done["run"]["counts"]) == ("admin", "ada", {"create": 1})
    assert (done["run"]["read"], done["run"]["graph_calls"]) == (1, 1)
    assert done["person"]["account"]["fields"] == foreseen
    assert api.acme.mailed == []
    api.acme.tenant.join(staff, nina)
    api.sync()
    why = api.ask("GET", f"people/{nina}/why")
    assert outlook(why) == ("found", "skip", "claimed", "group")
    assert (why["mail"]["state"], why["receives_simulations"]) == ("sent", True)
    assert [step["name"] for step in why["audience"]["path"]] == ["Staff"]
    assert [(one["action"], one["cause"], one["by"]) for one in why["happened"]] == [
        ("moved", "admin", "ada"),
        ("create", "admin", "ada"),
    ]
    assert api.acme.mailed == ["nina.new@contoso.example"]


def test_why_not(api: Api) -> None:
    """A domain that is left out, a conflict with both sides, a leaver before and after; who is nobody is 404, as are
    ids that are none.
    """
    api.save(scope={"chosen": {"everyone": True}, "domains": ["contoso.example"]})
    people = api.people()
    outside = api.ask("GET", f"people/{people['Adele Vance']['object_id']}/why")
    assert (outside["scope"]["inside"], outside["scope"]["rule"], outside["eligibility"]["reason"]) == (
        False,
        "domain",
        "out_of_scope",
    )
    twin = api.acme.tenant.hire("Twin", mail="person.7@contoso.example", userPrincipalName="twin@contoso.example")
    api.sync()
    conflict = api.ask("GET", f"people/{twin}/why")["conflict"]
    assert (conflict["address"], conflict["holder"], conflict["name"]) == (
        "person.7@contoso.example",
        people["Person 7"]["object_id"],
        "Person 7",
    )
    api.acme.tenant.soft_delete(people["Person 7"]["object_id"])
    leaver = api.ask("GET", f"people/{people['Person 7']['object_id']}/why")
    assert (leaver["now"]["action"], leaver["after_sync"]["action"], leaver["after_sync"]["reason"]) == (
        "skip",
        "deactivate",
        "left",
    )
    done = api.ask("POST", f"people/{people['Person 7']['object_id']}/sync")
    assert (done["person"]["account"]["state"], done["person"]["reason"]) == ("inactive", "left")
    for person in (NOBODY, "nobody", "..%2F..%2Fx"):
        assert api.refused("GET", f"people/{person}/why")[0] == 404
        assert api.refused("POST", f"people/{person}/sync")[0] == 404


def test_a_group_is_explained(api: Api) -> None:
    """Who is in it, nested groups too and each person once, and by which chain scope and audience take it in or out."""
    tenant = api.acme.tenant
    staff = next(one["object_id"] for one in api.every("groups"))
    whole, board = tenant.new_group("Whole"), tenant.new_group("Board")
    tenant.join(whole, staff)
    tenant.join(whole, api.people()["Person 3"]["object_id"])
    tenant.join(board, api.people()["Person 3"]["object_id"])
    api.sync()
    api.save(audience={"groups": [whole], "excluded_groups": [board]})
    why = api.ask("GET", f"groups/{whole}/why")
    assert (why["members"], why["effective_members"], why["effective_exact"], why["groups_below"]) == (1, 10, True, 1)
    assert [one["name"] for one in why["children"]] == ["Staff"]
    below = api.ask("GET", f"groups/{staff}/why")
    (use,) = below["audience"]
    assert (use["effect"], [step["name"] for step in use["path"]], below["scope"]) == (
        "included",
        ["Whole", "Staff"],
        [],
    )
    assert api.ask("GET", f"groups/{board}/why")["audience"][0]["effect"] == "excluded"
    person = api.ask("GET", f"people/{api.people()['Person 3']['object_id']}/why")
    assert (person["audience"]["inside"], person["audience"]["rule"]) == (False, "excluded_group")
    assert api.refused("GET", f"groups/{NOBODY}/why") == (404, "no_such_group")


def test_a_certificate_accounts_for_everybody(api: Api) -> None:
    """Entra's number and Moxso's, every difference by name and reason, the digest, and the same as a file."""
    tenant, people = api.acme.tenant, api.people()
    tenant.hire("=Nowhere", mail=None, userPrincipalName="nowhere@contoso.onmicrosoft.com")
    tenant.soft_delete(people["Person 0"]["object_id"])
    api.sync()
    for name, hand in (("Person 0", "kept"), ("Person 1", "blocked")):
        api.ask("PATCH", f"people/{people[name]['object_id']}", json={"hand": hand})
    for number in range(2, 8):
        tenant.soft_delete(people[f"Person {number}"]["object_id"])
    run = api.reconcile()
    heads = api.every("certificates", limit=1)
    assert [head["run"] for head in heads] == [run["id"], api.every("runs")[-1]["id"]]
    found = api.ask("GET", f"certificates/{run['id']}")
    counts = found["counts"]
    assert counts["listed"] == counts["eligible"] + counts["guests"] + counts["out_of_scope"] + counts["disabled"]
    assert counts["active"] == counts["eligible"] - counts["missing"] + counts["extra"] == len(api.active())
    assert {(one["name"], one["side"], one["reason"]) for one in found["differences"]} == {
        ("=Nowhere", "missing", "no_address"),
        ("Person 0", "extra", "kept"),
        ("Person 1", "missing", "blocked"),
        *((f"Person {number}", "extra", "held") for number in range(2, 8)),
    }
    assert (counts["missing"], counts["extra"], counts["listed"]) == (2, 7, 25 + 1 - 7)
    bare = {name: value for name, value in found.items() if name != "sha256"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == found["sha256"]
    rows = api.file(f"certificates/{run['id']}")
    assert {row["name"]: int(row["value"]) for row in rows if row["section"] == "count"} == counts
    told = [
        (row["name"], row["object_id"], row["side"], row["reason"]) for row in rows if row["section"] == "difference"
    ]
    assert told == [(one["name"], one["object_id"], one["side"], one["reason"]) for one in found["differences"]]
    facts = {row["name"]: row["value"] for row in rows if row["section"] == "certificate"}
    assert (facts["sha256"], facts["run"], facts["settings_versions"]) == (found["sha256"], run["id"], "1")
    assert api.refused("GET", f"certificates/{'0' * 23}") == (404, "no_such_certificate")
