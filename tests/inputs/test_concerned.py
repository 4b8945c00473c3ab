"""Every text as the name of those whom matching, groups, previews and holds concern: told to the letter, files too."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from tests.inputs import leaves
from tests.inputs.concerned import LOST, NAMES, Concerned, concerned
from tests.inputs.conftest import Lines
from tests.inputs.files import read_csv
from tests.inputs.walk import read
from tests.inputs.world import Zoo
from tests.inputs.zoo import ADDRESSES, TEXTS, Text
from tests.real.api import Api

pytestmark = pytest.mark.azurite
# Long enough, and odd enough, to be nobody's word but the zoo's.
ODD = {one.kept for one in TEXTS if len(one.kept) > 4 and not one.kept.replace(" ", "").isalnum()}
GIVEN = {one.mail for one in ADDRESSES if one.mail} | {one.username for one in ADDRESSES}


@pytest.fixture(scope="module")
def known(zoo: Zoo) -> Concerned:
    """The tenant, beside that of the import."""
    return concerned(zoo.engine, zoo.engine.control.create_tenant())  # type: ignore[attr-defined]


def names(people: Mapping[str, Text]) -> dict[str, str]:
    """Object id -> name."""
    return {object_id: text.kept for object_id, text in people.items()}


@pytest.mark.parametrize("told_by", ["plan", "accounts"])
def test_the_match_report_names_both_sides(known: Concerned, told_by: str) -> None:
    """Before Start and after: who is matched, who is not, and whose it is that they wanted."""
    report = known.planned if told_by == "plan" else known.api.every("match-report")
    assert known.api.ask("GET", "match-report")["told_by"] == "accounts"
    lines = {one["object_id"]: one for one in report}
    both = [*zip(known.people["matched"], known.people["rival"], NAMES, strict=True)]
    for matched, rival, text in both:
        assert [lines[one]["name"] for one in (matched, rival)] == [text.kept] * 2
        others = [one["conflict_with"] for one in (lines[matched], lines[rival]) if one["conflict_with"]]
        assert others
        assert {one["name"] for one in others} == {text.kept}
        assert "address" in {lines[one]["matched_by"] for one in (matched, rival)}
    conflicts = known.api.every("match-report", conflicts=True)
    assert {one["conflict_with"]["name"] for one in conflicts} == {text.kept for text in NAMES}


def test_accounts_made_by_hand_are_listed(known: Concerned) -> None:
    """Those that nobody is linked to, by the name that was typed; and whoever receives simulations, by Entra's."""
    listed = known.api.every("/api/v1/accounts")
    spare = {one["address"]: one["name"] for one in listed if one["source"] == "manual" and not one["object_id"]}
    assert {text.kept for text in NAMES} <= {*spare.values()}
    recipients = {one["object_id"]: one["name"] for one in known.api.every("/api/v1/audience")}
    expected = names({**known.people["matched"], **known.people["rival"]})
    assert len(recipients) == len(NAMES)
    assert recipients.items() <= expected.items()


def test_why_names_groups_and_rivals(known: Concerned) -> None:
    """The path of groups that puts somebody in, the sentence made of it, and who has the address."""
    rivals = 0
    for role in ("matched", "rival"):
        for object_id, text in known.people[role].items():
            why = known.api.ask("GET", f"people/{object_id}/why")
            for judged in (why["scope"], why["audience"]):
                assert [one["name"] for one in judged["path"]] == [text.kept] * 2
                assert f"a member of {text.kept}, via {text.kept} > {text.kept}." in judged["sentence"]
            assert [one["name"] for one in why["groups"]] == [text.kept]
            if why["conflict"]:
                rivals += 1
                assert why["conflict"]["name"] == text.kept
                assert f" belongs to {text.kept}. " in why["conflict"]["sentence"]
    assert rivals >= len(NAMES)


def test_why_of_a_group_names_those_above_and_below(known: Concerned) -> None:
    """Parents, children, and the path by which the settings reach it."""
    for inner, outer, text in zip(known.groups["inner"], known.groups["outer"], NAMES, strict=True):
        below, above = (known.api.ask("GET", f"groups/{one}/why") for one in (inner, outer))
        assert [one["name"] for one in (below, above, *below["parents"], *above["children"])] == [text.kept] * 4
        (use,) = below["scope"]
        assert [one["name"] for one in use["path"]] == [text.kept] * 2
        assert f", via {text.kept} > {text.kept}." in use["sentence"]


def test_a_hold_names_whom_it_keeps(known: Concerned) -> None:
    """In JSON and as a file; and of groups that are gone its cause has the names."""
    (hold,) = known.api.waiting()
    gone = sorted(text.kept for text in (*NAMES, *LOST))
    cause = f"group vanished or shrank: {', '.join(gone[:3])} and {len(gone) - 3} more"
    assert hold["cause"] == f"changed settings; {cause}"
    expected = names({**known.people["held"], **known.people["lost"]})
    assert {one["object_id"]: one["name"] for one in hold["removals"]} == expected
    rows = [row for row in read_csv(known.api, "holds") if row["hold"] == hold["id"]]
    assert {row["object_id"]: row["name"] for row in rows} == expected
    assert {row["cause"] for row in rows} == {hold["cause"]}
    assert known.api.ask("GET", f"people/{next(iter(expected))}/why")["hold"]["cause"] == hold["cause"]


