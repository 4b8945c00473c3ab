"""One table: rows read by key or range, written on their etag.

Every write carries a random mark in column `w`. When a reply is lost, the mark tells our own write from another's, so
that a repeated write never mistakes its first attempt for somebody else's.
"""

from __future__ import annotations

import functools
import itertools
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from azure.core import MatchConditions
from azure.data.tables import TableClient, TableEntity, TableServiceClient, UpdateMode

from shared import metering
from shared.errors import Conflict, Transient
from shared.settings import Settings
from sync.adapters import azure_clients
from sync.adapters.azure_faults import Missing, Uncertain, once, patient, pause, read
from sync.adapters.tables import keys

BATCH = 100  # rows a transaction takes
_SCANNED = ("RowKey", "data")  # without Timestamp: parsing it costs Azure's client as much as all the rest
Answer = TypeVar("Answer")


class Operation(NamedTuple):
    """One row of a transaction. An empty etag inserts; else the row must have it. `kind` is write, put or delete:
    `put` overwrites whatever is there, `delete` ignores the columns.
    """

    row_key: str
    columns: Mapping[str, Any]
    etag: str = ""
    kind: str = "write"


def etag_of(row: TableEntity) -> str:
    """The etag a row was read with."""
    return str(row.metadata["etag"])


class Tables:
    """The storage account's tables, over one client that all threads share. `prefix` keeps tests apart."""

    def __init__(self, settings: Settings, prefix: str = "") -> None:
        given = azure_clients.options(settings)
        if settings.storage_connection:
            self._service = TableServiceClient.from_connection_string(settings.storage_connection, **given)
        else:
            self._service = TableServiceClient(
                f"https://{settings.storage_account}.table.core.windows.net",
                credential=azure_clients.credential(settings),
                **given,
            )
        self._prefix = prefix

    def table(self, name: str) -> Table:
        """A table, made at its first use in this process if it is not there."""
        return Table(lambda: read(lambda: self._service.create_table_if_not_exists(f"{self._prefix}{name}")))


