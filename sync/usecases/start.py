"""The admin's verbs on a proven connection: start, look now, reconcile now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from shared.clock import iso, parse_iso
from shared.errors import Conflict, NeedsAdmin
from shared.events import log
from sync.core.connection import Connection, ConnectionState, ConnectionView
from sync.core.messages import PassMessage, PullMessage
from sync.core.model import FEEDS
from sync.core.runs import Run, Stage, ended
from sync.usecases import stages, versions
from sync.usecases.rows import update_reader
from sync.usecases.services import Services

PLAN_LIFE = timedelta(minutes=30)  # people come and go: an older plan is not what the tenant is like


def start(
    services: Services,
    view: ConnectionView,
    *,
    mail_existing: bool,
    onboarding: bool | None = None,
    by: versions.Author = versions.NOBODY,
) -> Connection:
    """Start synchronising: the mail choice is stored, and the first pass goes on from its plan to applying it.

    May be pressed while the pass is still reading; it then goes on by itself. Raises NeedsAdmin('cannot_start')
    from a state that has no start, and Conflict when the connection changed meanwhile.
    """
    connection = view.connection
    if connection.state is not ConnectionState.AWAITING_START:
        raise NeedsAdmin("cannot_start", "Synchronising has started already, or the tenant is not connected yet.")
    settings = replace(
        connection.settings,
        mail_existing=mail_existing,
        onboarding=connection.settings.onboarding if onboarding is None else onboarding,
    )
    chosen = versions.following(services, connection, settings, by)
    if chosen.settings != connection.settings:
        versions.keep(services, connection)
    settled = connection.settled_version == connection.settings.version  # then all that is to come follows it
    started = services.connections.save(
        replace(
            chosen,
            state=ConnectionState.IMPORTING,
            settled_version=chosen.settings.version if settled else connection.settled_version,
            started_at=iso(services.clock.now()),
            problem=None,
        )
    )
    log("connection.started", connection=started.id, epoch=started.epoch, mail_existing=int(mail_existing))
    go_on(services, replace(view, connection=started))
    return started


def go_on(services: Services, view: ConnectionView) -> None:
    """Take the first pass from its plan on to applying, once the admin has started. May be repeated."""
    run = services.runs.get(view.connection.scope, view.reader.pass_run)
    if run is None or run.stage is not Stage.WAITING:
        return
    try:
        if services.clock.now() - parse_iso(run.started_at) > PLAN_LIFE:
            read_again(services, view, run)
        else:
            stages.enter(services, view, run, Stage.APPLYING, {})
    except Conflict:
        return  # somebody else took it on


def read_again(services: Services, view: ConnectionView, run: Run) -> None:
    """The plan is not what the tenant is like, or lacks an attribute that the settings name: read the tenant anew. Once
    the admin has started, it goes on without asking again.
    """
    services.runs.save(ended(run, iso(services.clock.now()), "plan_outdated"))
    log("pass.incomplete", connection=view.connection.id, run=run.id, code="plan_outdated")
    update_reader(services, view.connection.id, lambda reader: replace(reader, pass_run=""))
    services.staging.clear(run.scope, run.id)
    services.queue.send(PassMessage(view.connection.id, view.connection.epoch, cause="first"))


def look_now(services: Services, view: ConnectionView, by: str) -> None:
    """Pull both feeds, for an admin."""
    connection, now = view.connection, iso(services.clock.now())
    for feed in FEEDS:
        services.queue.send(PullMessage(connection.id, connection.epoch, feed, "admin", now, by=by))


def reconcile_now(services: Services, view: ConnectionView, by: str = "") -> None:
    """Begin a full pass, unless one is under way."""
    connection = view.connection
    cause: Literal["first", "admin"] = "admin" if connection.first_pass_done else "first"
    services.queue.send(PassMessage(connection.id, connection.epoch, cause=cause, by=by))
