"""How Azure's storage clients are opened: one HTTP session and one credential for tables and queues alike."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING, Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from shared.settings import Settings
from sync.adapters.trust import trust

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

CONNECT_SECONDS, READ_SECONDS = 5, 30
POOL = 64  # connections kept; more threads than this share them


class _Adapter(HTTPAdapter):
    """Keeps enough connections for every thread, and trusts one more authority where there is one."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__(pool_connections=4, pool_maxsize=POOL, max_retries=Retry(total=False, redirect=False))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by requests at construction."""
        if self._context is not None:
            kwargs["ssl_context"] = self._context
        super().init_poolmanager(*args, **kwargs)


def options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for a service client: transport, timeouts, no retries of its own."""
    # Azure logs every request's URL at INFO, and with it row keys: neither wanted in our log nor worth its time.
    logging.getLogger("azure").setLevel(logging.WARNING)
    session = requests.Session()
    session.mount("https://", _Adapter(trust(settings.ca_file) if settings.ca_file else None))
    session.mount("http://", _Adapter(None))
    transport = RequestsTransport(
        session=session,
        session_owner=False,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
    )
    return {"transport": transport, "retry_total": 0}


def credential(settings: Settings) -> TokenCredential:
    """The app's identity: user-assigned where its client id is set, else whatever this machine offers."""
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415 -- slow to load

    if settings.storage_client_id:
        return ManagedIdentityCredential(client_id=settings.storage_client_id)
    return DefaultAzureCredential()
