"""The work queues, the mail server, and identifiers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import NamedTuple, Protocol

from sync.core.messages import Message


class Queue(Protocol):
    """The four work queues."""

    def send(self, message: Message, *, delay: timedelta = timedelta(0)) -> None:
        """Durable when it returns; visible after `delay` (at most 7 days). Raises `Transient` when it is not in."""

    def poison_counts(self) -> Mapping[str, int]:
        """Queue -> messages that failed five times and wait for an engineer."""


class SendResult(Enum):
    """What the mail server said."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # for good: the address does not exist
    NOT_SENT = "not_sent"  # certainly not accepted: try again later
    UNKNOWN = "unknown"  # the connection broke after the message was handed over


class OutgoingMail(NamedTuple):
    """A rendered mail."""

    operation_id: str
    to_address: str
    to_name: str
    subject: str
    text: str
    html: str


class MailServer(Protocol):
    """Sends mail. Never raises for what the server did: the result says which of four things happened."""

    def send(self, mail: OutgoingMail) -> tuple[SendResult, str]:
        """Hand over one mail; the text is the server's words, without addresses."""

    def find(self, operation_id: str) -> SendResult | None:
        """Whether the provider accepted an operation; None where it cannot tell."""


class Ids(Protocol):
    """Identifiers and secrets, so that tests can foresee them."""

    def hex(self, characters: int) -> str:
        """Random lower-case hex characters."""
