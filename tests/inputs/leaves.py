"""Every text in the shapes of API v1, as its OpenAPI document has them, and what each may hold.

A leaf is `Shape.field`, with `[]` for the entries of a list, `{}` for the values of an object and `{key}` for its keys.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from sync.panel import api
from sync.panel.api import openapi

Json = dict[str, Any]
_REFERENCE = "#/components/schemas/"

IDS = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(\.\d+)?|[0-9a-f]{8,64}")
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
WORDS = re.compile(r"[a-z][a-z0-9_]*")
CURSORS = re.compile(r"[A-Za-z0-9_=-]+")
ADDRESSES = re.compile(r"[^\s@<>\",;]+@[a-z0-9.-]+")
DETAILS = re.compile(r"[A-Za-z0-9_.-]+")  # an id, an attribute, a domain
ETAGS = re.compile(r'"[0-9a-f]+"')


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What is ours, or has one form: it holds nothing else.
_FORMS: Mapping[re.Pattern[str], str] = {
    IDS: """
        Account.connection_id Account.id Account.object_id AccountOfPerson.id Affected.object_id
        BegunConnection.id Certificate.connection Certificate.run Certificate.sha256 Certificate.tenant_id
        CertificateHead.connection CertificateHead.run CertificateHead.sha256 CertificateHead.tenant_id
        Chosen.excluded_groups[] Chosen.excluded_people[] Chosen.groups[] Chosen.people[]
        ConflictStanding.holder Connection.id Connection.tenant_id ConnectionDetail.id
        ConnectionDetail.tenant_id Difference.object_id Fields.object_id Group.object_id Group.parent_ids[]
        GroupStep.object_id Happening.object_id Happening.run HeldRemoval.object_id Hold.id Hold.run
        HoldStanding.id Mail.id Mail.object_id Match.account_id Match.object_id OtherSide.id
        Person.conflict_with Person.group_ids[] Person.held Person.object_id Recipient.account_id
        Recipient.connection_id Recipient.object_id Run.id Run.of Run.undone_by Suggestion.object_id Undoing.run
        UnfitGroup.object_id WhyGroup.object_id WhyPerson.object_id
        """,
    TIMES: """
        Account.created_at Certificate.finished_at Certificate.started_at CertificateHead.finished_at
        CertificateHead.started_at Connection.connected_at Connection.created_at Connection.started_at
        Connection.waiting_since ConnectionDetail.connected_at ConnectionDetail.created_at
        ConnectionDetail.last_change_at ConnectionDetail.last_read_at ConnectionDetail.next_full_pass_at
        ConnectionDetail.silent_since ConnectionDetail.started_at ConnectionDetail.waiting_since Happening.at
        Hold.created_at Hold.decided_at Hold.expires_at HoldStanding.created_at HoldStanding.expires_at
        Mail.changed_at Mail.created_at Person.purge_at Person.since ProblemOfConnection.since Run.finished_at
        Run.noticed_at Run.started_at Subscription.expires_at Subscription.refused_at Version.saved_at
        WhyGroup.as_of WhyPerson.as_of
        """,
    WORDS: """
        AccountOfPerson.fields{key} Affected.reason Affected.rule Certificate.not_read[]
        CertificateHead.not_read[] Counts.skipped{key} Difference.reason FieldRule.target FieldStanding.name
        Fields.after{key} Fields.before{key} Fields.reason HandStanding.own_fields{key} Happening.after{key}
        Happening.before{key} Hold.goes_on{key} MatchReport.counts{key} Person.own_fields{key} Problem.code
        ProblemOfConnection.code Run.counts{key} Run.error Survey.would_link_by{key}
        """,
    CURSORS: """
        AccountPage.cursor CertificateHeadPage.cursor ConnectionPage.cursor GroupPage.cursor
        HappeningPage.cursor HoldPage.cursor MailPage.cursor MatchReport.cursor PersonPage.cursor
        RecipientPage.cursor RunPage.cursor SuggestionPage.cursor VersionPage.cursor
        """,
    ADDRESSES: """
        Account.address AccountOfPerson.address ConflictStanding.address Mail.address Match.address
        Recipient.address
        """,
    ETAGS: "Hold.etag",
    DETAILS: "Affected.detail Filter.attribute Judgement.detail",
}
STRICT = {leaf: pattern for pattern, names in _FORMS.items() for leaf in names.split()}
# Sentences of ours, and what else names nobody.
NAMELESS = _set(
    """
    BegunConnection.consent_url Eligibility.sentence FieldProblem.problem HandStanding.sentence InEntra.sentence
    Mail.note MailStanding.sentence Match.explanation MatchStanding.sentence Outlook.sentence Person.explanation
    Problem.detail Problem.instance Problem.number Problem.title Problem.type ProblemOfConnection.remedy Run.explanation
    Scope.domains[] SettingsProblem.message SettingsProblem.path Sign.text
    """
)
# Text from outside: of people and groups, and of what admins type.
TOLD = _set(
    """
    Account.name AccountOfPerson.fields{} Affected.name Certificate.tenant_name CertificateHead.tenant_name
    ConflictStanding.name ConflictStanding.sentence Connection.tenant_name ConnectionDetail.tenant_name Difference.name
    FieldRule.default FieldRule.value FieldStanding.after_sync FieldStanding.rule FieldStanding.stored Fields.after{}
    Fields.before{} Fields.name Filter.values[] Group.description Group.mail Group.name GroupStep.name GroupUse.sentence
    HandStanding.own_fields{} Happening.after{} Happening.before{} Happening.by HeldRemoval.name Hold.cause
    HoldStanding.cause Judgement.sentence Mail.name Match.name OtherSide.name Person.department Person.mail Person.name
    Person.own_fields{} Person.user_principal_name Recipient.name Run.by Suggestion.mail Suggestion.name UnfitGroup.name
    UnfitGroup.sentence Version.by Version.by_name WhyGroup.name WhyPerson.name
    """
)
# Text from outside that is looked at with every input elsewhere, leaf by leaf.
ELSEWHERE: Mapping[str, str] = {
    "FieldProblem.field": "test_typed.py::test_a_name_that_nobody_asked_for_is_refused_as_one_line",
    "Hold.decided_by": "test_edges.py::test_who_decides_about_a_hold_or_a_mail",
    "Mail.by": "test_edges.py::test_who_decides_about_a_hold_or_a_mail",
}
# What callers put into addresses and headers, and where every input is put there.
ASKED: Mapping[str, str] = {
    **dict.fromkeys(
        ("connection_id", "hold_id", "mail_id", "object_id", "run_id"),
        "test_told.py::test_an_id_is_canonical_or_nobodys",
    ),
    **dict.fromkeys(
        ("cursor", "group", "person", "run", "search", "since", "until"),
        "test_told.py::test_a_query_is_a_text",
    ),
    "if-match": "test_typed.py::test_a_version_that_there_is_not",
}
# What callers send, and where every input is sent so.
SENT: Mapping[str, str] = {
    "ByHand.fields{}": "test_typed.py::test_fields_of_ones_own_are_texts",
    "ByHand.fields{key}": "test_typed.py::test_a_field_that_is_none_or_too_long_changes_nothing",
    **dict.fromkeys(
        (
            "Chosen.groups[]",
            "Chosen.people[]",
            "Chosen.excluded_groups[]",
            "Chosen.excluded_people[]",
            "FieldRule.target",
            "FieldRule.value",
            "FieldRule.default",
            "Filter.attribute",
            "Filter.values[]",
            "Scope.domains[]",
        ),
        "test_typed.py::test_what_may_not_stand_there_is_refused_by_its_place",
    ),
    "MappingTrial.people[]": "test_edges.py::test_what_a_caller_sends_is_taken_or_refused_by_name",
    "NewAccount.address": "test_typed.py::test_an_account_made_by_hand_has_one_address",
    "NewAccount.name": "test_typed.py::test_an_account_made_by_hand_has_any_name",
    "NewAccount.employee_id": "test_typed.py::test_an_account_made_by_hand_has_any_name",
}


@functools.cache
def document() -> Json:
    """The OpenAPI document."""
    router = FastAPI(title="API")
    router.include_router(api.router)
    return openapi.document(router)


def leaves(part: str) -> set[str]:
    """Every leaf of what is sent (`requestBody`) or told (`responses`)."""
    seen: set[str] = set()
    found: set[str] = set()

    def shape(name: str) -> None:
        if name not in seen:
            seen.add(name)
            for field, schema in document()["components"]["schemas"][name].get("properties", {}).items():
                found.update(f"{name}.{field}{suffix}" for suffix in _texts(schema, shape))

    for operation in operations().values():
        list(_texts(operation.get(part, {}), shape))
    return found


def parameters() -> set[str]:
    """The names of whatever an address or a header may hold that is no number, no flag and no word of ours."""
    every = [one for operation in operations().values() for one in operation.get("parameters", ())]
    return {one["name"] for one in every if [*_texts(one["schema"], lambda _: None)]}


def operations() -> dict[tuple[str, str], Json]:
    """By method and path."""
    paths = document()["paths"]
    return {(method, path): one for path, methods in paths.items() for method, one in methods.items()}


def _texts(schema: Any, shape: Callable[[str], None]) -> Iterator[str]:
    """Where in a field texts are; every shape that is met is given to `shape`."""
    if isinstance(schema, list):
        for one in schema:
            yield from _texts(one, shape)
        return
    if not isinstance(schema, dict):
        return
    match schema.get("type"):
        case "array":
            yield from (f"[]{one}" for one in _texts(schema["items"], shape))
        case "object" if "additionalProperties" in schema:
            yield "{key}"
            yield from (f"{{}}{one}" for one in _texts(schema["additionalProperties"], shape))
        case "string" if not schema.keys() & {"enum", "const"}:
            yield ""
        case None if "$ref" in schema:
            shape(schema["$ref"].removeprefix(_REFERENCE))
        case None:
            yield from _texts([*schema.values()], shape)


def texts(told: Any, schema: Json) -> Iterator[tuple[str, str]]:
    """Every (leaf, text) of an answer with this schema."""
    yield from _walk(told, schema, "")


def _walk(told: Any, schema: Json, leaf: str) -> Iterator[tuple[str, str]]:
    if told is None:
        return
    if reference := schema.get("$ref"):
        name = reference.removeprefix(_REFERENCE)
        for field, inner in document()["components"]["schemas"][name].get("properties", {}).items():
            yield from _walk(told.get(field), inner, f"{name}.{field}")
    elif choices := schema.get("anyOf") or schema.get("allOf"):
        yield from _walk(told, next(one for one in choices if one.get("type") != "null"), leaf)
    elif schema.get("type") == "array":
        for one in told:
            yield from _walk(one, schema["items"], f"{leaf}[]")
    elif isinstance(schema.get("additionalProperties"), dict):
        for key, one in told.items():
            yield f"{leaf}{{key}}", key
            yield from _walk(one, schema["additionalProperties"], f"{leaf}{{}}")
    elif schema.get("type") == "string" and not schema.keys() & {"enum", "const"}:
        yield leaf, told
