"""Holds on table `runs`: `h:{hold}`, and for a hold of thousands its removals in rows `x:{hold}:{mark}:{piece}`.

A row takes some 20,000 removals, a tenant may lose more. The pieces are written first, under a mark that only this
write has; the hold's row then names the mark, on its etag. So a hold is the one or the other, whoever is killed when;
pieces that no row names are deleted with the next change of the hold.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shared.errors import Conflict, Transient
from sync.adapters.azure_faults import pause
from sync.adapters.tables import keys
from sync.adapters.tables.shape import Shape
from sync.adapters.tables.table import Operation, Table, etag_of
from sync.core.runs import HeldRemoval, Hold

PIECE = 4000  # removals a row
PIECES_AT_ONCE = 8  # rows a transaction: at most 400 KB each
TRIES = 5


@dataclass(frozen=True, slots=True)
class Stored:
    """A hold's row. With a mark, the removals are in pieces."""

    hold: Hold
    mark: str = ""
    pieces: int = 0
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the removals."""

    removals: tuple[HeldRemoval, ...]
    etag: str = ""


STORED, PIECES = Shape(Stored), Shape(Piece)


class TableHolds:
    """The part of `sync.ports.Runs` that is about holds."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def save(self, hold: Hold) -> Hold:
        """Conditional."""
        partition, name = keys.hexadecimal(hold.scope), keys.name(hold.id)
        stored = Stored(replace(hold, etag=""))
        if len(hold.removals) > PIECE:
            stored = self._put_pieces(partition, name, stored)
        try:
            etag = self._table.write(partition, f"h:{name}", STORED.encode(stored), hold.etag)
        except Conflict:
            if stored.mark:
                self._table.clear(partition, f"x:{name}:{stored.mark}:", f"x:{name}:{stored.mark};")
            raise
        if hold.etag:
            self._table.clear(partition, f"x:{name}:", f"x:{name}:{stored.mark}:" if stored.mark else f"x:{name};")
            if stored.mark:
                self._table.clear(partition, f"x:{name}:{stored.mark};", f"x:{name};")
        return replace(hold, etag=etag)

    def all(self, scope: str) -> Sequence[Hold]:
        """Newest first."""
        rows = self._table.rows(keys.hexadecimal(scope), "h:", "h;")
        holds = [self._whole(scope, STORED.decode(row, etag_of(row))) for row in rows]
        return sorted(holds, key=lambda hold: hold.created_at, reverse=True)

    def forget(self, scope: str, before: str, limit: int) -> int:
        """Delete decided holds from before then, each with its pieces: its row names none of them before they go, so
        that it can be read whoever is killed when.
        """
        partition = keys.hexadecimal(scope)
        rows = (STORED.decode(row, etag_of(row)) for row in self._table.rows(partition, "h:", "h;"))
        old = [one for one in rows if one.hold.state != "waiting" and one.hold.created_at < before][:limit]
        for stored in old:
            name, etag = keys.name(stored.hold.id), stored.etag
            with contextlib.suppress(Conflict):  # somebody else forgets it
                if stored.mark:
                    etag = self._table.write(partition, f"h:{name}", STORED.encode(Stored(stored.hold)), etag)
                self._table.clear(partition, f"x:{name}:", f"x:{name};")
                self._table.delete(partition, f"h:{name}", etag)
        return len(old)

    def _put_pieces(self, partition: str, name: str, stored: Stored) -> Stored:
        mark = secrets.token_hex(8)
        removals = stored.hold.removals
        pieces = [
            Operation(
                f"x:{name}:{mark}:{number:04d}", PIECES.encode(Piece(removals[start : start + PIECE])), kind="put"
            )
            for number, start in enumerate(range(0, len(removals), PIECE))
        ]
        for start in range(0, len(pieces), PIECES_AT_ONCE):
            self._table.repeat(partition, pieces[start : start + PIECES_AT_ONCE])
        return Stored(replace(stored.hold, removals=()), mark, len(pieces))

    def _whole(self, scope: str, stored: Stored) -> Hold:
        for tries in range(1, TRIES):
            if not stored.mark:
                return replace(stored.hold, etag=stored.etag)
            pieces = list(self._pieces(scope, stored))
            if len(pieces) == stored.pieces:
                removals = tuple(removal for piece in pieces for removal in piece.removals)
                return replace(stored.hold, removals=removals, etag=stored.etag)
            pause(tries)  # it was changed since its row was read
            row = self._table.get(scope, f"h:{stored.hold.id}")
            stored = stored if row is None else STORED.decode(row, etag_of(row))
        raise Transient("a hold changes too fast to be read", retry_after=1)

    def _pieces(self, scope: str, stored: Stored) -> Iterator[Piece]:
        prefix = f"x:{stored.hold.id}:{stored.mark}"
        for row in self._table.rows(scope, f"{prefix}:", f"{prefix};"):
            yield PIECES.decode(row, "")
