"""`Addresses` and `ManualAccounts` in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sync.core.address import address_key
from sync.ports import WAITERS_LIMIT, BadCursor, Holder, ManualAccount, Waiter
from tests.fakes.rows import Ground, Rows


class FakeAddresses:
    """See `sync.ports.Addresses`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._holders: dict[tuple[str, str], Holder] = {}

    def claim(self, workspace: str, wants: Mapping[str, Holder]) -> Mapping[str, Holder]:
        """In batches, as real storage: one for each partition's hundred."""
        answer: dict[str, Holder] = {}
        for batch in _batches(sorted(wants, key=address_key)):
            with self._ground.lock, self._ground.faults.effect("addresses.claim"):
                for address in batch:
                    new = wants[address]._replace(etag=self._ground.etag())
                    present = self._holders.setdefault((workspace, address), new)
                    if _same_person(present, new) and present.order < new.order:
                        present = present._replace(etag=new.etag, order=new.order)
                        self._holders[workspace, address] = present
                    answer[address] = present
        return answer

    def transfer(self, workspace: str, address: str, present: Holder, to: Holder) -> bool:
        """Conditional on the present holder's etag."""
        with self._ground.lock, self._ground.faults.effect("addresses.transfer"):
            stored = self._holders.get((workspace, address))
            if stored is None or stored.etag != present.etag:
                return False
            waiters = tuple(one for one in stored.waiters if one != (to.scope, to.object_id))
            self._holders[workspace, address] = to._replace(etag=self._ground.etag(), waiters=waiters)
            return True

    def wait(self, workspace: str, address: str, waiter: Waiter) -> bool:
        """At the end of the line."""
        with self._ground.lock, self._ground.faults.effect("addresses.wait"):
            stored = self._holders.get((workspace, address))
            if stored is None:
                return False
            if waiter not in stored.waiters:
                line = (*stored.waiters, waiter)[-WAITERS_LIMIT:]
                self._holders[workspace, address] = stored._replace(etag=self._ground.etag(), waiters=line)
            return True

    def release(self, workspace: str, address: str, holder: Holder) -> Sequence[Waiter]:
        """Free it if this holder has it."""
        with self._ground.lock, self._ground.faults.effect("addresses.release"):
            stored = self._holders.get((workspace, address))
            if stored is None or not _frees(holder, stored):
                return ()
            del self._holders[workspace, address]
            return stored.waiters

    def peek(self, workspace: str, addresses: Iterable[str]) -> Mapping[str, Holder]:
        """Who holds these now."""
        with self._ground.lock:
            self._ground.faults.read("addresses.peek")
            return {a: self._holders[workspace, a] for a in set(addresses) if (workspace, a) in self._holders}

    def all(self, workspace: str) -> Mapping[str, Holder]:
        """Every address of a workspace: for the assertions of tests, the port has no such thing."""
        return {address: holder for (owner, address), holder in self._holders.items() if owner == workspace}


class FakeManualAccounts:
    """See `sync.ports.ManualAccounts`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._accounts: Rows[ManualAccount] = Rows(ground)

    def save(self, account: ManualAccount) -> ManualAccount:
        """Conditional."""
        with self._ground.lock, self._ground.faults.effect("accounts.save"):
            return self._accounts.put((account.workspace, account.account_id), account)

    def get(self, workspace: str, account_id: str) -> ManualAccount | None:
        """One of this workspace."""
        with self._ground.lock:
            self._ground.faults.read("accounts.get")
            return self._accounts.get((workspace, account_id))

    def delete(self, account: ManualAccount) -> None:
        """Conditional; gone already is fine."""
        key = (account.workspace, account.account_id)
        with self._ground.lock, self._ground.faults.effect("accounts.delete"):
            if self._accounts.get(key) is not None:
                self._accounts.check(key, account.etag)
                self._accounts.drop(key)

    def page(self, workspace: str, cursor: str, limit: int) -> tuple[Sequence[ManualAccount], str]:
        """In the order of account ids."""
        with self._ground.lock:
            self._ground.faults.read("accounts.page")
            if cursor and not cursor.isalnum():
                raise BadCursor("a cursor is not ours")
            left = [account for key, account in self._accounts.under(workspace) if key[1] > cursor]
            return left[:limit], left[limit - 1].account_id if len(left) > limit else ""


def _same_person(stored: Holder, holder: Holder) -> bool:
    return bool(holder.scope) and (stored.scope, stored.object_id) == (holder.scope, holder.object_id)


def _frees(holder: Holder, stored: Holder) -> bool:
    if _same_person(stored, holder):
        return stored.order <= holder.order
    return bool(holder.account_id) and stored.account_id == holder.account_id


def _batches(addresses: Sequence[str]) -> Iterable[list[str]]:
    partitions: dict[str, list[str]] = {}
    for address in addresses:
        partitions.setdefault(address_key(address)[0], []).append(address)
    for partition in partitions.values():
        for start in range(0, len(partition), 100):
            yield partition[start : start + 100]
