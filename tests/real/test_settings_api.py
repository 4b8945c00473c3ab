"""Scope, audience and versions through API v1: what is previewed is what saving does, and going back is a version."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.engine import Tenanted
from tests.real.api import API, Api, Item

pytestmark = pytest.mark.azurite
KINDS = ("added", "removed", "changed", "mailed", "audience_gained", "audience_lost", "conflicts")


def named(preview: Item) -> dict[str, set[str]]:
    """Kind to the names of a preview; every count is that of the names."""
    assert all(preview[kind]["count"] == len(preview[kind]["people"]) for kind in KINDS)
    return {kind: {one["name"] for one in preview[kind]["people"]} for kind in KINDS}


def standing(api: Api) -> dict[str, Item]:
    """Name to what settings decide about: account with its fields, reason, audience."""
    return {
        name: {
            "state": one["account"] and one["account"]["state"],
            "fields": one["account"] and one["account"]["fields"],
            "reason": one["reason"],
            "audience": one["audience"],
        }
        for name, one in api.people().items()
    }


def audience(api: Api) -> set[str]:
    """Who receives phishing simulations."""
    return {one["name"] for one in api.every(f"{API}/audience")}


def staff(api: Api) -> str:
    """The id of the group of ten."""
    found: str = next(one["object_id"] for one in api.every("groups") if one["name"] == "Staff")
    return found


def only(*domains: str, **chosen: Any) -> Item:
    """Everybody of these domains, and what else is chosen."""
    return {"chosen": {"everyone": True, **chosen}, "domains": [*domains]}


def newcomers(acme: Tenanted) -> None:
    """Four of another domain: one has an account by hand already, two share an address."""
    for name, mail in {"Nora": "nora", "Lina": "lina", "Olga": "olga", "Olaf": "olga"}.items():
        acme.tenant.hire(f"{name} North", mail=f"{mail}@north.example", userPrincipalName=f"{name}@north.example")


def test_saving_does_what_the_preview_named(api: Api) -> None:
    """Whom a change of scope, audience and mapping adds, removes, changes, mails, and whose address is another's:
    the people of the preview, each with reason and rule, are those of the run, the mails and the audience.
    """
    api.save(scope=only("contoso.example"), audience={"groups": [staff(api)]})
    api.ask("POST", f"{API}/accounts", 201, json={"address": "lina@north.example", "name": "Lina"})
    newcomers(api.acme)
    api.sync()
    before, heard = standing(api), audience(api)
    ids = {name: one["object_id"] for name, one in api.people().items()}
    assert heard == {f"Person {number}" for number in range(10)}
    wanted = {
        "scope": only("contoso.example", "north.example", excluded_people=[ids["Person 1"]]),
        "audience": {"groups": [staff(api)], "people": [ids["Nora North"], ids["Person 15"]]},
        "mapping": [*api.settings()[0]["mapping"], {"target": "team", "value": 'after(displayName, "Person 1")'}],
    }
    seen = api.ask("POST", "settings/preview", json=wanted)
    told = named(seen)
    olgas = {"Olga North", "Olaf North"}
    assert (standing(api), seen["guard"]) == (before, {"held": False, "limit": 5, "used": 4})
    assert told["added"] - olgas == {"Nora North", "Lina North"}
    assert (len(told["added"] & olgas), told["conflicts"]) == (1, olgas - told["added"])
    assert told["mailed"] == told["added"] - {"Lina North"}
    assert told["removed"] == {"Person 1"}
    assert {(one["reason"], one["rule"]) for one in seen["removed"]["people"]} == {("out_of_scope", "excluded_person")}
    assert told["changed"] == {f"Person {number}" for number in range(10, 20)}
    assert (told["audience_gained"], told["audience_lost"]) == ({"Nora North", "Person 15"}, {"Person 1"})
    api.save(f'"{seen["version"]}"', **wanted)
    run = api.every("runs")[0]
    assert (run["kind"], run["cause"], run["by"]) == ("revisit", "settings", "ada")
    done: dict[str, set[str]] = {}
    names = {object_id: name for name, object_id in ids.items()}
    for entry in api.every("activity", run=run["id"]):
        done.setdefault(entry["action"], set()).add(names[entry["object_id"]])
    assert done["create"] | done["link"] == told["added"]
    assert (done["link"], done["deactivate"], done["update"]) == ({"Lina North"}, told["removed"], told["changed"])
    assert audience(api) == (heard | told["audience_gained"]) - told["audience_lost"]
    assert {one["name"] for one in api.every("people", reason="address_conflict")} == told["conflicts"]
    assert {one["name"] for one in api.every("mails")} == told["mailed"]


def test_what_was_previewed_is_not_saved_on_top_of_anothers_choice(api: Api) -> None:
    """Bo saves between Ada's preview and her saving: 412 on the version that she saw, and Bo's choice stands."""
    wanted = {"scope": only("contoso.example")}
    seen = api.ask("POST", "settings/preview", json=wanted)
    Api(api.acme, sub="bo", name="Bo").save(purge_days=90)
    stale = {"If-Match": f'"{seen["version"]}"'}
    assert api.refused("PUT", "settings", json=wanted, headers=stale) == (412, "settings_changed")
    settings, etag = api.settings()
    assert (settings["purge_days"], settings["scope"]["domains"], etag) == (90, [], '"2"')


def test_going_back_is_a_version_and_gives_the_former_state_back(api: Api) -> None:
    """Each version says who and when; the rollback is one more, goes through the same checks, and everybody is as
    before, without a second mail.
    """
    before = standing(api)
    bo = Api(api.acme, sub="bo", name="Bo Boss")
    api.save(audience={"groups": [staff(api)]}, scope=only("contoso.example"))
    bo.save(mapping=[{"target": "unit", "value": "upper(surname)"}])
    assert standing(api) != before
    mails = api.every("mails")
    assert api.refused("POST", "settings/rollback", json={"version": 1}) == (428, "if_match_needed")
    etag = {"If-Match": api.settings()[1]}
    assert api.refused("POST", "settings/rollback", json={"version": 9}, headers=etag) == (404, "no_such_version")
    bo.ask("POST", "settings/rollback", json={"version": 1}, headers=etag)
    bo.settle()
    assert (standing(api), api.every("mails")) == (before, mails)
    history = api.every("settings/history", limit=2)
    assert [(one["version"], one["by"], one["by_name"]) for one in history] == [
        (4, "bo", "Bo Boss"),
        (3, "bo", "Bo Boss"),
        (2, "ada", "Ada Admin"),
        (1, None, None),
    ]
    assert history[0]["settings"] == history[-1]["settings"]
    assert [one["saved_at"] for one in history] == sorted((one["saved_at"] for one in history), reverse=True)
    assert api.every("runs")[0]["by"] == "bo"


def test_a_scope_by_what_was_never_read_asks_entra(api: Api) -> None:
    """The preview says that everything is read again, and shows people as Entra has them; until the full pass nobody
    is judged by it, and then more than usual wait for an admin.
    """
    people = api.people()
    for number in range(10):
        api.acme.tenant.change(people[f"Person {number}"]["object_id"], city="Aarhus")
    wanted: Item = {"scope": {"chosen": {"everyone": True}, "filters": [{"attribute": "city", "operator": "present"}]}}
    seen = api.ask("POST", "settings/preview", json=wanted)
    assert (seen["reads_again"], named(seen)["removed"], len(seen["samples"])) == (True, set(), 20)
    shown = {one["name"]: one["reason"] for one in seen["samples"]}
    assert {shown[name] for name in shown if name in {f"Person {number}" for number in range(10)}} == {""}
    outside = {name for name in shown if shown[name] == "out_of_scope"}
    etag = api.save(**wanted)
    run = next(run for run in api.every("runs") if run["kind"] == "pass")
    assert (run["cause"], run["by"]) == ("settings", "ada")
    (hold,) = api.waiting()
    held = {one["name"] for one in hold["removals"]}
    assert (len(held), outside <= held) == (14, True)
    assert (api.active(), api.settings()[1]) == ({name for name in people if people[name]["account"]}, etag)
