"""`Addresses` on table `addresses`: sixteen partitions a workspace, by the first hex digit of the hashed address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from azure.data.tables import TableEntity

from shared.errors import Conflict, Transient
from sync.adapters.azure_faults import pause
from sync.adapters.tables import columns
from sync.adapters.tables.shape import upgraded
from sync.adapters.tables.table import BATCH, Operation, Table, etag_of
from sync.core.address import address_key
from sync.core.connection import workspace_key
from sync.ports import WAITERS_LIMIT, Holder, Waiter

VERSION = 1
FEW = 4  # addresses of a partition that are read one by one
# How many rows are scanned for each address wanted before the rest are read one by one: scanning that many costs
# as much as the read, so that a large workspace makes the whole at most twice as dear.
ROWS_PER_READ = 50
TRIES = 10


class TableAddresses:
    """See `sync.ports.Addresses`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, workspace: str, wants: Mapping[str, Holder]) -> Mapping[str, Holder]:
        """Insert first; what is held already is read, and the rest inserted again."""
        answer: dict[str, Holder] = {}
        for partition, addresses in _partitions(workspace, wants):
            for start in range(0, len(addresses), BATCH):
                answer.update(self._claim(partition, addresses[start : start + BATCH], wants))
        return answer

    def transfer(self, workspace: str, address: str, present: Holder, to: Holder) -> bool:
        """Conditional on the present holder's etag."""
        row = _encode(to, [one for one in present.waiters if one != (to.scope, to.object_id)])
        try:
            self._table.write(_partition(workspace, address), address_key(address), row, present.etag)
        except Conflict:
            return False
        return True

    def wait(self, workspace: str, address: str, waiter: Waiter) -> bool:
        """Conditional; a lost race looks again."""
        partition, row_key = _partition(workspace, address), address_key(address)
        for tries in range(1, TRIES):
            row = self._table.get(partition, row_key)
            if row is None:
                return False
            holder = _decode(row)
            if waiter in holder.waiters:
                return True
            line = [*holder.waiters, waiter][-WAITERS_LIMIT:]
            try:
                self._table.write(partition, row_key, _encode(holder, line), holder.etag)
            except Conflict:
                pause(tries)
                continue
            return True
        raise Transient("an address stays contended", retry_after=1)

    def release(self, workspace: str, address: str, holder: Holder) -> Sequence[Waiter]:
        """Conditional; a lost race looks again."""
        partition, row_key = _partition(workspace, address), address_key(address)
        for tries in range(1, TRIES):
            row = self._table.get(partition, row_key)
            if row is None or not _frees(holder, present := _decode(row)):
                return ()
            try:
                self._table.delete(partition, row_key, etag_of(row))
            except Conflict:
                pause(tries)
                continue
            return present.waiters
        raise Transient("an address stays contended", retry_after=1)

    def peek(self, workspace: str, addresses: Iterable[str]) -> Mapping[str, Holder]:
        """By key for a few of a partition; for many by a scan, as far as that pays."""
        answer: dict[str, Holder] = {}
        for partition, some in _partitions(workspace, set(addresses)):
            answer.update(self._read(partition, some))
        return answer

    def _claim(self, partition: str, addresses: Sequence[str], wants: Mapping[str, Holder]) -> dict[str, Holder]:
        answer: dict[str, Holder] = {}
        left = list(addresses)
        for tries in range(1, TRIES):
            operations = [Operation(address_key(address), _encode(wants[address])) for address in left]
            try:
                etags = self._table.transact(partition, operations)
            except Conflict:
                held = self._read(partition, left)
                answer.update({one: self._renewed(partition, one, there, wants[one]) for one, there in held.items()})
                left = [address for address in left if address not in answer]
                if not left:
                    return answer
                if tries > 1:
                    pause(tries)
                continue
            if not etags:  # written, but the reply was lost
                return {**answer, **self._read(partition, left)}
            mine = {one: wants[one]._replace(etag=etag) for one, etag in zip(left, etags, strict=True)}
            return {**answer, **mine}
        raise Transient("addresses stay contended", retry_after=1)

    def _renewed(self, partition: str, address: str, present: Holder, wanted: Holder) -> Holder:
        """The present holder, by the newer order where the claimant is the same person. Raises Conflict."""
        if not _same_person(present, wanted) or present.order >= wanted.order:
            return present
        newer = present._replace(order=wanted.order)
        etag = self._table.write(partition, address_key(address), _encode(newer, newer.waiters), present.etag)
        return newer._replace(etag=etag)

    def _read(self, partition: str, addresses: Sequence[str]) -> dict[str, Holder]:
        wanted = {address_key(address): address for address in addresses}
        found: dict[str, Holder] = {}
        if len(wanted) > FEW:
            budget = len(wanted) * ROWS_PER_READ
            for number, row in enumerate(self._table.rows(partition, limit=budget)):
                if number == budget:
                    break
                if (address := wanted.pop(row["RowKey"], None)) is not None:
                    found[address] = _decode(row)
            else:
                return found
        for row_key, address in wanted.items():
            one = self._table.get(partition, row_key)
            if one is not None:
                found[address] = _decode(one)
        return found


def _partition(workspace: str, address: str) -> str:
    return f"{workspace_key(workspace)}:{address_key(address)[0]}"


def _partitions(workspace: str, addresses: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    partitions: dict[str, list[str]] = {}
    for address in addresses:
        partitions.setdefault(_partition(workspace, address), []).append(address)
    yield from partitions.items()


def _same_person(stored: Holder, holder: Holder) -> bool:
    return bool(holder.scope) and (stored.scope, stored.object_id) == (holder.scope, holder.object_id)


def _frees(holder: Holder, stored: Holder) -> bool:
    if _same_person(stored, holder):
        return stored.order <= holder.order
    return bool(holder.account_id) and stored.account_id == holder.account_id


def _encode(holder: Holder, waiters: Sequence[Waiter] = ()) -> dict[str, str | bytes]:
    row = {"v": VERSION, "account": holder.account_id, "scope": holder.scope, "person": holder.object_id}
    told = {"order": holder.order, "former": holder.former, "waiting": waiters}
    return columns.pack({**row, **{name: value for name, value in told.items() if value}})


def _decode(row: TableEntity) -> Holder:
    data = upgraded(columns.unpack(row), VERSION, {}, "address")
    waiters = tuple(Waiter(*one) for one in data.get("waiting", ()))
    order, former = data.get("order", 0), data.get("former", "")
    return Holder(data["account"], data["scope"], data["person"], etag_of(row), waiters, order, former)
