"""The `MailServer` port over Azure Communication Services Email, without any secret: by managed identity.

The operation's id is ours and always the same for the same mail, so what became of a mail can be asked for
(microsoft-facts §9). An accepted operation is accepted for delivery; delivery itself is reported elsewhere.
"""

from __future__ import annotations

import ssl
from typing import Any

import requests
from azure.communication.email import EmailClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from requests.adapters import HTTPAdapter

from sync.adapters.mail import without_addresses
from sync.core.health import safe_code
from sync.ports import OutgoingMail, SendResult

CONNECT_SECONDS, READ_SECONDS = 8.0, 20.0
API_VERSION = "2023-03-31"
# States of an operation: it was taken in, whatever comes of it.
_TAKEN = frozenset({"notstarted", "running", "succeeded"})
_ENDED = frozenset({"failed", "canceled"})


class AcsMail:
    """Sends through one ACS resource."""

    def __init__(self, client: EmailClient, sender: str) -> None:
        self._client = client
        self._sender = sender

    @classmethod
    def open(
        cls, endpoint: str, sender: str, context: ssl.SSLContext, credential: TokenCredential | None = None
    ) -> AcsMail:
        """Over a transport with our trust; `credential` is the app's managed identity unless given."""
        if credential is None:
            from azure.identity import DefaultAzureCredential  # noqa: PLC0415  -- loaded only where it is used

            credential = DefaultAzureCredential(exclude_interactive_browser_credential=True)
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", _TrustingAdapter(context))
        transport = RequestsTransport(
            session=session,
            session_owner=False,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            use_env_settings=False,
        )
        client = EmailClient(endpoint, credential, transport=transport, retry_total=0, api_version=API_VERSION)
        return cls(client, sender)

    def send(self, mail: OutgoingMail) -> tuple[SendResult, str]:
        """Hand over one mail."""
        to = {"address": mail.to_address, **({"displayName": mail.to_name} if mail.to_name else {})}
        message: dict[str, Any] = {
            "senderAddress": self._sender,
            "recipients": {"to": [to]},
            "content": {"subject": mail.subject, "plainText": mail.text, "html": mail.html},
            "headers": {"Auto-Submitted": "auto-generated"},
            "userEngagementTrackingDisabled": True,
        }
        try:
            self._client.begin_send(message, operation_id=mail.operation_id, polling=False)
        except ServiceRequestError as error:  # never reached the server
            return SendResult.NOT_SENT, type(error).__name__
        except HttpResponseError as error:
            return _refusal(error), _words(error)
        except AzureError as error:
            return SendResult.UNKNOWN, type(error).__name__
        return SendResult.ACCEPTED, "202"

    def find(self, operation_id: str) -> SendResult | None:
        """What became of an operation: NOT_SENT when the resource never heard of it; None when it cannot be asked."""
        request = HttpRequest("GET", f"/emails/operations/{operation_id}", params={"api-version": API_VERSION})
        try:
            response = self._client.send_request(request)
            if response.status_code == 404:
                return SendResult.NOT_SENT
            status = str(response.json().get("status", "")).lower() if response.status_code == 200 else ""
        except (AzureError, ValueError, AttributeError):
            return None
        if status in _TAKEN:
            return SendResult.ACCEPTED
        return SendResult.REFUSED if status in _ENDED else None


class _TrustingAdapter(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)


def _refusal(error: HttpResponseError) -> SendResult:
    """A 400 is about this mail; 401, 403, 404 and 429 are about us or the moment; after a 5xx nobody knows."""
    status = error.status_code or 0
    if isinstance(error, ClientAuthenticationError) or status in {401, 403, 404, 408, 409, 429}:
        return SendResult.NOT_SENT
    return SendResult.REFUSED if 400 <= status < 500 else SendResult.UNKNOWN


def _words(error: HttpResponseError) -> str:
    code = getattr(getattr(error, "error", None), "code", "") or ""
    return without_addresses(f"{error.status_code} {safe_code(str(code))}".strip())
