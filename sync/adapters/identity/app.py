"""Who we are to Microsoft: the multi-tenant app, proven by a secret, or by a managed identity as its federated
credential (microsoft-facts §6).
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from typing import Protocol

from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientAssertionCredential, ClientSecretCredential, ManagedIdentityCredential

from shared.errors import Transient
from shared.settings import Settings
from sync.adapters.egress import login_rules
from sync.adapters.identity.login import CONNECT_SECONDS, READ_SECONDS, LastAnswer, LoginAdapter, session
from sync.core.clouds import Endpoints
from sync.core.health import CREDENTIAL_PAUSE

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Minter(Protocol):
    """What mints tokens for one tenant: a credential of azure-identity."""

    def get_token(self, *scopes: str, claims: str | None = None) -> AccessToken:
        """A token, from its cache or new."""


class App:
    """Makes credentials, all over one transport per cloud: a credential of its own for every tenant costs no pool."""

    def __init__(self, settings: Settings, context: ssl.SSLContext) -> None:
        self.client_id = settings.client_id
        self._secret = settings.client_secret
        self._managed_identity = settings.managed_identity
        self._context = context
        self._lock = threading.Lock()
        self._transports: dict[str, tuple[RequestsTransport, LastAnswer]] = {}
        self._identity: ManagedIdentityCredential | None = None

    def credential(self, endpoints: Endpoints, tenant_id: str) -> tuple[Minter, LastAnswer]:
        """A new credential for a tenant, with nothing cached, and where its thread's last answer can be read."""
        transport, last = self._transport(endpoints)
        if self._secret:
            return (
                ClientSecretCredential(
                    tenant_id,
                    self.client_id,
                    self._secret,
                    authority=endpoints.login,
                    disable_instance_discovery=True,
                    transport=transport,
                    retry_total=0,
                ),
                last,
            )
        return (
            ClientAssertionCredential(
                tenant_id,
                self.client_id,
                lambda: self.assertion(endpoints),
                authority=endpoints.login,
                transport=transport,
                retry_total=0,
            ),
            last,
        )

    def form(self, endpoints: Endpoints) -> Mapping[str, str]:
        """The fields that prove us in a token request of our own."""
        if self._secret:
            return {"client_id": self.client_id, "client_secret": self._secret}
        return {
            "client_id": self.client_id,
            "client_assertion_type": _JWT_BEARER,
            "client_assertion": self.assertion(endpoints),
        }

    def assertion(self, endpoints: Endpoints) -> str:
        """The managed identity's token for the cloud's token exchange. Raises Transient."""
        with self._lock:
            if self._identity is None:
                self._identity = ManagedIdentityCredential(client_id=self._managed_identity)
        try:
            return str(self._identity.get_token(f"{endpoints.exchange_audience}/.default").token)
        except AzureError as error:
            raise Transient(
                f"the managed identity gave no token: {type(error).__name__}", retry_after=CREDENTIAL_PAUSE
            ) from error

    def close(self) -> None:
        """Close every pool."""
        with self._lock:
            for transport, _ in self._transports.values():
                if transport.session is not None:
                    transport.session.close()
            self._transports.clear()

    def _transport(self, endpoints: Endpoints) -> tuple[RequestsTransport, LastAnswer]:
        with self._lock:
            if endpoints.login not in self._transports:
                adapter = LoginAdapter(login_rules(endpoints), self._context)
                transport = RequestsTransport(
                    session=session(adapter),
                    session_owner=False,
                    connection_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    use_env_settings=False,
                )
                self._transports[endpoints.login] = (transport, adapter.last)
            return self._transports[endpoints.login]
