"""API v1: why a person or a group stands as it does, one person now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import Transient
from sync.core.connection import ConnectionState
from sync.core.model import Hand, Presence
from sync.core.sync_settings import Chosen, Scope
from sync.usecases import lease, one_person
from tests.panel.caller import API, Caller
from tests.panel.place import Place
from tests.panel.world import World

STRANGER = "11111111-2222-4333-8444-555555555555"


def test_a_person_explained_in_sentences(place: Place, caller: Caller) -> None:
    """In scope via which groups, what would change, and why there was no mail."""
    staff, north = place.tenant.new_group("Staff"), place.tenant.new_group("North")
    place.tenant.join(staff, north)
    anna = place.tenant.hire("Anna Berg", department="Sales")
    place.tenant.join(north, anna)
    place.choose(scope=Scope(Chosen(groups=(staff,))))
    place.compare()
    place.tenant.change(anna, department="Legal", told=False)
    found = caller.get(place.path("people", anna, "why")).json()
    assert found["in_entra"] == {"answer": "found", "sentence": "Entra has this person now."}
    assert found["scope"]["sentence"] == "In scope: a member of Staff, via Staff > North."
    assert [step["name"] for step in found["scope"]["path"]] == ["Staff", "North"]
    assert found["audience"]["sentence"].startswith("Not in the audience: neither the person")
    assert found["eligibility"] == {"reason": "", "sentence": "This person should have an active account."}
    fields = {one.pop("name"): one for one in found["fields"]}
    assert fields["department"] == {"stored": "Sales", "after_sync": "Legal", "rule": "department", "by_hand": False}
    assert fields["email"]["rule"] is None
    assert (found["now"]["action"], found["after_sync"]["action"]) == ("skip", "update")
    assert found["happened"][0]["action"] == "create"
    assert [group["name"] for group in found["groups"]] == ["North"]


def test_a_deleted_group_is_nobodys(place: Place, caller: Caller) -> None:
    """A membership outlives a group in the bin, for the day it is restored; nobody is shown as in it until then."""
    staff, north = place.tenant.new_group("Staff"), place.tenant.new_group("North")
    anna = place.tenant.hire("Anna Berg")
    place.tenant.join(staff, anna)
    place.tenant.join(north, anna)
    place.compare()
    groups, scope = place.world.services.groups, place.connection.scope
    groups.commit(scope, [replace(groups.load(scope)[staff], presence=Presence.SOFT_DELETED)])
    assert caller.get(place.path("people", anna)).json()["group_ids"] == [north]
    assert [one["group_ids"] for one in caller.get(place.path("people")).json()["items"]] == [[north]]


def test_a_vanished_group_that_excluded_is_told(place: Place, caller: Caller) -> None:
    """In the connection's detail and on its page, with what follows from it."""
    council = place.tenant.new_group("Works <council>")
    place.choose(audience=Chosen(everyone=True, excluded_groups=(council,)))
    place.compare()
    place.tenant.delete_group(council)
    place.compare()
    detail = caller.get(f"{API}/connections/{place.connection.id}").json()
    (gone,) = detail["gone_groups"]
    assert (gone["object_id"], gone["use"], detail["hidden_groups"]) == (council, "audience_excluded", [])
    assert gone["sentence"].startswith("Entra no longer has the group Works <council>: whoever was in it receives no")


def test_a_conflict_names_who_has_the_address(place: Place, caller: Caller) -> None:
    """By object id and name; the other's account is left alone."""
    first = place.tenant.hire("Anna Berg")
    place.compare()
    twin = place.tenant.hire("Twin Two", mail="anna.berg@contoso.example")
    found = caller.get(place.path("people", twin, "why")).json()
    assert (found["presence"], found["account"], found["match"]) == (None, None, None)
    assert (found["conflict"]["holder"], found["conflict"]["name"]) == (first, "Anna Berg")
    assert found["after_sync"]["reason"] == "address_conflict"
    assert place.record(twin) is None


