"""`Mails` and `Once` in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.clock import iso, parse_iso
from shared.errors import Defect
from sync.core.runs import Mail, MailState
from sync.ports import BadCursor
from tests.fakes.rows import Ground, Rows

BATCH = 33  # mails a transaction: three rows each


class FakeMails:
    """See `sync.ports.Mails`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._mails: Rows[Mail] = Rows(ground)

    def claim(self, mails: Sequence[Mail]) -> None:
        """Those that exist stay as they are."""
        for start in range(0, len(mails), BATCH):
            with self._ground.lock, self._ground.faults.effect("mails.claim"):
                for mail in mails[start : start + BATCH]:
                    if self._mails.get(_key(mail)) is None:
                        self._mails.put(_key(mail), replace(mail, etag=""))

    def get(self, tenant_id: str, object_id: str, generation: int) -> Mail | None:
        """One claim."""
        with self._ground.lock:
            self._ground.faults.read("mails.get")
            return self._mails.get((tenant_id, object_id, str(generation)))

    def save(self, mail: Mail) -> Mail:
        """Conditional; a claim is never made here."""
        if not mail.etag:
            raise Defect("a mail is claimed before it is saved")
        with self._ground.lock, self._ground.faults.effect("mails.save"):
            return self._mails.put(_key(mail), mail)

    def page(self, tenant_id: str, cursor: str, limit: int) -> tuple[Sequence[Mail], str]:
        """Newest first, without etags."""
        with self._ground.lock:
            self._ground.faults.read("mails.page")
            if cursor and not cursor.isdigit():
                raise BadCursor("a cursor is not ours")
            found = [replace(mail, etag="") for _, mail in self._mails.under(tenant_id)]
            found.sort(key=lambda mail: mail.created_at, reverse=True)
            start = int(cursor or 0)
            return found[start : start + limit], str(start + limit) if len(found) > start + limit else ""

    def due(self, tenant_id: str, before: datetime) -> Sequence[Mail]:
        """Oldest first."""
        with self._ground.lock:
            self._ground.faults.read("mails.due")
            found = [mail for _, mail in self._mails.under(tenant_id) if mail.state is MailState.DUE]
            return sorted((m for m in found if m.created_at < iso(before)), key=lambda mail: mail.created_at)


@dataclass(frozen=True)
class _Used:
    payload: Mapping[str, str]
    expires_at: str
    taken: bool = False
    etag: str = ""


class FakeOnce:
    """See `sync.ports.Once`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._used: Rows[_Used] = Rows(ground)

    def put(self, kind: str, key: str, payload: Mapping[str, str], expires_at: datetime) -> bool:
        """False when it was there already."""
        with self._ground.lock, self._ground.faults.effect("once.put"):
            if self._used.get((kind, key)) is not None:
                return False
            self._used.put((kind, key), _Used(dict(payload), iso(expires_at)))
            return True

    def take(self, kind: str, key: str, now: datetime) -> Mapping[str, str] | None:
        """The payload for exactly one caller."""
        with self._ground.lock, self._ground.faults.effect("once.take"):
            used = self._used.get((kind, key))
            if used is None or used.taken or parse_iso(used.expires_at) <= now:
                return None
            self._used.put((kind, key), replace(used, taken=True))
            return used.payload

    def sweep(self, now: datetime) -> int:
        """Forget what expired over a day ago."""
        with self._ground.lock, self._ground.faults.effect("once.sweep"):
            limit = iso(now - timedelta(days=1))
            old = [key for key, used in self._used.under() if used.expires_at < limit]
            for key in old:
                self._used.drop(key)
            return len(old)


def _key(mail: Mail) -> tuple[str, str, str]:
    return mail.tenant_id, mail.object_id, str(mail.generation)
