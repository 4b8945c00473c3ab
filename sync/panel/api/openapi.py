"""The OpenAPI document of API v1: what each route declares, and what all of them have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from sync.panel.problems import PROBLEM_JSON

DESCRIPTION = """Entra ID tenants of a workspace, their people and groups, and what was done with them.

Authenticate with `Authorization: Bearer <token>`, a workspace token of at most five minutes, or with the panel's
session cookie. Viewers may call every GET and both previews. Errors are `application/problem+json`; their `code` is
stable. Lists answer with `cursor`: pass it on for the next page; null is the end, and a page may be short, even empty,
before it."""
TAGS = (
    ("connections", "Tenants bound to this workspace, and what an admin asks of them."),
    ("settings", "What an admin chooses: tried before it is saved, kept as versions."),
    ("directory", "People, groups, accounts, and who receives phishing simulations."),
    ("explanations", "Why somebody stands as they do, one person at once, certificates of completeness."),
    ("history", "Runs, activity, removals that wait, mails."),
    ("matching", "Who is matched with which account."),
    ("acts", "What is done by hand, and undone."),
    ("suggestions", "Accounts that may be no person's."),
)
_ERRORS: Mapping[int, str] = {
    400: "`bad_cursor`: the cursor is not of this list and these filters",
    401: "`sign_in_needed`, `token_refused`",
    403: "`viewer`; with a cookie also `other_site`",
    404: "Not in this workspace, or not of this connection",
    409: "Not possible as things are; `code` says why, `detail` what to do",
    412: "`settings_changed`: somebody else saved meanwhile; `hold_changed`: others were put on it; read again",
    413: "`too_large`: a body of more than 512 KiB",
    422: "`not_understood` with `fields`; what makes no sense has a code of its own, settings `problems`",
    428: "`if_match_needed`: send the ETag that was read",
    500: "`unexpected`: our fault; `number` is in the log",
    503: "`try_again`, `keys_unavailable`: something is out of reach; `Retry-After` where it is known",
}
_SCHEMAS = "#/components/schemas/"


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once for an app."""
    made = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        tags=[{"name": name, "description": description} for name, description in TAGS],
        routes=app.routes,
    )
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            answers.pop("422", None)
            for status in _possible(method, path, operation):
                answers[str(status)] = _error(status)
            if any(one["name"] == "format" for one in operation.get("parameters", ())):
                answers["200"]["content"]["text/csv"] = {"schema": {"type": "string"}}
    components = made.setdefault("components", {})
    components["securitySchemes"] = {
        "workspace_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "session": {"type": "apiKey", "in": "cookie", "name": "moxso_session"},
    }
    made["security"] = [{"workspace_token": []}, {"session": []}]
    return _named(made)


def _possible(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[int]:
    """The errors that an operation may answer with."""
    parameters = {one["name"] for one in operation.get("parameters", ()) if one["in"] != "path"}
    if "cursor" in parameters:
        yield 400
    yield 401
    if method != "get":
        yield 403
    if "{" in path:
        yield 404
    if "{" in path or method != "get":
        yield 409
    if "if-match" in parameters:
        yield 412
        if "/holds/" not in path:  # who decides about a hold may leave it out
            yield 428
    if "requestBody" in operation:
        yield 413
    if parameters or "requestBody" in operation:
        yield 422
    yield from (500, 503)


def _error(status: int) -> dict[str, Any]:
    content = {PROBLEM_JSON: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}
    told: dict[str, Any] = {"description": _ERRORS[status], "content": content}
    if status == 503:
        told["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return told


def _named(made: dict[str, Any]) -> dict[str, Any]:
    """With the names of shapes as a reader would have them: `Run` for RunShape, `RunPage` for Page[RunShape]."""
    text = re.sub(rf'"{_SCHEMAS}([^"]+)"', lambda found: f'"{_SCHEMAS}{_plain(found[1])}"', json.dumps(made))
    named: dict[str, Any] = json.loads(text)
    shapes = named["components"]["schemas"]
    named["components"]["schemas"] = {
        _plain(name): {"description": "One page of a list.", **shape, "title": _plain(name)}
        for name, shape in shapes.items()
    }
    return named


def _plain(name: str) -> str:
    item = re.fullmatch(r"Page_(\w+)_", name)
    return f"{_plain(item[1])}Page" if item else name.removesuffix("Shape")
