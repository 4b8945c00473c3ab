"""App-only tokens for Graph: one per tenant, kept until five minutes before their end, looked at before use.

A token must be of the tenant it was asked for (invariant S19, fault F43). What a tenant granted is read from the
token's `roles`; right after consent Microsoft may give out tokens without them (microsoft-facts §5.4), so `forget`
makes the next one new.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError, ServiceResponseError

from shared.clock import Clock
from shared.errors import Defect, SyncError, Transient
from sync.adapters.identity.app import App
from sync.adapters.identity.login import LastAnswer
from sync.core.clouds import Endpoints
from sync.core.connection import Cloud, Connection
from sync.core.delta import guid
from sync.core.health import retry_after_seconds, token_error

TENANTS = 2000  # tokens kept per process
MARGIN = 300.0  # seconds before its end at which a token is no longer used
SHORTEST = 60.0  # a token is used at least so long, however soon it ends


@dataclass(slots=True)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str = ""
    good_until: float = 0.0  # monotonic
    roles: tuple[str, ...] = ()


class AppTokens:
    """See `sync.adapters.graph.client.Tokens`. Safe to use from several threads."""

    def __init__(
        self,
        app: App,
        endpoints: Callable[[Cloud], Endpoints],
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._endpoints = endpoints
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[Cloud, str], _Entry] = OrderedDict()

    def token(self, connection: Connection, claims: str = "") -> str:
        """A token for the connection's tenant. Raises NeedsAdmin, Transient, or Defect for another tenant's token."""
        return self._fresh(connection, claims).token

    def roles(self, connection: Connection) -> tuple[str, ...]:
        """Application permissions in the present token, sorted."""
        return self._fresh(connection, "").roles

    def forget(self, connection: Connection) -> None:
        """Throw the tenant's credential and token away."""
        with self._lock:
            self._entries.pop((connection.cloud, connection.tenant_id), None)

    def _fresh(self, connection: Connection, claims: str) -> _Entry:
        entry = self._entry((connection.cloud, connection.tenant_id))
        with entry.lock:
            if claims or not entry.token or self._monotonic() >= entry.good_until:
                self._mint(connection, entry, claims)
        return entry

    def _entry(self, key: tuple[Cloud, str]) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > TENANTS:
                self._entries.popitem(last=False)
            return entry

    def _mint(self, connection: Connection, entry: _Entry, claims: str) -> None:
        if guid(connection.tenant_id) != connection.tenant_id:
            raise Defect("a connection without a tenant has no token")
        endpoints = self._endpoints(connection.cloud)
        # A new credential every time: msal would keep refusals and odd tokens, and a good token is kept here.
        minter, last = self._app.credential(endpoints, connection.tenant_id)
        try:
            minted = minter.get_token(f"{endpoints.graph}/.default", claims=claims or None).token
        except SyncError:
            raise
        except Exception as error:
            raise self._translated(error, last) from error
        said = _payload(minted)
        if guid(said.get("tid")) != connection.tenant_id:
            raise Defect("the login service gave out another tenant's token")
        entry.token, entry.roles = minted, _roles(said)
        entry.good_until = self._monotonic() + max(SHORTEST, _lifetime(said) - MARGIN)

    def _translated(self, error: Exception, last: LastAnswer) -> SyncError:
        """A vendor's error as ours. msal raises whatever an odd answer trips it with: that passes too."""
        retry_after = retry_after_seconds(last.retry_after or None, self._clock.now())
        match error:
            case ServiceRequestError() | ServiceResponseError():
                return Transient(f"the login endpoint: {type(error).__name__}")
            case ClientAuthenticationError():
                return token_error(_words(error), last.status or 400, retry_after)
            case AzureError():
                return Transient(f"the login endpoint: {type(error).__name__}", retry_after=retry_after)
            case _:
                return Transient(f"an odd answer of the login endpoint: {type(error).__name__}")


def _words(error: BaseException) -> str:
    """Everything said on the way to this error: msal's own message may hide what the login endpoint answered."""
    said, seen = "", error
    for _ in range(10):
        said += f" {seen}"
        following = seen.__cause__ or seen.__context__
        if following is None:
            break
        seen = following
    return said


def _payload(token: str) -> Mapping[str, Any]:
    """The claims of our own token, unverified: it came from the login endpoint, and Graph verifies it."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error) as error:
        raise Transient("the login endpoint gave a token that cannot be read") from error
    return claims if isinstance(claims, dict) else {}


def _roles(claims: Mapping[str, Any]) -> tuple[str, ...]:
    roles = claims.get("roles")
    return tuple(sorted(role for role in roles if isinstance(role, str))) if isinstance(roles, list) else ()


def _lifetime(claims: Mapping[str, Any]) -> float:
    """Seconds between the token's own two times, so that no clock of ours matters."""
    begins, ends = claims.get("iat"), claims.get("exp")
    return float(ends - begins) if isinstance(begins, int) and isinstance(ends, int) else SHORTEST
