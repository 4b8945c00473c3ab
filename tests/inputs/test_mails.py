"""The mail server's side: every name of a person and of a workspace, and every address, through a real conversation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from local.mail import MailCatcher
from sync.adapters.mail import SmtpMail
from sync.adapters.trust import trust
from sync.core.mailtext import SUBJECT, operation_id, render
from sync.core.model import PersonRecord
from sync.core.text import clean
from sync.ports import OutgoingMail, SendResult
from tests.fakes.time_and_ids import FakeClock
from tests.inputs.conftest import SENDER
from tests.inputs.mail_parts import PLAIN, Skeleton, text_of
from tests.inputs.zoo import ADDRESSES, TEXTS, Address, Text

STRINGS = [text for text in TEXTS if isinstance(text.given, str)]
GIVEN = [address for address in ADDRESSES if address.mail]


def named(text: Text) -> str:
    """Number, length, and how it begins."""
    return f"{text.number} {len(text.given)} {text.given[:20]!a}"


@pytest.fixture(scope="module")
def server() -> Iterator[MailCatcher]:
    """A mail server of these tests alone."""
    with MailCatcher() as running:
        yield running


@pytest.fixture
def catcher(server: MailCatcher) -> MailCatcher:
    """The server, without a mail."""
    server.store.clear()
    return server


def sender(catcher: MailCatcher) -> SmtpMail:
    """The product's adapter."""
    return SmtpMail(urlsplit(f"smtp://127.0.0.1:{catcher.smtp_port}"), SENDER, trust(""), FakeClock())


@pytest.mark.parametrize("text", STRINGS, ids=named)
def test_a_workspaces_name(catcher: MailCatcher, text: Text) -> None:
    """In the mail's words it is a text without a link, to the letter or not at all; in no header."""
    person = PersonRecord("o", address="ann@contoso.example", fields={"given_name": "Ann", "display_name": "Ann Ross"})
    mail = OutgoingMail(operation_id("t", "o", 1), person.address, *render(person, text.given))
    assert sender(catcher).send(mail)[0] is SendResult.ACCEPTED
    (caught,) = catcher.store.all()
    plain, rich = text_of(caught.message, "plain"), text_of(caught.message, "html")
    assert caught.recipients == ("ann@contoso.example",)
    assert caught.message["To"] == "Ann Ross <ann@contoso.example>"
    assert caught.message["Subject"] == SUBJECT
    assert Skeleton(rich).tags == PLAIN
    assert not re.search(r"://|www\.|href|src=", plain + rich)
    signed = plain.rstrip().rpartition("on behalf of ")[2]
    assert signed in {clean(text.given, 80), "your organisation"}


@pytest.mark.parametrize(
    "address", [one for one in ADDRESSES if one.mail], ids=lambda one: f"{one.number} {one.username}"
)
def test_an_address(catcher: MailCatcher, address: Address) -> None:
    """As Entra tells it, unread by us: the adapter mails to one mailbox, or to none."""
    mail = OutgoingMail(operation_id("t", "o", 1), str(address.mail), *render(PersonRecord("o"), "Contoso"))
    result, words = sender(catcher).send(mail)
    caught = catcher.store.all()
    assert "@" not in words
    if result is SendResult.ACCEPTED:
        assert [len(one.recipients) for one in caught] == [1]
        assert len(caught[0].message["To"].addresses) == 1
    else:
        assert (result, caught) == (SendResult.REFUSED, [])
