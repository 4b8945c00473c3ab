"""What an admin types, in every place there is: it is told back to the letter, or refused by where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import markupsafe
import pytest

from sync.core.model import Reason
from sync.core.text import clean
from sync.panel.app import create_app
from tests.fakes.engine import Tenanted
from tests.inputs.conftest import Lines
from tests.inputs.files import read_csv
from tests.inputs.typed import BODIES, CHOICES, FIELDS, HALF, PLACES, STRINGS, SUBJECTS, TYPED, WHOLE, Item, fits
from tests.inputs.world import MAIL_DOMAIN, Zoo
from tests.inputs.zoo import ADDRESSES, IDS, LONGEST
from tests.panel.browser import Browser
from tests.panel.world import workspace_token
from tests.real.api import Api

pytestmark = pytest.mark.azurite


@pytest.fixture(scope="module")
def typed(zoo: Zoo, lines: Lines) -> Iterator[Tenanted]:
    """A workspace of three people beside that of the import; no line of the log tells what was typed."""
    acme = zoo.engine.connect("ws-typed", zoo.engine.control.create_tenant())  # type: ignore[attr-defined]
    acme.tenant.hire_all("Ann Ross", "Bob Lee", "Cem Kaya")
    acme.imported()
    yield acme
    assert (zoo.engine.errors, zoo.engine.poison) == ([], [])
    lines.name_nobody(clean(text) for text in STRINGS)


def known(typed: Tenanted, name: str) -> str:
    """Somebody's object id."""
    return next(key for key, one in typed.people.items() if one.source["displayName"] == name)


@pytest.fixture(scope="module")
def api(typed: Tenanted) -> Api:
    """A program of its admin."""
    return Api(typed)


def stands(told: Item, chosen: Item) -> bool:
    """Whether a settings document holds what was chosen, to the letter."""
    return {name: told[name] for name in chosen} == chosen


@pytest.mark.parametrize("kind", CHOICES)
def test_settings_are_told_to_the_letter(api: Api, kind: str) -> None:
    """By the answer, the document, its history and a rollback, whatever stands in defaults, constants, filters."""
    chosen, before = CHOICES[kind], api.settings()[0]
    etag = api.save(**chosen)
    assert stands(api.settings()[0], chosen)
    newest = api.ask("GET", "settings/history", params={"limit": 1})["items"][0]
    assert (f'"{newest["version"]}"', stands(newest["settings"], chosen)) == (etag, True)
    api.save(**before)
    assert api.settings()[0] == before
    wanted, version = {"version": newest["version"]}, {"If-Match": api.settings()[1]}
    assert stands(api.ask("POST", "settings/rollback", json=wanted, headers=version), chosen)
    api.settle()
    kept = {one["version"]: one["settings"] for one in api.every("settings/history")}
    assert stands(kept[newest["version"]], chosen)
    api.save(**before)


@pytest.mark.parametrize("kind", FIELDS)
def test_a_mapping_is_exported_and_taken_to_the_letter(api: Api, kind: str) -> None:
    """What is exported is what was typed, and the same again after it was taken in place of another mapping."""
    before = api.settings()[0]
    api.save(**CHOICES[kind])
    exported = api.ask("GET", "mapping/export")
    assert exported == CHOICES[kind]
    api.save(**before)
    version = {"If-Match": api.settings()[1]}
    assert api.ask("PUT", "mapping", json=exported, headers=version) == exported
    api.settle()
    assert api.ask("GET", "mapping/export") == exported
    api.save(**before)


@pytest.mark.parametrize("kind", FIELDS)
def test_typed_texts_reach_accounts_as_entras_do(api: Api, typed: Tenanted, kind: str) -> None:
    """A line each, in previews, accounts, why, activity (as a file too) and on the page, as if Entra had told it."""
    before, wanted, expected = api.settings()[0], CHOICES[kind], FIELDS[kind]
    person = known(typed, "Ann Ross")
    (trial,) = api.ask("POST", "mapping/preview", json={**wanted, "people": [person]})["items"]
    assert {name: trial["after"].get(name) for name in expected} == expected
    api.save(**wanted)
    told = api.ask("GET", f"people/{person}")["account"]["fields"]
    assert {name: text for name, text in told.items() if name[1:].isdecimal()} == expected
    why = {one["name"]: one for one in api.ask("GET", f"people/{person}/why")["fields"]}
    assert {name: (why[name]["stored"], why[name]["after_sync"]) for name in expected} == {
        name: (text, text) for name, text in expected.items()
    }
    assert [why[one["target"]]["rule"] for one in wanted["mapping"] if one["target"] in expected] == [
        one["value"] for one in wanted["mapping"] if one["target"] in expected
    ]
    happened = api.ask("GET", "activity", params={"person": person, "limit": 1})["items"][0]
    assert {name: happened["after"][name] for name in expected} == expected
    rows = read_csv(api, "activity", person=person, run=happened["run"])
    assert {row["field"]: row["after"] for row in rows if row["field"] in expected} == expected
    browser = Browser(create_app(typed.engine.services, lambda _: b""))
    token = workspace_token(typed.engine.services, workspace="ws-typed")
    assert browser.post("/session", data={"token": token}).status_code == 303
    page = browser.get(f"/connections/{typed.id}/people/{person}").text
    assert [text for text in expected.values() if f"<bdi>{markupsafe.escape(text)}</bdi>" not in page] == []
    api.save(**before)