class Table:
    """Raises Conflict, Transient and Defect, as the ports do."""

    def __init__(self, make: Callable[[], TableClient]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: TableClient | None = None

    def get(self, partition: str, row_key: str) -> TableEntity | None:
        """One whole row."""
        metering.storage()
        try:
            return read(lambda: self._client.get_entity(partition, row_key))
        except Missing:
            return None

    def rows(
        self, partition: str, low: str = "", high: str = "", *, after: str = "", limit: int | None = None
    ) -> Iterator[TableEntity]:
        """Rows from `low` (or beyond `after`) to before `high`, in the order of row keys: key and data.

        `limit` sizes the pages that are asked for; the iterator goes on beyond it.
        """
        for row in self.query(keys.under(partition, low, high, after=after), _SCANNED, limit):
            if row.get("data") is not None:
                yield row
            elif (whole := self.get(partition, row["RowKey"])) is not None:
                yield whole

    def query(
        self, condition: str, columns: Sequence[str] | None = None, limit: int | None = None
    ) -> Iterator[TableEntity]:
        """Rows that a filter lets through, with these columns (None: all); `limit` sizes the pages.

        Each page has a pager of its own: one that failed to read a page believes that it came to the end.
        """
        found = self._client.query_entities(
            condition, select=list(columns) if columns else None, results_per_page=min(limit, 1000) if limit else None
        )

        def fetch(token: Any) -> tuple[list[TableEntity], Any]:
            metering.storage()
            pager: Any = found.by_page(token)
            return list(next(pager)), pager.continuation_token

        token: Any = None
        while True:
            rows, token = read(functools.partial(fetch, token))
            yield from rows
            if not token:
                return

    def write(self, partition: str, row_key: str, columns: Mapping[str, Any], etag: str = "") -> str:
        """Insert, or replace the row that has this etag; returns the new one. Raises Conflict."""
        entity = {"PartitionKey": partition, "RowKey": row_key, "w": secrets.token_hex(4), **columns}

        def send() -> str:
            if not etag:
                return str(self._client.create_entity(entity)["etag"])
            answer = self._client.update_entity(
                entity, UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
            )
            return str(answer["etag"])

        def landed() -> str | None:
            row = self.get(partition, row_key)
            return etag_of(row) if row is not None and row.get("w") == entity["w"] else None

        return _surely(send, landed)

    def delete(self, partition: str, row_key: str, etag: str) -> None:
        """Delete the row if it still has this etag; gone already is fine. Raises Conflict."""
        try:
            read(
                lambda: self._client.delete_entity(
                    partition, row_key, etag=etag, match_condition=MatchConditions.IfNotModified
                )
            )
        except Missing:
            return

    def transact(self, partition: str, operations: Sequence[Operation]) -> Sequence[str]:
        """Up to 100 rows of one partition, all or nothing; returns their new etags.

        The first operation must be a `write`: it carries the mark. Empty when the reply was lost and the rows were
        found written: read them to know their etags. Raises Conflict.
        """
        mark = secrets.token_hex(4)
        entities = [{"PartitionKey": partition, "RowKey": one.row_key, **one.columns} for one in operations]
        entities[0]["w"] = mark
        batch = [_vendor(one, entity) for one, entity in zip(operations, entities, strict=True)]

        def send() -> Sequence[str]:
            return [str(answer.get("etag", "")) for answer in self._client.submit_transaction(batch)]

        def landed() -> Sequence[str] | None:
            row = self.get(partition, operations[0].row_key)
            return () if row is not None and row.get("w") == mark else None

        return _surely(send, landed)

    def repeat(self, partition: str, operations: Sequence[Operation]) -> None:
        """A transaction of `put`s that may happen twice."""
        batch = [_vendor(one, {"PartitionKey": partition, "RowKey": one.row_key, **one.columns}) for one in operations]
        read(lambda: self._client.submit_transaction(batch))

    def clear(self, partition: str, low: str = "", high: str = "", limit: int | None = None) -> int:
        """Delete a range of rows (the first `limit`), whatever they hold; returns how many. Rows that others delete
        meanwhile are fine.
        """
        cleared = 0
        rows = self.query(keys.under(partition, low, high), ("RowKey",), limit)
        found = [row["RowKey"] for row in itertools.islice(rows, limit)]
        for start in range(0, len(found), BATCH):
            batch = [Operation(row_key, {}, kind="delete") for row_key in found[start : start + BATCH]]
            try:
                self.repeat(partition, batch)
            except Missing:
                for one in batch:
                    self._forget(partition, one.row_key)
            cleared += len(batch)
        return cleared

    def _forget(self, partition: str, row_key: str) -> None:
        read(lambda: self._client.delete_entity(partition, row_key))

    @property
    def _client(self) -> TableClient:
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = self._make()
        return self._made


def _vendor(one: Operation, entity: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], dict[str, Any]]:
    """An operation as Azure's client takes it."""
    condition: dict[str, Any] = {"etag": one.etag, "match_condition": MatchConditions.IfNotModified} if one.etag else {}
    match one.kind:
        case "delete":
            return "delete", entity, condition
        case "put":
            return "upsert", entity, {"mode": UpdateMode.REPLACE}
        case _ if one.etag:
            return "update", entity, {"mode": UpdateMode.REPLACE, **condition}
        case _:
            return "create", entity, {}


def _surely(send: Callable[[], Answer], landed: Callable[[], Answer | None]) -> Answer:
    """Send a write until it is in or refused. `landed` looks whether an attempt whose reply was lost took place."""
    unsure, tries = False, 0
    while True:
        metering.storage()
        try:
            return once(send)
        except (Conflict, Missing) as error:
            if unsure and (found := landed()) is not None:
                return found
            raise Conflict(str(error)) from error
        except Transient as error:
            if isinstance(error, Uncertain):
                unsure = True
                if (found := landed()) is not None:
                    return found
            tries += 1
            if not patient(error, tries):
                raise
            pause(tries)
