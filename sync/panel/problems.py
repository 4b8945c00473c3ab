"""Errors as people and programs see them: problem+json (RFC 9457) for the API, a page for browsers.

An error that nobody foresaw shows nothing but a number; the log has that number with the error's class.
"""

from __future__ import annotations

import logging
import math
import secrets
import traceback
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from shared.errors import Conflict, NeedsAdmin, SyncError, Transient
from shared.events import log
from sync.ports import BadCursor

PROBLEM_JSON = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    422: "Not understood",
    428: "If-Match needed",
    500: "Unexpected error",
    503: "Not available just now",
}


_UNKNOWN = {"hold_unknown": 404, "hold_changed": 412}  # of what needs an admin, what is no conflict


class Problem(Exception):
    """An answer other than success. `code` is stable (docs/api.md), `detail` is a sentence for a person."""

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.more = more

    @property
    def title(self) -> str:
        """What the status means."""
        return TITLES.get(self.status, "Error")

    def response(self, request: Request) -> Response:
        """As problem+json."""
        body = {
            "type": f"urn:moxso:directory-sync:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "instance": request.url.path,
            **self.more,
        }
        response = Response(orjson.dumps(body), self.status, media_type=PROBLEM_JSON)
        if self.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response


def from_error(error: Exception, route: str) -> Problem:
    """The problem that an error is. One that nobody foresaw is logged under a number."""
    match error:
        case Problem():
            return error
        case BadCursor():
            return Problem(400, "bad_cursor", "This cursor does not belong to this list. Begin without one.")
        case NeedsAdmin():
            return Problem(_UNKNOWN.get(error.code, 409), error.code, error.remedy)
        case Conflict():
            return Problem(409, "changed_meanwhile", "Somebody else changed this at the same moment. Look again.")
        case Transient():
            log("request.failed", logging.WARNING, route=route, error=f"{type(error).__name__}: {error}")
            again = "Something we depend on is out of reach just now. Try again shortly."
            return Problem(503, "try_again", again, _retry_after(error))
    number = secrets.token_hex(4)
    log("request.failed", logging.ERROR, route=route, error=f"{number} {_where(error)}")
    return Problem(500, "unexpected", f"Something went wrong here. Its number is {number}.", number=number)


def _retry_after(error: Transient) -> dict[str, str]:
    """How long we were asked to wait, where we were told: whole seconds, none of them too few."""
    return {} if error.retry_after is None else {"Retry-After": str(math.ceil(error.retry_after))}


def _where(error: Exception) -> str:
    """Class and place of an error; its text may hold a name or an address and is not logged, except our own."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "?"
    text = f" {error}" if isinstance(error, SyncError) else ""
    return f"{type(error).__name__} at {place}{text}"
