"""API v1: acts by hand, undo, the activity's filters, and lists as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.clock import iso
from sync.core.connection import Connection
from sync.core.model import AccountState, Action, ActivityEntry, PersonRecord, Reason
from sync.core.runs import MailState
from sync.ports import Activity
from tests.panel.caller import API, Caller
from tests.panel.cast import HOSTILE, object_id
from tests.panel.world import World


@pytest.fixture
def connection(world: World) -> Connection:
    """A connected tenant of seven remarkable people."""
    made = world.connect()
    world.people(made.scope)
    return made


def path(connection: Connection, rest: str) -> str:
    """Of this connection."""
    return f"{API}/connections/{connection.id}/{rest}"


def stored(world: World, connection: Connection, number: int) -> PersonRecord:
    """A person's record."""
    one = object_id(number)
    return world.services.people.load(connection.scope, "", [one]).records[one]


def test_a_person_is_blocked_by_hand(world: World, caller: Caller, connection: Connection) -> None:
    """PATCH answers with the person as they are then, and the run says who did it."""
    answer = caller.request("PATCH", path(connection, f"people/{object_id(0)}"), json={"hand": "blocked"})
    assert (answer.status_code, answer.json()["by_hand"]) == (200, "blocked")
    assert answer.json()["account"]["state"] == "inactive"
    assert answer.json()["reason"] == "admin"
    run = caller.get(path(connection, "runs")).json()["items"][0]
    assert (run["kind"], run["cause"], run["by"], run["counts"]) == ("act", "admin", "admin-1", {"deactivate": 1})
    assert run["duration_seconds"] is not None


def test_an_inactive_account_says_when_it_will_be_given_up(
    caller: Caller, connection: Connection, world: World
) -> None:
    """`purge_at` is the day it became inactive and the days that the settings give it."""
    found = caller.request("PATCH", path(connection, f"people/{object_id(0)}"), json={"hand": "blocked"}).json()
    assert found["purge_at"] == iso(world.clock.now() + timedelta(days=connection.settings.purge_days))
    assert caller.get(path(connection, f"people/{object_id(1)}")).json()["purge_at"] is None


def test_fields_are_edited_by_hand(caller: Caller, connection: Connection) -> None:
    """Text is the admin's own, null gives the field back; an address is nobody's to edit."""
    where = path(connection, f"people/{object_id(1)}")
    changed = caller.request("PATCH", where, json={"fields": {"department": "Works Council"}}).json()
    assert (changed["own_fields"], changed["account"]["fields"]["department"]) == (
        {"department": "Works Council"},
        "Works Council",
    )
    assert caller.request("PATCH", where, json={"fields": {"department": None}}).json()["own_fields"] == {}
    refused = caller.request("PATCH", where, json={"fields": {"email": "a@b.example"}})
    assert (refused.status_code, refused.json()["code"]) == (422, "not_a_field")


