"""API v1: settings of a connection, their preview, versions, and the mapping as a document."""

from __future__ import annotations

from typing import Any

import pytest

from sync.core.connection import ConnectionState, FeedState
from sync.core.mapping import select_of
from sync.core.model import AccountState
from sync.core.sync_settings import SyncSettings
from tests.panel.caller import API, Caller
from tests.panel.cast import object_id, person
from tests.panel.world import TENANT, World

FIRST = {"If-Match": '"1"'}


@pytest.fixture
def path(world: World) -> str:
    """A connection of thirty people, as a path; its cursor tells what the default settings need."""
    connection = world.connect()
    feeds = {"users": FeedState(delta_link="x", selected=select_of(SyncSettings())), "groups": FeedState("x")}
    world.read(connection, feeds=feeds)
    world.people(connection.scope, 30)
    return f"{API}/connections/{connection.id}"


def put(caller: Caller, path: str, body: Any, etag: str = '"1"') -> Any:
    """PUT on what was read."""
    return caller.request("PUT", path, json=body, headers={"If-Match": etag})


def test_all_settings_are_told_with_their_version(caller: Caller, path: str) -> None:
    """Mapping, scope, audience, matching and numbers; a new connection's are the defaults."""
    read = caller.get(f"{path}/settings")
    found = read.json()
    assert read.headers["etag"] == '"1"'
    assert set(found) == set(SyncSettings.__dataclass_fields__) - {"version"}
    assert found["scope"]["chosen"]["everyone"] is True
    assert found["mapping"][0] == {
        "target": "given_name",
        "value": "givenName",
        "apply": "always",
        "on_null": "clear",
        "default": "",
    }


def test_settings_are_saved_only_on_what_was_read(caller: Caller, path: str) -> None:
    """PUT needs the ETag that was read: without it 428, with an old one 412, with the right one a new version."""
    wanted = {"mail_existing": False, "onboarding": False}
    assert caller.request("PUT", f"{path}/settings", json=wanted).status_code == 428
    saved = put(caller, f"{path}/settings", wanted)
    assert (saved.status_code, saved.json()["onboarding"], saved.headers["etag"]) == (200, False, '"2"')
    stale = put(caller, f"{path}/settings", wanted)
    assert (stale.status_code, stale.json()["code"]) == (412, "settings_changed")
    assert put(caller, f"{path}/settings", wanted, '"2"').headers["etag"] == '"2"'
    assert put(caller, f"{path}/settings", {**wanted, "onbording": True}, '"2"').status_code == 422


def test_what_is_sent_back_is_what_is_told(caller: Caller, path: str) -> None:
    """All that GET tells may be PUT, and is the same settings; a part alone leaves the others."""
    whole = caller.get(f"{path}/settings").json()
    assert put(caller, f"{path}/settings", whole).headers["etag"] == '"1"'
    audience = {"groups": [TENANT.upper()], "excluded_people": [object_id(3)]}
    saved = put(caller, f"{path}/settings", {"audience": audience}).json()
    assert saved["audience"]["groups"] == [TENANT]
    assert {**saved, "audience": None} == {**whole, "audience": None}


def test_what_makes_no_sense_is_refused_whole(caller: Caller, path: str) -> None:
    """422 names every problem by its path, in preview as in saving; nothing is saved."""
    wrong = {"mapping": [{"target": "email", "value": "nick"}], "purge_days": 1}
    for answer in (
        put(caller, f"{path}/settings", wrong),
        caller.post(f"{path}/settings/preview", json=wrong),
    ):
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "settings_refused")
        assert answer.headers["content-type"] == "application/problem+json"
        assert [one["path"] for one in problem["problems"]] == ["mapping.0.target", "mapping.0.value", "purge_days"]
    assert caller.get(f"{path}/settings").headers["etag"] == '"1"'


@pytest.mark.parametrize(
    "body",
    [
        {"scope": {}},
        {"scope": {"chosen": {"everybody": True}}},
        {"audience": {"people": "all"}},
        {"matching": ["name"]},
        {"mapping": [{"target": "x", "value": 1}]},
        {"scope": {"chosen": {}, "filters": [{"attribute": "city", "operator": "like", "values": ["x"]}]}},
        [],
    ],
)
def test_what_is_no_settings_is_not_understood(caller: Caller, path: str, body: Any) -> None:
    """422 by the shape alone."""
    answer = put(caller, f"{path}/settings", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_understood")


def test_preview_names_people_and_writes_nothing(world: World, caller: Caller, path: str) -> None:
    """Counts, names, reasons and the guard's word; what it was compared with can be sent as If-Match."""
    effects = len(world.storage.faults.effects)
    body = {"scope": {"chosen": {"everyone": True, "excluded_people": [object_id(8)]}}, "audience": {"everyone": True}}
    seen = caller.post(f"{path}/settings/preview", json=body).json()
    assert len(world.storage.faults.effects) == effects
    assert seen["removed"] == {
        "count": 1,
        "people": [
            {
                "object_id": object_id(8),
                "name": seen["removed"]["people"][0]["name"],
                "reason": "out_of_scope",
                "rule": "excluded_person",
                "detail": None,
            }
        ],
    }
    assert (seen["version"], seen["people"], seen["reads_again"], seen["samples"]) == (1, 30, False, [])
    assert seen["guard"] == {"held": False, "limit": 5, "used": 0}
    people = [person(number, "") for number in range(30)]
    active = [one for one in people if one.account_state is AccountState.ACTIVE]
    assert seen["audience_gained"]["count"] == len(active) - 1 + seen["added"]["count"]


def test_preview_before_anything_was_read(world: World, caller: Caller) -> None:
    """409 with a code of its own: there is nobody to tell about."""
    for state in (ConnectionState.AWAITING_CONSENT, ConnectionState.AWAITING_START):
        connection = world.connect(state)
        answer = caller.post(f"{API}/connections/{connection.id}/settings/preview", json={})
        assert (answer.status_code, answer.json()["code"]) == (409, "not_read_yet")


def test_history_and_rollback(caller: Caller, path: str) -> None:
    """Newest first, page by page, with who and when; going back is a new version, and wants the ETag too."""
    put(caller, f"{path}/settings", {"onboarding": False})
    put(caller, f"{path}/settings", {"purge_days": 90}, '"2"')
    back = f"{path}/settings/rollback"
    assert caller.post(back, json={"version": 1}).status_code == 428
    unknown = caller.post(back, json={"version": 9}, headers={"If-Match": '"3"'})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "no_such_version")
    answer = caller.post(back, json={"version": 1}, headers={"If-Match": '"3"'})
    assert (answer.json()["onboarding"], answer.json()["purge_days"], answer.headers["etag"]) == (True, 180, '"4"')
    seen: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = caller.get(f"{path}/settings/history", params={"limit": 3, "cursor": cursor}).json()
        seen += page["items"]
        cursor = page["cursor"]
    assert [(one["version"], one["by"], one["by_name"]) for one in seen] == [
        *((version, "admin-1", "Ada Admin") for version in (4, 3, 2)),
        (1, None, None),
    ]
    assert [one["settings"]["onboarding"] for one in seen] == [True, False, False, True]


