"""Scripted faults: which requests meet one, and what it is."""

import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import orjson

from local.cloud.wire import GraphError, Json, Reply


@dataclass
class Fault:
    """One rule. `pattern` is searched in `METHOD /path?query`; an inner $batch request counts as one too."""

    pattern: str
    action: str = "status"  # one of ACTIONS
    status: int = 503
    code: str = ""
    message: str = "Scripted fault."
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""  # action body: the raw answer
    content_type: str = "application/json"
    set: dict[str, Any] = field(default_factory=dict)  # action json: top-level members set in the real answer
    remove: list[str] = field(default_factory=list)  # action json: top-level members left out
    seconds: float = 0.0  # action latency
    tenant: str = ""  # only this tenant's bearer
    skip: int = 0  # let so many pass first
    count: int = 1  # how often; 0 is for ever
    id: int = 0
    hits: int = 0

    def meets(self, line: str, tenant: str) -> bool:
        """Whether this request meets the fault now (counts it)."""
        if (self.tenant and self.tenant != tenant) or not re.search(self.pattern, line):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count and self.hits >= self.count:
            return False
        self.hits += 1
        return True

    @property
    def voids(self) -> str:
        """Why all tokens of the feed end with this request: "reset", "expired", or "" for not at all."""
        return {"reset": "reset", "expire": "expired"}.get(self.action, "")

    @property
    def before(self) -> bool:
        """The request is not carried out."""
        return self.action in {"status", "rst", "hang", "close", "html", "body"}

    def error(self) -> GraphError:
        """The error of action `status`."""
        code = self.code or {429: "TooManyRequests", 503: "serviceNotAvailable"}.get(self.status, "fault")
        return GraphError(self.status, code, self.message, headers=dict(self.headers))

    def rewrite(self, reply: Reply) -> Reply:
        """Action `json`: the real answer with members changed."""
        data = orjson.loads(reply.body)
        data.update(self.set)
        for name in self.remove:
            data.pop(name, None)
        return Reply(reply.status, orjson.dumps(data), reply.content_type, reply.headers)

    def as_json(self) -> Json:
        """For the control API."""
        return asdict(self)


ACTIONS = frozenset(
    {"status", "latency", "truncate", "rst", "hang", "close", "html", "body", "json", "empty", "reset", "expire"}
)


class Faults:
    """The rules in force, first come first met."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self._next = 1

    def add(self, values: Json) -> Fault:
        """A new rule; ValueError for unknown fields or actions."""
        unknown = set(values) - {item.name for item in fields(Fault)} | (
            {values["action"]} - ACTIONS if "action" in values else set()
        )
        if unknown:
            raise ValueError(f"unknown in a fault: {', '.join(sorted(unknown))}")
        re.compile(values["pattern"])
        fault = Fault(**values)
        fault.id = self._next
        self._next += 1
        self.rules.append(fault)
        return fault

    def remove(self, fault_id: int | None = None) -> None:
        """End one rule, or all."""
        self.rules = [] if fault_id is None else [rule for rule in self.rules if rule.id != fault_id]

    def met(self, line: str, tenant: str) -> list[Fault]:
        """The faults this request meets: any latency, and the first other one."""
        found: list[Fault] = []
        for rule in self.rules:
            other = any(item.action != "latency" for item in found)
            if (rule.action == "latency" or not other) and rule.meets(line, tenant):
                found.append(rule)
        return found
