"""From what a function returned to what goes over the wire, as worker and host do it together."""

import json
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from azure.functions.http import HttpResponseConverter

from local.host.cookies import set_cookie_lines


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers (names in lower case) and body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def plain(status: int, body: bytes = b"", content_type: str = "text/plain; charset=utf-8") -> Reply:
    """A reply of the host's own; without a body it has no content type either."""
    return Reply(status, [(b"content-type", content_type.encode())] if body else [], body)


FAILED = plain(500)


def encode(returned: Any) -> Reply:
    """The reply for a returned `HttpResponse` or text.

    Raises TypeError for anything else (None, a dict, a coroutine) and ValueError for a cookie that cannot be read:
    both are a 500.
    """
    if isinstance(returned, str):
        return plain(200, returned.encode(), _sniffed(returned))
    if not isinstance(returned, func.HttpResponse):
        raise TypeError(f"an HTTP function must return an HttpResponse or a text, not {type(returned).__name__}")
    parts = HttpResponseConverter.encode(returned, expected_type=None).value
    # Two dictionaries on the way keep the last of headers that repeat; only cookies travel apart.
    headers = {name.lower(): datum.value for name, datum in parts["headers"].items()}
    headers.pop("content-length", None)
    lines = [(name.encode("latin-1"), str(value).encode("latin-1")) for name, value in headers.items()]
    lines += [(b"set-cookie", line.encode("latin-1")) for line in set_cookie_lines(parts["cookies"] or ())]
    if any(forbidden in value for _, value in lines for forbidden in (b"\r", b"\n", b"\0")):
        raise ValueError("a response header contains a line end")
    return Reply(int(parts["status_code"].value), lines, parts["body"].value)


def _sniffed(text: str) -> str:
    try:
        json.loads(text)
    except ValueError:
        return "text/plain; charset=utf-8"
    return "application/json; charset=utf-8"