def test_what_holds_an_account_is_told(place: Place, caller: Caller) -> None:
    """A removal on a hold, what an admin did by hand, and the mail that was claimed, each with its sentence."""
    people = [place.tenant.hire(f"Person {number}") for number in range(6)]
    place.compare()
    for person in people:
        place.tenant.hard_delete(person, told=False)
    place.compare()
    record = place.record(people[0])
    assert record is not None
    own = {"job_title": "Chief"}
    place.world.store(place.connection.scope, [replace(record, hand=Hand.KEPT, own=own)])
    found = caller.get(place.path("people", people[0], "why")).json()
    assert (found["in_entra"]["answer"], found["presence"], found["account"]["state"]) == (
        "not_found",
        "absent",
        "active",
    )
    assert (found["hold"]["state"], found["hold"]["cause"]) == ("waiting", "full pass")
    assert found["by_hand"]["own_fields"] == own
    assert found["by_hand"]["sentence"].endswith("Edited by hand: job_title.")
    (title,) = (one for one in found["fields"] if one["name"] == "job_title")
    assert (title["stored"], title["after_sync"], title["by_hand"]) == (None, "Chief", True)
    assert (found["mail"]["decision"], found["mail"]["state"]) == ("claimed", "due")
    other = caller.get(place.path("people", people[1], "why")).json()
    assert (other["by_hand"], other["after_sync"]["action"], other["after_sync"]["reason"]) == (
        None,
        "deactivate",
        "left",
    )


def test_when_entra_cannot_be_asked(place: Place, caller: Caller) -> None:
    """What is stored is told, and why Entra was not asked; of somebody not stored nothing can be said: 503."""
    anna = place.tenant.hire("Anna Berg")
    place.compare()
    place.tenant.refusals["users"] = Transient("429", retry_after=9)
    found = caller.get(place.path("people", anna, "why")).json()
    assert found["in_entra"]["answer"] == "not_asked"
    assert found["in_entra"]["sentence"].endswith("Microsoft did not answer just now.")
    assert found["eligibility"]["reason"] == ""
    assert caller.get(place.path("people", STRANGER, "why")).status_code == 503


def test_a_group_explained(place: Place, caller: Caller) -> None:
    """Its place among the others, and what the scope makes of it."""
    staff, north = place.tenant.new_group("Staff"), place.tenant.new_group("North")
    place.tenant.join(staff, north)
    place.tenant.join(north, place.tenant.hire("Anna Berg"))
    place.choose(scope=Scope(Chosen(everyone=True, excluded_groups=(staff,))))
    place.compare()
    found = caller.get(place.path("groups", north, "why")).json()
    assert (found["members"], found["effective_members"], found["groups_below"]) == (1, 1, 0)
    assert [parent["name"] for parent in found["parents"]] == ["Staff"]
    assert [use["sentence"] for use in found["scope"]] == ["The scope leaves out its members, via Staff > North."]
    assert found["audience"] == []
    whole = caller.get(place.path("groups", staff, "why")).json()
    assert (whole["members"], whole["effective_members"], whole["groups_below"]) == (0, 1, 1)


def test_somebody_in_the_recycle_bin(place: Place, caller: Caller) -> None:
    """Entra answers 404, and the feed said that they may be restored."""
    anna = place.tenant.hire("Anna Berg")
    place.compare()
    place.tenant.soft_delete(anna)
    record = place.record(anna)
    assert record is not None
    place.world.store(place.connection.scope, [replace(record, presence=Presence.SOFT_DELETED)])
    found = caller.get(place.path("people", anna, "why")).json()
    assert (found["in_entra"]["answer"], found["presence"]) == ("not_found", "soft_deleted")
    assert found["in_entra"]["sentence"].endswith("it is in the recycle bin, from where it may be restored.")


@pytest.mark.parametrize("object_id", [STRANGER, "not-an-id", "%27%20or%201", STRANGER.replace("-", "")])
def test_nobody_is_explained_as_not_found(place: Place, caller: Caller, object_id: str) -> None:
    """Unknown to Entra and to the store, or no object id at all: 404, for people and groups."""
    place.compare()
    for kind, code in (("people", "no_such_person"), ("groups", "no_such_group")):
        answer = caller.get(place.path(kind, object_id, "why"))
        assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_upper_case_ids_are_the_same(place: Place, caller: Caller) -> None:
    """An object id pasted in capitals finds the person."""
    anna = place.tenant.hire("Anna Berg")
    place.compare()
    assert caller.get(place.path("people", anna.upper(), "why")).json()["name"] == "Anna Berg"


