"""The OpenAPI document, read as somebody would who has nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.panel.caller import API, Caller

Json = dict[str, Any]


@pytest.fixture
def document(caller: Caller) -> Json:
    """As it is served."""
    found: Json = caller.get(f"{API}/openapi.json").json()
    return found


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """(method, path, operation)."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_names_are_those_of_a_client(document: Json) -> None:
    """Every operation's id is a verb and its object, once each; shapes are called what they are."""
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in ids)
    shapes = document["components"]["schemas"]
    assert {"Run", "RunPage", "Person", "Settings", "Preview", "Problem", "Certificate"} <= shapes.keys()
    assert [name for name in shapes if not re.fullmatch("[A-Z][A-Za-z]+", name) or name.endswith("Shape")] == []


def test_every_reference_leads_somewhere(document: Json) -> None:
    """And what nothing refers to is not in the document."""
    wanted = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert wanted == set(document["components"]["schemas"])


def test_everything_is_described(document: Json) -> None:
    """Operations, their tags and parameters, and shapes."""
    known = {tag["name"]: tag["description"] for tag in document["tags"]}
    for _, path, operation in operations(document):
        assert operation["description"], path
        assert all(known[tag] for tag in operation["tags"]), path
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (path, parameter["name"])
    assert [name for name, shape in document["components"]["schemas"].items() if not shape.get("description")] == []


def test_errors_are_what_they_are(document: Json) -> None:
    """Each operation tells the errors it may answer with, as problem+json: 400 where it takes a cursor, 403 where it
    writes, 404 where something is named, 412 where a version may be told, 428 where it must be, 413 where a body is.
    """
    for method, path, operation in operations(document):
        told = {int(status): answer for status, answer in operation["responses"].items()}
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        wanted = {401, 500, 503}
        wanted |= {400} if "cursor" in names else set()
        wanted |= {403} if method != "get" else set()
        wanted |= {404} if "{" in path else set()
        versioned = "if-match" in names and "/holds/" not in path  # a hold's ETag is in its body
        wanted |= {412} if "if-match" in names else set()
        wanted |= {428} if versioned else set()
        wanted |= {413, 422} if "requestBody" in operation else set()
        errors = {status for status in told if status >= 400}
        assert wanted <= errors <= wanted | {409, 422}, (method, path)
        for status in errors:
            assert told[status]["content"] == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
        assert ("text/csv" in told.get(200, {}).get("content", {})) == ("format" in names), path
        assert versioned <= ("ETag" in told.get(200, {}).get("headers", {})), path
