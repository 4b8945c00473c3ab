"""A tenant whose import is done, its rows written in bulk: what a full pass or a preview is measured over.

The rows are what the product's own deciding makes of the crowd, and go in by the product's own ports, so that a full
pass finds nothing to change. There are no addresses and no activity: neither is looked at where nothing changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from shared.clock import iso
from sync.core.connection import Connection, ConnectionState, FeedState, shard_of, shards
from sync.core.counting import recount
from sync.core.decide import decide_one, new_account_id
from sync.core.decision import Claim, Context, Decision
from sync.core.delta import DELTA_LINK, read_page
from sync.core.mapping import select_of
from sync.core.merge import merge_group, merge_person
from sync.core.model import FEEDS, FeedName, GroupRecord, Page, PersonRecord, UserChange
from sync.core.scope import Policy
from sync.ports import COMMIT_LIMIT
from sync.usecases import closing
from tests.bench.crowd import BASE, group, groups_of, members_of, object_id, parent_of, person
from tests.bench.world import WORKERS, World

ORDER = 1  # older than whatever is read


def seed(world: World) -> None:
    """Write the rows of a tenant that was imported."""
    connection = _connected(world)
    numbers: dict[str, list[int]] = {shard: [] for shard in shards(connection.digits)}
    for number in range(world.directory.people):
        numbers[shard_of(object_id("user", number), connection.digits)].append(number)
    with ThreadPoolExecutor(WORKERS) as workers:
        tasks = [workers.submit(_people, world, connection, shard, some) for shard, some in numbers.items()]
        tasks += [
            workers.submit(_groups, world, connection, range(first, min(first + 100, world.directory.groups)))
            for first in range(0, world.directory.groups, 100)
        ]
        for task in tasks:
            task.result()
    closing.measure(world.services, connection)


def _connected(world: World) -> Connection:
    view = world.connect()
    services, now = world.services, iso(world.services.clock.now())
    selected = select_of(view.connection.settings)
    feeds = {
        feed: FeedState(f"{BASE}/v1.0/{feed}/delta?$deltatoken=1", "", now, now, selected if feed == "users" else ())
        for feed in FEEDS
    }
    services.connections.save_reader(view.connection, replace(view.reader, feeds=feeds, passed_at=now))
    started = replace(view.connection, state=ConnectionState.CONNECTED, first_pass_done=True, started_at=now)
    return services.connections.save(started)


def _people(world: World, connection: Connection, shard: str, numbers: Sequence[int]) -> None:
    """The people of a shard, each as the first import leaves them."""
    loaded = world.services.people.load(connection.scope, shard)
    for start in range(0, len(numbers), COMMIT_LIMIT):
        some = numbers[start : start + COMMIT_LIMIT]
        told = _page(connection, "users", [person(number) for number in some]).users
        decisions = [_joined(world, connection, *one) for one in zip(some, told, strict=True)]
        counts = recount(loaded.counts, [(decision.before, decision.after) for decision in decisions])
        loaded = world.services.people.commit(loaded, [decision.after for decision in decisions], counts, None)


def _joined(world: World, connection: Connection, number: int, told: UserChange) -> Decision:
    stored = PersonRecord(told.object_id)
    groups = groups_of(number, world.directory.people, world.directory.groups)
    memberships = {object_id("group", one): ORDER for one in groups}
    merged = replace(merge_person(stored, told), memberships=memberships)
    claim = Claim(granted=True, account_id=new_account_id(connection.scope, told.object_id))
    return decide_one(stored, merged, claim, Context(Policy(connection.settings), connection.started_at, first=True))


def _groups(world: World, connection: Connection, numbers: Sequence[int]) -> None:
    people, groups = world.directory.people, world.directory.groups
    told = _page(connection, "groups", [group(number, people, groups) for number in numbers]).groups
    writes = []
    for number, change in zip(numbers, told, strict=True):
        parent = parent_of(number)
        parents = {} if parent is None else {object_id("group", parent): ORDER}
        record = merge_group(GroupRecord(change.object_id), change)
        writes.append(replace(record, parents=parents, members=len(members_of(number, people, groups))))
    world.services.groups.commit(connection.scope, writes)


def _page(connection: Connection, feed: FeedName, items: list[dict[str, Any]]) -> Page:
    data = {"value": items, DELTA_LINK: f"{BASE}/v1.0/{feed}/delta?$deltatoken=1"}
    return read_page(data, feed, BASE, "", order=ORDER, full=True, select=select_of(connection.settings))
