"""What we sign so that it can be believed when it comes back: a subscription's clientState, the state of a consent.

HMAC-SHA-256 with the purpose in the text, so that no value made for one use is good for another. The first key
signs; every key verifies, so that keys can be changed without losing a notification. Comparing takes constant time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import NamedTuple

from sync.core.model import FEEDS, FeedName

STATE_HEX = 64  # random hex characters of a consent state: 256 bits

# Graph takes at most 128 characters of clientState (microsoft-facts §3.1); ours have 70 at most.
_CLIENT_STATE = re.compile(r"(users|groups)\.(0|[1-9][0-9]{0,5})\.([A-Za-z0-9_-]{43})")
_STATE = re.compile(rf"([0-9a-f]{{{STATE_HEX}}})\.([A-Za-z0-9_-]{{43}})")


class Announced(NamedTuple):
    """What a believed clientState says."""

    feed: FeedName
    epoch: int


def client_state(key: str, connection: str, tenant_id: str, feed: FeedName, epoch: int) -> str:
    """The clientState of one subscription: feed and epoch in clear, and a code that binds them to connection
    and tenant. So a notification proves itself without any lookup.
    """
    return f"{feed}.{epoch}.{_client_code(key, connection, tenant_id, feed, epoch)}"


def read_client_state(keys: Sequence[str], connection: str, tenant_id: str, value: object) -> Announced | None:
    """What the value says if one of our keys made it for this connection and tenant; None otherwise."""
    match = _CLIENT_STATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    feed = next(name for name in FEEDS if name == match[1])
    epoch = int(match[2])
    held = [
        hmac.compare_digest(_client_code(key, connection, tenant_id, feed, epoch).encode(), match[3].encode())
        for key in keys
    ]
    return Announced(feed, epoch) if any(held) else None


def seal_state(key: str, random_hex: str) -> str:
    """A consent state: the random characters, and a code that tells ours from guesses before storage is asked."""
    return f"{random_hex}.{_code(key, 'state', random_hex)}"


def open_state(keys: Sequence[str], value: str) -> str | None:
    """The random characters of a state that one of our keys sealed; None otherwise."""
    match = _STATE.fullmatch(value)
    if match is None:
        return None
    held = [hmac.compare_digest(_code(key, "state", match[1]).encode(), match[2].encode()) for key in keys]
    return match[1] if any(held) else None


def challenge(verifier: str) -> str:
    """The S256 code challenge of a PKCE verifier (RFC 7636 §4.2)."""
    return _text(hashlib.sha256(verifier.encode()).digest())


def _client_code(key: str, connection: str, tenant_id: str, feed: str, epoch: int) -> str:
    return _code(key, "clientState", connection, tenant_id, feed, str(epoch))


def _code(key: str, *parts: str) -> str:
    return _text(hmac.digest(key.encode(), "\n".join(parts).encode(errors="replace"), "sha256"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
