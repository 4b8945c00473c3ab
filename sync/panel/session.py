"""The panel's session: who the visitor is, sealed into a cookie, so that no request needs a storage read.

The value is `payload.signature`, both base64url without padding: the Functions host percent-encodes anything but
`A-Za-z0-9-._~` in a cookie, and a signed value would come back changed. The signature is HMAC-SHA-256 by the current
signing key; earlier keys are still accepted, so that keys can be changed without signing everybody out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

COOKIE = "moxso_session"
LIFETIME_SECONDS = 8 * 3600

Role = Literal["admin", "viewer"]


@dataclass(frozen=True, slots=True)
class Admin:
    """A person of a workspace, as Moxso's platform vouched for them. Viewers may read everything and change nothing."""

    subject: str
    name: str
    email: str
    workspace: str
    workspace_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Session:
    """An admin with the session's own random id and its end in Unix seconds."""

    admin: Admin
    session_id: str
    ends_at: int


def seal(session: Session, keys: Sequence[str]) -> str:
    """The cookie's value."""
    payload = _text(json.dumps(asdict(session), separators=(",", ":"), ensure_ascii=False).encode())
    return f"{payload}.{_sign(keys[0], 'session', payload)}"


def unseal(value: str, keys: Sequence[str], now: datetime) -> Session | None:
    """The session, or None when the value is not ours, was changed, or is past its end."""
    payload, _, signature = value.partition(".")
    if not any(hmac.compare_digest(_sign(key, "session", payload).encode(), signature.encode()) for key in keys):
        return None
    try:
        data = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        session = Session(Admin(**data["admin"]), data["session_id"], data["ends_at"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None
    return session if session.ends_at > now.timestamp() else None


def form_token(session: Session, keys: Sequence[str]) -> str:
    """What every form of this session carries, so that no other site can send one on the admin's behalf."""
    return _sign(keys[0], "form", session.session_id)


def form_token_holds(token: str, session: Session, keys: Sequence[str]) -> bool:
    """Whether a form came from one of our own pages in this session."""
    return any(
        hmac.compare_digest(_sign(key, "form", session.session_id).encode(), token.encode(errors="replace"))
        for key in keys
    )


def _sign(key: str, purpose: str, text: str) -> str:
    return _text(hmac.digest(key.encode(), f"{purpose}\n{text}".encode(), hashlib.sha256))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
