"""The mail catcher takes what is sent, shows it harmlessly, and fails on demand."""

import smtplib
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage

import httpx
import pytest

from local.mail import Behaviour, MailCatcher
from local.mail.catcher import PortInUseError, Tls

HOSTILE = "<img src=x onerror=alert(1)>\"'{{7*7}}"


@pytest.fixture
def catcher() -> Iterator[MailCatcher]:
    """A catcher without TLS on free ports."""
    with MailCatcher() as made:
        yield made


def _message(subject: str = "Welcome", *, text: str = "hello", html: str = "<p>hello</p>") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "moxso@example.com"
    message["To"] = "anna@example.com"
    message["Subject"] = subject
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


def _send(catcher: MailCatcher, message: EmailMessage, to: str = "anna@example.com") -> None:
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=5) as client:
        client.send_message(message, to_addrs=[to])


def test_mail_is_caught_and_listed_newest_first(catcher: MailCatcher) -> None:
    """Envelope, headers and both parts are kept; the API lists the newest first; DELETE forgets all."""
    _send(catcher, _message("first"))
    _send(catcher, _message("sécond"))
    caught = httpx.get(f"{catcher.page_url}/api/messages").json()["messages"]
    assert [mail["subject"] for mail in caught] == ["sécond", "first"]
    assert (caught[0]["from"], caught[0]["to"]) == ("moxso@example.com", ["anna@example.com"])
    assert (caught[0]["text"].strip(), caught[0]["html"].strip()) == ("hello", "<p>hello</p>")
    assert httpx.get(f"{catcher.page_url}/api/messages/1").json()["subject"] == "first"
    assert httpx.delete(f"{catcher.page_url}/api/messages").status_code == 204
    assert catcher.store.all() == []


def test_hostile_content_stays_data(catcher: MailCatcher) -> None:
    """Markup anywhere in a message is escaped; its HTML part is in a sandboxed frame; no script runs."""
    _send(catcher, _message(HOSTILE, text=HOSTILE, html=f"<b>{HOSTILE}</b></iframe><script>alert(1)</script>"))
    for path in ("/", "/messages/1"):
        answer = httpx.get(catcher.page_url + path)
        assert "<img" not in answer.text
        assert "<script" not in answer.text
        assert answer.text.count("</iframe>") == (path != "/")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert '<iframe sandbox="" ' in httpx.get(f"{catcher.page_url}/messages/1").text


def test_unreadable_mail_is_shown_as_far_as_it_goes(catcher: MailCatcher) -> None:
    """A wrong charset and a message without structure break neither page nor API."""
    raw = b"Subject: odd\r\nContent-Type: text/plain; charset=nonsense\r\n\r\nb\xc3\xa9\xff"
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=5) as client:
        client.sendmail("a@example.com", ["b@example.com"], raw)
    assert httpx.get(f"{catcher.page_url}/messages/1").status_code == 200
    assert httpx.get(f"{catcher.page_url}/api/messages").json()["messages"][0]["text"].startswith("bé")
    assert httpx.get(f"{catcher.page_url}/messages/2").status_code == 404


def test_an_international_address_is_taken(catcher: MailCatcher) -> None:
    """SMTPUTF8 is offered and understood."""
    _send(catcher, _message(), to="ü@exämple.example")
    assert catcher.store.wait_for(1)[0].recipients == ("ü@exämple.example",)


@pytest.mark.parametrize(
    ("behaviour", "error", "kept"),
    [
        (Behaviour.REFUSE_RECIPIENT, smtplib.SMTPRecipientsRefused, 0),
        (Behaviour.REFUSE, smtplib.SMTPDataError, 0),
        (Behaviour.DEFER, smtplib.SMTPDataError, 0),
        (Behaviour.CLOSE, (smtplib.SMTPServerDisconnected, ConnectionError), 0),
        (Behaviour.ACCEPT_AND_CLOSE, (smtplib.SMTPServerDisconnected, ConnectionError), 1),
        (Behaviour.HANG, smtplib.SMTPServerDisconnected, 0),
    ],
)
def test_it_misbehaves_as_scripted(
    catcher: MailCatcher, behaviour: Behaviour, error: type[Exception] | tuple[type[Exception], ...], kept: int
) -> None:
    """Each behaviour holds for one message, and the next one is accepted."""
    catcher.handler.script(behaviour)
    client = smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=0.5)
    with pytest.raises(error):
        client.send_message(_message())
    client.close()
    assert len(catcher.store.all()) == kept
    _send(catcher, _message())
    assert len(catcher.store.wait_for(kept + 1)) == kept + 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls_is_trusted_through_its_ca(tls: Tls) -> None:
    """With STARTTLS or from the start, the certificate is good for who trusts the catcher's CA, and for nobody else."""
    with MailCatcher(tls=tls) as catcher:
        _send_encrypted(catcher, tls, ssl.create_default_context(cadata=catcher.ca_pem.decode()))
        with pytest.raises(ssl.SSLCertVerificationError):
            _send_encrypted(catcher, tls, ssl.create_default_context())
        assert len(catcher.store.all()) == 1


def _send_encrypted(catcher: MailCatcher, tls: Tls, context: ssl.SSLContext) -> None:
    if tls == "implicit":
        with smtplib.SMTP_SSL("localhost", catcher.smtp_port, timeout=5, context=context) as client:
            client.send_message(_message())
        return
    with smtplib.SMTP("localhost", catcher.smtp_port, timeout=5) as client:
        client.starttls(context=context)
        client.send_message(_message())


def test_a_port_in_use_is_named(catcher: MailCatcher) -> None:
    """Both the class and the program name the port that is taken."""
    with pytest.raises(PortInUseError, match=str(catcher.smtp_port)):
        MailCatcher(smtp_port=catcher.smtp_port)
    command = [sys.executable, "-m", "local.mail", "--http-port", "0", "--smtp-port", str(catcher.smtp_port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "--smtp-port" in done.stderr) == (1, True)


def test_the_program_serves_until_told_to_stop() -> None:
    """`python -m local.mail` says where it is, and SIGTERM ends it with status 0."""
    command = [sys.executable, "-m", "local.mail", "--smtp-port", "0", "--http-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        words = program.stdout.readline().split()
        with socket.create_connection(("127.0.0.1", int(words[4].rsplit(":", 1)[1]))) as connection:
            assert connection.recv(3) == b"220"
        assert httpx.get(words[-1]).status_code == 200
        program.terminate()
        assert program.wait(10) == 0
