"""Accounts that an admin makes by hand: the address first, as its row is what makes it unique in the workspace."""

from __future__ import annotations

from shared.clock import iso
from shared.errors import Conflict
from sync.core.address import parse_address
from sync.core.text import clean
from sync.ports import Holder, ManualAccount
from sync.usecases.services import Services


class NotAnAddress(Exception):
    """What was given cannot be an e-mail address."""


def create(services: Services, workspace: str, address: str, name: str) -> ManualAccount:
    """Make one. Raises NotAnAddress, or Conflict when an account of this workspace has the address already.

    Between the two writes a crash leaves an address that points to an account that was never stored; whoever comes
    next with the same address finishes it.
    """
    folded = parse_address(address)
    if not folded:
        raise NotAnAddress
    wanted = Holder(services.ids.hex(32), "", "", "")
    holder = services.addresses.claim(workspace, {folded: wanted})[folded]
    ours = holder.account_id == wanted.account_id
    abandoned = not holder.scope and services.accounts.get(workspace, holder.account_id) is None
    if not ours and not abandoned:
        raise Conflict(f"account {holder.account_id} has this address")
    return services.accounts.save(
        ManualAccount(
            account_id=holder.account_id,
            workspace=workspace,
            address=folded,
            name=clean(name),
            created_at=iso(services.clock.now()),
        )
    )
