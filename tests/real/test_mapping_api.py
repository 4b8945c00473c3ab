"""Mapping through API v1: tried on real people, saved on what was read, applied, carried to another connection."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.fakes.engine import Tenanted
from tests.real.api import Api
from tests.real.world import RealEngine

pytestmark = pytest.mark.azurite
BADGE = "extension_3f6c1e0a9d2b4c7f8a5e6b7c8d9e0f12_badge"
NUMBERED = [{"target": f"custom_{number}", "value": f"extensionAttribute{number}"} for number in range(1, 16)]
OWN = [
    *NUMBERED,
    {"target": "badge", "value": BADGE},
    {"target": "nick", "value": 'lower(before(mail, "@"))'},
    {"target": "unit", "value": 'upper(trim(after(department, "/")))'},
    {"target": "desk", "value": 'join(" ", officeLocation, city, "DK")'},
    {"target": "title", "value": 'first(jobTitle, employeeType, "unknown")'},
    {"target": "phone", "value": 'replace(faxNumber, "+45 ", "")'},
]


def employed(acme: Tenanted) -> str:
    """Somebody of whom Entra knows much."""
    told = {f"extensionAttribute{number}": f"x{number}" for number in range(1, 16)}
    hired: str = acme.tenant.hire(
        "Anna Berg",
        department="SALES / North ",
        city="Aarhus",
        faxNumber="+45 12 34",
        onPremisesExtensionAttributes=told,
        **{BADGE: "B-7"},
    )
    return hired


MADE = {
    **{f"custom_{number}": f"x{number}" for number in range(1, 16)},
    "badge": "B-7",
    "nick": "anna.berg",
    "unit": "NORTH",
    "desk": "Aarhus DK",
    "title": "unknown",
    "phone": "12 34",
}


def test_fields_of_ones_own_are_tried_then_saved(api: Api) -> None:
    """Twenty-one fields, of extension attributes that were never read too: the preview asks Entra and writes nothing;
    what is saved on the ETag that was read gives the fields of the preview. Without the ETag 428, with an old one 412.
    """
    anna = employed(api.acme)
    api.sync()
    settings, etag = api.settings()
    wanted = {"mapping": [*settings["mapping"], *OWN]}
    (tried,) = api.ask("POST", "mapping/preview", json={**wanted, "people": [anna]})["items"]
    assert tried["after"] == {**tried["before"], **MADE}
    assert tried["before"] == api.ask("GET", f"people/{anna}")["account"]["fields"]
    assert api.ask("POST", "settings/preview", json=wanted)["reads_again"] is True
    assert api.settings() == (settings, etag)
    assert api.refused("PUT", "settings", json=wanted) == (428, "if_match_needed")
    newer = api.save(etag, **wanted)
    assert api.ask("GET", f"people/{anna}")["account"]["fields"] == tried["after"]
    assert api.refused("PUT", "settings", json={}, headers={"If-Match": etag}) == (412, "settings_changed")
    assert api.settings()[1] == newer
    api.acme.tenant.change(anna, onPremisesExtensionAttributes={"extensionAttribute3": "moved"})
    assert api.sync()["counts"]["update"] == 1
    assert api.ask("GET", f"people/{anna}")["account"]["fields"] == {**tried["after"], "custom_3": "moved"}


def test_what_becomes_of_a_field_whose_attribute_is_emptied(api: Api) -> None:
    """Cleared, kept, or the default, as each rule says; what is set on create stays as it was when somebody joined."""
    rules: list[dict[str, Any]] = [
        {"target": "cleared", "value": "department", "on_null": "clear"},
        {"target": "kept", "value": "department", "on_null": "keep"},
        {"target": "assumed", "value": "department", "on_null": "default", "default": "none"},
        {"target": "first_unit", "value": "department", "apply": "on_create"},
    ]
    api.save(mapping=rules)
    anna = api.acme.tenant.hire("Anna Berg", department="Sales")
    api.sync()
    api.acme.tenant.change(anna, department="Legal")
    api.sync()
    fields = api.ask("GET", f"people/{anna}")["account"]["fields"]
    assert fields == {
        "email": "anna.berg@contoso.example",
        **dict.fromkeys(("cleared", "kept", "assumed"), "Legal"),
        "first_unit": "Sales",
    }
    api.acme.tenant.change(anna, department=None)
    api.sync()
    after = {"kept": "Legal", "assumed": "none", "first_unit": "Sales"}
    assert api.ask("GET", f"people/{anna}")["account"]["fields"] == {"email": fields["email"], **after}


def test_field_rules_travel_to_another_connection(api: Api) -> None:
    """The exported document is taken by another tenant's connection of the workspace, on its own ETag, and applied."""
    rules = [{"target": "unit", "value": "upper(department)", "apply": "always", "on_null": "clear", "default": ""}]
    api.save(mapping=rules)
    exported = api.ask("GET", "mapping/export")
    assert exported == {"mapping": rules}
    engine = api.acme.engine
    assert isinstance(engine, RealEngine)
    other = engine.connect(api.acme.connection.workspace, engine.control.create_tenant()).imported()
    there = Api(other)
    olga = other.tenant.hire(f"Olga {uuid.uuid4().hex[:4]}", department="Ops")
    there.sync()
    assert there.refused("PUT", "mapping", json=exported) == (428, "if_match_needed")
    assert there.refused("PUT", "mapping", json=exported, headers={"If-Match": '"7"'}) == (412, "settings_changed")
    taken = there.ask("PUT", "mapping", json=exported, headers={"If-Match": there.settings()[1]})
    there.settle()
    assert (taken, there.settings()[0]["mapping"]) == (exported, rules)
    assert there.ask("GET", f"people/{olga}")["account"]["fields"]["unit"] == "OPS"


def test_rules_that_make_no_sense_are_refused_by_their_place(api: Api) -> None:
    """422 names each rule, its part and the character, in previews, saving and importing alike; nothing is saved."""
    settings, etag = api.settings()
    wrong = [("unit", "upper(nick)"), ("unit_2", 'join(" ", surname'), ("Unit", "surname"), ("x", "__import__('os')")]
    mapping = [settings["mapping"][0], *({"target": target, "value": value} for target, value in wrong)]
    person = next(iter(api.people().values()))["object_id"]
    match = {"If-Match": etag}
    for answer in (
        api.request("POST", "settings/preview", json={"mapping": mapping}),
        api.request("POST", "mapping/preview", json={"mapping": mapping, "people": [person]}),
        api.request("PUT", "settings", json={"mapping": mapping}, headers=match),
        api.request("PUT", "mapping", json={"mapping": mapping}, headers=match),
    ):
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "settings_refused")
        said = {one["path"]: one["message"] for one in problem["problems"]}
        assert [*said] == ["mapping.1.value", "mapping.2.value", "mapping.3.target", "mapping.4.value"]
        assert said["mapping.1.value"] == "At character 7: there is no attribute nick."
        assert said["mapping.2.value"].startswith("At character 18: ")
        assert said["mapping.4.value"].startswith("At character 1: ")
    assert api.settings() == (settings, etag)
