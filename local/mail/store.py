"""The messages that were caught, newest first, in memory."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """One accepted message: the envelope as SMTP said it, the content as bytes and as read."""

    number: int
    received: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The content, parsed."""
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def subject(self) -> str:
        """The decoded subject; empty when there is none."""
        return str(self.message.get("Subject", ""))

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers in order, decoded."""
        return [(name, str(value)) for name, value in self.message.items()]

    @property
    def html(self) -> str:
        """The HTML part; empty when there is none."""
        return _part(self.message, "html")

    @property
    def text(self) -> str:
        """The plain text part; empty when there is none."""
        return _part(self.message, "plain")


class MailStore:
    """What was caught; safe to use from several threads."""

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._lock = threading.Condition()
        self._mails: list[CaughtMail] = []
        self._count = 0

    def add(self, sender: str, recipients: list[str], raw: bytes) -> CaughtMail:
        """Keep one message; beyond the limit the oldest goes."""
        with self._lock:
            self._count += 1
            mail = CaughtMail(self._count, datetime.now(UTC), sender, tuple(recipients), raw)
            self._mails.append(mail)
            del self._mails[: -self._limit]
            self._lock.notify_all()
        return mail

    def all(self) -> list[CaughtMail]:
        """Every message, newest first."""
        with self._lock:
            return self._mails[::-1]

    def get(self, number: int) -> CaughtMail | None:
        """One message by its number."""
        with self._lock:
            return next((mail for mail in self._mails if mail.number == number), None)

    def clear(self) -> None:
        """Forget every message; numbers go on."""
        with self._lock:
            self._mails.clear()

    def wait_for(self, count: int, timeout: float = 10) -> list[CaughtMail]:
        """Wait until there are `count` messages; returns all, newest first. Raises TimeoutError after `timeout` s."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self._mails) >= count, timeout):
                raise TimeoutError(f"{len(self._mails)} of {count} messages after {timeout} s")
            return self._mails[::-1]


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # an unknown or wrong charset: show what can be shown
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