def sent(api: Api, method: str, path: str, body: Item, **headers: str) -> tuple[int, Item]:
    """Status and JSON of a call whose body may hold half a character."""
    told = {"Content-Type": "application/json", **headers}
    answer = api.request(method, path, content=json.dumps(body), headers=told)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("place", PLACES)
def test_what_may_not_stand_there_is_refused_by_its_place(api: Api, place: str) -> None:
    """422 that names the place, by saving and by a preview, or taken whole; what is refused leaves no trace."""
    before, version = api.settings()
    for text in [*STRINGS, *(one.given for one in IDS if place.endswith("s.0") and not one.known)]:
        body, match = PLACES[place](text), {"If-Match": version}
        status, told = sent(api, "POST", "settings/preview", body)
        assert status == (200 if fits(place, text) else 422), (text, told)
        if status == 422:
            assert wrong(told) <= {place, f"{place}.1"}, (text, told)
            assert wrong(told)
            refused = sent(api, "PUT", "settings", body, **match)
            assert refused == (422, {**told, "instance": refused[1]["instance"]})
    assert api.settings() == (before, version)


def wrong(problem: Item) -> set[str]:
    """Where something is wrong."""
    named = [
        *(one["path"] for one in problem.get("problems") or ()),
        *(f["field"] for f in problem.get("fields") or ()),
    ]
    return {one.removeprefix("body.") for one in named}


