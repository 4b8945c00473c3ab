"""SMTP against a real server on loopback that misbehaves on demand."""

import socket
import ssl
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.mail import Behaviour, MailCatcher
from sync.adapters.mail import SmtpMail, without_addresses
from sync.adapters.trust import trust
from sync.core.mailtext import operation_id, render
from sync.core.model import PersonRecord
from sync.ports import OutgoingMail, SendResult
from tests.fakes import FakeClock

SENDER = "no-reply@moxso.example"
OPERATION = operation_id("t", "o", 1)


def mail(address: str = "ann@contoso.example", name: str = "Ann Ross") -> OutgoingMail:
    """A mail as the product renders it."""
    person = PersonRecord("o", address=address, fields={"given_name": "Ann", "display_name": name})
    return OutgoingMail(OPERATION, address, *render(person, "Contoso"))


@pytest.fixture
def catcher() -> Iterator[MailCatcher]:
    """A server without TLS."""
    with MailCatcher() as running:
        yield running


def client(url: str, context: ssl.SSLContext | None = None) -> SmtpMail:
    """The adapter, patient for two seconds."""
    return SmtpMail(urlsplit(url), SENDER, context or trust(""), FakeClock(), seconds=2.0)


def test_a_mail_arrives_whole(catcher: MailCatcher) -> None:
    """Headers, both bodies, a Message-ID made of the operation."""
    result, words = client(f"smtp://127.0.0.1:{catcher.smtp_port}").send(mail())
    assert (result, words[:3]) == (SendResult.ACCEPTED, "250")
    (caught,) = catcher.store.all()
    message = message_from_bytes(caught.raw, policy=policy.default)
    assert message["To"] == "Ann Ross <ann@contoso.example>"
    assert message["From"] == f"Moxso <{SENDER}>"
    assert message["Message-ID"] == f"<{OPERATION}@moxso.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Mon, 02 Mar 2026 08:00:00 +0000"
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().startswith("Hello Ann,")
    assert "Contoso has chosen Moxso" in rich.get_content().replace("<bdi>", "").replace("</bdi>", "")


@pytest.mark.parametrize(
    ("behaviour", "result", "arrived"),
    [
        (Behaviour.ACCEPT, SendResult.ACCEPTED, 1),
        (Behaviour.REFUSE_RECIPIENT, SendResult.REFUSED, 0),
        (Behaviour.REFUSE, SendResult.REFUSED, 0),
        (Behaviour.DEFER, SendResult.NOT_SENT, 0),
        (Behaviour.CLOSE, SendResult.UNKNOWN, 0),
        (Behaviour.ACCEPT_AND_CLOSE, SendResult.UNKNOWN, 1),
        (Behaviour.HANG, SendResult.UNKNOWN, 0),
    ],
)
def test_what_the_server_did_is_told_apart(
    catcher: MailCatcher, behaviour: Behaviour, result: SendResult, arrived: int
) -> None:
    """Refused, deferred, or nobody knows: never mistaken for each other."""
    catcher.handler.script(behaviour)
    assert client(f"smtp://127.0.0.1:{catcher.smtp_port}").send(mail())[0] is result
    assert len(catcher.store.all()) == arrived


def test_a_server_that_is_not_there_was_not_sent_to() -> None:
    """Nobody listens: certainly not sent."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert client(f"smtp://127.0.0.1:{port}").send(mail())[0] is SendResult.NOT_SENT


def test_a_server_that_goes_away_before_the_message_was_not_sent_to() -> None:
    """The connection closes after the greeting: certainly not sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"220 hello\r\n")
                connection.recv(1024)

        thread = threading.Thread(target=serve)
        thread.start()
        result, words = client(f"smtp://127.0.0.1:{server.getsockname()[1]}").send(mail())
        thread.join()
    assert result is SendResult.NOT_SENT
    assert "ann" not in words


