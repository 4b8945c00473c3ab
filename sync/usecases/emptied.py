"""Groups that exclude people and suddenly lose many of them: whoever left stays out until a full pass finds the same.

The guard holds removals, not joins; but a script that empties the works council's group, to fill it again a minute
later, would let its members in, and a mail cannot be taken back. So the loss is noted before it is handed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.errors import Conflict
from sync.core.connection import Connection
from sync.core.model import MembershipChange
from sync.core.scope import Reach
from sync.usecases import holds
from sync.usecases.sending import Change
from sync.usecases.services import Services
from sync.usecases.staged import PERSON_TYPES


def note(services: Services, connection: Connection, run: str, changes: Sequence[Change]) -> None:
    """See which excluding groups lose too many within a day by what a pull has read. May be repeated. No storage
    operation where nobody leaves a group, or none is named.
    """
    edges = [one for one in changes if isinstance(one, MembershipChange) and one.member_type in PERSON_TYPES]
    last = {(edge.group_id, edge.member_id): edge for edge in edges}
    left: dict[str, list[int]] = {}
    for edge in last.values():
        if not edge.present:
            left.setdefault(edge.group_id, []).append(edge.order)
    lost = {group: len(orders) for group, orders in left.items()}
    shrunk = holds.shrunk(services, connection, f"{run}:out", lost, of=_excluding)
    while shrunk:
        reach = services.groups.reach(connection.scope)
        emptied = {**{group: min(left[group]) for group in shrunk}, **reach.emptied}
        if emptied == reach.emptied:
            return
        try:
            services.groups.save_reach(connection.scope, replace(reach, emptied=emptied))
        except Conflict:
            continue
        return


def _excluding(reach: Reach) -> frozenset[str]:
    return reach.scope.excluded | reach.audience.excluded
