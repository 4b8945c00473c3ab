"""Who is in scope and in the audience: every rule, and which wins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.model import PersonRecord, Presence
from sync.core.scope import Circle, Policy, Reach, Rule, Verdict, in_audience, in_scope, passes
from sync.core.sync_settings import Chosen, Filter, Scope, SyncSettings

ANN: dict[str, Any] = {"mail": "ann@contoso.example", "userType": "Member", "department": "Sales"}
few = st.frozensets(st.sampled_from("pqr"))


def ann(*groups: str, **properties: Any) -> PersonRecord:
    """Ann, a direct member of some groups."""
    return PersonRecord(
        "ann", presence=Presence.PRESENT, source={**ANN, **properties}, memberships=dict.fromkeys(groups, 3)
    )


def policy(scope: Scope, *included: str, excluded: tuple[str, ...] = ()) -> Policy:
    """Settings of this scope, whose groups reach so far."""
    return Policy(SyncSettings(scope=scope), Reach(1, Circle(frozenset(included), frozenset(excluded))))


@pytest.mark.parametrize(
    ("choice", "groups", "verdict"),
    [
        (Chosen(everyone=True), (), Verdict(True, Rule.EVERYONE)),
        (Chosen(), (), Verdict(False, Rule.NOT_CHOSEN)),
        (Chosen(people=("ann",)), (), Verdict(True, Rule.PERSON)),
        (Chosen(people=("bob",)), (), Verdict(False, Rule.NOT_CHOSEN)),
        (Chosen(groups=("in",)), ("in", "other"), Verdict(True, Rule.GROUP, "in")),
        (Chosen(groups=("in",)), ("other",), Verdict(False, Rule.NOT_CHOSEN)),
        (Chosen(everyone=True, excluded_people=("ann",)), (), Verdict(False, Rule.EXCLUDED_PERSON)),
        (Chosen(people=("ann",), excluded_people=("ann",)), (), Verdict(False, Rule.EXCLUDED_PERSON)),
        (Chosen(everyone=True, excluded_groups=("out",)), ("out",), Verdict(False, Rule.EXCLUDED_GROUP, "out")),
        (Chosen(people=("ann",), excluded_groups=("out",)), ("out",), Verdict(False, Rule.EXCLUDED_GROUP, "out")),
        (Chosen(groups=("in",), excluded_groups=("out",)), ("in", "out"), Verdict(False, Rule.EXCLUDED_GROUP, "out")),
        (Chosen(groups=("in",), excluded_people=("ann",)), ("in",), Verdict(False, Rule.EXCLUDED_PERSON)),
    ],
)
def test_who_is_chosen(choice: Chosen, groups: tuple[str, ...], verdict: Verdict) -> None:
    """Everyone, by name, by group; and exclusion wins over all of them."""
    reach = Circle(frozenset(choice.groups), frozenset(choice.excluded_groups))
    asked = Policy(SyncSettings(scope=Scope(choice), audience=choice), Reach(1, reach, reach))
    assert in_scope(ann(*groups), asked) == verdict
    assert in_audience(ann(*groups), asked) == verdict


@given(st.booleans(), few, few, few, few, few)
def test_exclusion_always_wins(
    everyone: bool,
    groups: frozenset[str],
    people: frozenset[str],
    excluded_groups: frozenset[str],
    excluded_people: frozenset[str],
    memberships: frozenset[str],
) -> None:
    """In words: chosen in one of three ways, and excluded in neither of two."""
    choice = Chosen(everyone, tuple(groups), tuple(people), tuple(excluded_groups), tuple(excluded_people))
    record = replace(ann(*memberships), object_id="p")
    inside = (everyone or bool(groups & memberships) or "p" in people) and not (
        excluded_groups & memberships or "p" in excluded_people
    )
    reach = Reach(1, Circle(groups, excluded_groups))
    assert in_scope(record, Policy(SyncSettings(scope=Scope(choice)), reach)).inside is inside


def test_a_membership_that_was_undone_counts_for_nothing() -> None:
    """A removal is remembered by its negative order."""
    left = replace(ann(), memberships={"in": -4})
    assert not in_scope(left, policy(Scope(Chosen(groups=("in",))), "in")).inside


def test_guests() -> None:
    """Out unless the switch says otherwise; by `userType`, and by the username where Entra has none."""
    guest, unset = ann(userType="guest"), ann(userType=None, userPrincipalName="b_corp.example#EXT#@t.example")
    for record in (guest, unset):
        assert in_scope(record, policy(Scope())) == Verdict(False, Rule.GUEST)
        assert in_scope(record, policy(Scope(guests=True))).inside
    assert in_scope(guest, policy(Scope(Chosen(people=("ann",))))) == Verdict(False, Rule.GUEST)


def test_domains() -> None:
    """Only listed domains of the address; somebody without an address is judged by the missing address, not here."""
    scope = Scope(domains=("contoso.example",))
    assert in_scope(ann(mail="Ann@CONTOSO.example"), policy(scope)).inside
    assert in_scope(ann(mail="ann@fabrikam.example"), policy(scope)) == Verdict(False, Rule.DOMAIN, "fabrikam.example")
    assert in_scope(ann(mail="ann@eu.contoso.example"), policy(scope)).rule is Rule.DOMAIN
    assert in_scope(ann(mail=None), policy(scope)).inside


def test_every_filter_must_hold() -> None:
    """The first that does not is named."""
    sales, danish = Filter("department", "equals", ("sales",)), Filter("country", "present")
    assert in_scope(ann(country="DK"), policy(Scope(filters=(sales, danish)))).inside
    assert in_scope(ann(), policy(Scope(filters=(sales, danish)))) == Verdict(False, Rule.FILTER, "country")
    assert in_scope(ann(department="IT"), policy(Scope(filters=(sales,)))) == Verdict(False, Rule.FILTER, "department")


@pytest.mark.parametrize(
    ("condition", "properties", "holds"),
    [
        (Filter("department", "equals", ("SALES",)), {}, True),
        (Filter("department", "equals", (" sales ",)), {}, True),
        (Filter("department", "equals", ("Sale",)), {}, False),
        (Filter("department", "equals", ("",)), {"department": None}, False),
        (Filter("department", "equals", ("Straße",)), {"department": "STRASSE"}, True),
        (Filter("department", "equals", ("ＳＡＬＥＳ",)), {}, True),
        (Filter("department", "in", ("it", "sales")), {}, True),
        (Filter("department", "in", ()), {}, False),
        (Filter("department", "in", ("it",)), {"department": None}, False),
        (Filter("department", "starts_with", ("sa",)), {}, True),
        (Filter("department", "starts_with", ("",)), {}, False),
        (Filter("department", "starts_with", ("les",)), {}, False),
        (Filter("department", "present"), {}, True),
        (Filter("department", "present"), {"department": "  "}, False),
        (Filter("country", "present"), {}, False),
        (Filter("accountEnabled", "equals", ("False",)), {"accountEnabled": False}, True),
        (Filter("accountEnabled", "present"), {"accountEnabled": False}, True),
        (Filter("otherMails", "equals", ("b@c.example",)), {"otherMails": ["B@c.example"]}, True),
        (Filter("otherMails", "equals", ("d@e.example",)), {"otherMails": ["b@c.example", "D@e.example"]}, True),
        (Filter("otherMails", "starts_with", ("D@",)), {"otherMails": ["b@c.example", "d@e.example"]}, True),
        (Filter("otherMails", "in", ("a@e.example",)), {"otherMails": ["b@c.example", "d@e.example"]}, False),
        (Filter("otherMails", "present"), {"otherMails": []}, False),
        (Filter("otherMails", "present"), {"otherMails": ["", " ", 7]}, False),
        (Filter("otherMails", "starts_with", ("",)), {"otherMails": ["b@c.example"]}, False),
        (Filter("assignedLicenses", "in", ("B", "C")), {"assignedLicenses": ["a", "b"]}, True),
        (Filter("city", "equals", ("istanbul",)), {"city": "İSTANBUL"}, True),
        (Filter("city", "equals", ("ISTANBUL",)), {"city": "İstanbul"}, True),
        (Filter("city", "starts_with", ("ısp",)), {"city": "ISPARTA"}, True),
        (Filter("city", "equals", ("Gross  Umstadt",)), {"city": " Groß Umstadt"}, True),
        (Filter("city", "equals", ("ΟΔΟΣ",)), {"city": "οδος"}, True),
        (Filter("department", "present"), {"department": 7}, False),
    ],
)
def test_a_filter(condition: Filter, properties: dict[str, Any], holds: bool) -> None:
    """Case makes no difference, null is false, and an empty value matches nothing."""
    assert passes(ann(**properties), condition) is holds


def test_exclusion_wins_over_filters_and_domains_too() -> None:
    """The rule that is told is the exclusion, whatever else would hold."""
    scope = Scope(Chosen(everyone=True, excluded_people=("ann",)), domains=("x.example",))
    assert in_scope(ann(), policy(scope)) == Verdict(False, Rule.EXCLUDED_PERSON)


def test_the_audience_has_a_choice_of_its_own() -> None:
    """Nobody until somebody is chosen; scope's switches and filters do not apply to it."""
    nobody = Policy(SyncSettings(scope=Scope(filters=(Filter("country", "present"),))))
    assert in_audience(ann(), nobody) == Verdict(False, Rule.NOT_CHOSEN)
    settings = replace(nobody.settings, audience=Chosen(groups=("in",), excluded_groups=("works council",)))
    reach = Reach(1, audience=Circle(frozenset({"in"}), frozenset({"works council"})))
    assert in_audience(ann("in"), Policy(settings, reach)).inside
    assert not in_audience(ann("in", "works council"), Policy(settings, reach)).inside


def test_settings_know_the_groups_they_go_by() -> None:
    """Of scope and audience, included and excluded."""
    settings = SyncSettings(
        scope=Scope(Chosen(groups=("a",), excluded_groups=("b",))),
        audience=Chosen(groups=("c",), excluded_groups=("d",)),
    )
    assert settings.used_groups == {"a", "b", "c", "d"}
    assert settings.names_groups
    assert SyncSettings(audience=Chosen(excluded_groups=("d",))).names_groups
    assert not SyncSettings(audience=Chosen(people=("p",))).names_groups