@pytest.mark.parametrize(
    ("person", "body", "status", "code"),
    [
        (object_id(999), {"hand": "blocked"}, 404, "no_such_person"),
        ("nobody", {"hand": "blocked"}, 404, "no_such_person"),
        (object_id(2), {"hand": "kept"}, 409, "no_account"),
        (object_id(0), {"hand": "sold"}, 422, "not_understood"),
        (object_id(0), {"hnd": "kept"}, 422, "not_understood"),
    ],
)
def test_acts_that_are_refused(
    caller: Caller, connection: Connection, person: str, body: dict[str, Any], status: int, code: str
) -> None:
    """Each with its status and code."""
    answer = caller.request("PATCH", path(connection, f"people/{person}"), json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_viewers_do_nothing_by_hand(world: World, connection: Connection) -> None:
    """403 for every act."""
    viewer = Caller(world, role="viewer")
    assert (
        viewer.request("PATCH", path(connection, f"people/{object_id(0)}"), json={"hand": "blocked"}).status_code == 403
    )
    for act in ("runs/r1/undo", f"mails/{object_id(0)}.1/resend", f"mails/{object_id(0)}.1/cancel"):
        assert viewer.post(path(connection, act)).status_code == 403


def test_a_mail_is_resent_and_cancelled(world: World, caller: Caller, connection: Connection) -> None:
    """A refused one goes out as generation 2 with the admin's name; that one can be cancelled while it is due."""
    world.mail(connection, 0, MailState.REFUSED)
    again = caller.post(path(connection, f"mails/{object_id(0)}.1/resend"))
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (202, f"{object_id(0)}.2", "due")
    assert again.json()["by"] == "admin-1"
    assert caller.post(path(connection, f"mails/{object_id(0)}.1/resend")).json()["code"] == "mail_not_resendable"
    assert caller.post(path(connection, f"mails/{object_id(0)}.2/cancel")).json()["state"] == "cancelled"
    assert caller.post(path(connection, f"mails/{object_id(0)}.2/cancel")).json()["code"] == "mail_not_due"
    for mail in (f"{object_id(5)}.1", "nothing", "a.b"):
        assert caller.post(path(connection, f"mails/{mail}/resend")).json()["code"] == "no_such_mail"


def test_a_run_is_undone(world: World, caller: Caller, connection: Connection) -> None:
    """202 with the undo's run, the same when asked again; unknown and running runs are refused."""
    caller.request("PATCH", path(connection, f"people/{object_id(0)}"), json={"hand": "blocked"})
    run = caller.get(path(connection, "runs")).json()["items"][0]["id"]
    answers = [caller.post(path(connection, f"runs/{run}/undo")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    (undoing,) = {answer.json()["run"] for answer in answers}
    listed = {one["id"]: one for one in caller.get(path(connection, "runs")).json()["items"]}
    assert (listed[undoing]["of"], listed[undoing]["by"], listed[run]["undone_by"]) == (run, "admin-1", undoing)
    assert caller.post(path(connection, f"runs/{undoing}/undo")).json()["code"] == "run_running"
    assert caller.post(path(connection, "runs/unknown/undo")).json()["code"] == "no_such_run"


def told(world: World, connection: Connection, count: int) -> None:
    """So many runs, each with two entries; every third moves people out of a group."""
    for number in range(count):
        run = world.run(connection, "notification" if number % 2 else "reconcile", seconds_ago=1000 - number)
        people = [stored(world, connection, one) for one in (0, 1)]
        groups = {"groups": object_id(9001)} if number % 3 == 0 else {}
        entries = [
            ActivityEntry(
                one.object_id,
                Action.MOVE if groups else Action.UPDATE,
                Reason.OK,
                {"department": f"=A{number}", **groups},
                {"department": "B", **({"groups": ""} if groups else {})},
            )
            for one in people
        ]
        at = iso(world.clock.now() - timedelta(seconds=1000 - number))
        world.store(connection.scope, [replace(people[0])], Activity(run.id, 0, at, entries))


def pages(caller: Caller, where: str, **params: Any) -> list[dict[str, Any]]:
    """Every page of a list."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = caller.get(where, params={**params, "cursor": cursor}).json()
        items += page["items"]
        cursor = page["cursor"]
    return items


def test_the_activity_is_walked_to_its_end(world: World, caller: Caller, connection: Connection) -> None:
    """Page by page every entry once, the newest first, with the cause of its run."""
    told(world, connection, 9)
    found = pages(caller, path(connection, "activity"), limit=5)
    assert len(found) == 18
    assert [one["at"] for one in found] == sorted((one["at"] for one in found), reverse=True)
    assert {one["cause"] for one in found} == {"notification", "reconcile"}
    assert len({(one["run"], one["object_id"]) for one in found}) == 18


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"person": object_id(0)}, 9),
        ({"group": object_id(9001)}, 6),
        ({"group": object_id(9002)}, 0),
        ({"cause": "reconcile"}, 10),
        ({"action": "moved"}, 6),
        ({"cause": "reconcile", "action": "moved", "person": object_id(1)}, 2),
    ],
)
def test_the_activity_is_searched(
    world: World, caller: Caller, connection: Connection, filters: dict[str, str], count: int
) -> None:
    """By person, group, cause and action, and by all of them."""
    told(world, connection, 9)
    assert len(pages(caller, path(connection, "activity"), limit=4, **filters)) == count


def test_the_activity_is_searched_by_run_and_time(world: World, caller: Caller, connection: Connection) -> None:
    """`since` is inclusive, `until` exclusive; a time without a zone is not understood."""
    told(world, connection, 9)
    where = path(connection, "activity")
    found = pages(caller, where)
    assert len(pages(caller, where, run=found[0]["run"])) == 2
    times = sorted({one["at"] for one in found})
    between = pages(caller, where, since=times[2], until=times[5], limit=3)
    assert {one["at"] for one in between} == set(times[2:5])
    assert caller.get(where, params={"since": "2026-01-01T00:00:00"}).status_code == 422


def test_a_cursor_is_good_for_its_own_filters_only(world: World, caller: Caller, connection: Connection) -> None:
    """400 with another filter."""
    told(world, connection, 9)
    where = path(connection, "activity")
    cursor = caller.get(where, params={"limit": 2}).json()["cursor"]
    assert caller.get(where, params={"cursor": cursor, "action": "moved"}).json()["code"] == "bad_cursor"


def rows(text: str) -> list[list[str]]:
    """A CSV file's rows, without its mark."""
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize("name", ["people", "runs", "holds", "activity"])
def test_lists_are_files_too(world: World, caller: Caller, connection: Connection, name: str) -> None:
    """Every list as CSV: a file with a header, all rows alike, and no cell that a spreadsheet calculates."""
    told(world, connection, 3)
    world.hold(connection, ["=HYPERLINK(1)", "Anna"])
    answer = caller.get(path(connection, name), params={"format": "csv"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
    header, *found = rows(answer.text)
    assert found
    assert {len(row) for row in found} == {len(header)}
    assert not any(cell[:1] in set("=+-@") for row in found for cell in row)


def test_a_file_has_everybody(world: World, caller: Caller) -> None:
    """More people than a page are in one file, hostile names as they are; filters count."""
    connection = world.connect()
    everybody = world.people(connection.scope, 450)
    found = rows(caller.get(path(connection, "people"), params={"format": "csv"}).text)[1:]
    assert {row[0] for row in found} == {one.object_id for one in everybody}
    assert HOSTILE in {row[1] for row in found}
    active = sum(one.account_state is AccountState.ACTIVE for one in everybody)
    some = rows(caller.get(path(connection, "people"), params={"format": "csv", "state": "active"}).text)[1:]
    assert len(some) == active
