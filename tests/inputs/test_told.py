"""The import of every bad input as programs see it: the API's JSON, CSV, and what may be asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from sync.panel.app import create_app
from tests.inputs.files import read_csv
from tests.inputs.world import Zoo
from tests.inputs.zoo import IDS, TEXTS, Id
from tests.panel.browser import Browser
from tests.panel.world import workspace_token
from tests.real.api import Api

pytestmark = pytest.mark.azurite
QUERIES = [text.given for text in TEXTS if isinstance(text.given, str) and text.number != 25 and len(text.given) < 2000]
ASKED = {
    "people": ("search", "state", "reason"),
    "groups": ("search",),
    "activity": ("person", "group", "run", "since", "until", "action"),
}


def named(one: Id) -> str:
    """Number, length, and how it begins."""
    return f"{one.number} {len(one.given)} {one.given[:40]!a}"


@pytest.fixture(scope="module")
def api(zoo: Zoo) -> Api:
    """A program of the workspace's admin."""
    return Api(zoo.acme)


@pytest.fixture(scope="module")
def browser(zoo: Zoo) -> Browser:
    """An admin's browser."""
    made = Browser(create_app(zoo.engine.services, lambda _: b""))
    assert made.post("/session", data={"token": workspace_token(zoo.engine.services)}).status_code == 303
    return made


def test_the_api_tells_every_text_to_the_letter(api: Api, zoo: Zoo) -> None:
    """People with their accounts, groups, and the activity hold what is stored, and nothing else."""
    people = {one["object_id"]: one for one in api.every("people")}
    for object_id, text in zoo.texts.items():
        account = people[object_id]["account"]
        told = account["fields"] if account else {}
        assert {name: told[name] for name in zoo.fields(object_id)} == zoo.fields(object_id), text
        assert people[object_id]["name"] == (text.kept or people[object_id]["user_principal_name"])
    groups = {one["object_id"]: one["name"] for one in api.every("groups")}
    assert groups == {object_id: text.kept for object_id, text in zoo.groups.items()}
    activity = {one["object_id"]: one["after"] for one in api.every("activity") if one["action"] == "create"}
    for object_id in zoo.texts:
        expected = zoo.fields(object_id)
        assert {name: activity[object_id][name] for name in expected} == expected


def test_mails_and_suggestions_are_of_somebody(api: Api, zoo: Zoo) -> None:
    """A mail is listed with the name and the address it was sent to, a suggestion with the name and mail of Entra."""
    mails = {one["object_id"]: (one["name"], one["address"]) for one in api.every("mails")}
    people = {one["object_id"]: one for one in api.every("people")}
    assert mails.keys() == {key for key, one in people.items() if one["onboarding_mail"] == "claimed"}
    for object_id, (name, address) in mails.items():
        account = people[object_id]["account"]
        assert (name, address) == (account["fields"]["display_name"], account["address"])
        assert object_id not in zoo.texts or name == zoo.texts[object_id].kept
    suggested = {one["object_id"]: (one["name"], one["mail"]) for one in api.every("suggestions")}
    assert suggested
    assert suggested == {key: (people[key]["name"], people[key]["mail"]) for key in suggested}


def test_runs_name_nobody(api: Api, zoo: Zoo) -> None:
    """A run is told in words and numbers of ours, in JSON and as a file."""
    runs = api.every("runs")
    assert {(one["kind"], one["cause"], one["outcome"]) for one in runs} >= {("pass", "first", "complete")}
    told = json.dumps(runs, ensure_ascii=False)
    assert [text for text in zoo.texts.values() if len(text.kept) > 4 and text.kept in told] == []
    rows = {row["id"]: row for row in read_csv(api, "runs")}
    assert rows.keys() == {one["id"] for one in runs}
    for one in runs:
        row = rows[one["id"]]
        assert row["counts"] == " ".join(f"{name}={number}" for name, number in one["counts"].items())
        for name in ("kind", "cause", "outcome", "error", "by", "started_at", "finished_at"):
            assert row[name] == (one[name] or "")


def test_accounts_are_listed(api: Api, zoo: Zoo) -> None:
    """The workspace's accounts by their names, whatever these are."""
    names = {one["object_id"]: one["name"] for one in api.every("/api/v1/accounts")}
    for object_id, text in zoo.texts.items():
        assert names.get(object_id, "") == text.kept


