"""What goes into an account, and who gets one."""

from typing import Any

import pytest
from hypothesis import given

from sync.core.eligibility import eligibility
from sync.core.mapping import GROUP_SELECT, compile_rules, fields_of, select_of
from sync.core.model import PersonRecord, Presence, Reason
from sync.core.person import address_of, is_guest, name_of
from sync.core.scope import Policy
from sync.core.sync_settings import DEFAULT_MAPPING, FieldRule, SyncSettings
from tests.unit.strategies import BOB, any_json

PLAIN = Policy(SyncSettings())
USER_SELECT = select_of(SyncSettings())
ANN: dict[str, Any] = {
    "displayName": "Ann Lee",
    "givenName": "Ann",
    "surname": "Lee",
    "mail": "Ann@Example.com",
    "userPrincipalName": "ann@contoso.onmicrosoft.com",
    "accountEnabled": True,
    "userType": "Member",
}


def person(presence: Presence = Presence.PRESENT, **changes: Any) -> PersonRecord:
    """Ann, with some properties changed; ... removes one."""
    source = {name: value for name, value in {**ANN, **changes}.items() if value is not ...}
    return PersonRecord("p", presence=presence, source=source)


def test_the_default_mapping_is_the_one_agreed() -> None:
    """Given and family name, display name, title, department, office, company, country, mobile, language."""
    source = {name: name.upper() for name in (rule.value for rule in DEFAULT_MAPPING)} | {"manager": BOB}
    assert fields_of(source, "a@b.c", PLAIN.rules) == {
        "given_name": "GIVENNAME",
        "family_name": "SURNAME",
        "display_name": "DISPLAYNAME",
        "job_title": "JOBTITLE",
        "department": "DEPARTMENT",
        "office": "OFFICELOCATION",
        "company": "COMPANYNAME",
        "country": "COUNTRY",
        "mobile": "MOBILEPHONE",
        "language": "PREFERREDLANGUAGE",
        "email": "a@b.c",
        "manager": BOB,
    }


def test_everything_that_is_mapped_is_asked_for() -> None:
    """Graph tells and tracks only selected properties; relations are selected by name."""
    assert {rule.value for rule in DEFAULT_MAPPING} <= set(USER_SELECT)
    assert {"id", "accountEnabled", "userType", "mail", "userPrincipalName", "manager"} <= set(USER_SELECT)
    assert {"id", "displayName", "members"} <= set(GROUP_SELECT)
    assert not {"signInActivity", "photo", "mailboxSettings"} & set(USER_SELECT)


def test_empty_fields_are_left_out() -> None:
    """Null, blank and odd values make no field; there is nothing without an address or a manager."""
    odd: dict[str, Any] = {"displayName": "  ", "jobTitle": None, "department": 5, "country": [], "manager": None}
    assert fields_of(odd, "", PLAIN.rules) == {}


@given(any_json)
def test_any_value_of_any_property_is_survived(value: Any) -> None:
    """Whatever JSON stands where text belongs, the person gets a reason, and the fields are text."""
    source = dict.fromkeys(USER_SELECT, value)
    record = PersonRecord("p", presence=Presence.PRESENT, source=source)
    assert eligibility(record, PLAIN) in Reason
    assert all(fields_of(source, address_of(source), PLAIN.rules).values())
    assert {type(text) for text in fields_of(source, address_of(source), PLAIN.rules).values()} <= {str}
    assert isinstance(name_of(source), str)


@pytest.mark.parametrize(
    ("mail", "username", "address"),
    [
        ("Ann@Example.com", "other@example.com", "ann@example.com"),
        (None, "Ann@Example.com", "ann@example.com"),
        ("broken", "Ann@Example.com", "ann@example.com"),
        ("ann@corp.local", "Ann@Example.com", "ann@example.com"),
        (None, "ann@contoso.onmicrosoft.com", ""),
        (None, "ann@contoso.local", ""),
        (None, "bob_corp.com#EXT#@contoso.onmicrosoft.com", ""),
        (None, None, ""),
        ("ann@contoso.onmicrosoft.com", None, "ann@contoso.onmicrosoft.com"),
    ],
)
def test_the_address_is_the_mail_or_else_a_routable_username(mail: Any, username: Any, address: str) -> None:
    """A usable mail wins; a username counts only where mail could arrive."""
    assert address_of({"mail": mail, "userPrincipalName": username}) == address


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (person(), Reason.OK),
        (person(userType=...), Reason.OK),
        (person(userType=None), Reason.OK),
        (person(Presence.SOFT_DELETED), Reason.LEFT),
        (person(Presence.HARD_DELETED), Reason.LEFT),
        (person(Presence.ABSENT), Reason.LEFT),
        (person(Presence.UNKNOWN), Reason.UNKNOWN),
        (person(userType="Guest"), Reason.GUEST),
        (person(userType="gUEST"), Reason.GUEST),
        (person(userType=None, userPrincipalName="b_x.y#EXT#@t.onmicrosoft.com"), Reason.GUEST),
        (person(userType="Guest", accountEnabled=False), Reason.GUEST),
        (person(accountEnabled=False), Reason.DISABLED),
        (person(accountEnabled=None), Reason.UNKNOWN),
        (person(accountEnabled=...), Reason.UNKNOWN),
        (person(accountEnabled="false"), Reason.UNKNOWN),
        (person(accountEnabled=0), Reason.UNKNOWN),
        (person(accountEnabled=1), Reason.UNKNOWN),
        (person(mail=None), Reason.NO_ADDRESS),
        (person(mail="a@@b.c"), Reason.NO_ADDRESS),
        (person(displayName=None, givenName=None, surname=None), Reason.NO_NAME),
        (person(displayName=" ", givenName="", surname=...), Reason.NO_NAME),
        (person(displayName=None, givenName=None), Reason.OK),
        (person(Presence.SOFT_DELETED, accountEnabled=False, mail=None), Reason.LEFT),
    ],
)
def test_who_gets_an_account(record: PersonRecord, reason: Reason) -> None:
    """Present, no guest, explicitly enabled, with a usable address and a name; else the first reason in that order."""
    assert eligibility(record, PLAIN) is reason


