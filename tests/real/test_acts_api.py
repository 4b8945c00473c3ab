"""What admins do by hand through API v1: to accounts, to suggestions, to mails; and what is kept for how long."""

from __future__ import annotations

from typing import Any

import pytest

from sync.ports import SendResult
from tests.real.api import API, Api, Item

pytestmark = pytest.mark.azurite


def by_hand(api: Api, person: str, **wanted: Any) -> Item:
    """What Ada sets; the person as they are then."""
    done: Item = api.ask("PATCH", f"people/{person}", json=wanted)
    return done


def state(person: Item) -> tuple[str | None, str]:
    """The account's state, and the reason."""
    return person["account"] and person["account"]["state"], person["reason"]


def test_what_an_admin_did_by_hand_outlives_full_passes(api: Api) -> None:
    """Blocked, kept although gone, a field of one's own: Entra's news and full passes change none of it; each act is
    told with the admin's name, and taken back it is as Entra says.
    """
    tenant = api.acme.tenant
    blocked, kept, edited = (api.people()[f"Person {number}"]["object_id"] for number in range(3))
    tenant.soft_delete(kept)
    tenant.change(edited, department="Sales")
    api.sync()
    assert state(api.ask("GET", f"people/{kept}")) == ("inactive", "left")
    assert state(by_hand(api, blocked, hand="blocked")) == ("inactive", "admin")
    assert state(by_hand(api, kept, hand="kept")) == ("active", "")
    assert by_hand(api, edited, fields={"department": "Works Council"})["own_fields"] == {"department": "Works Council"}
    acts = api.every("runs")[:3]
    assert {(run["kind"], run["cause"], run["by"]) for run in acts} == {("act", "admin", "ada")}
    tenant.change(blocked, jobTitle="Director", accountEnabled=True)
    tenant.change(edited, department="Legal", jobTitle="Director")
    api.sync()
    api.reconcile()
    people = {one["object_id"]: one for one in api.every("people")}
    assert [state(people[one]) for one in (blocked, kept)] == [("inactive", "admin"), ("active", "")]
    fields = people[edited]["account"]["fields"]
    assert (fields["department"], fields["job_title"]) == ("Works Council", "Director")
    assert by_hand(api, edited, fields={"department": None})["account"]["fields"]["department"] == "Legal"
    assert state(by_hand(api, blocked, hand="")) == ("active", "")
    assert state(by_hand(api, kept, hand="")) == ("inactive", "left")
    guest = next(one["object_id"] for one in api.every("people", reason="guest"))
    for person, wanted, refusal in (
        (edited, {"fields": {"email": "x@contoso.example"}}, (422, "not_a_field")),
        (edited, {"hand": "sold"}, (422, "not_understood")),
        (guest, {"hand": "kept"}, (409, "no_account")),
        ("11111111-2222-4333-8444-555555555555", {"hand": "kept"}, (404, "no_such_person")),
    ):
        assert api.refused("PATCH", f"people/{person}", json=wanted) == refusal


def test_suggestions_are_accepted_refused_and_taken_back(api: Api) -> None:
    """A scanner has an account like everybody and is suggested with the evidence; accepted it is out of scope for good,
    refused it is not suggested again, taken back it is as it was; nobody is left out unasked.
    """
    bare: Item = {"givenName": None, "surname": None, "assignedLicenses": []}
    scanner = api.acme.tenant.hire("svc-scanner", **bare)
    api.acme.tenant.hire("Emma Room", assignedLicenses=[])
    api.sync()
    (found,) = api.every("suggestions", limit=1)
    assert (found["object_id"], found["likely"], found["answer"]) == (scanner, "not_a_person", "")
    assert {"service_like_name", "no_licence"} <= {sign["code"] for sign in found["evidence"]}
    assert all(sign["text"] for sign in found["evidence"])
    assert found["score"] >= 70
    assert {"svc-scanner", "Emma Room"} <= api.active()

    def answer(text: str) -> Item:
        said: Item = api.ask("PUT", f"suggestions/{scanner}", json={"answer": text})
        return said

    def listed() -> tuple[list[str], list[tuple[str, str]]]:
        answered = api.every("suggestions", answered=True)
        waiting = [one["name"] for one in api.every("suggestions")]
        return waiting, [(one["name"], one["answer"]) for one in answered]

    assert state(answer("not_a_person")) == ("inactive", "out_of_scope")
    api.acme.tenant.change(scanner, jobTitle="Robot")
    api.sync()
    api.reconcile()
    assert listed() == ([], [("svc-scanner", "not_a_person")])
    assert "svc-scanner" not in api.active()
    assert state(answer("person")) == ("active", "")
    assert listed() == ([], [("svc-scanner", "person")])
    answer("")
    assert listed() == (["svc-scanner"], [])
    told = api.every("activity", person=scanner)
    assert [(one["action"], one["by"]) for one in told if one["cause"] == "admin" and one["action"] != "create"] == [
        ("update", "ada"),
        ("reactivate", "ada"),
        ("deactivate", "ada"),
    ]