def test_before_a_tenant_is_connected(world: World, caller: Caller) -> None:
    """There is no directory: nobody is found, and there are no certificates."""
    connection = world.connect(ConnectionState.AWAITING_CONSENT)
    base = f"{API}/connections/{connection.id}"
    assert caller.get(f"{base}/people/{STRANGER}/why").status_code == 404
    assert caller.get(f"{base}/groups/{STRANGER}/why").status_code == 404
    assert caller.post(f"{base}/people/{STRANGER}/sync").status_code == 404
    assert caller.get(f"{base}/certificates").json() == {"items": [], "cursor": None}


def test_one_person_now(place: Place, caller: Caller) -> None:
    """200 with the run and the person as stored; the run tells the admin who asked."""
    anna = place.tenant.hire("Anna Berg")
    place.compare()
    place.tenant.change(anna, department="Legal", told=False)
    answer = caller.post(place.path("people", anna, "sync"))
    assert answer.status_code == 200
    assert answer.json()["person"]["account"]["fields"]["department"] == "Legal"
    run = answer.json()["run"]
    assert (run["kind"], run["cause"], run["outcome"], run["counts"]) == ("act", "admin", "complete", {"update": 1})
    happened = caller.get(place.path("people", anna, "why")).json()["happened"][0]
    assert (happened["run"], happened["by"]) == (run["id"], "admin-1")


def test_one_person_while_the_tenant_is_read(place: Place, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 while the reader keeps the lease, as a full pass does."""
    monkeypatch.setattr(one_person, "PAUSE", 0)
    anna = place.tenant.hire("Anna Berg")
    place.compare()
    place.tenant.change(anna, department="Legal", told=False)
    view = place.world.services.connections.load(place.connection.id)
    assert view is not None
    assert lease.take(place.world.services, view) is not None
    answer = caller.post(place.path("people", anna, "sync"))
    assert (answer.status_code, answer.json()["person"]["account"]["fields"]["department"]) == (200, "Legal")


def test_not_a_person(place: Place, caller: Caller) -> None:
    """Whom an admin answered to be no person is out of scope by that rule."""
    anna = place.tenant.hire("Anna Berg")
    place.compare()
    path = place.path("suggestions", anna)
    assert caller.request("PUT", path, json={"answer": "not_a_person"}).status_code == 200
    found = caller.get(place.path("people", anna, "why")).json()
    assert (found["scope"]["rule"], found["after_sync"]["reason"]) == ("not_a_person", "out_of_scope")
    assert found["scope"]["sentence"] == "Not in scope: an admin answered that this is not a person."


def test_one_person_when_microsoft_asks_us_to_wait(place: Place, caller: Caller) -> None:
    """503 says for how long, the first time and until then."""
    anna = place.tenant.hire("Anna Berg")
    place.compare()
    place.tenant.refusals["users"] = Transient("429", retry_after=8.5)
    for _ in range(2):
        answer = caller.post(place.path("people", anna, "sync"))
        assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
        assert answer.headers["retry-after"] == "9"


def test_one_person_goes_on_in_the_queue(place: Place, caller: Caller) -> None:
    """Storage fails once the change is in the queue: 202, and the queue brings it to its end."""
    anna = place.tenant.hire("Anna Berg")
    place.compare()
    place.tenant.change(anna, department="Legal", told=False)
    place.world.storage.faults.fail_next("people.commit", Transient("storage is busy"))
    answer = caller.post(place.path("people", anna, "sync"))
    assert (answer.status_code, answer.json()["run"]["outcome"]) == (202, "running")
    place.world.clock.advance(one_person.LATER)
    place.work()
    record = place.record(anna)
    assert record is not None
    assert record.fields["department"] == "Legal"


def test_viewers_may_ask_and_not_act(place: Place, world: World) -> None:
    """A viewer reads explanations and certificates, and gets 403 for synchronising."""
    anna = place.tenant.hire("Anna Berg")
    place.compare()
    viewer = Caller(world, role="viewer")
    assert viewer.get(place.path("people", anna, "why")).status_code == 200
    assert viewer.get(place.path("certificates")).status_code == 200
    assert viewer.post(place.path("people", anna, "sync")).status_code == 403


def test_another_workspace_sees_nothing(place: Place, world: World) -> None:
    """404 for everything of a connection that is not theirs."""
    anna = place.tenant.hire("Anna Berg")
    place.compare()
    other = Caller(world, workspace="ws-other")
    (head,) = Caller(world).get(place.path("certificates")).json()["items"]
    for path in (("people", anna, "why"), ("certificates",), ("certificates", head["run"])):
        assert other.get(place.path(*path)).status_code == 404