def test_a_name_that_nobody_asked_for_is_refused_as_one_line(api: Api) -> None:
    """A misspelt field is told back, as one line, and nothing is saved."""
    before = api.settings()
    for text in STRINGS:
        status, told = sent(api, "PUT", "settings", {text: 1}, **{"If-Match": before[1]})
        assert (status, told["code"]) == (422, "not_understood")
        assert [one["field"] for one in told["fields"]] == ["body" if text in HALF else clean(f"body.{text}")]
    assert api.settings() == before


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_text_is_refused_by_its_place(api: Api, place: str) -> None:
    """Null, a number, a flag, a list, an object: 422 that names the place, and nothing is saved."""
    before = api.settings()
    for given in (None, 7, 1.5, True, ["a list"], {"an": "object"}):
        status, told = sent(api, "PUT", "settings", PLACES[place](given), **{"If-Match": before[1]})
        assert (status, told["code"]) == (422, "not_understood"), given
        assert wrong(told) <= {place, f"{place}.1"}, given
        assert wrong(told)
    assert api.settings() == before


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body[:60]))
def test_a_body_that_is_not_whole_is_refused(api: Api, body: bytes) -> None:
    """As a page of Graph's is: keys twice, too deep, numbers that are none, another encoding, packed, or with more
    behind it; what could be read of it is not saved.
    """
    before = api.settings()
    headers = {"Content-Type": "application/json", "If-Match": before[1]}
    answer = api.request("PUT", "settings", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_understood")
    assert api.settings() == before
    whole = api.request("POST", "settings/preview", content=WHOLE, headers=headers)
    assert whole.status_code == 200


def test_a_version_that_there_is_not(api: Api) -> None:
    """Any If-Match but the version's own: 412, and nothing is saved."""
    before = api.settings()
    for text in STRINGS:
        header = re.sub(rb"[\x00-\x1f\x7f]", b"", text.encode(errors="surrogatepass"))  # no server takes more
        answer = api.request("PUT", "settings", json={"retention_days": 99}, headers={"If-Match": header})
        assert (answer.status_code, answer.json()["code"]) == (412, "settings_changed"), text
    assert api.settings() == before


def test_fields_of_ones_own_are_texts(api: Api, typed: Tenanted) -> None:
    """What an admin types over a field, whatever they are called themselves: one line, told with who did it, in the
    activity and in the runs, as files too.
    """
    person = known(typed, "Bob Lee")
    done = [("", "")]  # who, and what was typed, where the line is another than before
    for text in SUBJECTS:
        told = Api(typed, sub=text).ask("PATCH", f"people/{person}", json={"fields": {"department": text}})
        assert told["own_fields"] == {"department": clean(text)}
        assert told["account"]["fields"]["department"] == clean(text)
        if clean(text) != done[-1][1]:
            done.append((text.strip(), clean(text)))
    acts = [one for one in reversed(api.every("activity", person=person)) if one["after"].get("department")]
    assert [(one["by"], one["after"]["department"]) for one in acts] == done[1:]
    assert [one["before"].get("department", "") for one in acts] == [text for _, text in done[:-1]]
    runs = {one["id"]: one["by"] for one in api.every("runs")}
    rows = {row["id"]: row["by"] for row in read_csv(api, "runs")}
    assert [(runs[one["run"]], rows[one["run"]]) for one in acts] == [(subject, subject) for subject, _ in done[1:]]
    cells = [row for row in reversed(read_csv(api, "activity", person=person)) if row["field"] == "department"]
    assert [(row["by"], row["after"]) for row in cells] == done[1:]


def test_half_a_character_over_a_field_is_a_blank(api: Api, typed: Tenanted) -> None:
    """As where Entra tells it, and then it is given back."""
    person = known(typed, "Cem Kaya")
    for text in HALF:
        status, told = sent(api, "PATCH", f"people/{person}", {"fields": {"office": text}})
        assert (status, told["own_fields"], told["account"]["fields"]["office"]) == (
            200,
            {"office": clean(text)},
            clean(text),
        )
    assert api.ask("PATCH", f"people/{person}", json={"fields": {"office": None}})["own_fields"] == {}


def test_a_field_that_is_none_or_too_long_changes_nothing(api: Api, typed: Tenanted) -> None:
    """422 for a text of more than a field has, and for a field that the account cannot have."""
    person = known(typed, "Cem Kaya")
    before = api.ask("GET", f"people/{person}")
    wanted = [*({"department": text} for text in STRINGS if len(text) > LONGEST), *({text: "x"} for text in STRINGS)]
    for fields in wanted:
        status, problem = sent(api, "PATCH", f"people/{person}", {"fields": fields})
        assert (status, problem["code"]) == (422, "not_a_field"), fields
    assert api.ask("GET", f"people/{person}") == before


def test_the_history_says_who_whatever_they_are_called(api: Api, typed: Tenanted) -> None:
    """Subject to the letter, name as one line."""
    for number, text in enumerate(SUBJECTS):
        version = {"If-Match": api.settings()[1]}
        Api(typed, sub=text, name=text).ask("PUT", "settings", json={"retention_days": 100 + number}, headers=version)
    api.settle()
    kept = {one["settings"]["retention_days"]: (one["by"], one["by_name"]) for one in api.every("settings/history")}
    assert [kept[100 + number] for number in range(len(SUBJECTS))] == [
        (text.strip(), clean(text, 128)) for text in SUBJECTS
    ]


def test_an_account_made_by_hand_has_any_name(api: Api) -> None:
    """The name as one line, or 422 by its field; the list has those that were made, and no more."""
    made: dict[str, str] = {}
    for number, text in enumerate(STRINGS):
        address, employee = f"typed{number}@{MAIL_DOMAIN}", f"{number} {text}"[:LONGEST]
        body = {"address": address, "name": text, "employee_id": employee}
        status, told = sent(api, "POST", "/api/v1/accounts", body)
        if text in TYPED:
            assert (status, told["name"], told["address"]) == (201, clean(text), address), text
            made[address] = clean(text)
        else:
            assert (status, wrong(told) - {"employee_id"}) == (422, {"name"}), text
    listed = {one["address"]: one["name"] for one in api.every("/api/v1/accounts")}
    assert {address: name for address, name in listed.items() if address.startswith("typed")} == made


def test_an_account_made_by_hand_has_one_address(api: Api) -> None:
    """In its one folded form; 409 where another has it already, 422 where it is none, as no text is."""
    addresses = {one.mail: one for one in ADDRESSES if one.mail}
    for given, one in addresses.items():
        status, told = sent(api, "POST", "/api/v1/accounts", {"address": given})
        if one.reason is Reason.NO_ADDRESS:
            assert (status, told["code"]) == (422, "not_an_address"), given
        elif status == 201:
            assert told["address"] == (one.address or given.lower())
        else:
            assert (status, told["code"]) == (409, "address_in_use"), given
    for text in STRINGS:
        status, told = sent(api, "POST", "/api/v1/accounts", {"address": text})
        assert (status, told["code"]) in {(422, "not_an_address"), (422, "not_understood")}, text
    listed = [one["address"] for one in api.every("/api/v1/accounts")]
    taken = {one.address or given.lower() for given, one in addresses.items() if one.reason is not Reason.NO_ADDRESS}
    assert {address for address in listed if listed.count(address) > 1} == set()
    assert taken <= {*listed}
