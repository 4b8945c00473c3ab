"""API v1: what admins do by hand, to one account, one mail or one run."""

from __future__ import annotations

from fastapi import APIRouter

from sync.core.delta import guid
from sync.core.runs import Mail
from sync.core.text import clean
from sync.panel.access import Ours, Writer, find_connection, no_such_person, person_id
from sync.panel.acting import must_run
from sync.panel.api import history_shaping as shaping
from sync.panel.api import people
from sync.panel.api.acts_schemas import ByHand, Undoing
from sync.panel.api.directory_schemas import Person
from sync.panel.api.history_schemas import MailShape
from sync.panel.api.parameters import ConnectionId, MailId, PersonId, RunInPath
from sync.panel.problems import Problem
from sync.usecases import by_hand, undo

router = APIRouter(tags=["acts"])


@router.patch("/connections/{connection_id}/people/{object_id}", response_model=Person)
def change_person(
    services: Ours, admin: Writer, connection_id: ConnectionId, object_id: PersonId, wanted: ByHand
) -> Person:
    """Block or keep an account, or edit its fields. Synchronising never overrides it; the activity says who did it."""
    connection = find_connection(services, admin, connection_id).connection
    must_run(connection)
    known = person_id(connection, object_id)
    try:
        record = by_hand.change(services, connection, known, admin.subject, hand=wanted.hand, fields=wanted.fields)
    except by_hand.NotAField as error:
        raise Problem(
            422, "not_a_field", f"This account has no field {clean(str(error))} that can be edited so."
        ) from error
    if record is None:
        raise no_such_person()
    return people.one(services, connection, record)


@router.post("/connections/{connection_id}/mails/{mail_id}/resend", status_code=202, response_model=MailShape)
def resend_mail(services: Ours, admin: Writer, connection_id: ConnectionId, mail_id: MailId) -> MailShape:
    """Send again what was refused or cancelled, or of which nobody can tell whether it arrived: as a new generation."""
    connection = find_connection(services, admin, connection_id).connection
    must_run(connection)
    return _mail(by_hand.resend(services, connection, *_of(mail_id), admin.subject))


@router.post("/connections/{connection_id}/mails/{mail_id}/cancel", response_model=MailShape)
def cancel_mail(services: Ours, admin: Writer, connection_id: ConnectionId, mail_id: MailId) -> MailShape:
    """Keep a mail that is due from being sent."""
    connection = find_connection(services, admin, connection_id).connection
    must_run(connection)
    return _mail(by_hand.cancel(services, connection, *_of(mail_id), admin.subject))


@router.post("/connections/{connection_id}/runs/{run_id}/undo", status_code=202, response_model=Undoing)
def undo_run(services: Ours, admin: Writer, connection_id: ConnectionId, run_id: RunInPath) -> Undoing:
    """Put back every account the run changed, until Entra says something new of the person. May be repeated."""
    connection = find_connection(services, admin, connection_id).connection
    must_run(connection)
    undoing = undo.begin(services, connection, run_id, admin.subject)
    if undoing is None:
        raise Problem(404, "no_such_run", "This connection has no such run.")
    return Undoing(run=undoing.id)


def _of(mail: str) -> tuple[str, int]:
    """A mail's person and generation."""
    text, _, generation = mail.rpartition(".")
    return guid(text) or "", int(generation) if generation.isdecimal() and len(generation) < 6 else 0


def _mail(mail: Mail | None) -> MailShape:
    if mail is None:
        raise Problem(404, "no_such_mail", "This connection has no such mail.")
    return shaping.mail(mail)
