"""What the plan of the first full pass says of matching: links, refusals and wishes of every shard, and what only shows
between shards, an account or an address that people of two of them want.

Each shard leaves its own in staging. When all are planned it is settled who gets an account that several match, and
applying goes by that: so what the report says before Start is what Start does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from shared import canonical
from sync.core.address import address_key
from sync.core.connection import Connection
from sync.core.decision import Claim, Decision
from sync.core.model import Action, MatchedBy
from sync.core.person import address_of, name_of
from sync.core.runs import Run
from sync.usecases.services import Services
from sync.usecases.staged import ADDRESSES, CONTESTED, MATCHES


@dataclass(frozen=True, slots=True)
class Line:
    """One person of the report. `account_id` and `by` are empty where nothing was matched; `other` is whose the
    address, account or employee id is, an object id or an account id, with the name where it is known.
    """

    object_id: str
    name: str
    address: str
    account_id: str = ""
    by: MatchedBy = ""
    other: str = ""
    other_name: str = ""

    @property
    def conflict(self) -> bool:
        """Whether the person goes without, or matched another account as well."""
        return bool(self.other)


class Forecast(NamedTuple):
    """Over all shards: way of matching -> people to be linked, and how many accounts more (or fewer) than the shards
    said each for itself are to be made.
    """

    links: Mapping[str, int]
    more: int


def leave(
    services: Services,
    scope: str,
    run: Run,
    part: int,
    decisions: Sequence[Decision],
    claims: Mapping[str, Claim],
) -> None:
    """Leave in staging what the plan of a shard says of matching."""
    names = {decision.after.object_id: name_of(decision.after.source) for decision in decisions}
    lines, wishes = [], []
    for decision in decisions:
        person, claim = decision.after, claims.get(decision.after.object_id)
        if claim is None:
            continue
        name, wanted = names[person.object_id], address_of(person.source)
        if claim.granted:
            wishes.append([person.object_id, name, wanted])
        linked = decision.action is Action.LINK
        if linked or claim.holder:
            account = person.account_id if linked else ""
            other_name = names.get(claim.holder, "")
            by = person.matched_by if linked else ""
            lines.append([person.object_id, name, wanted, account, by, claim.holder, other_name])
    rows = canonical.dumps({"lines": lines, "wishes": wishes})
    services.staging.put(scope, f"{run.id}{MATCHES}", part, {"": rows})


def lines(services: Services, connection: Connection, run: Run) -> list[Line]:
    """Everybody who would be linked or refused, over all shards."""
    found = _lines(services, connection, run)
    return [*_between(found, _winners(connection, found)), *_shared(services, connection, run)]


def settle(services: Services, connection: Connection, run: Run) -> Forecast:
    """Decide who gets the accounts that people of several shards match, for `contested`; and count. May be repeated."""
    found = _lines(services, connection, run)
    winners = _winners(connection, found)
    lost = [line for line in found if line.account_id and winners[line.account_id] is not line]
    rows = {line.account_id: winners[line.account_id].object_id for line in lost}
    services.staging.put(connection.scope, f"{run.id}{CONTESTED}", 0, {"": canonical.dumps(rows)})
    links: dict[str, int] = {}
    for line in winners.values():
        links[line.by] = links.get(line.by, 0) + 1
    refused = {line.object_id for line in _shared(services, connection, run)}
    own = sum(line.object_id not in refused and _makes_do(line, winners[line.account_id]) for line in lost)
    return Forecast(links, own - len(refused - {line.object_id for line in found if line.account_id}))


def contested(services: Services, scope: str, run: Run) -> Mapping[str, str]:
    """Account -> whose it is to be, where people of several shards match it."""
    found: dict[str, str] = {}
    for block in services.staging.get(scope, f"{run.id}{CONTESTED}", ""):
        found.update(canonical.loads(block))
    return found


def _makes_do(lost: Line, winner: Line) -> bool:
    """Whether who does not get an account gets one of their own: not where it is their employee id, or the address."""
    return lost.by == "alias" or (lost.by == "address" and winner.by != "address")


def _winners(connection: Connection, found: Sequence[Line]) -> Mapping[str, Line]:
    """Account -> who gets it: whose way comes first in the order, by the same way who was read first."""
    order = connection.settings.matching
    first: dict[str, Line] = {}
    for line in sorted(found, key=lambda one: order.index(one.by) if one.by in order else len(order)):
        if line.account_id:
            first.setdefault(line.account_id, line)
    return first


def _between(found: Sequence[Line], winners: Mapping[str, Line]) -> list[Line]:
    """The lines as they are once it is settled who gets each account; to the others it is lost."""
    return [
        line
        if not line.account_id or (winner := winners[line.account_id]) is line
        else replace(line, account_id="", by="", other=winner.object_id, other_name=winner.name)
        for line in found
    ]


def _blocks(services: Services, connection: Connection, run: Run) -> Iterator[Mapping[str, list[list[str]]]]:
    for block in services.staging.get(connection.scope, f"{run.id}{MATCHES}", ""):
        yield canonical.loads(block)


def _lines(services: Services, connection: Connection, run: Run) -> list[Line]:
    blocks = _blocks(services, connection, run)
    return [Line(*row) for block in blocks for row in block["lines"]]  # type: ignore[arg-type]


def _shared(services: Services, connection: Connection, run: Run) -> list[Line]:
    """People whose address somebody of another shard was granted as well."""
    seen: set[str] = set()
    twice: set[str] = set()
    for block in services.staging.get(connection.scope, f"{run.id}{ADDRESSES}", ""):
        for key in canonical.loads(block):
            (twice if key in seen else seen).add(key)
    if not twice:
        return []
    first: dict[str, tuple[str, str]] = {}
    found = []
    for left in _blocks(services, connection, run):
        for object_id, name, address in left["wishes"]:
            if address_key(address)[:16] in twice and address in first:
                other, other_name = first[address]
                found.append(Line(object_id, name, address, other=other, other_name=other_name))
            elif address_key(address)[:16] in twice:
                first[address] = (object_id, name)
    return found
