"""What claims are settled on: who holds which address of a workspace, and how that changes.

`Ledger` writes at once. `Foreseen` answers the same and writes nothing: what would have been written is remembered
over what is stored. So one way of settling serves applying and foreseeing, and they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from shared.clock import iso
from shared.errors import Conflict
from sync.core.connection import Connection, shard_of
from sync.core.counting import recount
from sync.core.decision import shown
from sync.core.model import Action, ActivityEntry, PersonRecord
from sync.ports import Activity, Holder, LoadedShard, ManualAccount, Waiter
from sync.usecases.services import Services

BESIDE = -1  # the part of what no part counts: whoever takes it up after a crash could not know


class Ledger:
    """Reads and conditional writes; each raises what the ports raise. `wake` is told who waits for what is freed."""

    def __init__(
        self, services: Services, connection: Connection, run: str, wake: Callable[[Sequence[Waiter]], None]
    ) -> None:
        self._services = services
        self._connection = connection
        self._run = run
        self._wake = wake
        self._loaded: dict[str, LoadedShard] = {}

    def claim(self, wants: Mapping[str, Holder]) -> Mapping[str, Holder]:
        """Address -> who holds it now: whoever wanted it, where nobody did."""
        return self._services.addresses.claim(self._connection.workspace, wants)

    def peek(self, addresses: Iterable[str]) -> Mapping[str, Holder]:
        """Who holds these."""
        return self._services.addresses.peek(self._connection.workspace, addresses)

    def transfer(self, address: str, present: Holder, to: Holder) -> None:
        """Give an address on. Raises Conflict when it changed hands meanwhile."""
        if not self._services.addresses.transfer(self._connection.workspace, address, present, to):
            raise Conflict("the address changed hands meanwhile")

    def free(self, address: str, account_id: str) -> None:
        """Free an address that an account has, if it has it still. Who waits for it is told before, lest a worker that
        is killed leaves them; and after, for whoever came at once found it held still.
        """
        present = self.peek([address]).get(address)
        if present is not None and present.account_id == account_id:
            self._wake(present.waiters)
        holder = Holder(account_id, "", "", "")
        self._wake(self._services.addresses.release(self._connection.workspace, address, holder))

    def account(self, account_id: str) -> ManualAccount | None:
        """An account made by hand."""
        return self._services.accounts.get(self._connection.workspace, account_id)

    def link(self, account: ManualAccount, object_id: str) -> None:
        """Let a person of this directory have an account made by hand. Raises Conflict when somebody else got it."""
        self._services.accounts.save(replace(account, linked_scope=self._connection.scope, linked_person=object_id))

    def record(self, object_id: str) -> PersonRecord | None:
        """A person of this directory as stored."""
        shard = shard_of(object_id, self._connection.digits)
        loaded = self._services.people.load(self._connection.scope, shard, [object_id])
        self._loaded[object_id] = loaded
        return loaded.records.get(object_id)

    def rewrite(self, before: PersonRecord, after: PersonRecord) -> None:
        """Write a person's row who gives something up, read by `record` before. Written also when nothing of it
        changed: whoever is in the middle of changing it fails on the etag and decides again.
        """
        loaded, now = self._loaded[before.object_id], iso(self._services.clock.now())
        entry = ActivityEntry(before.object_id, Action.YIELD, before.reason, _told(before), _told(after))
        activity = Activity(self._run, BESIDE, now, [entry]) if after != before else None
        self._services.people.commit(loaded, [after], recount(loaded.counts, [(before, after)]), activity)


class Foreseen(Ledger):
    """A ledger of what would be."""

    def __init__(self, services: Services, connection: Connection) -> None:
        super().__init__(services, connection, "", lambda _: None)
        self._holders: dict[str, Holder | None] = {}
        self._accounts: dict[str, ManualAccount] = {}
        self._records: dict[str, PersonRecord] = {}

    def claim(self, wants: Mapping[str, Holder]) -> Mapping[str, Holder]:
        """See `Ledger`."""
        present = self.peek(wants)
        self._holders.update({address: holder for address, holder in wants.items() if address not in present})
        return {address: present.get(address, holder) for address, holder in wants.items()}

    def peek(self, addresses: Iterable[str]) -> Mapping[str, Holder]:
        """See `Ledger`."""
        wanted = set(addresses)
        if unread := wanted - self._holders.keys():
            read = super().peek(unread)
            self._holders.update({address: read.get(address) for address in unread})
        return {address: holder for address in wanted if (holder := self._holders[address]) is not None}

    def transfer(self, address: str, present: Holder, to: Holder) -> None:
        """See `Ledger`."""
        self._holders[address] = to._replace(etag=present.etag, waiters=present.waiters)

    def free(self, address: str, account_id: str) -> None:
        """See `Ledger`."""
        holder = self.peek([address]).get(address)
        if holder is not None and holder.account_id == account_id:
            self._holders[address] = None

    def account(self, account_id: str) -> ManualAccount | None:
        """See `Ledger`."""
        return self._accounts.get(account_id) or super().account(account_id)

    def link(self, account: ManualAccount, object_id: str) -> None:
        """See `Ledger`."""
        linked = replace(account, linked_scope=self._connection.scope, linked_person=object_id)
        self._accounts[account.account_id] = linked

    def record(self, object_id: str) -> PersonRecord | None:
        """See `Ledger`."""
        return self._records.get(object_id) or super().record(object_id)

    def rewrite(self, before: PersonRecord, after: PersonRecord) -> None:
        """See `Ledger`."""
        self._records[before.object_id] = after


def _told(record: PersonRecord) -> dict[str, str]:
    """The account as the audit tells it, and which one it is: it may move on to somebody else."""
    return {**shown(record), "account": record.account_id}
