"""API v1: who receives phishing simulations."""

from __future__ import annotations

from dataclasses import replace

from sync.core.model import AccountState
from tests.panel.caller import API, Caller
from tests.panel.world import World


def test_the_audience_is_the_active_accounts_that_were_chosen(world: World, caller: Caller) -> None:
    """Page by page, nobody twice, and nobody inactive although they were chosen once."""
    connection = world.connect()
    chosen: list[str] = []
    for record in world.people(connection.scope, 30):
        if record.account_state is AccountState.ACTIVE:
            left = len(chosen) == 3
            state = AccountState.INACTIVE if left else AccountState.ACTIVE
            stored = world.services.people.load(connection.scope, "", [record.object_id]).records[record.object_id]
            world.store(connection.scope, [replace(stored, audience=True, account_state=state)])
            chosen.append(record.object_id)
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = caller.get(f"{API}/audience", params={"limit": 4, "cursor": cursor}).json()
        seen += [item["object_id"] for item in page["items"]]
        assert {item["connection_id"] for item in page["items"]} <= {connection.id}
        cursor = page["cursor"]
    assert len(chosen) > 8
    assert sorted(seen) == sorted(one for number, one in enumerate(chosen) if number != 3)


def test_nobody_is_in_the_audience_of_a_workspace_without_connections(caller: Caller) -> None:
    """An empty page, and no cursor."""
    assert caller.get(f"{API}/audience").json() == {"items": [], "cursor": None}


def test_people_tell_whether_they_receive_simulations(world: World, caller: Caller) -> None:
    """A person has it as a field, and people can be listed by it."""
    connection = world.connect()
    record = next(r for r in world.people(connection.scope, 30) if r.account_state is AccountState.ACTIVE)
    stored = world.services.people.load(connection.scope, "", [record.object_id]).records[record.object_id]
    world.store(connection.scope, [replace(stored, audience=True)])
    path = f"{API}/connections/{connection.id}/people"
    assert caller.get(f"{path}/{record.object_id}").json()["audience"] is True
    found = caller.get(path, params={"audience": "true"}).json()["items"]
    assert [item["object_id"] for item in found] == [record.object_id]
