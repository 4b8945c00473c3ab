"""The mail server's side: every name of a person and of a workspace, and every address, through a real conversation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from local.mail import MailCatcher
from sync.adapters.mail import SmtpMail
from sync.adapters.trust import trust
from sync.core.mailtext import SUBJECT, operation_id, render
from sync.core.model import PersonRecord
from sync.core.sync_settings import DEFAULT_MAPPING, FieldRule
from sync.core.text import clean
from sync.ports import OutgoingMail, SendResult
from tests.fakes.engine import Engine
from tests.fakes.time_and_ids import FakeClock
from tests.inputs.conftest import SENDER
from tests.inputs.mail_parts import HEADERS, PLAIN, Skeleton, text_of
from tests.inputs.zoo import ADDRESSES, LONGEST, TEXTS, Address, Text

STRINGS = [text for text in TEXTS if isinstance(text.given, str)]
_NAMES = ("display_name", "given_name")


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


@pytest.mark.parametrize("text", [one for one in STRINGS if one.kept and len(one.given) <= LONGEST], ids=named)
def test_a_name_that_an_admin_types(catcher: MailCatcher, text: Text) -> None:
    """Everybody's name in a mapping: the mail is as every other, the name only in To and in the greeting, or not."""
    engine = Engine()
    engine.services = replace(engine.services, mail_server=sender(catcher))
    acme = engine.connect()
    names = [FieldRule(target, "city", on_null="default", default=text.given) for target in _NAMES]
    acme.tenant.hire("Zoe", mail="zoe@contoso.example")
    acme.save(mapping=(*(rule for rule in DEFAULT_MAPPING if rule.target not in _NAMES), *names))
    acme.imported(mail_existing=True)
    (caught,) = [one for one in catcher.store.all() if one.recipients == ("zoe@contoso.example",)]
    plain, rich = text_of(caught.message, "plain"), text_of(caught.message, "html")
    (to,) = caught.message["To"].addresses
    assert (to.addr_spec, list(caught.message.keys())) == ("zoe@contoso.example", HEADERS)
    assert to.display_name in {"", text.kept}
    assert caught.message["Subject"] == SUBJECT
    assert plain.splitlines()[0] in {"Hello,", f"Hello {text.kept},"}
    assert Skeleton(rich).tags == PLAIN
    assert not re.search(r"://|www\.|href|src=", plain + rich)
