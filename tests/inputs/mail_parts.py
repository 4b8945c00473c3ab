"""What a mail is made of."""

from __future__ import annotations

from email.message import EmailMessage
from html.parser import HTMLParser

from sync.core.mailtext import render
from sync.core.model import PersonRecord

HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]


class Skeleton(HTMLParser):
    """Every tag with its attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append((tag, attrs))


PLAIN = Skeleton(render(PersonRecord("o"), "Contoso").html).tags


def text_of(message: EmailMessage, kind: str) -> str:
    """A body, decoded."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
