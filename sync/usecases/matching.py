"""Which account made by hand a person is, where the address alone does not say it: by alias, by employee id.

Only accounts that nobody is linked to are candidates, and only for people without an account. Everything is compared
folded, on both sides. An employee id of an account has a row in `addresses` like an address, so that an account is
found by it, and so that it is unique in the workspace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sync.core.connection import Connection
from sync.core.eligibility import GONE
from sync.core.model import MatchedBy, PersonRecord
from sync.core.person import address_of, aliases_of
from sync.core.sync_settings import MatchBy
from sync.core.text import clean, fold
from sync.ports import Holder, ManualAccount
from sync.usecases.ledger import Ledger


class Candidate(NamedTuple):
    """What matching found for a person. Without an `account_id` it is another's: `rival` is who has it, or one of
    several accounts that match alike, and `at` the row that says so. Where it `blocks`, the person gets no account of
    their own instead.
    """

    by: MatchBy
    account_id: str = ""
    rival: str = ""
    at: str = ""
    blocks: bool = False


def employee_row(value: object) -> str:
    """The row of an employee id in `addresses`; empty when there is none."""
    folded = fold(clean(value))
    return f"#employee:{folded}" if folded else ""


def rank(connection: Connection, by: MatchBy) -> int:
    """The place of a way of matching in the admin's order; after all others when it is not chosen."""
    order = connection.settings.matching
    return order.index(by) if by in order else len(order)


def how(connection: Connection, account: ManualAccount, record: PersonRecord) -> MatchedBy:
    """By what a person matches an account: the first way in the admin's order that does."""
    holds: Mapping[MatchBy, bool] = {
        "address": account.address == address_of(record.source),
        "alias": account.address in aliases_of(record.source),
        "employee_id": bool(account.employee_id) and employee_row(account.employee_id) == _employee_row(record),
    }
    return next((by for by in connection.settings.matching if holds[by]), "")


def candidates(
    ledger: Ledger,
    connection: Connection,
    wants: Mapping[str, str],
    news: Mapping[str, PersonRecord],
    contested: Mapping[str, str],
) -> dict[str, Candidate]:
    """The candidate of each of these people, who have no account (object id -> address), by the first of the ways but
    the address that finds one. An account is nobody's candidate twice: of two people the one whose way comes first in
    the order has it, of two by the same way the one who comes first here. Of people of several shards `contested` says
    it.
    """
    ways = [by for by in connection.settings.matching if by != "address"]
    rows = {person: [(by, row) for by in ways for row in _rows(by, news[person])] for person in wants}
    held = ledger.peek({row for found in rows.values() for _, row in found}) if any(rows.values()) else {}
    found = {
        person: candidate
        for person in wants
        if (candidate := _first(ledger, connection, person, rows[person], held, news)) is not None
    }
    at, by_address = rank(connection, "address"), _by_address(ledger, connection, wants, found)
    taken = dict(contested)
    for person in sorted(found, key=lambda one: rank(connection, found[one].by)):
        candidate = found[person]
        account_id, place = candidate.account_id, rank(connection, candidate.by)
        if at < place and account_id in by_address:
            taken.setdefault(account_id, by_address[account_id])
        if account_id and (rival := taken.setdefault(account_id, person)) != person:
            found[person] = candidate._replace(account_id="", rival=rival, blocks=candidate.by == "employee_id")
    return found


def _by_address(
    ledger: Ledger, connection: Connection, wants: Mapping[str, str], found: Mapping[str, Candidate]
) -> dict[str, str]:
    """Whose own address an account has that was found for somebody by a later way."""
    first: dict[str, str] = {}
    for person, address in wants.items():
        first.setdefault(address, person)
    at = rank(connection, "address")
    later = {one.account_id for one in found.values() if one.account_id and at < rank(connection, one.by)}
    accounts = (account for account_id in sorted(later) if (account := ledger.account(account_id)) is not None)
    return {account.account_id: first[account.address] for account in accounts if account.address in first}


def _rows(by: MatchBy, record: PersonRecord) -> Sequence[str]:
    if by == "alias":
        return aliases_of(record.source)
    row = _employee_row(record)
    return (row,) if row else ()


def _employee_row(record: PersonRecord) -> str:
    return employee_row(record.source.get("employeeId"))


def _first(
    ledger: Ledger,
    connection: Connection,
    person: str,
    rows: Sequence[tuple[MatchBy, str]],
    held: Mapping[str, Holder],
    news: Mapping[str, PersonRecord],
) -> Candidate | None:
    for by in dict.fromkeys(by for by, _ in rows):
        there = {row: held[row] for way, row in rows if way == by and row in held}
        free = {holder.account_id: row for row, holder in there.items() if not holder.scope}
        if len(free) == 1:
            account_id, row = next(iter(free.items()))
            return Candidate(by, account_id, at=row)
        if free:  # equals: nobody can say which
            return Candidate(by, rival=min(free), at=free[min(free)], blocks=True)
        if by == "employee_id":
            for row, holder in there.items():
                if holder.object_id != person and _alive(ledger, connection, holder, news):
                    return Candidate(by, rival=holder.object_id, at=row, blocks=True)
    return None


def _alive(ledger: Ledger, connection: Connection, holder: Holder, news: Mapping[str, PersonRecord]) -> bool:
    """Whether somebody an account is linked to is still there: then another with their employee id is a conflict."""
    if holder.scope != connection.scope:
        return True
    told = news.get(holder.object_id) or ledger.record(holder.object_id)
    return told is not None and told.presence not in GONE
