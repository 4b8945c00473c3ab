"""One shard as a full pass saw it, beside what is stored: the pairs that are decided about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sync.core.merge import fill_in, merge_person, settle_edges
from sync.core.model import AccountState, ChangeKind, PersonRecord, Presence, UserChange
from sync.core.runs import Run
from sync.ports import LoadedShard
from sync.usecases.commit import Pair
from sync.usecases.sending import GROUPS
from sync.usecases.services import Services
from sync.usecases.staged import Picture, read


@dataclass(frozen=True, slots=True)
class Staged:
    """A shard as the run saw it, and the pairs that follow from it."""

    run: Run
    picture: Picture
    kept: frozenset[str]  # groups of whose members the pass was told nothing
    fresh: frozenset[str] = frozenset()  # entries of `$select` that only the pass reads

    def pairs(self, loaded: LoadedShard) -> list[Pair]:
        """(stored, merged) for everybody who has an account, or is in the directory (they may get one now: a conflict
        is over when the other left), or of whom the pass has news.
        """
        pairs = []
        for object_id in {**self.picture.people, **self.picture.edges, **loaded.records}:
            stored = loaded.records.get(object_id) or PersonRecord(object_id)
            merged = self._merged(stored)
            known = stored.account_state is not AccountState.NONE or stored.presence is Presence.PRESENT
            if known or merged is not stored:
                pairs.append((stored, merged))
        return pairs

    def _merged(self, stored: PersonRecord) -> PersonRecord:
        if self.run.kind == "revisit":
            return stored
        change = self.picture.people.get(stored.object_id)
        merged = stored
        if change is not None and not _known(stored, change):
            merged = fill_in(merge_person(stored, change), change, self.fresh)
        seen = self.picture.edges.get(stored.object_id, {})
        if GROUPS not in self.run.frozen and not self._keeps_memberships(merged, seen):
            memberships = settle_edges(merged.memberships, seen, self.run.start_order, self.kept)
            if memberships is not merged.memberships:
                merged = replace(merged, memberships=memberships)
        return merged

    def _keeps_memberships(self, merged: PersonRecord, seen: Mapping[str, int]) -> bool:
        """Somebody in the bin is listed as no member, and comes back as one; who is missing may be in the bin too."""
        missing = merged.presence is Presence.ABSENT or self.absent(merged)
        return merged.presence is Presence.SOFT_DELETED or (missing and not seen)

    def absent(self, stored: PersonRecord) -> bool:
        """Whether a person who is stored was missed by this (complete) pass and not told of since it began."""
        return (
            self.run.kind == "pass"
            and stored.presence is Presence.PRESENT
            and stored.object_id not in self.picture.people
            and stored.order < self.run.start_order
        )


def _known(stored: PersonRecord, change: UserChange) -> bool:
    """Whether a snapshot tells what is stored already: then only its order is news, and that is not worth a write."""
    return (
        change.kind is ChangeKind.SNAPSHOT
        and stored.presence is Presence.PRESENT
        and stored.order < change.order
        and stored.source == change.properties
    )


def staged(services: Services, scope: str, run: Run, shard: str, fresh: frozenset[str] = frozenset()) -> Staged:
    """What a run staged of a shard; of a revisit nothing. Raises what the ports raise."""
    picture = read(services.staging.get(scope, run.id, shard))
    if untold := picture.untold - picture.people.keys():
        for group in services.groups.load(scope, sorted(untold)):
            picture.edges.pop(group, None)
    return Staged(run, picture, frozenset(run.kept_groups), fresh)
