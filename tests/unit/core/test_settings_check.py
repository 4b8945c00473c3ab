"""What an admin may save as settings, and what is said of the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.core.settings_check import RESERVED, RULES, canonical, check
from sync.core.sync_settings import DEFAULT_MAPPING, Chosen, FieldRule, Filter, Scope, SyncSettings

ONE, TWO = "6e7b768e-07e2-4810-8459-485f84f8f204", "11111111-2222-4333-8444-555555555555"


def paths(settings: SyncSettings) -> list[str]:
    """Where something is wrong."""
    return [problem.path for problem in check(canonical(settings))]


def with_rules(*rules: FieldRule) -> SyncSettings:
    """Settings with this mapping."""
    return SyncSettings(mapping=rules)


def with_scope(**parts: object) -> SyncSettings:
    """Settings with these parts of a scope."""
    return SyncSettings(scope=replace(Scope(), **parts))  # type: ignore[arg-type]


def test_what_everybody_begins_with_may_be_saved() -> None:
    """The first version passes its own check and is in its one form."""
    assert check(SyncSettings()) == []
    assert canonical(SyncSettings()) == SyncSettings()


def test_a_full_choice_may_be_saved() -> None:
    """Groups, people, domains, filters of every operator, own fields and every way of matching."""
    settings = SyncSettings(
        mapping=(*DEFAULT_MAPPING, FieldRule("cost_centre", 'first(extensionAttribute3, "none")', "on_create", "keep")),
        scope=Scope(
            Chosen(groups=(ONE,), people=(TWO,)),
            domains=("contoso.com",),
            filters=(
                Filter("department", "equals", ("Sales",)),
                Filter("employeeType", "in", ("a", "b")),
                Filter("city", "starts_with", ("C",)),
                Filter("accountEnabled", "present"),
                Filter(f"extension_{'0' * 32}_costCentre", "present"),
            ),
        ),
        audience=Chosen(everyone=True, excluded_groups=(TWO,)),
        matching=("employee_id", "address", "alias"),
    )
    assert paths(settings) == []


def test_ids_and_domains_take_one_form() -> None:
    """Upper case, doubles and letters beyond ASCII: one entry each, as rows and addresses have them."""
    settings = SyncSettings(
        scope=Scope(Chosen(groups=(ONE.upper(), ONE)), domains=("Contoso.COM", "contoso.com", "exämple.de")),
        audience=Chosen(excluded_people=(TWO.upper(),)),
    )
    folded = canonical(settings)
    assert folded.scope.chosen.groups == (ONE,)
    assert folded.scope.domains == ("contoso.com", "xn--exmple-cua.de")
    assert folded.audience.excluded_people == (TWO,)
    assert check(folded) == []
    assert canonical(folded) == folded


@pytest.mark.parametrize("target", ["", "Desk", "1st", "a-b", "a b", "_a", "å", "a" * 41, "desk\n"])
def test_a_fields_name_is_plain(target: str) -> None:
    """Lower-case letters, digits and underscores, a letter first, at most forty."""
    assert paths(with_rules(FieldRule(target, "city"))) == ["mapping.0.target"]


@pytest.mark.parametrize("target", sorted(RESERVED))
def test_names_of_ours_are_not_for_fields(target: str) -> None:
    """What is told beside the fields cannot be a field."""
    assert paths(with_rules(FieldRule(target, "city"))) == ["mapping.0.target"]


def test_a_field_has_one_rule() -> None:
    """The second rule of a field is the wrong one."""
    assert paths(with_rules(FieldRule("desk", "city"), FieldRule("desk", "state"))) == ["mapping.1.target"]


def test_there_are_sixty_rules_at_most() -> None:
    """Sixty pass; sixty-one are told once, not sixty-one times."""
    rules = [FieldRule(f"f{number}", "city") for number in range(RULES + 1)]
    assert paths(with_rules(*rules[:RULES])) == []
    assert paths(with_rules(*rules)) == ["mapping"]


@pytest.mark.parametrize("value", ["", "nobody", "lower(", "lower(mail) x", "eval(mail)", '"open', "first()"])
def test_an_expression_that_cannot_be_read_is_told_with_its_place(value: str) -> None:
    """The reader's own words come through."""
    (problem,) = check(with_rules(FieldRule("desk", value)))
    assert problem.path == "mapping.0.value"
    assert problem.message.startswith("At character ")


@pytest.mark.parametrize("text", ["", "x", "../../x", f"{{{ONE}}}", ONE[:-1], f"{ONE}\n", "' or 1 eq 1 or '"])
@pytest.mark.parametrize("name", ["groups", "people", "excluded_groups", "excluded_people"])
def test_ids_are_object_ids(name: str, text: str) -> None:
    """Anything else is refused by its place, in scope and audience alike."""
    chosen = replace(Chosen(), **{name: (ONE, text)})  # type: ignore[arg-type]
    assert paths(with_scope(chosen=chosen)) == [f"scope.chosen.{name}.1"]
    assert paths(SyncSettings(audience=chosen)) == [f"audience.{name}.1"]


@pytest.mark.parametrize("domain", ["", "localhost", "a b.c", "@contoso.com", "anna@contoso.com", "contoso", "x" * 300])
def test_domains_could_stand_in_an_address(domain: str) -> None:
    """What no address ends with would keep everybody out unseen."""
    assert paths(with_scope(domains=("contoso.com", domain))) == ["scope.domains.1"]


@pytest.mark.parametrize(
    ("condition", "at"),
    [
        (Filter("nobody", "present"), "attribute"),
        (Filter("manager", "present"), "attribute"),
        (Filter("city", "present", ("x",)), "values"),
        (Filter("city", "equals"), "values"),
        (Filter("city", "equals", ("a", "b")), "values"),
        (Filter("city", "starts_with", ("",)), "values"),
        (Filter("city", "equals", ("  ",)), "values"),
        (Filter("city", "in", ("a", "\x00")), "values"),
        (Filter("city", "in"), "values"),
        (Filter("city", "in", ("a",) * 201), "values"),
        (Filter("city", "equals", ("x" * 257,)), "values"),
    ],
)
def test_filters_name_attributes_and_have_their_values(condition: Filter, at: str) -> None:
    """An unknown attribute, or more or fewer values than the operator takes."""
    assert paths(with_scope(filters=(condition,))) == [f"scope.filters.0.{at}"]


def test_each_way_of_matching_stands_once() -> None:
    """A doubled one has no meaning."""
    assert paths(SyncSettings(matching=("address", "alias", "address"))) == ["matching"]
    assert paths(SyncSettings(matching=())) == []


@pytest.mark.parametrize(
    ("name", "number"),
    [("shrink_percent", 0), ("shrink_percent", 101), ("retention_days", 29), ("purge_days", 29), ("purge_days", 10**9)],
)
def test_numbers_have_their_range(name: str, number: int) -> None:
    """Nobody switches a protection off by a number."""
    assert paths(replace(SyncSettings(), **{name: number})) == [name]  # type: ignore[arg-type]


def test_everything_wrong_is_told_at_once() -> None:
    """An admin mends all of it in one go."""
    settings = SyncSettings(
        mapping=(FieldRule("state", "nobody"),), scope=Scope(Chosen(groups=("x",))), shrink_percent=0
    )
    assert paths(settings) == [
        "mapping.0.target",
        "mapping.0.value",
        "scope.chosen.groups.0",
        "shrink_percent",
    ]
