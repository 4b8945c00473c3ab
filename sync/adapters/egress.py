"""What may leave this process for Microsoft: a list of method, origin and path, checked before a socket opens.

The bearer token goes to one host; nothing but our own subscriptions is ever written (design decision 9). One list
per cloud, used by Graph's transport and by both transports that talk to the login endpoint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from shared.errors import Defect
from sync.core.clouds import Endpoints

_GUID = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_DELTA = r"/(?:microsoft\.graph\.)?delta(?:\(\)|%28%29)?"
_READ = rf"/v1\.0/(?:(?:users|groups)(?:{_DELTA}|/{_GUID}|/\$count)?|organization|subscriptions)"
_ONE_SUBSCRIPTION = r"/v1\.0/subscriptions/[A-Za-z0-9-]{1,64}"
_TENANT = rf"(?:{_GUID}|organizations)"
_NAMES = r"[A-Za-z0-9_]+(?:,[A-Za-z0-9_]+)*"
_INNER = re.compile(rf"/(?:users|groups)/{_GUID}\?\$select={_NAMES}(?:&\$expand=manager\(\$select=id\))?")


class ForbiddenCall(Defect):
    """Somebody tried to call what is not on the list. Nothing was sent."""


class Rule(NamedTuple):
    """One thing that may be called. `origin` is `https://host[:port]` in lower case."""

    method: str
    origin: str
    path: re.Pattern[str]


def graph_rules(endpoints: Endpoints) -> tuple[Rule, ...]:
    """Reading users, groups and the organization; our own subscriptions; batches of reads."""
    return (
        _rule("GET", endpoints.graph, _READ),
        _rule("POST", endpoints.graph, r"/v1\.0/(?:\$batch|subscriptions)"),
        _rule("PATCH", endpoints.graph, _ONE_SUBSCRIPTION),
        _rule("DELETE", endpoints.graph, _ONE_SUBSCRIPTION),
    )


def login_rules(endpoints: Endpoints) -> tuple[Rule, ...]:
    """Tokens, discovery and keys."""
    return (
        _rule("POST", endpoints.login, rf"/{_TENANT}/oauth2/v2\.0/token"),
        _rule("GET", endpoints.login, rf"/{_TENANT}/v2\.0/\.well-known/openid-configuration"),
        _rule("GET", endpoints.login, rf"/{_TENANT}/discovery/v2\.0/keys"),
    )


def check(rules: Sequence[Rule], method: str, url: str, body: bytes = b"") -> None:
    """Raises ForbiddenCall unless a rule allows it; a batch may only hold reads of single objects."""
    parts = urlsplit(url)
    origin = _origin(url)
    if (
        parts.username is not None
        or parts.fragment
        or not any(
            rule.method == method and rule.origin == origin and rule.path.fullmatch(parts.path) for rule in rules
        )
    ):
        raise ForbiddenCall(f"{method} {parts.hostname}: not on the list of allowed calls")
    if parts.path.endswith("/$batch"):
        _check_batch(body)


def _rule(method: str, endpoint: str, path: str) -> Rule:
    return Rule(method, _origin(endpoint), re.compile(path))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 443}"


def _check_batch(body: bytes) -> None:
    requests = json.loads(body)["requests"]
    if len(requests) > 20 or not all(
        request["method"] == "GET" and _INNER.fullmatch(request["url"]) for request in requests
    ):
        raise ForbiddenCall("a batch may only read single objects, at most 20")
