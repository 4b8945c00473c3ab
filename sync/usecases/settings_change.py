"""An admin chooses anew: settings are saved as the next version, and everybody is decided again by them.

    save ──▶ the connection's row (one conditional write: who, when, what) ──▶ settle: history, then a revisit,
                                                                              a full pass, or a new plan
`Connection.settled_version` says how far that came, so that what a killed worker left is taken up by `tick`. A version
is in the history at the latest before the next one takes its place in the row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from shared.errors import Conflict, SyncError, Transient
from shared.events import log
from sync.core.connection import Connection, ConnectionState, ConnectionView, FeedState
from sync.core.mapping import unselected
from sync.core.messages import PassMessage
from sync.core.runs import Outcome, Run, Stage
from sync.core.settings_check import Wrong, canonical, check
from sync.core.sync_settings import SettingsVersion, SyncSettings
from sync.usecases import revisit, stages, start, versions
from sync.usecases.rows import update_connection
from sync.usecases.services import Services
from sync.usecases.versions import Author


class Refused(SyncError):
    """These settings make no sense; `problems` says all that is wrong."""

    def __init__(self, problems: Sequence[Wrong]) -> None:
        super().__init__("the settings were refused")
        self.problems = problems


def accepted(settings: SyncSettings) -> SyncSettings:
    """The settings in their one form. Raises Refused."""
    folded = canonical(settings)
    if problems := check(folded):
        raise Refused(problems)
    return folded


def save(services: Services, view: ConnectionView, wanted: SyncSettings, by: Author) -> Connection:
    """Save a choice as the next version and set out to decide everybody by it; the same choice is no new version.

    Raises Refused, and Conflict when the connection changed since `view` was read.
    """
    connection = view.connection
    chosen = versions.following(services, connection, accepted(wanted), by)
    if chosen == connection:
        return connection
    versions.keep(services, connection)
    saved = services.connections.save(chosen)
    log("settings.saved", connection=saved.id, version=saved.settings.version)
    with contextlib.suppress(Conflict, Transient):  # it is saved: the timer goes on with it
        settle(services, replace(view, connection=saved))
    return saved


def version(services: Services, connection: Connection, number: int) -> SettingsVersion | None:
    """A version there was, or the present one."""
    if number == connection.settings.version:
        return versions.present(connection)
    return services.settings_history.get(connection.id, number)


def history(
    services: Services, connection: Connection, cursor: str, limit: int
) -> tuple[Sequence[SettingsVersion], str]:
    """The next `limit` versions, newest first, and the cursor to go on with (empty at the end). The first page has
    one more while the present version is not kept yet.
    """
    found, place = services.settings_history.page(connection.id, cursor, limit)
    newest = found[0].settings.version if found else 0
    if not cursor and newest < connection.settings.version:  # kept when the next one takes its place, or by the timer
        found = [versions.present(connection), *found]
    return found, place


def settle(services: Services, view: ConnectionView) -> None:
    """Bring it about that everybody is decided by the present version, or leave that to a later call (`tick` calls
    every minute) while the first pass is between its plan's parts or is being applied. May be repeated.
    """
    connection = view.connection
    version = connection.settings.version
    if connection.settled_version == version:
        return
    versions.keep(services, connection)
    if _set_out(services, view):
        update_connection(
            services, connection.id, lambda row: replace(row, settled_version=max(row.settled_version, version))
        )


def unread(services: Services, view: ConnectionView, settings: SyncSettings) -> frozenset[str]:
    """The entries of `$select` that settings need and that people were not read with so far."""
    told = view.reader.feeds.get("users", FeedState()).selected
    if not told and view.reader.pass_run:
        run = services.runs.get(view.connection.scope, view.reader.pass_run)
        told = run.selected if run is not None else ()
    return unselected(settings, told)


def _set_out(services: Services, view: ConnectionView) -> bool:
    connection = view.connection
    if not connection.live:
        return True  # nobody was read, or nothing is done any more
    if not connection.first_pass_done:
        return _plan_anew(services, view)
    if unread(services, view, connection.settings):
        if not view.reader.pass_run:  # one under way is followed by the one that tick sees to be due
            services.queue.send(PassMessage(connection.id, connection.epoch, cause="settings"))
    else:
        revisit.begin(services, view, "settings", by=connection.settings_by)
    return True


def _plan_anew(services: Services, view: ConnectionView) -> bool:
    """Before the first pass is done: whether what it does from here on follows the present settings."""
    connection = view.connection
    run = services.runs.get(connection.scope, view.reader.pass_run) if view.reader.pass_run else None
    if run is None or run.outcome is not Outcome.RUNNING:
        return True  # the one to come follows them
    if unselected(connection.settings, run.selected):
        return _read_anew(services, view, run)
    if run.stage in {Stage.READING, Stage.GROUPING}:
        return True
    if run.stage is not Stage.WAITING or connection.state is not ConnectionState.AWAITING_START:
        return False
    with contextlib.suppress(Conflict):  # it moved on: look again
        stages.enter(services, view, run, Stage.PLANNING, {"groups": run.counts.get("groups", 0)})
        return True
    return False


def _read_anew(services: Services, view: ConnectionView, run: Run) -> bool:
    if run.stage is not Stage.WAITING:
        return False
    with contextlib.suppress(Conflict):
        start.read_again(services, view, run)
        return True
    return False