@pytest.mark.parametrize(("tls", "scheme"), [("starttls", "smtp"), ("implicit", "smtps")])
def test_tls_is_used_and_verified(tls: str, scheme: str, tmp_path: Path) -> None:
    """With the server's authority the mail goes out encrypted; without it, it does not go out at all."""
    with MailCatcher(tls="starttls" if tls == "starttls" else "implicit") as catcher:
        authority = tmp_path / "ca.pem"
        authority.write_bytes(catcher.ca_pem)
        url = f"{scheme}://localhost:{catcher.smtp_port}"
        assert client(url).send(mail())[0] is SendResult.NOT_SENT
        assert catcher.store.all() == []
        assert client(url, trust(str(authority))).send(mail())[0] is SendResult.ACCEPTED
        assert len(catcher.store.all()) == 1


def test_a_password_never_travels_in_the_clear(catcher: MailCatcher) -> None:
    """A URL with a user needs TLS: the server that offers none gets neither password nor mail."""
    result, words = client(f"smtp://user:secret@127.0.0.1:{catcher.smtp_port}").send(mail())
    assert result is SendResult.NOT_SENT
    assert "secret" not in words
    assert catcher.store.all() == []


def test_an_address_beyond_ascii_goes_as_utf8(catcher: MailCatcher) -> None:
    """SMTPUTF8 is asked for where the address needs it."""
    assert (
        client(f"smtp://127.0.0.1:{catcher.smtp_port}").send(mail("jürgen@contoso.example"))[0] is SendResult.ACCEPTED
    )
    (caught,) = catcher.store.all()
    assert "jürgen@contoso.example".encode() in caught.raw


@pytest.mark.parametrize(
    "name",
    [
        "Bob\r\nBcc: evil@x.example",
        "Bob\nX-Evil: yes",
        "Bob\u2028Bcc: evil@x.example",
        "Bob\u0085Bcc: evil@x.example",
        "=?utf-8?q?Bob=0ABcc=3A_evil=40x=2Eexample?=",
        '"Bob" <evil@x.example>,',
        "Bob;evil@x.example",
        "<img src=x onerror=alert(1)>",
        "https://evil.example",
        "\u202egpj.exe",
        "a" * 100_000,
    ],
)
def test_a_hostile_name_makes_one_mail_to_one_address(catcher: MailCatcher, name: str) -> None:
    """No second recipient, no header of the name's own, no mark-up of its own."""
    assert client(f"smtp://127.0.0.1:{catcher.smtp_port}").send(mail(name=name))[0] is SendResult.ACCEPTED
    (caught,) = catcher.store.all()
    message = message_from_bytes(caught.raw, policy=policy.default)
    assert caught.recipients == ("ann@contoso.example",)
    assert [address.addr_spec for address in message["To"].addresses] == ["ann@contoso.example"]
    assert message["Bcc"] is None
    assert message["X-Evil"] is None
    assert b"evil" not in caught.raw
    assert b"<img" not in caught.raw


@pytest.mark.parametrize("address", ["a@b.example\r\nRCPT TO:<e@x.example>", "a@b.example,e@x.example", "no address"])
def test_what_is_no_address_is_refused(catcher: MailCatcher, address: str) -> None:
    """It would never be mailed by the product; the adapter refuses it all the same."""
    assert client(f"smtp://127.0.0.1:{catcher.smtp_port}").send(mail(address))[0] is SendResult.REFUSED
    assert catcher.store.all() == []


def test_smtp_cannot_tell_what_became_of_a_mail() -> None:
    """There is nobody to ask."""
    assert client("smtp://127.0.0.1:25").find(OPERATION) is None


def test_a_servers_words_are_kept_without_addresses() -> None:
    """One line, no address, not too long."""
    text = without_addresses("550 <ann@contoso.example>:\r\n no mailbox " + "x" * 500)
    assert text.startswith("550 <(address)>: no mailbox xxx")
    assert len(text) == 200
