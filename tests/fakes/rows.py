"""Conditional rows in memory: what the fakes of storage are made of."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Generic, TypeVar, cast

from shared.errors import Conflict
from tests.fakes.faults import Faults

RecordT = TypeVar("RecordT")  # a dataclass with an `etag`, empty before it is stored


@dataclass
class Ground:
    """What all fakes of one storage share: a lock, the faults and a source of etags."""

    faults: Faults = field(default_factory=Faults)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _etags: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def etag(self) -> str:
        """One that no row ever had."""
        return f'W/"{next(self._etags)}"'


class Rows(Generic[RecordT]):
    """Records by key. Nobody shares a mutable value with what is stored."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._rows: dict[tuple[str, ...], RecordT] = {}

    def check(self, key: tuple[str, ...], etag: str) -> None:
        """Raises Conflict unless the row has this etag; with an empty one, unless there is none."""
        stored = self._rows.get(key)
        if ("" if stored is None else cast("Any", stored).etag) != etag:
            raise Conflict(f"{'/'.join(key)} is not what was read")

    def put(self, key: tuple[str, ...], record: RecordT) -> RecordT:
        """Write on the record's own etag; returns it with the new one."""
        self.check(key, cast("Any", record).etag)
        stored = _copy(record, etag=self._ground.etag())
        self._rows[key] = stored
        return _copy(stored)

    def get(self, key: tuple[str, ...]) -> RecordT | None:
        """One record."""
        stored = self._rows.get(key)
        return None if stored is None else _copy(stored)

    def under(self, *prefix: str) -> list[tuple[tuple[str, ...], RecordT]]:
        """Keys that begin with these parts, and their records, sorted by key."""
        keys = sorted(key for key in self._rows if key[: len(prefix)] == prefix)
        return [(key, _copy(self._rows[key])) for key in keys]

    def drop(self, key: tuple[str, ...]) -> None:
        """Delete a row if it is there."""
        self._rows.pop(key, None)


def _copy(record: RecordT, **changes: Any) -> RecordT:
    """With mappings of its own; the same record where there is nothing to share."""
    plain = cast("Any", record)
    for name in _names(type(plain)):
        if name not in changes and isinstance(value := getattr(plain, name), Mapping):
            changes[name] = dict(value)
    return cast("RecordT", replace(plain, **changes)) if changes else record


def _names(kind: type[Any]) -> tuple[str, ...]:
    if kind not in _NAMES:
        _NAMES[kind] = tuple(one.name for one in fields(kind))
    return _NAMES[kind]


_NAMES: dict[type[Any], tuple[str, ...]] = {}
