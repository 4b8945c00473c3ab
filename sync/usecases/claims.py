"""Who gets an address: the only place where two people, or a person and a manual account, can meet.

An address belongs to one account of a workspace: its row in `addresses` is that fact. A person may take over an
address from an unlinked manual account (they are linked), from a person who is gone (the account moves on, with its
history), or from a person whom the directory gives another address by now. Every takeover first writes the other
side's row, so that whoever is in the middle of changing it fails on its etag and decides again; then the address row
changes hands on its own etag.

A person linked by alias or employee id claims their own address with that account's id; then the account is linked,
then what it was found by is freed or handed over. Whoever takes this up after a crash finds the address row naming
the account, and goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from shared.clock import iso
from shared.errors import Conflict
from sync.core.connection import Connection
from sync.core.decide import account_id_for, wanted_address
from sync.core.decision import Claim
from sync.core.eligibility import GONE
from sync.core.model import AccountState, Hand, MailMark, PersonRecord, Reason
from sync.core.person import address_of
from sync.core.scope import Policy
from sync.ports import Holder, ManualAccount, Waiter
from sync.usecases import matching, waiting
from sync.usecases.ledger import Foreseen, Ledger
from sync.usecases.matching import Candidate
from sync.usecases.services import Services

Wants = Mapping[str, tuple[str, str]]  # object id -> (address wanted, account the person has already or "")
News = Mapping[str, PersonRecord]


class Denied(NamedTuple):
    """A row that another holds, and a person who wants it."""

    at: str
    object_id: str


def resolve(
    services: Services,
    connection: Connection,
    policy: Policy,
    wants: Wants,
    news: News,
    run: str,
    contested: Mapping[str, str],
) -> dict[str, Claim]:
    """Claim addresses for people. `policy` is what they are decided by; `news` has everybody of the batch as the
    directory tells them now, so that two who swap addresses, or one who left and the other who came back, meet at once.
    Who is refused waits for the address. `contested` says of accounts that several match whose they are to be. Raises
    Transient and Conflict (decide again) as the ports do.
    """
    ledger = Ledger(services, connection, run, lambda waiters: waiting.wake(services, connection, waiters))
    settling = _Settling(ledger, connection, policy, wants, news, iso(services.clock.now()), contested)
    claims = settling.all()
    if settling.denied and _wait(services, connection, settling.denied):
        # The holder may have left before we stood in line: nobody would tell us. Look once more.
        refused = _refused(wants, settling.denied)
        again = _Settling(ledger, connection, policy, refused, news, settling.now, contested)
        claims.update(again.all())
    return claims


def _refused(wants: Wants, denied: Sequence[Denied]) -> Wants:
    """The wishes of the denied, in the order of all: who is first among equals stays so."""
    people = {one.object_id for one in denied}
    return {person: wish for person, wish in wants.items() if person in people}


def foresee(services: Services, connection: Connection, policy: Policy, wants: Wants, news: News) -> dict[str, Claim]:
    """What `resolve` would answer, writing nothing: for plans and explanations."""
    ledger, now = Foreseen(services, connection), iso(services.clock.now())
    return _Settling(ledger, connection, policy, wants, news, now, {}).all()


def _wait(services: Services, connection: Connection, denied: Sequence[Denied]) -> bool:
    """Have the denied wait; whether any of them did not before."""
    held = services.addresses.peek(connection.workspace, {one.at for one in denied})
    anybody = False
    for at, object_id in denied:
        waiter = Waiter(connection.scope, object_id)
        if at in held and waiter in held[at].waiters:
            continue
        if not services.addresses.wait(connection.workspace, at, waiter):
            raise Conflict("the address was freed meanwhile")
        anybody = True
    return anybody


class _Settling:
    """One batch of claims, settled in order. `denied` has who was refused in the end, and by which row."""

    def __init__(
        self,
        ledger: Ledger,
        connection: Connection,
        policy: Policy,
        wants: Wants,
        news: News,
        now: str,
        contested: Mapping[str, str],
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._policy = policy
        self._wants = wants
        self._news = news
        self._contested = contested
        self.now = now
        self.denied: list[Denied] = []

    def all(self) -> dict[str, Claim]:
        """The answer for everybody: who is refused is looked at again for as long as anybody is granted something,
        because that may have ended what stood in the way.
        """
        claims = self._round(self._wants)
        while self.denied:
            again = self._round(_refused(self._wants, self.denied))
            claims.update(again)
            if not any(claim.granted for claim in again.values()):
                break
        return claims

    def _round(self, wants: Wants) -> dict[str, Claim]:
        self.denied = []
        without = {person: address for person, (address, account_id) in wants.items() if not account_id}
        candidates = matching.candidates(self._ledger, self._connection, without, self._news, self._contested)
        claims = self._blocked(candidates)
        left = [person for person in wants if person not in claims]
        left.sort(key=lambda person: self._rank(candidates.get(person)))
        first: dict[str, str] = {}
        for person in left:
            first.setdefault(wants[person][0], person)
        holders = self._ledger.claim(
            {address: self._self(person, candidates.get(person)) for address, person in first.items()}
        )
        for person in left:
            address = wants[person][0]
            holder = holders[address]
            if first[address] != person:
                if claims[first[address]].granted:
                    claims[person] = self._deny(person, address, first[address])
                    continue
                first[address] = person  # what stood in the way of the first need not be in this one's
                holder = self._ledger.peek([address]).get(address, holder)
            claims[person] = self._settle(person, holder, candidates.get(person))
        return claims

    def _blocked(self, candidates: Mapping[str, Candidate]) -> dict[str, Claim]:
        """Who gets no account because nobody can say which, or another has it; unless their address decides first."""
        blocked = {person: candidate for person, candidate in candidates.items() if candidate.blocks}
        held = self._ledger.peek({self._wants[person][0] for person in blocked}) if blocked else {}
        return {
            person: self._deny(person, candidate.at, candidate.rival)
            for person, candidate in blocked.items()
            if self._wants[person][0] not in held
        }

    def _deny(self, person: str, at: str, holder: str) -> Claim:
        self.denied.append(Denied(at, person))
        return Claim(granted=False, holder=holder)

    def _rank(self, candidate: Candidate | None) -> int:
        return matching.rank(self._connection, candidate.by if candidate and candidate.account_id else "address")

    def _self(self, person: str, candidate: Candidate | None) -> Holder:
        scope = self._connection.scope
        found = candidate.account_id if candidate else ""
        return self._holder(person, found or account_id_for(scope, self._news[person]))

    def _holder(self, person: str, account_id: str) -> Holder:
        return Holder(account_id, self._connection.scope, person, "", order=self._news[person].order)

    def _settle(self, person: str, holder: Holder, candidate: Candidate | None) -> Claim:
        scope = self._connection.scope
        address, account_id = self._wants[person]
        if (holder.scope, holder.object_id) == (scope, person):
            return self._own(person, holder, candidate)
        if not holder.scope:
            by_address = matching.rank(self._connection, "address") <= self._rank(candidate)
            chosen = "address" in self._connection.settings.matching
            if account_id or not by_address or not chosen:  # two accounts are never merged
                return self._deny(person, address, holder.account_id)
            if (winner := self._contested.get(holder.account_id, person)) != person:
                return self._deny(person, address, winner)
            return self._link(person, holder, candidate)
        if holder.scope == scope:
            return self._succeed(person, holder)
        return self._deny(person, address, holder.object_id)

    def _own(self, person: str, holder: Holder, candidate: Candidate | None) -> Claim:
        rival = candidate.rival if candidate else ""
        own = account_id_for(self._connection.scope, self._news[person])
        if holder.account_id == own:
            return Claim(granted=True, account_id=own, holder=rival)
        if holder.former and not self._wants[person][1]:  # in an attempt that did not get to its end
            return self._rehired(person, holder.account_id, self._ledger.record(holder.former))
        account = self._ledger.account(holder.account_id)
        if account is not None:
            mine = (account.linked_scope, account.linked_person) == (self._connection.scope, person)
            wanted = candidate is not None and candidate.account_id == account.account_id
            if mine or (wanted and not account.linked_person):
                return self._linked(person, account)
        self._ledger.transfer(self._wants[person][0], holder, holder._replace(account_id=own))
        return Claim(granted=True, account_id=own, holder=rival)

    def _link(self, person: str, holder: Holder, candidate: Candidate | None) -> Claim:
        account = self._ledger.account(holder.account_id)
        mine = (self._connection.scope, person)
        if account is not None and (account.linked_scope, account.linked_person) not in {("", ""), mine}:
            return self._deny(person, self._wants[person][0], holder.account_id)
        claim = Claim(granted=True, account_id=holder.account_id, linked=True, by="address")
        if account is not None:
            claim = self._linked(person, account)
        self._ledger.transfer(self._wants[person][0], holder, self._holder(person, holder.account_id))
        other = candidate is not None and candidate.account_id != holder.account_id
        return replace(claim, holder=candidate.account_id or candidate.rival) if candidate and other else claim

    def _linked(self, person: str, account: ManualAccount) -> Claim:
        """Link an account and give up what it was found by. May be repeated."""
        if not account.linked_person:
            self._ledger.link(account, person)
        if account.address != self._wants[person][0]:
            self._ledger.free(account.address, account.account_id)
        self._take_employee_id(person, account)
        by = matching.how(self._connection, account, self._news[person])
        return Claim(granted=True, account_id=account.account_id, linked=True, by=by)

    def _take_employee_id(self, person: str, account: ManualAccount) -> None:
        """Have an account's employee id be the person's who has the account."""
        row = matching.employee_row(account.employee_id)
        present = self._ledger.peek([row]).get(row) if row else None
        if present is not None and present.account_id == account.account_id and present.object_id != person:
            self._ledger.transfer(row, present, self._holder(person, account.account_id))

    def _succeed(self, person: str, holder: Holder) -> Claim:
        address, account_id = self._wants[person]
        other = self._ledger.record(holder.object_id)
        if other is None:  # claimed by somebody whose row is about to be written
            return self._deny(person, address, holder.object_id)
        told = self._news.get(holder.object_id, other)
        gone = told.presence in GONE
        if not gone and self._keeps(other, told, address):
            return self._deny(person, address, holder.object_id)
        moved = not other.account_id and other.mail is not MailMark.NONE  # theirs, in an attempt that was killed then
        if gone and not account_id and (other.address == address or moved):
            self._ledger.rewrite(other, _without(other, self.now))
            claim = self._rehired(person, holder.account_id, other)
            to = self._holder(person, holder.account_id)._replace(former=holder.object_id)
            self._ledger.transfer(address, holder, to)
            return replace(claim, took_over=True)
        self._ledger.rewrite(other, _without_address(other, address))
        own = account_id_for(self._connection.scope, self._news[person])
        self._ledger.transfer(address, holder, self._holder(person, own))
        return Claim(granted=True, account_id=own, took_over=True)

    def _keeps(self, other: PersonRecord, told: PersonRecord, address: str) -> bool:
        """Whether somebody who is there may keep an address: their account has it and the directory names no other, or
        they are about to get it.
        """
        if other.address == address:
            return address_of(told.source) in {"", address}
        return wanted_address(told, self._policy) == address

    def _rehired(self, person: str, account_id: str, former: PersonRecord | None) -> Claim:
        """An account goes on with who its person is now. May be repeated."""
        account = self._ledger.account(account_id)
        if account is not None:  # made by hand once
            if account.linked_person != person:
                self._ledger.link(account, person)
            self._take_employee_id(person, account)
        return Claim(True, account_id, linked=account is not None, rehired=True, former=former)


def _without_address(record: PersonRecord, address: str) -> PersonRecord:
    """A person whose account gave an address up to whom the directory says it belongs; their own is claimed when
    they are decided about next.
    """
    if record.address != address:
        return record
    return replace(record, address="", fields={name: text for name, text in record.fields.items() if name != "email"})


def _without(record: PersonRecord, now: str) -> PersonRecord:
    """A person who is gone, after their account moved on to who they are now. The mail mark stays: once is once. What
    an admin did by hand stays as well, for whoever takes this up again finds it here and nowhere else.
    """
    return replace(
        record,
        account_id="",
        account_state=AccountState.NONE,
        origin="",
        reason=Reason.ADMIN if record.hand is Hand.BLOCKED else Reason.LEFT,
        since=now if record.account_id else record.since,
        address="",
        conflict_with="",
        fields={},
        held="",
        audience=False,
        matched_by="",
    )