@pytest.mark.parametrize(
    ("kind", "username", "guest"),
    [
        ("Guest", "ann@example.com", True),
        ("Member", "b_x.y#EXT#@t.onmicrosoft.com", False),
        (None, "b_x.y#ext#@t.onmicrosoft.com", True),
        ("", "b_x.y#EXT#@t.onmicrosoft.com", True),
        (None, None, False),
        (5, "ann@example.com", False),
    ],
)
def test_a_guest_is_one_by_type_and_only_without_type_by_name(kind: Any, username: Any, guest: bool) -> None:
    """External members of a multi-tenant organisation have a guest's username and are employees."""
    assert is_guest({"userType": kind, "userPrincipalName": username}) is guest


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Ann Lee"),
        ({"displayName": None}, "Ann Lee"),
        ({"displayName": " ", "surname": None}, "Ann"),
        ({"displayName": None, "givenName": None, "surname": None}, "ann@contoso.onmicrosoft.com"),
        ({"displayName": None, "givenName": None, "surname": None, "userPrincipalName": None}, ""),
    ],
)
def test_a_person_is_called_by_the_best_name_there_is(changes: dict[str, Any], name: str) -> None:
    """Display name, else given and family name, else the username, else nothing."""
    assert name_of({**ANN, **changes}) == name


def rule(**changes: Any) -> tuple[FieldRule, ...]:
    """A mapping of one rule for the title."""
    return (FieldRule(**{"target": "title", "value": "jobTitle", **changes}),)


@pytest.mark.parametrize(
    ("mapping", "source", "before", "title"),
    [
        (rule(), {"jobTitle": "Baker"}, {"title": "Cook"}, "Baker"),
        (rule(), {}, {"title": "Cook"}, ""),
        (rule(on_null="keep"), {}, {"title": "Cook"}, "Cook"),
        (rule(on_null="keep"), {}, None, ""),
        (rule(on_null="keep"), {"jobTitle": "Baker"}, {"title": "Cook"}, "Baker"),
        (rule(on_null="default", default="Staff"), {"jobTitle": None}, {"title": "Cook"}, "Staff"),
        (rule(on_null="default", default="Staff"), {"jobTitle": "Baker"}, None, "Baker"),
        (rule(apply="on_create"), {"jobTitle": "Baker"}, None, "Baker"),
        (rule(apply="on_create"), {"jobTitle": "Baker"}, {"title": "Cook"}, "Cook"),
        (rule(apply="on_create"), {"jobTitle": "Baker"}, {}, ""),
        (rule(value='first(jobTitle, department, "none")'), {"department": "Bread"}, None, "Bread"),
        (rule(value='first(jobTitle, department, "none")'), {}, None, "none"),
        (rule(value="extensionAttribute7"), {"extensionAttribute7": " K 7 "}, None, "K 7"),
    ],
)
def test_a_rule_says_when_it_applies_and_what_null_means(
    mapping: tuple[FieldRule, ...], source: dict[str, Any], before: dict[str, str] | None, title: str
) -> None:
    """Always or only on create; empty clears, keeps or takes the default."""
    assert fields_of(source, "", compile_rules(mapping), before).get("title", "") == title


def test_the_select_follows_the_mapping() -> None:
    """Attributes of expressions are read, extension attributes as their one object."""
    mapping = (*DEFAULT_MAPPING, *rule(value='join(" ", extensionAttribute1, extensionAttribute2, employeeId)'))
    extra = {*select_of(SyncSettings(mapping=mapping))} - {*USER_SELECT}
    assert extra == {"onPremisesExtensionAttributes", "employeeId"}
