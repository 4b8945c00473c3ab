"""Accounts that an admin makes by hand: the address first, as its row is what makes it unique in the workspace."""

from __future__ import annotations

from shared.clock import iso
from shared.errors import Conflict
from sync.core.address import parse_address
from sync.core.text import clean
from sync.ports import Holder, ManualAccount
from sync.usecases.matching import employee_row
from sync.usecases.services import Services


class NotAnAddress(Exception):
    """What was given cannot be an e-mail address."""


class EmployeeIdInUse(Conflict):
    """An account of this workspace has this employee id already."""


def create(services: Services, workspace: str, address: str, name: str, employee_id: str = "") -> ManualAccount:
    """Make one. Raises NotAnAddress, EmployeeIdInUse, or Conflict when an account of this workspace has the address
    already.

    Between the writes a crash leaves an address, and perhaps an employee id, that point to an account that was never
    stored; whoever comes next with the same ones finishes it.
    """
    folded, employee_id = parse_address(address), clean(employee_id)
    if not folded:
        raise NotAnAddress
    wanted = Holder(services.ids.hex(32), "", "", "")
    holder = services.addresses.claim(workspace, {folded: wanted})[folded]
    if holder.account_id != wanted.account_id and not _abandoned(services, workspace, holder):
        raise Conflict(f"account {holder.account_id} has this address")
    if row := employee_row(employee_id):
        _claim_employee_id(services, workspace, row, folded, holder)
    return services.accounts.save(
        ManualAccount(
            account_id=holder.account_id,
            workspace=workspace,
            address=folded,
            name=clean(name),
            created_at=iso(services.clock.now()),
            employee_id=employee_id,
        )
    )


def _claim_employee_id(services: Services, workspace: str, row: str, address: str, wanted: Holder) -> None:
    holder = services.addresses.claim(workspace, {row: wanted})[row]
    if holder.account_id == wanted.account_id:
        return
    if not _abandoned(services, workspace, holder):
        services.addresses.release(workspace, address, wanted)
        raise EmployeeIdInUse(f"account {holder.account_id} has this employee id")
    if not services.addresses.transfer(workspace, row, holder, wanted):
        raise Conflict("the employee id changed hands meanwhile")


def _abandoned(services: Services, workspace: str, holder: Holder) -> bool:
    """Whether a row was left by an attempt that did not get to its end."""
    return not holder.scope and services.accounts.get(workspace, holder.account_id) is None
