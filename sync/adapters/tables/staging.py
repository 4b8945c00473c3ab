"""`Staging` on table `staging`: a pass is a partition, so that a block goes in by transactions of up to 100 rows."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from itertools import groupby, islice

from azure.data.tables import TableEntity

from shared.errors import Defect
from sync.adapters.tables import columns, keys
from sync.adapters.tables.table import BATCH, Operation, Table

VERSION = 1
PIECE = 480_000  # bytes a row
BATCH_BYTES = 3 * 1024 * 1024
PAGE = 32  # rows asked for at a time: they may be large, and Azure's client holds a page several times over


class TableStaging:
    """See `sync.ports.Staging`. A shard's block is cut into pieces; the first says how many there are, so that pieces
    left by a larger version of the same block are not read.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, scope: str, run: str, block: int, shards: Mapping[str, bytes]) -> None:
        """Overwrites."""
        partition = _partition(scope, run)
        batch: list[Operation] = []
        size = 0
        for one in _pieces(block, shards):
            sent = columns.sent_bytes(one.columns)
            if batch and (len(batch) == BATCH or size + sent > BATCH_BYTES):
                self._table.repeat(partition, batch)
                batch, size = [], 0
            batch.append(one)
            size += sent
        if batch:
            self._table.repeat(partition, batch)

    def get(self, scope: str, run: str, shard: str) -> Iterator[bytes]:
        """In the order of reading."""
        name = keys.name(shard) if shard else ""
        rows = self._table.query(keys.under(_partition(scope, run), f"{name}:", f"{name};"), limit=PAGE)
        for _, block in groupby(rows, key=lambda row: str(row["RowKey"]).rpartition(":")[0]):
            first = next(block)
            if first["v"] != VERSION:
                raise Defect(f"a staged row has version {first['v']!r}; this version reads {VERSION}")
            pieces = [first, *islice(block, first["pieces"] - 1)]  # noqa: B031 -- the rest of the same group
            try:
                yield zlib.decompress(b"".join(map(_bytes, pieces)))
            except zlib.error as error:
                raise Defect("a staged block is damaged") from error

    def clear(self, scope: str, run: str) -> None:
        """Row by row, in transactions."""
        self._table.clear(_partition(scope, run))


def _partition(scope: str, run: str) -> str:
    return f"{keys.hexadecimal(scope)}:{keys.name(run)}"


def _pieces(block: int, shards: Mapping[str, bytes]) -> Iterator[Operation]:
    for shard, data in shards.items():
        name = keys.name(shard) if shard else ""
        packed = zlib.compress(data, 1)
        pieces = [packed[start : start + PIECE] for start in range(0, len(packed), PIECE)]
        for number, piece in enumerate(pieces):
            chunks = [piece[start : start + columns.CHUNK] for start in range(0, len(piece), columns.CHUNK)]
            row = {f"z{index}": chunk for index, chunk in enumerate(chunks)}
            about = {"v": VERSION, "pieces": len(pieces)}
            yield Operation(f"{name}:{block:06d}:{number:03d}", {**about, **row}, kind="put")


def _bytes(row: TableEntity) -> bytes:
    chunks: list[bytes] = []
    while (chunk := row.get(f"z{len(chunks)}")) is not None:
        chunks.append(chunk)
    return b"".join(chunks)
