"""The SMTP side, which can be told to misbehave: a test's word for what a mail server may do."""

import asyncio
import enum
import ssl
from collections import deque

from aiosmtpd.smtp import SMTP, Envelope, Session

from local.mail.store import MailStore

MAX_BYTES = 20 * 1024 * 1024


class Behaviour(enum.Enum):
    """What happens to one message."""

    ACCEPT = "accepted, 250"
    REFUSE_RECIPIENT = "550 to RCPT TO: no such mailbox"
    REFUSE = "554 after the content: not accepted, for good"
    DEFER = "451 after the content: not accepted, try again later"
    HANG = "no answer after the content, the connection stays open; not accepted"
    CLOSE = "the connection closes after the content, unanswered; not accepted"
    ACCEPT_AND_CLOSE = "accepted, but the connection closes before the answer"


class Handler:
    """Puts accepted messages into the store; behaves as scripted, else accepts."""

    def __init__(self, store: MailStore) -> None:
        self._store = store
        self._script: deque[Behaviour] = deque()
        self.default = Behaviour.ACCEPT

    def script(self, *behaviours: Behaviour) -> None:
        """What to do with the next messages, one each; afterwards `default` holds again."""
        self._script.extend(behaviours)

    def _next(self) -> Behaviour:
        return self._script.popleft() if self._script else self.default

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """RCPT TO."""
        del server, session
        upcoming = self._script[0] if self._script else self.default
        if upcoming is Behaviour.REFUSE_RECIPIENT:
            self._next()
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's
        """The content has arrived."""
        del session
        behaviour = self._next()
        if behaviour in {Behaviour.ACCEPT, Behaviour.ACCEPT_AND_CLOSE}:
            content = envelope.content or b""
            raw = content if isinstance(content, bytes) else content.encode()
            self._store.add(envelope.mail_from or "", list(envelope.rcpt_tos), raw)
        closes = behaviour in {Behaviour.CLOSE, Behaviour.ACCEPT_AND_CLOSE}
        if closes and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        if behaviour is Behaviour.HANG:
            await asyncio.Event().wait()
        answers = {
            Behaviour.REFUSE: "554 5.7.1 Refused for good",
            Behaviour.DEFER: "451 4.3.0 Not now, try again later",
        }
        return answers.get(behaviour, "250 2.0.0 Caught")


def protocol(handler: Handler, tls: ssl.SSLContext | None, loop: asyncio.AbstractEventLoop) -> SMTP:
    """One connection's protocol; with `tls` it offers STARTTLS."""
    return SMTP(
        handler,
        tls_context=tls,
        enable_SMTPUTF8=True,
        ident="mail catcher",
        hostname="localhost",
        data_size_limit=MAX_BYTES,
        loop=loop,
    )
