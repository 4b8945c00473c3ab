"""What goes over the wire: a request as read, a reply to be sent, and the errors Graph answers with."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import orjson

from local.cloud.clock import iso

Json: TypeAlias = dict[str, Any]

JSON_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


def words(text: str) -> tuple[str, ...]:
    """The words of a long list, written as text so that it stays readable."""
    return tuple(text.split())


@dataclass(slots=True)
class Call:
    """One HTTP request, fully read. Header names are lower case; `base` is `https://host:port` as called."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    base: str

    def pairs(self) -> list[tuple[str, str]]:
        """Query parameters in order, percent-decoded, blank values kept."""
        return parse_qsl(self.query_string, keep_blank_values=True)

    def form(self) -> dict[str, str]:
        """Fields of a form body (the last one of a repeated field)."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Encode `data` (orjson) as a reply."""
    return Reply(status, orjson.dumps(data), JSON_TYPE, dict(headers or {}))


class GraphError(Exception):
    """Graph refuses: becomes the documented error body. `violation` marks a client that breaks the rules."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        violation: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.violation = violation


def error_reply(error: GraphError, now: float, call: Call) -> Reply:
    """The error object of Graph: code, message and innerError with the ids a client should log."""
    request_id = str(uuid.uuid4())
    inner = {
        "date": iso(now).rstrip("Z"),
        "request-id": request_id,
        "client-request-id": call.headers.get("client-request-id", request_id),
    }
    if error.status == 429:
        inner = {"code": "429", **inner}
    body = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
    return json_reply(body, error.status, {"request-id": request_id, **error.headers})


def bad_request(message: str, *, code: str = "Request_BadRequest", violation: str = "") -> GraphError:
    """A 400; with `violation` it is remembered against the client."""
    return GraphError(400, code, message, violation=violation)


def unsupported(message: str) -> GraphError:
    """A documented-as-unsupported option: 400, and a violation."""
    return GraphError(400, "Request_UnsupportedQuery", message, violation=message)


def forbidden() -> GraphError:
    """The role is missing from the token."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def not_found(what: str) -> GraphError:
    """No such object in this tenant."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{what}' does not exist or one of its queried reference-property objects are not present.",
    )
