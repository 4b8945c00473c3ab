"""Who gets an address: the only place where two people, or a person and a manual account, can meet.

An address belongs to one account of a workspace: its row in `addresses` is that fact. A person may take over an
address from an unlinked manual account (they are linked), from a person who is gone (the account moves on, with its
history), or from a person whom the directory gives another address by now. Every takeover first writes the other
side's row, so that whoever is in the middle of changing it fails on its etag and decides again; then the address row
changes hands on its own etag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.clock import iso
from shared.errors import Conflict
from sync.core.connection import Connection, shard_of
from sync.core.counting import recount
from sync.core.decide import Claim, account_id_for, new_account_id
from sync.core.eligibility import GONE
from sync.core.model import AccountState, Action, ActivityEntry, Hand, MailMark, PersonRecord, Reason
from sync.core.person import address_of
from sync.ports import Activity, Holder
from sync.usecases.services import Services

Wants = Mapping[str, tuple[str, str]]  # object id -> (address wanted, account the person has already or "")


def resolve(
    services: Services, connection: Connection, wants: Wants, news: Mapping[str, PersonRecord], run: str
) -> dict[str, Claim]:
    """Claim addresses for people. `news` has everybody of the batch as the directory tells them now, so that two who
    swap addresses, or one who left and the other who came back, meet at once. Raises Transient and Conflict (decide
    again) as the ports do.
    """
    scope = connection.scope
    first: dict[str, str] = {}
    for object_id, (address, _) in wants.items():
        first.setdefault(address, object_id)
    holders = services.addresses.claim(
        connection.workspace,
        {address: _self(scope, news[person]) for address, person in first.items()},
    )
    claims = {}
    for object_id, (address, account_id) in wants.items():
        if first[address] != object_id:
            claims[object_id] = Claim(granted=False, holder=first[address])
            continue
        claims[object_id] = _settle(services, connection, object_id, address, account_id, holders[address], news, run)
    return claims


def foresee(services: Services, connection: Connection, wants: Wants) -> dict[str, Claim]:
    """What `resolve` would answer, writing nothing: for plans and explanations."""
    held = services.addresses.peek(connection.workspace, {address for address, _ in wants.values()})
    claims, taken = {}, dict[str, str]()
    for object_id, (address, account_id) in wants.items():
        holder = held.get(address)
        if address in taken:
            claims[object_id] = Claim(granted=False, holder=taken[address])
        elif holder is None or (holder.scope, holder.object_id) == (connection.scope, object_id):
            taken[address] = object_id
            claims[object_id] = Claim(
                granted=True, account_id=account_id or new_account_id(connection.scope, object_id)
            )
        elif not holder.scope and not account_id:
            taken[address] = object_id
            claims[object_id] = Claim(granted=True, account_id=holder.account_id, linked=True)
        else:
            claims[object_id] = Claim(granted=False, holder=holder.object_id or holder.account_id)
    return claims


def holder_of(connection: Connection, record: PersonRecord) -> Holder:
    """A person as the holder of their address."""
    return Holder(record.account_id, connection.scope, record.object_id, "")


def _self(scope: str, record: PersonRecord) -> Holder:
    return Holder(account_id_for(scope, record), scope, record.object_id, "")


def _settle(
    services: Services,
    connection: Connection,
    object_id: str,
    address: str,
    account_id: str,
    holder: Holder,
    news: Mapping[str, PersonRecord],
    run: str,
) -> Claim:
    scope = connection.scope
    if (holder.scope, holder.object_id) == (scope, object_id):
        return _own(services, connection, news[object_id], holder)
    if not holder.scope:
        if account_id:  # has an account of their own already: two accounts are never merged
            return Claim(granted=False, holder=holder.account_id)
        return _link(services, connection, object_id, address, holder)
    if holder.scope == scope:
        return _succeed(services, connection, object_id, address, account_id, holder, news, run)
    return Claim(granted=False, holder=holder.object_id)


def _own(services: Services, connection: Connection, record: PersonRecord, holder: Holder) -> Claim:
    if holder.account_id == account_id_for(connection.scope, record):
        return Claim(granted=True, account_id=holder.account_id)
    # Taken over in an attempt that did not get to its end: by linking, or from a person who is gone.
    linked = services.accounts.get(connection.workspace, holder.account_id) is not None
    return Claim(granted=True, account_id=holder.account_id, linked=linked, rehired=not linked)


def _link(services: Services, connection: Connection, object_id: str, address: str, holder: Holder) -> Claim:
    account = services.accounts.get(connection.workspace, holder.account_id)
    mine = (connection.scope, object_id)
    if account is not None and (account.linked_scope, account.linked_person) not in {("", ""), mine}:
        return Claim(granted=False, holder=holder.account_id)
    if account is not None and not account.linked_person:
        services.accounts.save(replace(account, linked_scope=mine[0], linked_person=mine[1]))
    to = Holder(holder.account_id, *mine, "")
    if not services.addresses.transfer(connection.workspace, address, holder, to):
        raise Conflict("the address changed hands meanwhile")
    return Claim(granted=True, account_id=holder.account_id, linked=True)


def _succeed(
    services: Services,
    connection: Connection,
    object_id: str,
    address: str,
    account_id: str,
    holder: Holder,
    news: Mapping[str, PersonRecord],
    run: str,
) -> Claim:
    shard, now = shard_of(holder.object_id, connection.digits), iso(services.clock.now())
    loaded = services.people.load(connection.scope, shard, [holder.object_id])
    other = loaded.records.get(holder.object_id)
    if other is None:  # claimed by somebody whose row is about to be written
        return Claim(granted=False, holder=holder.object_id)
    told = news.get(holder.object_id, other)
    theirs = address_of(told.source)
    gone = told.presence in GONE and other.hand is Hand.NONE
    left_behind = theirs != address and (theirs != "" or other.address != address)
    if not gone and not left_behind:
        return Claim(granted=False, holder=holder.object_id)
    rehired = gone and not account_id and other.address == address
    after = _without(other, now) if rehired else _without_address(other, address)
    entry = ActivityEntry(other.object_id, Action.UPDATE, other.reason, _held(other), _held(after))
    services.people.commit(
        loaded,
        [after],
        recount(loaded.counts, [(other, after)]),
        Activity(run, 0, now, [entry]) if after is not other else None,
    )
    own = holder.account_id if rehired else account_id_for(connection.scope, news[object_id])
    to = Holder(own, connection.scope, object_id, "")
    if not services.addresses.transfer(connection.workspace, address, holder, to):
        raise Conflict("the address changed hands meanwhile")
    mark = other.mail if rehired else MailMark.NONE
    return Claim(granted=True, account_id=own, rehired=rehired, mail=mark, took_over=True)


def _held(record: PersonRecord) -> dict[str, str]:
    return {"account": record.account_id, "email": record.address}


def _without_address(record: PersonRecord, address: str) -> PersonRecord:
    """A person whose account gave an address up to whom the directory says it belongs; their own is claimed when
    they are decided about next.
    """
    if record.address != address:
        return record
    return replace(record, address="", fields={name: text for name, text in record.fields.items() if name != "email"})


def _without(record: PersonRecord, now: str) -> PersonRecord:
    """A person who is gone, after their account moved on to who they are now. The mail mark stays: once is once."""
    return replace(
        record,
        account_id="",
        account_state=AccountState.NONE,
        origin="",
        reason=Reason.LEFT,
        since=now,
        address="",
        fields={},
        held="",
        own={},
        audience=False,
        matched_by="",
    )
