"""OData query options as the simulated Graph reads them. Anything it does not document is refused."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from local.cloud import schema
from local.cloud.tenant import Tenant
from local.cloud.wire import Call, GraphError, bad_request, unsupported

FILTERABLE: Final = {
    "users": frozenset(
        {"id", "mail", "userPrincipalName", "displayName", "accountEnabled", "userType", "department", "employeeId"}
    ),
    "groups": frozenset({"id", "mail", "displayName", "securityEnabled", "mailEnabled", "mailNickname"}),
}
_TERM = re.compile(r"\s*(\w+)\s+(eq|ne)\s+('(?:[^']|'')*'|true|false|null)\s*", re.IGNORECASE)
_IN = re.compile(r"\s*(\w+)\s+in\s*\(\s*('(?:[^']|'')*'(?:\s*,\s*'(?:[^']|'')*')*)\s*\)\s*", re.IGNORECASE)
_WORD = re.compile(r"(and|or)\b", re.IGNORECASE)
_STRING = re.compile(r"'((?:[^']|'')*)'")

Value = str | bool | None


class Term(NamedTuple):
    """One comparison of a filter."""

    name: str
    operator: str  # eq | ne
    value: Value


class Filter(NamedTuple):
    """Comparisons joined by one word only: all `and`, or all `or`."""

    terms: tuple[Term, ...]
    word: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What $select asks for. `explicit` is False when the defaults stand in."""

    properties: tuple[str, ...]
    relations: frozenset[str]
    explicit: bool

    @property
    def context(self) -> str:
        """The part of @odata.context that names the selection."""
        if not self.explicit:
            return ""
        return f"({','.join((*self.properties, *sorted(self.relations)))})"


def options(call: Call, allowed: Iterable[str], refused: Iterable[str] = ()) -> dict[str, str]:
    """Query parameters with lower-case names; refuses unknown, unsupported and repeated ones (400)."""
    known, banned = set(allowed), set(refused)
    found: dict[str, str] = {}
    for name, value in call.pairs():
        key = name.lower()
        if key in found:
            raise bad_request(f"Query option '{name}' was specified more than once.", violation=f"repeated {name}")
        if key in banned:
            raise unsupported(f"'{name}' is not supported by {call.path}.")
        if key not in known:
            raise bad_request(
                f"The query parameter '{name}' is not known.", violation=f"unknown option {name} on {call.path}"
            )
        found[key] = value
    return found


def selection(tenant: Tenant, feed: str, raw: str | None, *, relations: bool = False) -> Selection:
    """Check a $select against the schema and the tenant's directory extensions; relationships only in delta."""
    if raw is None:
        return Selection(schema.DEFAULTS[feed], schema.RELATIONS[feed] if relations else frozenset(), False)
    names = [name.strip() for name in raw.split(",")]
    known = schema.BY_LOWER_CASE[feed]
    links = {name.lower(): name for name in schema.RELATIONS[feed]} if relations else {}
    chosen: dict[str, None] = {}
    linked = set()
    for name in names:
        folded = name.lower()
        if folded in known:
            chosen.setdefault(known[folded])
        elif folded in links:
            linked.add(links[folded])
        elif feed == "users" and schema.EXTENSION.fullmatch(name):
            chosen.setdefault(_extension(tenant, name))
        else:
            raise _unknown_property(feed, name)
    chosen.pop("id", None)
    return Selection(tuple(chosen), frozenset(linked), True)


def _extension(tenant: Tenant, name: str) -> str:
    """A directory extension as it is registered. One that is not: undocumented, so ignored or refused (switch)."""
    registered = tenant.people.extensions.get(name.lower())
    if registered is None and tenant.behaviour.unregistered_extensions == "refused":
        raise bad_request(
            f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type "
            "'microsoft.graph.user'.",
            code="BadRequest",
        )
    return registered or name


def _unknown_property(feed: str, name: str) -> GraphError:
    if feed == "users" and name in schema.USER_OUTSIDE:
        return GraphError(
            501,
            "NotImplemented",
            f"The property '{name}' is not held in the directory.",
            violation=f"$select={name}",
        )
    return bad_request(
        f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type "
        f"'{schema.TYPES[feed]}'.",
        code="BadRequest",
        violation=f"$select of unknown property {name!r}",
    )


def parse_filter(feed: str, raw: str) -> Filter:
    """`a eq 'x' [or|and b eq true ...]` or `a in ('x','y')` over the filterable properties; else 400."""
    inside = _IN.fullmatch(raw)
    if inside:
        name = _filterable(feed, inside[1], raw)
        values = [match.replace("''", "'") for match in _STRING.findall(inside[2])]
        return Filter(tuple(Term(name, "eq", value) for value in values), "or")
    terms: list[Term] = []
    words: set[str] = set()
    position = 0
    while True:
        term = _TERM.match(raw, position)
        if term is None:
            raise _bad_filter(raw)
        terms.append(Term(_filterable(feed, term[1], raw), term[2].lower(), _literal(term[3])))
        position = term.end()
        if position == len(raw):
            break
        word = _WORD.match(raw, position)
        if word is None:
            raise _bad_filter(raw)
        words.add(word[1].lower())
        position = word.end()
    if len(words) > 1:
        raise unsupported("A $filter mixing 'and' with 'or' is not supported.")
    return Filter(tuple(terms), words.pop() if words else "and")


def _filterable(feed: str, name: str, raw: str) -> str:
    for known in FILTERABLE[feed]:
        if known.lower() == name.lower():
            return known
    raise _bad_filter(raw)


def _literal(text: str) -> Value:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return {"true": True, "false": False}.get(text.lower())


def _bad_filter(raw: str) -> GraphError:
    return unsupported(f"Unsupported or invalid query filter clause: {raw[:200]}")


def delta_ids(feed: str, raw: str) -> tuple[str, ...]:
    """The ids of a delta $filter: only `id eq '..' or id eq '..'`, at most 50."""
    parsed = parse_filter(feed, raw)
    ids = tuple(str(term.value).lower() for term in parsed.terms)
    if any(term.name != "id" or term.operator != "eq" for term in parsed.terms) or (
        len(ids) > 1 and parsed.word != "or"
    ):
        raise unsupported("Delta supports only $filter=id eq '...' or id eq '...'.")
    if len(ids) > 50:
        raise unsupported(f"Delta supports at most 50 ids in $filter, not {len(ids)}.")
    return ids


def top(raw: str | None, default: int = 100) -> int:
    """$top: 1 to 999."""
    if raw is None:
        return default
    if not raw.isdigit() or not 1 <= int(raw) <= 999:
        raise bad_request(f"Invalid page size specified: '{raw}'. Must be between 1 and 999 inclusive.")
    return int(raw)


def advanced(call: Call, chosen: dict[str, str], what: str) -> None:
    """Refuse (400) an advanced query without ConsistencyLevel: eventual and $count=true."""
    if call.headers.get("consistencylevel", "").lower() != "eventual" or chosen.get("$count") != "true":
        raise unsupported(f"{what} needs the header ConsistencyLevel: eventual and the query option $count=true.")


def eventual(call: Call, what: str) -> None:
    """Refuse (400) a count without ConsistencyLevel: eventual."""
    if call.headers.get("consistencylevel", "").lower() != "eventual":
        raise unsupported(f"{what} needs the header ConsistencyLevel: eventual.")
