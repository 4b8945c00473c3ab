"""When a connection has been silent for too long: nothing failed loudly, and yet nothing was read to its end."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.clock import parse_iso
from sync.core.connection import Connection, ConnectionState, Reader

SHORTEST = timedelta(hours=1)  # Graph may throttle a tenant for a while; that is no silence yet
PULLS, PASSES = 6, 2  # so many intervals without success are too many


def last_read(reader: Reader) -> str:
    """When the reading began that both feeds were last read to their end by, ISO; empty before there was one. A feed
    that may not be read, or that waits for a full pass to give it a cursor, does not count.
    """
    times = [feed.pulled_at for feed in reader.feeds.values() if feed.pulled_at and not feed.frozen]
    return min(times, default="")


def silent_since(
    connection: Connection, reader: Reader, now: datetime, *, pull_interval: float, full_pass_interval: float
) -> str:
    """Since when there was no success, ISO; empty while all is well, and where the admin has been told why already.
    Intervals are seconds.
    """
    if connection.problem is not None:
        return ""
    patience: dict[str, timedelta] = {}
    if connection.state is ConnectionState.IMPORTING and not connection.first_pass_done:
        patience[connection.started_at] = PASSES * timedelta(seconds=full_pass_interval)
    elif connection.state is ConnectionState.CONNECTED:
        patience[reader.passed_at] = PASSES * timedelta(seconds=full_pass_interval)
        patience[last_read(reader)] = max(SHORTEST, PULLS * timedelta(seconds=pull_interval))
    return min((at for at, longest in patience.items() if at and now - parse_iso(at) > longest), default="")
