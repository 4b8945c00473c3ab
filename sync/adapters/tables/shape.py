"""Plain records as JSON, by their type hints, with versions.

A row holds every field and `v`. A row of an older version is taken through `upgrades`; an unknown version, an unknown
field or a wrong value is a `Defect`. Fields with defaults may be missing: an older row of the same version.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from shared.errors import Defect
from sync.adapters.tables import columns

RecordT = TypeVar("RecordT")
Upgrades = Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]


def upgraded(data: dict[str, Any], version: int, upgrades: Upgrades, what: str) -> dict[str, Any]:
    """Stored data, without `v`, as this version knows it. Raises Defect for a version it does not know."""
    found = data.pop("v", None)
    while found != version:
        if not isinstance(found, int) or found not in upgrades:
            raise Defect(f"a {what} row has version {found!r}; this version reads {version}")
        data, found = upgrades[found](data), found + 1
    return data


@dataclass(frozen=True)
class Shape(Generic[RecordT]):
    """How a dataclass with an `etag` is stored. `upgrades` maps a version to the step to the next."""

    kind: type[RecordT]
    version: int = 1
    upgrades: Upgrades = field(default_factory=dict)

    def encode(self, record: RecordT) -> dict[str, str | bytes]:
        """Its columns, without keys. Raises columns.TooLarge."""
        names = (f.name for f in fields(typing.cast("Any", self.kind)) if f.name != "etag")
        return columns.pack({"v": self.version, **{name: getattr(record, name) for name in names}})

    def decode(self, row: Mapping[str, Any], etag: str) -> RecordT:
        """The record of a row. Raises Defect."""
        name = self.kind.__name__.lower()
        data = upgraded(columns.unpack(row), self.version, self.upgrades, name)
        try:
            return typing.cast("RecordT", _read(self.kind, {**data, "etag": etag}))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise Defect(f"a {name} row cannot be read: {error}") from error


def _read(hint: Any, value: Any) -> Any:
    if is_dataclass(hint):
        return _read_fields(hint, value)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        return None if value is None else _read(next(one for one in arguments if one is not types.NoneType), value)
    if origin in {tuple, frozenset, Mapping}:
        return _read_many(origin, arguments, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    return value


def _read_many(origin: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    if origin is frozenset:
        return frozenset(_read(arguments[0], item) for item in value)
    if origin is Mapping:
        return {_read(arguments[0], key): _read(arguments[1], item) for key, item in value.items()}
    kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
    return tuple(_read(kind, item) for kind, item in zip(kinds, value, strict=True))


def _read_fields(kind: Any, data: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    if unknown := data.keys() - hints.keys():
        raise ValueError(f"unknown fields {sorted(unknown)}")
    missing = [
        f.name for f in fields(kind) if f.name not in data and f.default is MISSING and f.default_factory is MISSING
    ]
    if missing:
        raise ValueError(f"missing fields {missing}")
    return kind(**{name: _read(hints[name], value) for name, value in data.items()})


_known: dict[type, dict[str, Any]] = {}


def _hints(kind: type) -> dict[str, Any]:
    if kind not in _known:
        _known[kind] = typing.get_type_hints(kind)
    return _known[kind]
