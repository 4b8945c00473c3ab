"""Send a person's one onboarding mail: claimed for ever before it is sent, at most once, whatever is killed when.

DUE ──▶ SENDING ──▶ SENT            accepted by the server
         │    ├───▶ REFUSED         the server said no for good
         │    └───▶ DUE             certainly not accepted: tried again later
         └────────▶ NEEDS_REVIEW    nobody can tell: never sent again blindly
DUE ──▶ CANCELLED                   no longer eligible when its turn came
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.clock import iso, parse_iso
from shared.errors import Conflict
from shared.events import log
from sync.core import mailtext
from sync.core.connection import Connection, shard_of
from sync.core.messages import MailMessage
from sync.core.model import AccountState, PersonRecord
from sync.core.runs import Mail, MailState
from sync.ports import OutgoingMail, SendResult
from sync.usecases.services import Services

PATIENCE = timedelta(minutes=5)  # how long a mail may be in somebody's hands before its fate is asked for
FIRST_BACKOFF, LONGEST_BACKOFF = 5.0, 600.0
_OUTCOMES = {
    SendResult.ACCEPTED: (MailState.SENT, "mail.sent"),
    SendResult.REFUSED: (MailState.REFUSED, "mail.refused"),
    SendResult.UNKNOWN: (MailState.NEEDS_REVIEW, "mail.needs_review"),
    SendResult.NOT_SENT: (MailState.DUE, "mail.not_sent"),
}


def run(services: Services, message: MailMessage) -> None:
    """Send the mail if it is still due. Mails of an older epoch wait for `tick` to look at them again."""
    view = services.connections.load(message.connection)
    if view is None or not view.connection.live or view.connection.epoch != message.epoch:
        return
    connection = view.connection
    mail = services.mails.get(connection.tenant_id, message.person, message.generation)
    if mail is None:
        return
    try:
        if mail.state is MailState.SENDING:
            _interrupted(services, connection, message, mail)
        elif mail.state is MailState.DUE:
            _send(services, connection, message, mail)
    except Conflict:
        return  # another delivery of this message has it in hand


def _send(services: Services, connection: Connection, message: MailMessage, mail: Mail) -> None:
    person = _person(services, connection, message.person)
    reason = _unfit(connection, person, mail)
    if person is None or reason:
        _record(services, mail, MailState.CANCELLED, reason)
        log("mail.cancelled", connection=connection.id, reason=reason)
        return
    operation = mail.operation_id or mailtext.operation_id(mail.tenant_id, mail.object_id, mail.generation)
    sending = services.mails.save(
        replace(
            mail,
            state=MailState.SENDING,
            operation_id=operation,
            address=person.address,
            attempts=mail.attempts + 1,
            changed_at=iso(services.clock.now()),
        )
    )
    _conclude(services, connection, message, sending, *_hand_over(services, connection, person, operation))


def _hand_over(
    services: Services, connection: Connection, person: PersonRecord, operation: str
) -> tuple[SendResult, str]:
    words = mailtext.render(person, connection.workspace_name)
    result, note = services.mail_server.send(OutgoingMail(operation, person.address, *words))
    if result is SendResult.UNKNOWN:
        result = services.mail_server.find(operation) or SendResult.UNKNOWN
    return result, note


def _interrupted(services: Services, connection: Connection, message: MailMessage, mail: Mail) -> None:
    """An earlier attempt never told how it ended: ask the provider, and where it cannot tell, a person must."""
    if services.clock.now() - parse_iso(mail.changed_at) < PATIENCE:
        services.queue.send(message, delay=PATIENCE)
        return
    result = services.mail_server.find(mail.operation_id) or SendResult.UNKNOWN
    _conclude(services, connection, message, mail, result, "an earlier attempt was interrupted")


def _conclude(
    services: Services, connection: Connection, message: MailMessage, mail: Mail, result: SendResult, note: str
) -> None:
    state, event = _OUTCOMES[result]
    _record(services, mail, state, note)
    if state is MailState.DUE:
        delay = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(mail.attempts - 1, 10))
        services.queue.send(message, delay=timedelta(seconds=delay))
        log(event, connection=connection.id, attempt=mail.attempts)
    else:
        log(event, connection=connection.id)


def _record(services: Services, mail: Mail, state: MailState, note: str) -> None:
    services.mails.save(replace(mail, state=state, note=note[:200], changed_at=iso(services.clock.now())))


def _person(services: Services, connection: Connection, object_id: str) -> PersonRecord | None:
    shard = shard_of(object_id, connection.digits)
    return services.people.load(connection.scope, shard, [object_id]).records.get(object_id)


def _unfit(connection: Connection, person: PersonRecord | None, mail: Mail) -> str:
    """Why this person must not be mailed now; empty when they may be. A mail that an admin asked for is wanted."""
    if person is None or person.account_state is not AccountState.ACTIVE or not person.address:
        return "no active account"
    if mail.by:
        return ""
    wanted = connection.settings.mail_existing if person.baseline else connection.settings.onboarding
    return "" if wanted else "mailing was switched off"