@pytest.mark.parametrize("path", ["people", "activity"])
def test_a_file_is_the_list_and_no_formula(api: Api, zoo: Zoo, path: str) -> None:
    """CSV: no cell begins a formula, also where a semicolon divides them; taken back, it says what the API says."""
    rows = read_csv(api, path)
    if path == "people":
        told = {row["object_id"]: row for row in rows}
        for one in api.every("people"):
            row = told[one["object_id"]]
            assert (row["name"], row["mail"]) == (one["name"], one["mail"] or "")
            assert (row["department"], row["address"]) == (
                one["department"] or "",
                (one["account"] or {}).get("address") or "",
            )
    if path == "activity":
        cells = {(row["object_id"], row["field"]): row["after"] for row in rows if row["action"] == "create"}
        for object_id in zoo.texts:
            for name, value in zoo.fields(object_id).items():
                assert cells[object_id, name] == value


def test_a_certificate_names_whom_it_misses(api: Api, zoo: Zoo) -> None:
    """Whoever has no account is named as in the import, in the document and in its file: by the username where there
    is no name.
    """
    (head,) = api.every("certificates")
    document = api.ask("GET", f"certificates/{head['run']}")
    rows = read_csv(api, f"certificates/{head['run']}")
    found = {one["object_id"]: (one["name"], one["reason"]) for one in document["differences"]}
    assert found == {row["object_id"]: (row["name"], row["reason"]) for row in rows if row["section"] == "difference"}
    missed = {key: (one.source["userPrincipalName"], one.reason) for key, one in zoo.acme.people.items()}
    for object_id, text in zoo.texts.items():
        assert found.get(object_id) == (None if text.kept else missed[object_id]), text
    names = {found[key][0].rpartition(" ")[0] for key, one in zoo.addresses.items() if key in found and one.reason}
    assert names == {"Addressee"}


@pytest.mark.parametrize("query", QUERIES, ids=ascii)
def test_a_query_is_a_text(api: Api, query: str) -> None:
    """Whatever is searched for is answered; what cannot be a filter or a cursor is refused by name."""
    for path, names in ASKED.items():
        for name in (*names, "cursor"):
            answer = api.get(path, params={name: query})
            allowed = {200} if name == "search" and len(query) <= 200 else {200, 400, 422}
            assert answer.status_code in allowed, (path, name, answer.text)


def test_searching_finds_whoever_is_called_so(api: Api, zoo: Zoo) -> None:
    """A name is found by itself, in people and in groups."""
    for path, who in (("people", zoo.texts), ("groups", zoo.groups)):
        for object_id, text in who.items():
            if text.kept and len(str(text.given)) <= 200:
                items = api.get(path, params={"search": text.kept, "limit": 200}).json()["items"]
                assert object_id in {one["object_id"] for one in items}, text


@pytest.mark.parametrize("one", IDS, ids=named)
def test_an_id_is_canonical_or_nobodys(api: Api, zoo: Zoo, one: Id) -> None:
    """In a path and in a body: 404 or 422, never an error of ours, and nothing is asked of Graph."""
    for method, path, body in _calls(one.given):
        answer = api.request(method, path, json=body)
        assert answer.status_code in {400, 404, 405, 409, 422}, (method, path, answer.text)
        assert one.known or answer.json()["code"] != "unexpected"


def test_an_id_in_capitals_is_the_same_id(api: Api, zoo: Zoo) -> None:
    """A person and a group are found under the id however it is written."""
    person, group = next(iter(zoo.texts)), next(iter(zoo.groups))
    for path, object_id in (("people/{}", person), ("people/{}/why", person), ("groups/{}/why", group)):
        assert json.dumps(api.ask("GET", path.format(object_id.upper()))).count(object_id)
    assert api.ask("PATCH", f"people/{person.upper()}", json={"hand": ""})["object_id"] == person
    assert api.ask("PUT", f"suggestions/{person.upper()}", json={"answer": ""})["object_id"] == person
    assert [one["object_id"] for one in api.ask("GET", f"activity?person={person.upper()}")["items"]] == [person]


@pytest.mark.parametrize("one", [one for one in IDS if one.given], ids=named)
def test_a_page_of_nobody_is_not_found(browser: Browser, zoo: Zoo, one: Id) -> None:
    """The pages take ids as the API does, and a run as well."""
    base = f"/connections/{zoo.acme.id}"
    assert browser.get(f"{base}/people/{quote(one.given, safe='')}").status_code == 404
    assert browser.get(f"{base}/activity", params={"run": one.given}).status_code in {200, 422}


def _calls(text: str) -> Iterator[tuple[str, str, Any]]:
    """Every call of API v1 that takes an id."""
    part = quote(text, safe="") or "%20"
    for path in ("people/{}", "people/{}/why", "groups/{}/why", "certificates/{}", "/api/v1/connections/{}"):
        yield "GET", path.format(part), None
    yield "PATCH", f"people/{part}", {"hand": "blocked"}
    yield "PUT", f"suggestions/{part}", {"answer": "person"}
    for path in ("people/{}/sync", "runs/{}/undo", "holds/{}/approve", "holds/{}/reject", "mails/{}.1/resend"):
        yield "POST", path.format(part), None
