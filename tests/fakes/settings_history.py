"""`SettingsHistory` in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sync.core.sync_settings import SettingsVersion
from sync.ports import BadCursor
from tests.fakes.rows import Ground, Rows


class FakeSettingsHistory:
    """See `sync.ports.SettingsHistory`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._versions: Rows[SettingsVersion] = Rows(ground)

    def add(self, saved: SettingsVersion) -> None:
        """The first stays."""
        key = _key(saved.connection, saved.settings.version)
        with self._ground.lock, self._ground.faults.effect("settings_history.add"):
            if self._versions.get(key) is None:
                self._versions.put(key, replace(saved, etag=""))

    def get(self, connection_id: str, version: int) -> SettingsVersion | None:
        """One version."""
        with self._ground.lock:
            self._ground.faults.read("settings_history.get")
            return self._versions.get(_key(connection_id, version))

    def page(self, connection_id: str, cursor: str, limit: int) -> tuple[Sequence[SettingsVersion], str]:
        """Newest first; the cursor is the last version told."""
        with self._ground.lock:
            self._ground.faults.read("settings_history.page")
            if cursor and not cursor.isdecimal():
                raise BadCursor("a cursor is not ours")
            newest = [record for _, record in reversed(self._versions.under(connection_id))]
            left = [one for one in newest if not cursor or one.settings.version < int(cursor)]
            return left[:limit], str(left[limit - 1].settings.version) if len(left) > limit else ""


def _key(connection_id: str, version: int) -> tuple[str, str]:
    return connection_id, f"{version:09d}"
