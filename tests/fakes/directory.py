"""The `Directory` port over tenants in memory, as Graph would answer: opaque cursors, pages, repeats, tombstones.

What it hands out is Graph's JSON (microsoft-facts §1.2-1.4, §2.2), read by the product's own page reader.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.clock import Clock
from shared.errors import Transient
from sync.core.connection import Connection
from sync.core.delta import MalformedPage, read_page, read_user
from sync.core.mapping import select_of
from sync.core.model import FeedName, Page, UserChange
from sync.ports import CursorExpired, TenantInfo
from tests.fakes.faults import Faults
from tests.fakes.tenant import MEMBER_TYPES, Tenant, Version

BASE = "https://graph.microsoft.com"
TOKEN_LIFE = timedelta(days=7)  # microsoft-facts §1.5
HIDDEN = "Member.Read.Hidden"  # without it nobody is told of groups that hide their members (microsoft-facts §2.4)
Item = dict[str, Any]


@dataclass
class Manners:
    """How the feeds behave, all of it allowed by the documentation."""

    page_size: int = 50
    slice_size: int = 20  # members of a group in one item; more come in repeated items
    empty_pages: float = 0.0  # chance of a page with nothing but a nextLink
    repeats: float = 0.0  # chance that an object comes again, in this round or in a later one
    circle: int = 0  # so many pages of a round come again and again, without an end
    endless: bool = False  # the last page leads on, to an empty one with a link of its own, again and again
    manager_alone: bool = True  # the manager comes in an item of its own
    resend_members: bool = True  # whether a restored group's members are told again


@dataclass(frozen=True)
class _Cursor:
    """What an opaque link stands for. `pages` left to read for a nextLink; none for a deltaLink."""

    tenant: str
    feed: FeedName
    upto: int
    issued_at: datetime
    pages: tuple[tuple[Item, ...], ...] = ()
    select: tuple[str, ...] = ()  # of the request that began the feed: a link goes on with it


@dataclass
class FakeDirectory:
    """See `sync.ports.Directory`. `calls` has every call with its time; `tenants` are the test's to edit; `meanwhile`
    has what happens while Entra is asked: by the name of the call, once.
    """

    clock: Clock
    faults: Faults = field(default_factory=Faults)
    manners: Manners = field(default_factory=Manners)
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    tenants: dict[str, Tenant] = field(default_factory=dict)
    calls: list[tuple[str, datetime]] = field(default_factory=list)
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)
    _cursors: dict[str, _Cursor] = field(default_factory=dict)
    _circle: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def tenant(self, tenant_id: str) -> Tenant:
        """The tenant, made at its first mention."""
        return self.tenants.setdefault(tenant_id, Tenant(tenant_id))

    def expire_cursors(self) -> None:
        """Forget every link handed out so far."""
        self._cursors.clear()

    # --- the port ------------------------------------------------------------------------------------------------

    def read_page(
        self,
        connection: Connection,
        feed: FeedName,
        cursor: str,
        *,
        order: int,
        full: bool,
        select: Sequence[str] = (),
    ) -> Page:
        """One page, as Graph's JSON and through the product's page reader."""
        tenant = self._called("read_page", connection)
        if (refusal := tenant.refusals.get(feed)) is not None:
            raise refusal
        asked = tuple(select or select_of(connection.settings))
        data, selected = self._page(tenant, feed, cursor, asked)
        told = [name for name in asked if name in selected]
        try:
            return read_page(data, feed, BASE, cursor, order=order, full=full, select=told)
        except MalformedPage as error:
            raise Transient(f"malformed page: {error}") from error

    def count_people(self, connection: Connection) -> int:
        """Who is there."""
        return len(self._called("count_people", connection).present_people())

    def tenant_info(self, connection: Connection) -> TenantInfo:
        """A name and a domain."""
        self._called("tenant_info", connection)
        return TenantInfo("Contoso", ("contoso.example",))

    def granted_roles(self, connection: Connection) -> tuple[str, ...]:
        """What the tenant granted."""
        return self._called("granted_roles", connection).roles

    def fetch_people(
        self, connection: Connection, object_ids: Sequence[str], *, order: int, select: Sequence[str] = ()
    ) -> Mapping[str, UserChange | None]:
        """The truth of this moment: single reads do not lag."""
        tenant = self._called("fetch_people", connection)
        if (refusal := tenant.refusals.get("users")) is not None:
            raise refusal
        select = select or select_of(connection.settings)
        found: dict[str, UserChange | None] = {}
        for one in object_ids:
            properties = None if tenant.finds_nobody else tenant.person(one)
            manager = tenant.people[one][-1].manager if properties is not None else ""
            told = {**(properties or {}), **({"manager": {"id": manager}} if manager else {})}
            found[one] = None if properties is None else read_user(told, one, order, select)
        return found

    def find_groups(self, connection: Connection, object_ids: Sequence[str]) -> Mapping[str, bool]:
        """The truth of this moment."""
        tenant = self._called("find_groups", connection)
        if (refusal := tenant.refusals.get("groups")) is not None:
            raise refusal
        return {one: one in tenant.groups and not tenant.groups[one][-1].removed for one in object_ids}

    # --- rounds --------------------------------------------------------------------------------------------------

    def _called(self, operation: str, connection: Connection) -> Tenant:
        self.calls.append((operation, self.clock.now()))
        self.faults.read(f"directory.{operation}")
        if (happens := self.meanwhile.pop(operation, None)) is not None:
            happens()
        return self.tenants[connection.tenant_id]

    def _page(self, tenant: Tenant, feed: FeedName, link: str, select: tuple[str, ...]) -> tuple[Item, tuple[str, ...]]:
        """A page, and the `$select` of the feed it belongs to."""
        now = self.clock.now()
        if not link:
            items = [] if tenant.enumerates_nothing else self._everything(tenant, feed, tenant.visible)
            cursor = _Cursor(tenant.id, feed, tenant.visible, now, self._paged(items), select)
        else:
            found = self._cursors.get(link)
            if found is None or found.tenant != tenant.id or found.feed != feed or now - found.issued_at > TOKEN_LIFE:
                raise CursorExpired
            cursor = found if found.pages else self._round(tenant, found, now)
        page, rest = cursor.pages[0], cursor.pages[1:]
        if self.manners.endless:
            rest = rest or ((),)
        after = _Cursor(tenant.id, feed, cursor.upto, now, rest, cursor.select)
        name, token = ("nextLink", "skiptoken") if rest else ("deltaLink", "deltatoken")
        url = f"{BASE}/v1.0/{feed}/delta?${token}={next(self._numbers):x}"
        self._cursors[url] = after
        if rest and self.manners.circle:
            url = self._around(link, url)
        told = {"@odata.context": f"{BASE}/v1.0/$metadata#{feed}", "value": list(page), f"@odata.{name}": url}
        return told, cursor.select

    def _around(self, link: str, url: str) -> str:
        """The link that follows on a circle: a new one until it is closed."""
        circle = self._circle
        if len(circle) < self.manners.circle:
            circle.append(url)
            return url
        return circle[(circle.index(link) + 1) % len(circle)] if link in circle else circle[0]

    def _round(self, tenant: Tenant, since: _Cursor, now: datetime) -> _Cursor:
        upto = max(since.upto, tenant.visible)
        if since.feed == "users":
            items = self._changed_users(tenant, since.upto, upto)
        else:
            items = self._changed_groups(tenant, since.upto, upto)
        return _Cursor(tenant.id, since.feed, upto, now, self._paged(items), since.select)

    def _paged(self, items: Sequence[Item]) -> tuple[tuple[Item, ...], ...]:
        pages: list[tuple[Item, ...]] = []
        for start in range(0, len(items), self.manners.page_size):
            while self.chance.random() < self.manners.empty_pages:
                pages.append(())
            pages.append(tuple(items[start : start + self.manners.page_size]))
        return tuple(pages) or ((),)

    def _everything(self, tenant: Tenant, feed: FeedName, at: int) -> list[Item]:
        rows = tenant.people if feed == "users" else tenant.groups
        objects = []
        for object_id in rows:
            version = tenant.version_at(feed, object_id, at)
            if version is None or (version.removed and self.chance.random() >= self.manners.repeats):
                continue  # a full read may show tombstones too (microsoft-facts §1.4)
            if version.removed or feed == "users":
                objects.append(self._user(object_id, version, managed=bool(version.manager)))
            else:
                members = [(member, True) for member in tenant.members_at(object_id, at)]
                objects.append(self._group(tenant, object_id, version, members))
        return self._mixed(objects)

    def _changed_users(self, tenant: Tenant, since: int, upto: int) -> list[Item]:
        objects = []
        for object_id, versions in tenant.told_between("users", since, upto).items():
            before = tenant.version_at("users", object_id, since)
            managed = versions[-1].manager != (before.manager if before else "")
            earlier = versions[:-1] if self._again() else []
            items = [item for version in earlier for item in self._user(object_id, version, managed=False)]
            objects.append([*items, *self._user(object_id, versions[-1], managed=managed)])
        for object_id in tenant.people:  # replays of what was told in an earlier round
            version = tenant.version_at("users", object_id, since)
            unchanged = version is not None and version is tenant.version_at("users", object_id, upto)
            if version is not None and unchanged and version.told and self._again():
                objects.append(self._user(object_id, version, managed=False))
        return self._mixed(objects)

    def _changed_groups(self, tenant: Tenant, since: int, upto: int) -> list[Item]:
        edges: dict[str, list[tuple[str, bool]]] = {}
        for edge in tenant.edges_between(since, upto):
            edges.setdefault(edge.group, []).append((edge.member, edge.present))
        told = tenant.told_between("groups", since, upto)
        objects = []
        for group in {**told, **edges}:
            version = tenant.version_at("groups", group, upto)
            if version is None or (version.removed and group not in told):
                continue
            before = tenant.version_at("groups", group, since)
            members = edges.get(group, [])
            if before is not None and before.removed and not version.removed and self.manners.resend_members:
                members = [*members, *((member, True) for member in tenant.members_at(group, upto))]
            objects.append(self._group(tenant, group, version, members))
        return self._mixed(objects)

    def _user(self, object_id: str, version: Version, *, managed: bool) -> list[Item]:
        if version.removed:
            return [{"id": object_id, "@removed": {"reason": version.removed}}]
        item: Item = {"id": object_id, **version.properties}
        if not managed:
            return [item]
        entry: Item = {"@odata.type": MEMBER_TYPES["user"], "id": version.manager}
        if not version.manager:
            entry = {"@odata.type": MEMBER_TYPES["user"], "id": object_id, "@removed": {"reason": "deleted"}}
        if self.manners.manager_alone:
            return [item, {"id": object_id, "manager@delta": [entry]}]
        return [{**item, "manager@delta": [entry]}]

    def _group(
        self, tenant: Tenant, object_id: str, version: Version, members: Sequence[tuple[str, bool]]
    ) -> list[Item]:
        if version.removed:
            return [{"id": object_id, "@removed": {"reason": version.removed}}]
        entries: list[Item] = []
        if version.properties.get("visibility") == "HiddenMembership" and HIDDEN not in tenant.roles:
            members = ()
        for member, present in members:
            entry: Item = {"@odata.type": MEMBER_TYPES[tenant.kinds[member]], "id": member}
            entries.append(entry if present else {**entry, "@removed": {"reason": "deleted"}})
        slices = [entries[at : at + self.manners.slice_size] for at in range(0, len(entries), self.manners.slice_size)]
        properties = {"id": object_id, **version.properties}
        return [{**properties, "members@delta": piece} for piece in slices] or [properties]

    def _mixed(self, objects: Iterable[Sequence[Item]]) -> list[Item]:
        """Objects in any order, the items of one in theirs; some of them twice."""
        queues = [[*items, *(items if self._again() else ())] for items in objects]
        turns = [number for number, items in enumerate(queues) for _ in items]
        self.chance.shuffle(turns)
        return [queues[number].pop(0) for number in turns]

    def _again(self) -> bool:
        return self.chance.random() < self.manners.repeats
