"""One person now: fetched by id and applied through the one write path, while the admin waits.

    lease ──▶ fetch by id ──▶ lease back ──▶ message in the queue ──▶ the same message applied at once

The change is durable before it is applied: a worker killed in between leaves the message, and the message that comes
after all finds its part done. The order is taken under the lease, so nothing that is stored is newer, and whatever a
reader reads later is. Who keeps the lease, as a full pass does for a block of up to 20 seconds, is not waited for: the
person is read beside them (`lease.order_beside`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from shared import metering
from shared.clock import iso
from shared.errors import Conflict, NeedsAdmin, Transient
from sync.core.connection import Connection, ConnectionView, Reader, shard_of
from sync.core.eligibility import GONE
from sync.core.messages import ChangesMessage, pack
from sync.core.model import ChangeKind, PersonRecord, Presence, UserChange
from sync.core.runs import Run
from sync.usecases import apply, lease, reaching
from sync.usecases.sending import carried, new_run
from sync.usecases.services import Services

TRIES, PAUSE = 5, 0.3  # a pull holds the lease for a fraction of a second as a rule
LATER = timedelta(seconds=30)  # when the queue brings the message; by then its part is done


class NoSuchPerson(Exception):
    """Neither Entra nor the store has such a person."""


def sync(
    services: Services,
    view: ConnectionView,
    object_id: str,
    by: str,
    *,
    pause: Callable[[float], object] = time.sleep,
) -> Run:
    """Fetch a person and apply what Entra says, 404 included (the person is gone, under the guard). Returns the run;
    it is done unless storage failed half-way, then the queue finishes it. May be repeated.

    Raises NoSuchPerson, NeedsAdmin (not started, or a right is missing), Transient, Conflict.
    """
    connection = view.connection
    if not connection.live or not connection.started_at:
        raise NeedsAdmin("not_started", "This connection is not synchronising. Start it first.")
    if not connection.first_pass_done:  # whoever came before it would be taken for a joiner, and mailed
        raise NeedsAdmin("importing", "The first import is still under way. Ask again when it is done.")
    metering.restart()
    noticed_at = iso(services.clock.now())
    change = _read(services, view, object_id, pause)
    if change.kind is ChangeKind.ABSENT and stored(services, connection, object_id) is None:
        raise NoSuchPerson
    begun = new_run(services, connection, "act", "admin", by=by)
    run = services.runs.save(replace(begun, noticed_at=noticed_at, read=1, parts=1, counts=metering.taken()))
    shard = shard_of(object_id, connection.digits)
    message = ChangesMessage(connection.id, connection.epoch, run.id, 0, shard, "inline", pack([carried(change)]))
    services.queue.send(message, delay=LATER)
    with contextlib.suppress(Transient):  # the queue brings it again
        apply.run(services, message)
    return services.runs.get(connection.scope, run.id) or run


def stored(services: Services, connection: Connection, object_id: str) -> PersonRecord | None:
    """What is stored of a person."""
    shard = shard_of(object_id, connection.digits)
    return services.people.load(connection.scope, shard, [object_id]).records.get(object_id)


def _read(services: Services, view: ConnectionView, object_id: str, pause: Callable[[float], object]) -> UserChange:
    """The person as Entra has them now: read under the lease, or beside whoever does not give it back soon."""
    for tries in range(TRIES):
        if tries:
            pause(PAUSE)
            view = services.connections.load(view.connection.id) or view
        if wait := lease.pause(services, view.reader):
            raise Transient("Microsoft asked us to wait", retry_after=wait.total_seconds())
        if (reader := lease.take(services, view)) is not None:
            return _under_lease(services, view, reader, object_id)
    return _fetch(services, view, object_id, lease.order_beside(view, stored(services, view.connection, object_id)))


def _under_lease(services: Services, view: ConnectionView, reader: Reader, object_id: str) -> UserChange:
    """Fetch. Gives the lease back whatever happens."""
    after = reader
    try:
        return _fetch(services, view, object_id, lease.order_for(view, reader, 1))
    except Transient as error:
        if error.retry_after is not None:
            until = iso(services.clock.now() + timedelta(seconds=error.retry_after))
            after = replace(reader, retry_at=until)
        raise
    finally:
        with contextlib.suppress(Conflict):  # lost meanwhile: the next reader's order is higher than ours
            lease.give_back(services, view, after)


def _fetch(services: Services, view: ConnectionView, object_id: str, order: int) -> UserChange:
    """What Entra says. Of whom it said before that they are gone there is no news, and yet a decision: a full pass may
    not have come to removing them.
    """
    select = reaching.beside(view)
    found = services.directory.fetch_people(view.connection, [object_id], order=order, select=select)[object_id]
    if found is not None:
        return found
    known = stored(services, view.connection, object_id)
    kind = ChangeKind.REVISIT if known is not None and known.presence in GONE else ChangeKind.ABSENT
    return UserChange(object_id, order, kind, presence=Presence.ABSENT)
