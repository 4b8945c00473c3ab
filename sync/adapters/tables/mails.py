"""`Mails` on table `mails`: a tenant is a partition.

`m:{hash}` is the claim and stays for ever. `i:{inverted time}:{hash}` is its copy for the list, newest first, and
`o:{hash}` exists while it is open (due or sending), so that finding lost ones reads no more than those. All three are
written in one transaction with the claim first: it carries the etag.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.clock import iso, parse_iso
from shared.errors import Conflict, Defect
from sync.adapters.tables import keys
from sync.adapters.tables.shape import Shape
from sync.adapters.tables.table import Operation, Table, etag_of
from sync.core.runs import Mail, MailState
from sync.ports import BadCursor

MAIL = Shape(Mail)
CLAIMS = 33  # claims a transaction: three rows each
_OPEN = frozenset({MailState.DUE, MailState.SENDING})
_LATEST = 10**13 - 1  # milliseconds since 1970, in the year 2286


class TableMails:
    """See `sync.ports.Mails`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, mails: Sequence[Mail]) -> None:
        """Insert; where some exist, leave those out and insert the rest."""
        by_tenant: dict[str, dict[str, Mail]] = {}
        for mail in mails:
            by_tenant.setdefault(keys.guid(mail.tenant_id), {}).setdefault(_hash(mail), mail)
        for tenant, claims in by_tenant.items():
            names = list(claims)
            for start in range(0, len(names), CLAIMS):
                self._claim(tenant, {name: claims[name] for name in names[start : start + CLAIMS]})

    def get(self, tenant_id: str, object_id: str, generation: int) -> Mail | None:
        """One claim."""
        return self._get(keys.guid(tenant_id), _hash_of(object_id, generation))

    def save(self, mail: Mail) -> Mail:
        """The claim and its copies, conditional on the claim's etag."""
        if not mail.etag:
            raise Defect("a mail is claimed before it is saved")
        try:
            etag = self._save(mail, _rows(mail, mail.etag))
        except Conflict:  # or it was closed before: there is no open row to delete
            if mail.state in _OPEN:
                raise
            etag = self._save(mail, _rows(mail, mail.etag)[:2])
        return replace(mail, etag=etag)

    def page(self, tenant_id: str, cursor: str, limit: int) -> tuple[Sequence[Mail], str]:
        """Newest first."""
        moment, _, name = cursor.partition(":")
        if cursor and not (moment.isdecimal() and keys.is_hex(name)):
            raise BadCursor("a cursor is not ours")
        found: list[Mail] = []
        place = ""
        after = f"i:{cursor}" if cursor else ""
        for row in self._table.rows(keys.guid(tenant_id), "i:", "i;", after=after, limit=limit + 1):
            if len(found) == limit:
                return found, place
            found.append(MAIL.decode(row, ""))
            place = row["RowKey"][2:]
        return found, ""

    def due(self, tenant_id: str, before: datetime) -> Sequence[Mail]:
        """Oldest first."""
        open_ones = [row["RowKey"][2:] for row in self._table.rows(keys.guid(tenant_id), "o:", "o;")]
        mails = (self._get(tenant_id, name) for name in open_ones)
        found = [mail for mail in mails if mail is not None and mail.state is MailState.DUE]
        return sorted((one for one in found if one.created_at < iso(before)), key=lambda one: one.created_at)

    def _get(self, tenant_id: str, name: str) -> Mail | None:
        row = self._table.get(tenant_id, f"m:{name}")
        return None if row is None else MAIL.decode(row, etag_of(row))

    def _claim(self, tenant_id: str, claims: dict[str, Mail]) -> None:
        while claims:
            try:
                self._table.transact(tenant_id, [row for mail in claims.values() for row in _rows(mail, "")])
            except Conflict:
                present = {name for name in claims if self._get(tenant_id, name) is not None}
                if not present:
                    raise
                claims = {name: mail for name, mail in claims.items() if name not in present}
                continue
            return

    def _save(self, mail: Mail, rows: Sequence[Operation]) -> str:
        etags = self._table.transact(keys.guid(mail.tenant_id), rows)
        if etags:
            return etags[0]
        again = self._get(mail.tenant_id, _hash(mail))  # written, but the reply was lost
        return "" if again is None else again.etag


def _rows(mail: Mail, etag: str) -> list[Operation]:
    """The claim, its copy for the list, and the open row: made, kept or deleted as the state wants it."""
    columns = MAIL.encode(mail)
    name = _hash(mail)
    moment = _LATEST - int(parse_iso(mail.created_at).timestamp() * 1000)
    return [
        Operation(f"m:{name}", columns, etag),
        Operation(f"i:{moment:013d}:{name}", columns, kind="put"),
        Operation(f"o:{name}", {"data": "{}"}, kind="put" if mail.state in _OPEN else "delete"),
    ]


def _hash(mail: Mail) -> str:
    return _hash_of(mail.object_id, mail.generation)


def _hash_of(object_id: str, generation: int) -> str:
    return hashlib.sha256(f"{object_id}:{generation}".encode()).hexdigest()[:32]
