"""Whether somebody answers at an address: a TCP connection, and for TLS a verified handshake."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 4.0
_PORTS = {"https": 443, "acs": 443, "smtps": 465, "smtp": 25, "http": 80}
_PLAIN = {"smtp", "http"}


def reach(url: str, trust: ssl.SSLContext) -> None:
    """Connect to the URL's host, and hang up. Raises OSError (TLS errors included) when nobody is there."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as plain:
        if parts.scheme not in _PLAIN:
            trust.wrap_socket(plain, server_hostname=host).close()
