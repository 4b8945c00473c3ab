"""API v1: accounts that may be nobody's."""

from __future__ import annotations

from dataclasses import replace

from sync.core.model import AccountState
from tests.panel.caller import API, Caller
from tests.panel.world import World


def test_a_suggestion_is_listed_with_its_evidence_and_answered(world: World, caller: Caller) -> None:
    """Name, score and signs; accepted, it moves to the answered ones and the account is out of scope."""
    connection = world.connect()
    record = next(r for r in world.people(connection.scope, 12) if r.account_state is AccountState.ACTIVE)
    stored = world.services.people.load(connection.scope, "", [record.object_id]).records[record.object_id]
    source = {**stored.source, "displayName": "svc-backup", "mail": "svc-backup@contoso.example"}
    source = {name: value for name, value in source.items() if name not in {"givenName", "surname"}}
    source["userPrincipalName"] = "svc-backup@contoso.example"
    world.store(connection.scope, [replace(stored, source=source)])
    path = f"{API}/connections/{connection.id}/suggestions"
    items = caller.get(path).json()["items"]
    found = next(item for item in items if item["object_id"] == record.object_id)
    assert (found["name"], found["answer"]) == ("svc-backup", "")
    assert "service_like_name" in [sign["code"] for sign in found["evidence"]]
    assert all(sign["text"] for sign in found["evidence"])
    answer = caller.request("PUT", f"{path}/{record.object_id}", json={"answer": "not_a_person"})
    assert (answer.status_code, answer.json()["reason"]) == (200, "out_of_scope")
    assert record.object_id not in [item["object_id"] for item in caller.get(path).json()["items"]]
    answered = caller.get(path, params={"answered": "true"}).json()["items"]
    assert [(item["object_id"], item["answer"]) for item in answered] == [(record.object_id, "not_a_person")]


def test_a_viewer_reads_suggestions_and_answers_none(world: World) -> None:
    """Answering changes who gets an account."""
    connection = world.connect()
    viewer = Caller(world, role="viewer")
    path = f"{API}/connections/{connection.id}/suggestions"
    assert viewer.get(path).status_code == 200
    refused = viewer.request("PUT", f"{path}/{world.people(connection.scope)[0].object_id}", json={"answer": "person"})
    assert refused.status_code == 403
