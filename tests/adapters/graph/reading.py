"""Reading a feed to its end."""

from __future__ import annotations

from sync.adapters.microsoft import Microsoft
from sync.core.connection import Connection
from sync.core.model import FeedName, Page

NOBODY = "ffffffff-0000-4000-8000-000000000000"


def pages(microsoft: Microsoft, connection: Connection, feed: FeedName, cursor: str = "") -> list[Page]:
    """Every page up to the deltaLink."""
    read = [microsoft.directory.read_page(connection, feed, cursor, order=7, full=not cursor)]
    while read[-1].next_link:
        read.append(microsoft.directory.read_page(connection, feed, read[-1].next_link, order=7, full=not cursor))
    return read
