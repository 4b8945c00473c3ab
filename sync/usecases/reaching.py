"""What the admin's choice of groups reaches in the tenant, nested groups included, kept as one small row.

Deciding about a person needs no group then: the row says whose direct members are chosen. It is computed anew when
the settings have another version, and when groups or their nesting changed; whoever changes it has everybody decided
again (`revisit`), because nothing was told of the people concerned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from shared.errors import Conflict
from sync.core.connection import Connection, ConnectionView, FeedState
from sync.core.mapping import select_beside, unread
from sync.core.model import GroupRecord
from sync.core.nesting import Nesting
from sync.core.runs import Outcome, Run
from sync.core.scope import Circle, Policy, Reach
from sync.core.sync_settings import Chosen, SyncSettings
from sync.usecases import every
from sync.usecases.services import Services


def policy(services: Services, connection: Connection, selected: Collection[str] | None = None) -> Policy:
    """What decisions about this connection's people follow now. `selected` is what of them was read (None: all that
    the settings name). No storage operation where no group is named.
    """
    settings = connection.settings
    missing = frozenset() if selected is None else unread(settings, selected)
    if not settings.names_groups:
        return Policy(settings, unread=missing)
    reach = services.groups.reach(connection.scope)
    if reach.version != settings.version:
        reach = refresh(services, connection)
    return Policy(settings, reach, missing)


def selected(view: ConnectionView, run: Run | None = None) -> Collection[str]:
    """The attributes people were read with: by a run that is a full pass, else by the feed's cursor."""
    if run is not None and run.kind == "pass":
        return run.selected
    return view.reader.feeds.get("users", FeedState()).selected


def beside(view: ConnectionView) -> tuple[str, ...]:
    """The `$select` for single people, whose rows are to have no less than those the feed brings."""
    return select_beside(view.connection.settings, selected(view))


def fresh(view: ConnectionView, run: Run) -> frozenset[str]:
    """The entries of `$select` that a full pass reads and the feed beside it does not."""
    told = selected(view)
    return frozenset(run.selected).difference(told) if told and run.kind == "pass" else frozenset()


class Look(NamedTuple):
    """The reach as it is stored, and as the groups that are stored now make it."""

    stored: Reach
    found: Reach

    @property
    def moved(self) -> bool:
        """Whether groups made scope or audience reach others than before."""
        before, after = self.stored, self.found
        return bool(before.version) and (before.scope, before.audience) != (after.scope, after.audience)

    @property
    def lost(self) -> frozenset[str]:
        """Groups that the stored reach takes in and that the groups as they are now no longer give: they, or what
        linked them to a chosen group, vanished. Nothing when the settings changed since: it was the admin's doing.
        """
        if self.stored.version != self.found.version:
            return frozenset()
        scope = self.stored.scope.included - self.found.scope.included  # each for itself: scope may lose what
        return scope | (self.stored.audience.included - self.found.audience.included)  # the audience keeps


def look(services: Services, connection: Connection) -> Look:
    """Both, by one read of all groups."""
    stored = services.groups.reach(connection.scope)
    return Look(stored, compute(connection.settings, every.group(services, connection.scope), stored.emptied))


def refresh(services: Services, connection: Connection, *, confirmed: int = 0) -> Reach:
    """Store the reach of the present settings in the groups as they are. What a full pass that began at the order
    `confirmed` was told of excluding groups is believed. Raises what the ports raise but Conflict.
    """
    while True:
        stored, found = look(services, connection)
        doubted = {group: order for group, order in found.emptied.items() if order >= confirmed}
        found = replace(found, emptied=doubted)
        if found == stored:
            return stored
        try:
            return services.groups.save_reach(connection.scope, replace(found, etag=stored.etag))
        except Conflict:
            continue


def losing(services: Services, connection: Connection) -> frozenset[str]:
    """Groups whose loss a full pass or a revisit under way has noted: until it has marked whose removals wait, nobody
    else may take those people away.
    """
    fresh = services.connections.load(connection.id)
    names = {fresh.reader.pass_run, fresh.reader.revisit_run} - {""} if fresh is not None else set()
    runs = [services.runs.get(connection.scope, name) for name in sorted(names)]
    return frozenset(
        group for run in runs if run is not None and run.outcome is Outcome.RUNNING for group in run.lost_groups
    )


def included(reach: Reach) -> frozenset[str]:
    """The groups whose direct members scope or audience take in."""
    return reach.scope.included | reach.audience.included


def foreseen(
    services: Services, connection: Connection, settings: SyncSettings, groups: Iterable[GroupRecord]
) -> Reach:
    """What settings would reach in these groups, stored nowhere. The groups are gone through, and storage is asked what
    was emptied lately, only where a group is named.
    """
    if not settings.names_groups:
        return Reach()
    return compute(settings, groups, services.groups.reach(connection.scope).emptied)


def compute(settings: SyncSettings, groups: Iterable[GroupRecord], emptied: Mapping[str, int]) -> Reach:
    """The reach of settings in a tenant's groups, some of which lately lost too many of those whom they exclude."""
    nesting = Nesting(groups)
    scope, audience = _circle(settings.scope.chosen, nesting), _circle(settings.audience, nesting)
    excluding = scope.excluded | audience.excluded
    doubted = {group: order for group, order in emptied.items() if group in excluding}
    return Reach(settings.version, scope, audience, doubted)


def _circle(choice: Chosen, nesting: Nesting) -> Circle:
    return Circle(nesting.below(choice.groups), nesting.below(choice.excluded_groups, gone=True))
