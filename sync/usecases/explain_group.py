"""Why a group matters or does not: who is in it, what it lies in, and what scope and audience make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from shared.errors import NeedsAdmin, Transient
from sync.core.connection import Connection, ConnectionView, shards
from sync.core.eligibility import GONE
from sync.core.model import GroupRecord
from sync.core.nesting import Nesting
from sync.core.sync_settings import Chosen
from sync.usecases.explain import Answer, Named, Unknown, as_of, cannot_ask, chain, named
from sync.usecases.services import Services

COUNTED = 20_000  # people who are walked through to count those of nested groups
Effect = Literal["included", "excluded"]


class Use(NamedTuple):
    """What a choice makes of a group, and by which chain from the chosen one down to it."""

    effect: Effect
    path: Sequence[Named]


@dataclass(frozen=True, slots=True)
class WhyGroup:
    """A group with its place among the others. `effective` counts everybody in it and in groups below it, each once;
    where the tenant is too large to count while somebody waits (`exact` is false) it is at most so many.
    """

    answer: Answer
    unanswered: str
    group: GroupRecord
    stored: bool
    as_of: str
    parents: Sequence[Named]
    children: Sequence[Named]
    below: int
    effective: int
    exact: bool
    scope: Sequence[Use]
    audience: Sequence[Use]


def group(services: Services, view: ConnectionView, object_id: str) -> WhyGroup:
    """Explain one group. Raises Unknown; Transient when it is not stored and Entra cannot be asked."""
    connection = view.connection
    groups = services.groups.load(connection.scope)
    stored = groups.get(object_id)
    answer, unanswered = _ask(services, view, object_id)
    if stored is None and answer is not Answer.FOUND:
        if answer is Answer.NOT_FOUND:
            raise Unknown
        raise Transient(unanswered)
    record = stored or GroupRecord(object_id)
    parents = sorted(parent for parent, order in record.parents.items() if order > 0)
    children = sorted(one.object_id for one in groups.values() if one.parents.get(object_id, 0) > 0)
    below = Nesting(groups.values()).below([object_id])
    effective, exact = _effective(services, connection, record, below, groups)
    return WhyGroup(
        answer,
        unanswered,
        record,
        stored is not None,
        as_of(view, "groups"),
        named(parents, groups),
        named(children, groups),
        max(0, len(below) - 1),
        effective,
        exact,
        _uses(object_id, connection.settings.scope.chosen, groups),
        _uses(object_id, connection.settings.audience, groups),
    )


def _ask(services: Services, view: ConnectionView, object_id: str) -> tuple[Answer, str]:
    if reason := cannot_ask(services, view):
        return Answer.NOT_ASKED, reason
    try:
        found = services.directory.find_groups(view.connection, [object_id])[object_id]
    except Transient:
        return Answer.NOT_ASKED, "Microsoft did not answer just now."
    except NeedsAdmin as error:
        return Answer.NOT_ASKED, error.remedy
    return (Answer.FOUND if found else Answer.NOT_FOUND), ""


def _effective(
    services: Services,
    connection: Connection,
    record: GroupRecord,
    below: frozenset[str],
    groups: Mapping[str, GroupRecord],
) -> tuple[int, bool]:
    if len(below) <= 1:
        return record.members, True
    every = shards(connection.digits)
    if services.people.counts(connection.scope, every).people > COUNTED:
        return sum(groups[one].members for one in below), False
    return sum(_members(services, connection, shard, below) for shard in every), True


def _members(services: Services, connection: Connection, shard: str, below: frozenset[str]) -> int:
    records = services.people.load(connection.scope, shard).records.values()
    return sum(one.presence not in GONE and not below.isdisjoint(one.groups) for one in records)


def _uses(object_id: str, choice: Chosen, groups: Mapping[str, GroupRecord]) -> list[Use]:
    roots: dict[Effect, Sequence[str]] = {"included": choice.groups, "excluded": choice.excluded_groups}
    chains = {effect: chain([object_id], some, groups, gone=effect == "excluded")[1] for effect, some in roots.items()}
    return [Use(effect, path) for effect, path in chains.items() if path]
