"""The tokens that workspace admins arrive with: RS256, signed by Moxso's own platform, at most five minutes long."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from shared.clock import Clock
from shared.errors import Transient
from shared.settings import Settings
from sync.core.text import clean
from sync.panel.session import Admin

LONGEST = timedelta(minutes=5)
SKEW = timedelta(seconds=30)  # how far the platform's clock may run ahead of ours
KEYS_KEPT = timedelta(minutes=10)
KEYS_PAUSE = timedelta(seconds=30)  # an unknown key id asks for the keys again, but not more often than this
_ID_BYTES = 256
_NAME_LIMIT = 128  # characters: with three names and two ids of the most bytes, the session still fits into a cookie


class TokenRefused(Exception):
    """The token does not prove who its bearer is. `reason` is a word for the log, nothing of the token's content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class WorkspaceToken:
    """What a verified token says. `token_id` (`jti`) may be empty where the token is not used up."""

    admin: Admin
    token_id: str
    expires_at: datetime


class WorkspaceTokens:
    """Verifies tokens with the platform's keys: given inline, or fetched once and kept for a while."""

    def __init__(self, settings: Settings, clock: Clock, fetch: Callable[[str], bytes]) -> None:
        self._settings = settings
        self._clock = clock
        self._fetch = fetch
        self._lock = threading.Lock()
        self._keys: Mapping[str, Any] = {}
        self._fetched_at: datetime | None = None

    def verify(self, token: str) -> WorkspaceToken:
        """Raises TokenRefused, or Transient when the keys cannot be had just now."""
        try:
            key_id = jwt.get_unverified_header(token).get("kid", "")
            claims = jwt.decode(
                token,
                self._key(key_id),
                algorithms=["RS256"],
                issuer=self._settings.workspace_issuer,
                audience=self._settings.workspace_audience,
                # Times are compared with our own clock below, so that tests can hold it.
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError as error:
            raise TokenRefused(type(error).__name__) from error
        return self._read(claims)

    def _read(self, claims: Mapping[str, Any]) -> WorkspaceToken:
        expires_at = _moment(claims["exp"])
        now = self._clock.now()
        if expires_at <= now:
            raise TokenRefused("expired")
        if expires_at > now + LONGEST + SKEW:
            raise TokenRefused("lives_too_long")
        if "nbf" in claims and _moment(claims["nbf"]) > now + SKEW:
            raise TokenRefused("not_yet_valid")
        if (role := claims.get("role")) not in {"admin", "viewer"}:
            raise TokenRefused("role")
        admin = Admin(
            subject=_text(claims, "sub", needed=True),
            name=_name(claims, "name"),
            email=_name(claims, "email"),
            workspace=_text(claims, "workspace", needed=True),
            workspace_name=_name(claims, "workspace_name") or _name(claims, "workspace"),
            role=role,
        )
        return WorkspaceToken(admin, _text(claims, "jti"), expires_at)

    def _key(self, key_id: str) -> Any:
        keys = self._current(key_id)
        if key_id in keys:
            return keys[key_id]
        if not key_id and len(keys) == 1:
            return next(iter(keys.values()))
        raise TokenRefused("unknown_key")

    def _current(self, key_id: str) -> Mapping[str, Any]:
        """The keys, asked for again when they are old or do not have this one."""
        with self._lock:
            age = None if self._fetched_at is None else self._clock.now() - self._fetched_at
            missing = key_id not in self._keys and (age is None or age > KEYS_PAUSE)
            if age is None or age > KEYS_KEPT or missing:
                try:
                    self._keys = _parse(self._load())
                    self._fetched_at = self._clock.now()
                except Transient:
                    if key_id not in self._keys:  # keys that are merely old go on holding while the platform is away
                        raise
            return self._keys

    def _load(self) -> bytes:
        given = self._settings.workspace_jwks
        return given.encode() if given.startswith("{") else self._fetch(given)


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(raw)["keys"]
        signing = [entry for entry in entries if entry.get("kty") == "RSA" and entry.get("use", "sig") == "sig"]
        return {entry.get("kid", ""): jwt.PyJWK(entry, algorithm="RS256").key for entry in signing}
    except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise Transient("WORKSPACE_JWKS is not a JWKS") from error


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused("time")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise TokenRefused("time") from error


def _text(claims: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    """A claim that identifies. It is refused rather than cut: two long ones must not become one."""
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise TokenRefused(name)
    try:
        length = len(value.strip().encode())
    except UnicodeEncodeError as error:  # half a surrogate pair
        raise TokenRefused(name) from error
    if length > _ID_BYTES or (needed and not length):
        raise TokenRefused(name)
    return value.strip()


def _name(claims: Mapping[str, Any], name: str) -> str:
    """A claim that is only shown: one line, cut where it is too long."""
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise TokenRefused(name)
    return clean(value, _NAME_LIMIT)
