"""The import of every bad input, explained: why, what happened to one person, and what settings would make of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.inputs.files import read_csv
from tests.inputs.world import FIELDS, Zoo
from tests.inputs.zoo import LONGEST, Outcome
from tests.real.api import Api

pytestmark = pytest.mark.azurite
NAMED = 20  # people of one preview of a mapping


@pytest.fixture(scope="module")
def api(zoo: Zoo) -> Api:
    """A program of the workspace's admin."""
    return Api(zoo.acme)


def test_why_tells_every_text_to_the_letter(api: Api, zoo: Zoo) -> None:
    """Name, account and each field as it is stored and as synchronising would leave it; and what happened last."""
    for object_id, text in zoo.texts.items():
        why, expected = api.ask("GET", f"people/{object_id}/why"), zoo.fields(object_id)
        assert why["name"] == (text.kept or zoo.acme.person(object_id).source["userPrincipalName"])
        standing = {one["name"]: one for one in why["fields"]}
        assert {name: standing[name]["stored"] for name in expected} == expected, text
        assert {name: (why["account"] or {"fields": {}})["fields"][name] for name in expected} == expected
        if why["in_entra"]["answer"] == "found":  # not those whom the cloud cannot keep
            assert {name: standing[name]["after_sync"] for name in expected} == expected
        assert [{name: one["after"][name] for name in expected} for one in why["happened"]] == (
            [expected] if text.kept else []
        )


def test_why_of_a_group_tells_its_name(api: Api, zoo: Zoo) -> None:
    """To the letter; who has none is told without."""
    for object_id, text in zoo.groups.items():
        assert api.ask("GET", f"groups/{object_id}/why")["name"] == text.kept


def test_one_persons_activity_is_to_the_letter(api: Api, zoo: Zoo) -> None:
    """In JSON and as a file."""
    for object_id, text in zoo.texts.items():
        expected = zoo.fields(object_id)
        items = api.every("activity", person=object_id)
        assert [{name: one["after"][name] for name in expected} for one in items if one["action"] == "create"] == (
            [expected] if text.kept else []
        ), text
        rows = read_csv(api, "activity", person=object_id)
        assert {row["field"]: row["after"] for row in rows if row["field"] in FIELDS.values()} == expected


def test_the_trial_of_a_mapping_is_to_the_letter(api: Api, zoo: Zoo) -> None:
    """As stored, and as another mapping would have it: a field more, of the whole text between two others."""
    mapping: list[dict[str, Any]] = api.ask("GET", "mapping/export")["mapping"]
    more = [*mapping, {"target": "both", "value": 'join("|", jobTitle, department)'}]
    people = [object_id for object_id, text in zoo.texts.items() if text.kept]
    for start in range(0, len(people), NAMED):
        asked = people[start : start + NAMED]
        items = api.ask("POST", "mapping/preview", json={"mapping": more, "people": asked})["items"]
        assert [one["object_id"] for one in items] == asked
        for one in items:
            text, expected = zoo.texts[one["object_id"]].kept, zoo.fields(one["object_id"])
            assert one["name"] == text
            assert {name: one["before"][name] for name in expected} == expected
            assert {name: one["after"][name] for name in expected} == expected
            assert one["after"]["both"] == f"{text}|{text}"[:256].strip()


def test_a_filter_finds_every_text_by_itself(api: Api, zoo: Zoo) -> None:
    """A condition that names every text as it came from Entra keeps whoever has it; of the others each is removed by
    name. What is longer than a value may be is not equal to its beginning.
    """
    values = [one.given[:LONGEST] for one in zoo.texts.values() if one.kept and one.number != 25]
    filters = [{"attribute": "department", "operator": "in", "values": values}]
    scope = {"chosen": {"everyone": True}, "filters": filters}
    removed = api.ask("POST", "settings/preview", json={"scope": scope})["removed"]
    people = {one["object_id"]: one for one in api.every("people", state="active")}
    found = {one["object_id"]: (one["name"], one["rule"], one["detail"]) for one in removed["people"]}
    kept = {object_id for object_id, text in zoo.texts.items() if text.outcome is not Outcome.CUT}
    assert found == {key: (one["name"], "filter", "department") for key, one in people.items() if key not in kept}
    assert removed["count"] == len(found)
