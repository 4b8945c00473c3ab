"""Feeds that go on and on: the number of pages has a limit, made of what Entra says of the tenant's size."""

from __future__ import annotations

from sync.core.connection import Connection
from sync.core.trail import EndlessFeed, Trail, most_pages
from sync.usecases.services import Services

PAUSE = 300.0  # seconds before a round that did not end is read again


def check_length(services: Services, connection: Connection, trail: Trail) -> None:
    """Before each block. Raises EndlessFeed when the feed has had more pages than such a tenant can have; Entra is
    asked for its head count only where the pages are many. Raises Transient, NeedsAdmin.
    """
    if trail.long and trail.pages > most_pages(services.directory.count_people(connection)):
        raise EndlessFeed