def test_groups_that_are_gone_are_named(known: Concerned) -> None:
    """At a glance of the connection."""
    told = known.api.ask("GET", "")["gone_groups"]
    assert {one["object_id"]: one["name"] for one in told} == names({**known.groups["gone"], **known.groups["lost"]})


def previewed(known: Concerned, **wanted: Any) -> dict[str, dict[str, str]]:
    """Kind -> object id -> name, as a preview tells them; of each kind everybody."""
    told = known.api.ask("POST", "settings/preview", json=wanted)
    kinds = {kind: one for kind, one in told.items() if isinstance(one, dict) and "people" in one}
    assert {kind: one["count"] for kind, one in kinds.items()} == {k: len(one["people"]) for k, one in kinds.items()}
    return {kind: {one["object_id"]: one["name"] for one in found["people"]} for kind, found in kinds.items()}


def test_a_preview_names_whom_it_takes_in_and_out(known: Concerned) -> None:
    """Whoever would be added, mailed, in conflict or removed."""
    everyone = previewed(known, scope={"chosen": {"everyone": True}})
    for kind, role in (("added", "fresh"), ("mailed", "fresh"), ("conflicts", "clash")):
        assert everyone[kind].items() >= names(known.people[role]).items(), kind
    nobody = previewed(known, scope={"chosen": {"everyone": False}})["removed"]
    assert len(nobody) == len(NAMES)
    assert nobody.items() <= names({**known.people["matched"], **known.people["rival"]}).items()


def test_a_preview_names_whose_simulations_and_fields_change(known: Concerned) -> None:
    """Gained, lost, changed; and the fields of those whom Entra was asked about."""
    everyone = {"everyone": True}
    gained = previewed(known, scope={"chosen": everyone}, audience=everyone)["audience_gained"]
    assert gained.items() >= names(known.people["fresh"]).items()
    lost = previewed(known, audience={"everyone": False})["audience_lost"]
    assert len(lost) == len(NAMES)
    inside = names({**known.people["matched"], **known.people["rival"]}).items()
    assert lost.items() <= inside
    more = [*known.api.settings()[0]["mapping"], {"target": "title_again", "value": "upper(jobTitle)"}]
    changed = previewed(known, mapping=more)["changed"]
    assert len(changed) == 2 * len(NAMES) + len(LOST)
    assert changed.items() - inside == names({**known.people["held"], **known.people["lost"]}).items()
    unread = [*more, {"target": "phone", "value": "first(streetAddress, department)"}]
    samples = known.api.ask("POST", "settings/preview", json={"mapping": unread})["samples"]
    everybody = {key: text.kept for people in known.people.values() for key, text in people.items()}
    asked = {one["object_id"]: (one["name"], one["after"]["phone"]) for one in samples if one["object_id"] in everybody}
    assert asked
    assert asked == {key: (everybody[key], everybody[key]) for key in asked}


def test_a_certificate_names_those_in_conflict(known: Concerned) -> None:
    """In the document and in its file."""
    (head,) = known.api.every("certificates")
    document = known.api.ask("GET", f"certificates/{head['run']}")
    rows = read_csv(known.api, f"certificates/{head['run']}")
    told = {one["object_id"]: one["name"] for one in document["differences"] if one["reason"] == "address_conflict"}
    assert len(told) == len(NAMES)
    assert told.items() <= names({**known.people["matched"], **known.people["rival"]}).items()
    assert {row["object_id"]: row["name"] for row in rows if row["reason"] == "address_conflict"} == told


def test_a_suggestion_names_what_may_be_nobody(known: Concerned) -> None:
    """Whoever has a service's address, by the name that Entra has; and likewise once it was answered."""
    suggested = {one["object_id"]: one["name"] for one in known.api.every("suggestions")}
    assert suggested.items() >= names(known.people["fresh"]).items()
    first = next(iter(known.people["fresh"]))
    assert known.api.ask("PUT", f"suggestions/{first}", json={"answer": "person"})["name"] == NAMES[0].kept
    (answered,) = known.api.every("suggestions", answered=True)
    assert (answered["object_id"], answered["name"]) == (first, NAMES[0].kept)
    known.api.ask("PUT", f"suggestions/{first}", json={"answer": ""})


def test_each_text_holds_what_is_said_of_it(zoo: Zoo, known: Concerned) -> None:
    """All that can be read of the import and of this tenant: what is ours has its form and names nobody, and wherever
    text from outside may stand, some stood.
    """
    few = [object_id for one in known.people.values() for object_id in itertools.islice(one, 2)]
    some = [*read(known.api, few, [next(iter(one)) for one in known.groups.values()])]
    odd: set[str] = set()
    for leaf, text in [*read(Api(zoo.acme), [*zoo.texts][:3], [*zoo.groups][:1]), *some]:
        if pattern := leaves.STRICT.get(leaf):
            assert not text or pattern.fullmatch(text), (leaf, text)
        elif leaf in leaves.NAMELESS:
            assert not any(one in text for one in ODD), (leaf, text)
        elif any(one in text for one in ODD) or text in GIVEN:
            odd.add(leaf)
    assert leaves.TOLD - odd == set()


def test_no_line_of_the_log_names_anybody(known: Concerned, lines: Lines) -> None:
    """Of all that was done to them, by whomever."""
    assert (known.acme.engine.errors, known.acme.engine.poison) == ([], [])
    lines.name_nobody(text.kept for text in NAMES)