def test_history_begins_with_the_first_version(caller: Caller, path: str) -> None:
    """Nobody saved anything: the defaults are version 1, and nobody's."""
    page = caller.get(f"{path}/settings/history").json()
    assert [(one["version"], one["by"]) for one in page["items"]] == [(1, None)]


def test_a_mapping_travels_as_a_document(world: World, caller: Caller, path: str) -> None:
    """What one connection exports another takes, on its own ETag and through the same checks."""
    rules = [{"target": "unit", "value": "upper(department)", "apply": "on_create", "on_null": "keep", "default": ""}]
    put(caller, f"{path}/settings", {"mapping": rules})
    exported = caller.get(f"{path}/mapping/export")
    assert exported.json() == {"mapping": rules}
    assert exported.headers["etag"] == '"2"'
    other = f"{API}/connections/{world.connect(tenant_id='b' * 8).id}"
    taken = put(caller, f"{other}/mapping", exported.json())
    assert (taken.json(), taken.headers["etag"]) == ({"mapping": rules}, '"2"')
    assert caller.get(f"{other}/settings").json()["mapping"] == rules
    assert caller.request("PUT", f"{other}/mapping", json=exported.json()).status_code == 428
    assert put(caller, f"{other}/mapping", {"mapping": [{"target": "9", "value": "x"}]}, '"2"').status_code == 422


def test_a_mapping_is_tried_on_people(caller: Caller, path: str) -> None:
    """Fields now and then of whom was named; at most twenty; malformed and unknown ids are left out."""
    rules = [{"target": "unit", "value": "upper(department)"}]
    people = [object_id(8), "../x", object_id(999)]
    (one,) = caller.post(f"{path}/mapping/preview", json={"mapping": rules, "people": people}).json()["items"]
    assert one["object_id"] == object_id(8)
    assert one["after"]["unit"] == one["before"]["department"].upper()
    assert "department" not in one["after"]
    assert one["reason"] == ""
    many = {"people": [object_id(number) for number in range(21)]}
    assert caller.post(f"{path}/mapping/preview", json=many).status_code == 422
    assert caller.post(f"{path}/mapping/preview", json={"people": []}).status_code == 422


def test_viewers_read_and_preview_and_change_nothing(world: World, path: str) -> None:
    """GET and both previews answer; PUT and rollback are 403."""
    viewer = Caller(world, role="viewer")
    for reading in ("settings", "settings/history", "mapping/export"):
        assert viewer.get(f"{path}/{reading}").status_code == 200
    assert viewer.post(f"{path}/settings/preview", json={}).status_code == 200
    assert viewer.post(f"{path}/mapping/preview", json={"people": [object_id(8)]}).status_code == 200
    for method, writing in (("PUT", "settings"), ("PUT", "mapping"), ("POST", "settings/rollback")):
        answer = viewer.request(method, f"{path}/{writing}", json={"mapping": [], "version": 1}, headers=FIRST)
        assert (answer.status_code, answer.json()["code"]) == (403, "viewer")


def test_another_workspaces_settings_do_not_exist(world: World) -> None:
    """404 for every call, whatever is known of the id."""
    foreign = f"{API}/connections/{world.connect(workspace='globex', tenant_id='other').id}"
    caller = Caller(world)
    for reading in ("settings", "settings/history", "mapping/export"):
        assert caller.get(f"{foreign}/{reading}").status_code == 404
    assert caller.post(f"{foreign}/settings/preview", json={}).status_code == 404
    assert caller.post(f"{foreign}/mapping/preview", json={"people": [object_id(8)]}).status_code == 404
    assert put(caller, f"{foreign}/settings", {}).status_code == 404
    assert put(caller, f"{foreign}/mapping", {"mapping": []}).status_code == 404
    assert caller.post(f"{foreign}/settings/rollback", json={"version": 1}, headers=FIRST).status_code == 404
