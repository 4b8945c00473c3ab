"""The keys that id tokens are signed with: one set per issuer, never one issuer's key for another (Storm-0558)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import jwt

from shared.clock import Clock
from shared.errors import Transient

KEPT = timedelta(hours=12)
PAUSE = timedelta(minutes=1)  # an unknown key id asks again, but not more often
ISSUERS = 500


class _Held(NamedTuple):
    keys: Mapping[str, jwt.PyJWK]
    fetched_at: datetime


class IssuerKeys:
    """Keys by issuer, fetched from the issuer's own address and fetched again when a key id is new."""

    def __init__(self, fetch: Callable[[str], Mapping[str, Any]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._held: OrderedDict[str, _Held] = OrderedDict()

    def find(self, issuer: str, address: str, key_id: str) -> jwt.PyJWK | None:
        """The issuer's key of that id, None when it has none. `address` is the issuer's key set. Raises Transient."""
        with self._lock:
            held = self._held.get(issuer)
            now = self._clock.now()
            age = None if held is None else abs(now - held.fetched_at)
            if held is None or age is None or age > KEPT or (key_id not in held.keys and age > PAUSE):
                held = _Held(_read(self._fetch(address), issuer), now)
                self._held[issuer] = held
            self._held.move_to_end(issuer)
            while len(self._held) > ISSUERS:
                self._held.popitem(last=False)
            return held.keys.get(key_id)


def _read(document: Mapping[str, Any], issuer: str) -> dict[str, jwt.PyJWK]:
    """RSA signing keys that may sign for this issuer: a key that names another one is left out."""
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise Transient("a key set without keys")
    tenant = issuer.split("/")[-2]
    keys = {}
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig":
            continue
        named = entry.get("issuer")
        if named is not None and str(named).replace("{tenantid}", tenant) != issuer:
            continue
        try:
            keys[str(entry["kid"])] = jwt.PyJWK(entry, algorithm="RS256")
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            continue  # one odd key does not spoil the others
    return keys