def test_a_mail_is_sent_again_or_kept_back(api: Api) -> None:
    """What the server refused goes out once more, as a generation of its own with the admin's name, and not a third
    time; what is due is cancelled in time and never sent; of what nobody can tell a person decides.
    """
    engine, tenant = api.acme.engine, api.acme.tenant
    engine.mail_server.script(SendResult.REFUSED, "550 no such mailbox")
    anna = tenant.hire("Anna Berg")
    api.sync()
    (mail,) = api.every("mails")
    assert (mail["id"], mail["state"], mail["note"]) == (f"{anna}.1", "refused", "550 no such mailbox")
    again = api.ask("POST", f"mails/{anna}.1/resend", 202)
    assert (again["id"], again["state"], again["by"]) == (f"{anna}.2", "due", "ada")
    assert api.refused("POST", f"mails/{anna}.1/resend") == (409, "mail_not_resendable")
    api.settle()
    assert api.acme.mailed == ["anna.berg@contoso.example"]
    assert api.refused("POST", f"mails/{anna}.2/cancel") == (409, "mail_not_due")
    bert = tenant.hire("Bert Berg")
    api.ask("POST", "sync", 202)
    while len(api.every("mails", limit=1)) < 3 and engine.deliver():
        pass
    assert api.ask("POST", f"mails/{bert}.1/cancel")["state"] == "cancelled"
    api.settle()
    engine.mail_server.script(SendResult.UNKNOWN)
    cora = tenant.hire("Cora Berg")
    api.sync()
    states = {one["id"]: (one["state"], one["by"]) for one in api.every("mails", limit=2)}
    assert states == {
        f"{anna}.1": ("refused", None),
        f"{anna}.2": ("sent", "ada"),
        f"{bert}.1": ("cancelled", "ada"),
        f"{cora}.1": ("needs_review", None),
    }
    assert api.acme.mailed == ["anna.berg@contoso.example"]
    for mail_id in (f"{'0' * 8}-0000-4000-8000-{'0' * 12}.1", f"{anna}.7", "nothing"):
        assert api.refused("POST", f"mails/{mail_id}/resend") == (404, "no_such_mail")


def test_only_accounts_inactive_for_long_enough_are_given_up(api: Api) -> None:
    """A leaver's account is purged on the day that was told, one disabled later stays until its own, active ones for
    ever; old runs and their activity are forgotten; who comes back gets a new account and no second mail.
    """
    tenant = api.acme.tenant
    api.save(purge_days=30, retention_days=30)
    gone, later = (api.people()[f"Person {number}"] for number in range(2))
    tenant.soft_delete(gone["object_id"])
    api.sync()
    told = api.ask("GET", f"people/{gone['object_id']}")
    assert told["purge_at"] == told["since"].replace("-03-02T", "-04-01T")
    api.at(days=20)
    tenant.change(later["object_id"], accountEnabled=False)
    api.sync()
    api.at(days=30)
    assert api.ask("GET", f"people/{gone['object_id']}")["account"]["id"] == gone["account"]["id"]
    first = api.every("runs")[-1]["id"]
    api.at(days=31)
    assert api.ask("GET", f"people/{gone['object_id']}")["account"] is None
    assert state(api.ask("GET", f"people/{later['object_id']}")) == ("inactive", "disabled")
    run = next(run for run in api.every("runs") if run["cause"] == "retention" and "purge" in run["counts"])
    (entry,) = api.every("activity", run=run["id"])
    assert (run["counts"]["purge"], entry["object_id"], entry["action"]) == (1, gone["object_id"], "purge")
    assert entry["before"]["email"] == "person.0@contoso.example"
    assert first not in {run["id"] for run in api.every("runs")}
    assert api.every("activity", run=first) == []
    assert api.refused("POST", f"runs/{run['id']}/undo") == (409, "nothing_to_undo")
    assert gone["account"]["id"] not in {one["id"] for one in api.every(f"{API}/accounts", limit=9)}
    tenant.restore(gone["object_id"])
    api.sync()
    back = api.ask("GET", f"people/{gone['object_id']}")
    assert (state(back), back["account"]["id"] == gone["account"]["id"]) == (("active", ""), False)
    assert (api.acme.mailed, len(api.active())) == ([], 23)
