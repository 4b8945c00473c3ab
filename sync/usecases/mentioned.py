"""People whom a group brings into scope and of whom the users feed never told: fetched by their ids.

Graph tells a membership without the person (microsoft-facts §2), and a person who did not change is told by no users
delta. Their order is that of the edge that mentioned them: the fetch is younger than the edge, and whatever the users
feed tells from then on has a higher order and wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from shared.clock import iso
from shared.errors import NeedsAdmin, Transient
from sync.core.connection import Connection, ConnectionView
from sync.core.messages import ChangesMessage
from sync.core.model import PersonRecord, Presence, UserChange
from sync.core.runs import Run
from sync.core.scope import Policy, Rule, judge
from sync.usecases import lease, reaching
from sync.usecases.rows import update_reader
from sync.usecases.sending import cut, hand_over, new_run
from sync.usecases.services import Services

ASK_AGAIN = 30.0  # seconds, where Graph did not say how long to wait
AT_ONCE = 400  # people asked for at once: 20 batches


def unknown(records: Iterable[PersonRecord], policy: Policy) -> list[PersonRecord]:
    """Those of whom nothing but a membership is known, a membership that takes them into scope."""
    if not policy.scope.groups:
        return []
    unheard = (record for record in records if record.presence is Presence.UNKNOWN and not record.order)
    return [record for record in unheard if judge(record, policy.scope).rule is Rule.GROUP]


def ask(
    services: Services, connection: Connection, people: Sequence[PersonRecord], select: Sequence[str] = ()
) -> list[UserChange]:
    """What Entra says of them now; nothing of whom it does not know. Raises Transient, NeedsAdmin."""
    found = services.directory.fetch_people(connection, [one.object_id for one in people], order=0, select=select)
    orders = {one.object_id: max(map(abs, one.memberships.values())) for one in people}
    return [replace(told, order=orders[told.object_id]) for told in found.values() if told is not None]


def fetch(
    services: Services, view: ConnectionView, message: ChangesMessage, people: Sequence[PersonRecord]
) -> list[UserChange] | None:
    """What Entra says of them now; nobody whom it does not know, and nothing where it may not be asked (the full pass
    brings them). None when it cannot be asked at this moment: the message is on its way again.
    """
    if not people:
        return []
    pause = lease.pause(services, view.reader)
    try:
        if not pause:
            return ask(services, view.connection, people, reaching.beside(view))
    except Transient as error:
        pause = timedelta(seconds=error.retry_after or ASK_AGAIN)
        until = iso(services.clock.now() + pause)
        update_reader(services, view.connection.id, lambda reader: replace(reader, retry_at=until))
    except NeedsAdmin:
        return []
    services.queue.send(message, delay=pause)
    return None


def bring_in(
    services: Services, view: ConnectionView, message: ChangesMessage, run: Run, people: Sequence[PersonRecord]
) -> bool:
    """Have people fetched and applied whom a full pass or a revisit finds in scope and of whom nothing else was told:
    by a run of its own, with the cause of this one. False when Entra cannot be asked now: the message is on its way
    again.
    """
    connection = view.connection
    for start in range(0, len(people), AT_ONCE):
        told = fetch(services, view, message, people[start : start + AT_ONCE])
        if told is None:
            return False
        if told:
            news = replace(new_run(services, connection, "pull", run.cause, by=run.by), read=len(told))
            hand_over(services, connection, news, cut(told, connection.digits))
    return True
