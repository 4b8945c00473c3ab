"""Going through all of a tenant's groups with one page of them in memory: there may be very many."""

from __future__ import annotations

from collections.abc import Iterator

from sync.core.model import GroupRecord
from sync.usecases.services import Services

PAGE = 999  # with the one more that tells whether the list goes on, what one request to storage brings


def group(services: Services, scope: str) -> Iterator[GroupRecord]:
    """In the order of their ids."""
    found, cursor = services.groups.page(scope, "", PAGE)
    yield from found
    while cursor:
        found, cursor = services.groups.page(scope, cursor, PAGE)
        yield from found
