"""Azure Communication Services, spoken to over TLS on loopback: what it answers decides what is believed."""

import json
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme
from azure.core.credentials import AccessToken

from sync.adapters.mail_acs import AcsMail
from sync.adapters.trust import trust
from sync.core.mailtext import operation_id, render
from sync.core.model import PersonRecord
from sync.ports import OutgoingMail, SendResult

OPERATION = operation_id("t", "o", 1)
MAIL = OutgoingMail(OPERATION, "ann@contoso.example", *render(PersonRecord("o"), "Contoso"))


class Acs:
    """The two routes of microsoft-facts §9."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.answer: tuple[int, Any] = (202, {"id": OPERATION, "status": "Running"})
        self.hangs_up = False
        self.ca = b""
        acs = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Send, or ask."""
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(raw) if raw else None
                acs.requests.append((self.command, self.path, dict(self.headers.items()), body))
                if acs.hangs_up:
                    self.close_connection = True
                    return
                status, answer = acs.answer
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST  # noqa: N815  -- http.server's name

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  -- http.server's name
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True


class Credential:
    """Stands for the managed identity."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """A token for ACS and nothing else."""
        (scope,) = scopes
        assert scope.startswith("https://communication.azure.com/")  # the client itself writes two slashes
        return AccessToken("the-token", 2**31)


@pytest.fixture
def acs() -> Iterator[Acs]:
    """Serving, with a certificate of its own authority."""
    made = Acs()
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    made.server.socket = context.wrap_socket(made.server.socket, server_side=True)
    made.ca = authority.cert_pem.bytes()
    thread = Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
def mail_server(acs: Acs, tmp_path: Path) -> AcsMail:
    """The adapter."""
    authority = tmp_path / "ca.pem"
    authority.write_bytes(acs.ca)
    endpoint = f"https://localhost:{acs.server.server_address[1]}"
    return AcsMail.open(endpoint, "no-reply@moxso.example", trust(str(authority)), Credential())


def test_a_mail_is_handed_over_under_our_own_id(acs: Acs, mail_server: AcsMail) -> None:
    """One POST with the operation's id, the identity's token and both bodies."""
    assert mail_server.send(MAIL) == (SendResult.ACCEPTED, "202")
    ((method, path, headers, body),) = acs.requests
    assert (method, path.partition("?")[0]) == ("POST", "/emails:send")
    lowered = {name.lower(): value for name, value in headers.items()}
    assert (lowered["operation-id"], lowered["authorization"]) == (OPERATION, "Bearer the-token")
    assert body["senderAddress"] == "no-reply@moxso.example"
    assert body["recipients"] == {"to": [{"address": "ann@contoso.example"}]}
    assert body["content"] == {"subject": MAIL.subject, "plainText": MAIL.text, "html": MAIL.html}
    assert body["userEngagementTrackingDisabled"] is True


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (400, SendResult.REFUSED),
        (401, SendResult.NOT_SENT),
        (403, SendResult.NOT_SENT),
        (404, SendResult.NOT_SENT),
        (429, SendResult.NOT_SENT),
        (500, SendResult.UNKNOWN),
        (503, SendResult.UNKNOWN),
    ],
)
def test_what_it_answered_is_told_apart(acs: Acs, mail_server: AcsMail, status: int, result: SendResult) -> None:
    """About this mail, about us or the moment, or nobody knows; one attempt each, and no address in the words."""
    acs.answer = (status, {"error": {"code": "Odd", "message": "ann@contoso.example is odd"}})
    answered, words = mail_server.send(MAIL)
    assert answered is result
    assert len(acs.requests) == 1
    assert "ann" not in words


def test_a_connection_that_breaks_afterwards_leaves_it_unknown(acs: Acs, mail_server: AcsMail) -> None:
    """The mail was handed over, the answer never came."""
    acs.hangs_up = True
    assert mail_server.send(MAIL)[0] is SendResult.UNKNOWN


def test_nobody_there_was_not_sent(acs: Acs) -> None:
    """A certificate nobody vouches for is as good as nobody."""
    endpoint = f"https://localhost:{acs.server.server_address[1]}"
    stranger = AcsMail.open(endpoint, "no-reply@moxso.example", trust(""), Credential())
    assert stranger.send(MAIL)[0] is SendResult.NOT_SENT
    assert acs.requests == []


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ((200, {"id": OPERATION, "status": "NotStarted"}), SendResult.ACCEPTED),
        ((200, {"id": OPERATION, "status": "Running"}), SendResult.ACCEPTED),
        ((200, {"id": OPERATION, "status": "Succeeded"}), SendResult.ACCEPTED),
        ((200, {"id": OPERATION, "status": "Failed"}), SendResult.REFUSED),
        ((200, {"id": OPERATION, "status": "Canceled"}), SendResult.REFUSED),
        ((404, {"error": {"code": "NotFound"}}), SendResult.NOT_SENT),
        ((200, {"status": "unheard of"}), None),
        ((200, []), None),
        ((200, b"<html>"), None),
        ((429, {}), None),
        ((500, {}), None),
    ],
)
def test_what_became_of_a_mail_can_be_asked(
    acs: Acs, mail_server: AcsMail, answer: tuple[int, Any], result: SendResult | None
) -> None:
    """By the operation's id; where it cannot tell, nothing is believed."""
    acs.answer = answer
    assert mail_server.find(OPERATION) is result
    assert acs.requests[0][1].partition("?")[0] == f"/emails/operations/{OPERATION}"
