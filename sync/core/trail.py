"""Noticing that a feed leads in a circle, or on for ever, from what one checkpoint holds.

Brent's way of finding a cycle: one link is remembered, and with it how many pages were read since the start. The
remembered link is replaced whenever that number is a power of two. A circle of n pages that begins after m others is
noticed within three times n and m, whatever their size, by two numbers' worth of memory. So it does not matter that a
feed is read in blocks, by workers that know nothing of one another.

A feed that goes on with a new link each time has no circle; the number of pages is its limit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

FEW_PAGES = 10_000  # beyond, Entra is asked how many people there are


class EndlessFeed(ValueError):
    """The pages do not come to an end."""


@dataclass(frozen=True, slots=True)
class Trail:
    """How far a round or an enumeration was followed: pages read, and the digest of one of the links followed."""

    pages: int = 0
    mark: str = ""

    def followed(self, link: str) -> Trail:
        """The trail with one more page, which led to `link`. Raises EndlessFeed when it led there before."""
        digest = hashlib.sha256(link.encode()).hexdigest()[:32]
        if digest == self.mark:
            raise EndlessFeed
        pages = self.pages + 1
        return Trail(pages, digest if pages & self.pages == 0 else self.mark)

    @property
    def long(self) -> bool:
        """Whether it is time to ask how many people there are."""
        return self.pages > FEW_PAGES


def most_pages(people: int) -> int:
    """How many pages a feed of a tenant of so many people may have: Entra's hold a hundred people and more, or a
    thousand memberships.
    """
    return FEW_PAGES + people
