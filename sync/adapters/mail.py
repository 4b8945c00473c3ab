"""The `MailServer` port over SMTP: what the server said decides which of four things happened.

connect, EHLO, STARTTLS, login, MAIL FROM   any trouble       NOT_SENT   the message was never offered
RCPT TO                                     5xx               REFUSED    this address, for good
                                            other trouble     NOT_SENT
DATA, before the message                    5xx / other       REFUSED / NOT_SENT
the message                                 2xx               ACCEPTED
                                            5xx / 4xx         REFUSED / NOT_SENT
                                            no reply          UNKNOWN    nobody can tell
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from urllib.parse import SplitResult, unquote, urlsplit

from shared.clock import Clock
from shared.settings import Settings
from sync.adapters.trust import trust
from sync.core.address import parse_address
from sync.ports import MailServer, OutgoingMail, SendResult

SECONDS = 20.0  # for every single step of the conversation
_LEADING_DOT = re.compile(rb"(?m)^\.")
_ADDRESS = re.compile(r"[^\s<>\"']*@[^\s<>\"']*")


def open_mail_server(settings: Settings, clock: Clock) -> MailServer:
    """The server that MAIL_URL names."""
    parts = urlsplit(settings.mail_url)
    context = trust(settings.ca_file)
    if parts.scheme == "acs":
        from sync.adapters.mail_acs import AcsMail  # noqa: PLC0415  -- Azure's client loads only where it is used

        return AcsMail.open(f"https://{parts.netloc}", settings.mail_sender, context)
    return SmtpMail(parts, settings.mail_sender, context, clock)


class SmtpMail:
    """One conversation per mail. TLS from the start (`smtps`), or STARTTLS where the server offers it; with a
    user and password in the URL nothing goes out without TLS.
    """

    def __init__(
        self, url: SplitResult, sender: str, context: ssl.SSLContext, clock: Clock, seconds: float = SECONDS
    ) -> None:
        self._seconds = seconds
        self._url = url
        self._sender = sender
        self._context = context
        self._clock = clock

    def send(self, mail: OutgoingMail) -> tuple[SendResult, str]:
        """Hand over one mail."""
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            return SendResult.NOT_SENT, _words(error)
        try:
            result, words = self._converse(server, mail)
            if result is not SendResult.UNKNOWN:  # else there is nobody to say goodbye to
                _say_goodbye(server)
            return result, words
        finally:
            server.close()

    def find(self, operation_id: str) -> SendResult | None:  # noqa: ARG002  -- SMTP has no memory
        """SMTP cannot tell."""
        return None

    def _connect(self) -> smtplib.SMTP:
        """Greeted, encrypted where possible, logged in where asked. Raises OSError and SMTPException."""
        host = self._url.hostname or ""
        if self._url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, self._url.port or 465, timeout=self._seconds, context=self._context
            )
        else:
            server = smtplib.SMTP(host, self._url.port or 25, timeout=self._seconds)
        try:
            self._greet(server)
        except BaseException:
            server.close()
            raise
        return server

    def _greet(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        encrypted = self._url.scheme == "smtps"
        if not encrypted and server.has_extn("starttls"):
            server.starttls(context=self._context)
            server.ehlo()
            encrypted = True
        if self._url.username:
            if not encrypted:
                raise smtplib.SMTPException("a password is only sent over TLS")
            server.login(unquote(self._url.username), unquote(self._url.password or ""))

    def _converse(self, server: smtplib.SMTP, mail: OutgoingMail) -> tuple[SendResult, str]:
        try:
            message = self._compose(mail)
            refused = self._offer(server, mail.to_address)
        except (OSError, smtplib.SMTPException) as error:
            return SendResult.NOT_SENT, _words(error)
        except ValueError:  # a header or the conversation could not hold the address
            return SendResult.REFUSED, "the address cannot be written into a mail"
        if refused is not None:
            return refused
        try:
            server.send(_LEADING_DOT.sub(b"..", message) + b".\r\n")
            code, words = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            return SendResult.UNKNOWN, _words(error)
        return (SendResult.ACCEPTED if 200 <= code < 300 else _verdict(code)), _said(code, words)

    def _offer(self, server: smtplib.SMTP, address: str) -> tuple[SendResult, str] | None:
        """Everything up to the message itself; None when the server waits for it."""
        wide = not address.isascii()
        if wide and not server.has_extn("smtputf8"):
            return SendResult.REFUSED, "the server takes no such address (SMTPUTF8)"
        code, words = server.mail(self._sender, ["SMTPUTF8", "BODY=8BITMIME"] if wide else [])
        if code != 250:
            return SendResult.NOT_SENT, _said(code, words)
        code, words = server.rcpt(address)
        if code not in {250, 251}:
            return _verdict(code), _said(code, words)
        code, words = server.docmd("DATA")
        return None if code == 354 else (_verdict(code), _said(code, words))

    def _compose(self, mail: OutgoingMail) -> bytes:
        """The message, ending in a line break. Raises ValueError for what is no address."""
        if not parse_address(mail.to_address):
            raise ValueError("not an address")
        message = EmailMessage(policy=SMTP if mail.to_address.isascii() else SMTPUTF8)
        message["From"] = Address(display_name="Moxso", addr_spec=self._sender)
        local, _, domain = mail.to_address.rpartition("@")
        message["To"] = Address(display_name=mail.to_name, username=local, domain=domain)
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{mail.operation_id}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(mail.text, cte="quoted-printable")
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
        raw = message.as_bytes()
        return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def _verdict(code: int) -> SendResult:
    return SendResult.REFUSED if 500 <= code < 600 else SendResult.NOT_SENT


def _said(code: int, words: bytes) -> str:
    return without_addresses(f"{code} {words.decode(errors='replace')}")


def _words(error: Exception) -> str:
    """What went wrong, without what a server may have quoted of the address."""
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        return _said(error.smtp_code, answer if isinstance(answer, bytes) else str(answer).encode())
    return without_addresses(f"{type(error).__name__}")


def without_addresses(text: str, limit: int = 200) -> str:
    """A server's words as they may be stored: one line, no addresses."""
    return _ADDRESS.sub("(address)", " ".join(text.split()))[:limit]


def _say_goodbye(server: smtplib.SMTP) -> None:
    with contextlib.suppress(OSError, smtplib.SMTPException):  # what counts was said before
        server.quit()
