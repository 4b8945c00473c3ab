"""`MailServer` in memory, saying what the test wants it to say."""

from __future__ import annotations

import threading

from sync.ports import OutgoingMail, SendResult
from tests.fakes.faults import Faults


class FakeMailServer:
    """Accepts everything until told otherwise.

    `accepted` holds what it took in, `offered` whatever it was handed. With `remembers`, `find` tells the truth like a
    provider that keeps operations; without, it cannot tell, like SMTP.
    """

    def __init__(self, faults: Faults | None = None, *, remembers: bool = False) -> None:
        self.faults = faults or Faults()
        self.remembers = remembers
        self.accepted: list[OutgoingMail] = []
        self.offered: list[OutgoingMail] = []
        self._lock = threading.RLock()
        self._script: list[tuple[SendResult, str, bool]] = []

    def script(self, result: SendResult, words: str = "", *, accepted: bool = False) -> None:
        """What to answer next, after what was scripted before. `accepted`: taken in all the same (for UNKNOWN)."""
        with self._lock:
            self._script.append((result, words, accepted))

    def send(self, mail: OutgoingMail) -> tuple[SendResult, str]:
        """Hand over one mail."""
        with self._lock, self.faults.effect("mail_server.send"):
            result, words, accepted = self._script.pop(0) if self._script else (SendResult.ACCEPTED, "250 ok", True)
            self.offered.append(mail)
            if accepted or result is SendResult.ACCEPTED:
                self.accepted.append(mail)
            return result, words

    def find(self, operation_id: str) -> SendResult | None:
        """Whether it accepted an operation."""
        with self._lock:
            self.faults.read("mail_server.find")
            if not self.remembers:
                return None
            known = any(mail.operation_id == operation_id for mail in self.accepted)
            return SendResult.ACCEPTED if known else SendResult.NOT_SENT
