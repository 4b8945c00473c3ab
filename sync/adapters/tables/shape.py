"""Plain records as JSON, by their type hints, with versions.

A row holds every field and `v`. A row of an older version is taken through `upgrades`; an unknown version, an unknown
field or a wrong value is a `Defect`. Fields with defaults may be missing: an older row of the same version.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from shared.errors import Defect
from sync.adapters.tables import columns

RecordT = TypeVar("RecordT")
Reader = Callable[[Any], Any]
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
            return typing.cast("RecordT", _read_fields(self.kind, {**data, "etag": etag}))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise Defect(f"a {name} row cannot be read: {error}") from error


def _reader(hint: Any) -> Reader | None:
    """What makes a stored value one of this type; None where it is one already."""
    if is_dataclass(hint) and isinstance(hint, type):
        return lambda value: _read_fields(hint, value)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        inner = _reader(next(one for one in arguments if one is not types.NoneType))
        return inner and (lambda value: None if value is None else inner(value))
    if origin in {tuple, frozenset, Mapping}:
        return _reader_of_many(origin, [_reader(one) or _as_it_is for one in arguments if one is not Ellipsis])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return None


def _reader_of_many(origin: Any, inner: list[Reader]) -> Reader:
    if origin is frozenset:
        return lambda value: frozenset(map(inner[0], value))
    if origin is Mapping:
        return lambda value: {inner[0](key): inner[1](item) for key, item in value.items()}
    if len(inner) == 1:  # tuple[X, ...]: no tuple of ours has just one
        return lambda value: tuple(map(inner[0], value))
    return lambda value: tuple(read(item) for read, item in zip(inner, value, strict=True))


def _as_it_is(value: Any) -> Any:
    return value


def _read_fields(kind: type, data: Mapping[str, Any]) -> Any:
    readers, required = _plan(kind)
    if unknown := data.keys() - readers.keys():
        raise ValueError(f"unknown fields {sorted(unknown)}")
    if missing := required - data.keys():
        raise ValueError(f"missing fields {sorted(missing)}")
    return kind(**{name: read(value) if (read := readers[name]) else value for name, value in data.items()})


@functools.cache
def _plan(kind: type) -> tuple[Mapping[str, Reader | None], frozenset[str]]:
    """A dataclass's fields with their readers, and the fields that must be there."""
    hints = typing.get_type_hints(kind)
    all_fields = fields(typing.cast("Any", kind))
    required = (f.name for f in all_fields if f.default is MISSING and f.default_factory is MISSING)
    return {f.name: _reader(hints[f.name]) for f in all_fields}, frozenset(required)
