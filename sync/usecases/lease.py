"""The lease of a connection's one reader: taken, prolonged and given back by conditional writes.

    take                checkpoint (prolongs)         give back
    ├── LEASE seconds ──┼── LEASE seconds ────────────┤ free
    fence n             fence n                       fence n      next reader: fence n + 1

A reader that was slow or killed loses the lease when it ends; whoever takes it then has a higher fence, and every
later write of the old reader fails on the row's etag (`Conflict`), before or after it noticed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.clock import iso, parse_iso
from shared.errors import Conflict
from sync.core.connection import ConnectionView, Reader
from sync.core.model import PersonRecord, make_order
from sync.usecases.services import Services

LEASE = timedelta(seconds=90)  # a page takes at most 30 s, a checkpoint follows every block of at most 20 s


def take(services: Services, view: ConnectionView) -> Reader | None:
    """Become the reader; None while somebody else is, or was first."""
    now = services.clock.now()
    reader = view.reader
    if reader.lease_until > iso(now):
        return None
    taken = replace(reader, fence=reader.fence + 1, lease_until=iso(now + LEASE), lease_owner=services.ids.hex(8))
    try:
        return services.connections.save_reader(view.connection, taken)
    except Conflict:
        return None


def pause(services: Services, reader: Reader) -> timedelta:
    """How long Microsoft has asked us to leave the tenant alone; zero when we may read."""
    if not reader.retry_at:
        return timedelta(0)
    return max(timedelta(0), parse_iso(reader.retry_at) - services.clock.now())


def checkpoint(services: Services, view: ConnectionView, reader: Reader) -> Reader:
    """Store the reader's cursors and prolong the lease. Raises Conflict when it was lost."""
    held = replace(reader, lease_until=iso(services.clock.now() + LEASE))
    return services.connections.save_reader(view.connection, held)


def give_back(services: Services, view: ConnectionView, reader: Reader) -> Reader:
    """Store the reader's cursors and free the lease. Raises Conflict when it was lost."""
    return services.connections.save_reader(view.connection, replace(reader, lease_until="", lease_owner=""))


def order_for(view: ConnectionView, reader: Reader, page: int) -> int:
    """The order of the n-th page read under this lease."""
    return make_order(view.connection.epoch, reader.fence, page)


def order_beside(view: ConnectionView, stored: PersonRecord | None) -> int:
    """The order of a person read by id without the lease: newer than what is stored of them and than all that former
    readers read, older than whatever the present reader and later ones read from now on. What the present reader read
    shortly before may still come over it; the feed then tells of the change once more.
    """
    known = max(stored.order, stored.manager_order) if stored else 0
    return max(known, order_for(view, view.reader, 0)) + 1
