"""Who holds which address, and accounts made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Waiter(NamedTuple):
    """A person who wants an address that another holds."""

    scope: str
    object_id: str


WAITERS_LIMIT = 20  # of an address; who waited longest gives way, and is decided about in the next full pass


class Holder(NamedTuple):
    """Who holds an address in a workspace. A manual account that is not linked has an empty scope. `order` is that of
    the person's news by which they claimed it last. `former` is the object id of who had address and account before
    they moved on to this one. `waiters` are told by the row, and ignored in what is given to a method.
    """

    account_id: str
    scope: str
    object_id: str
    etag: str
    waiters: tuple[Waiter, ...] = ()
    order: int = 0
    former: str = ""


class Addresses(Protocol):
    """Who holds which (folded) address in a workspace. The row's existence is the uniqueness of the address."""

    def claim(self, workspace: str, wants: Mapping[str, Holder]) -> Mapping[str, Holder]:
        """Address -> wanted holder (etag ignored). Inserts where nobody holds it, in batches; returns for every
        address who holds it now: the wanted holder itself, or whoever came before. A person who held it already
        holds it by the newer of the two orders from then on. Raises Conflict when that one's row changed meanwhile.
        """

    def transfer(self, workspace: str, address: str, present: Holder, to: Holder) -> bool:
        """Give an address from one holder to another, conditional on the present one's etag; False when it lost.
        Who waited goes on waiting, but the new holder.
        """

    def wait(self, workspace: str, address: str, waiter: Waiter) -> bool:
        """Have a person wait for an address, at the end of the line of WAITERS_LIMIT; False when nobody holds it."""

    def release(self, workspace: str, address: str, holder: Holder) -> Sequence[Waiter]:
        """Free an address if this holder (scope and object id, or account id) has it and did not claim it again by
        newer news than `holder.order`; otherwise do nothing. Answers with those who waited for it.
        """

    def peek(self, workspace: str, addresses: Iterable[str]) -> Mapping[str, Holder]:
        """Who holds these addresses now; nobody: not in the answer. Many are read by one scan."""


@dataclass(frozen=True, slots=True)
class ManualAccount:
    """An account made by hand in the workspace. Once linked, its person's row speaks for it."""

    account_id: str
    workspace: str
    address: str
    name: str
    created_at: str
    linked_scope: str = ""
    linked_person: str = ""
    employee_id: str = ""  # as typed; what it is matched by is folded
    etag: str = ""


class ManualAccounts(Protocol):
    """Accounts that did not come from a directory."""

    def save(self, account: ManualAccount) -> ManualAccount:
        """Conditional on the etag; insert when it is empty."""

    def get(self, workspace: str, account_id: str) -> ManualAccount | None:
        """One account of this workspace."""

    def delete(self, account: ManualAccount) -> None:
        """Conditional on the etag; nothing where there is no such account any more. Raises Conflict."""

    def page(self, workspace: str, cursor: str, limit: int) -> tuple[Sequence[ManualAccount], str]:
        """The next `limit` accounts and the cursor to go on with (empty at the end)."""
