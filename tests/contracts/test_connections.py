"""`Connections` and `Tenants`: who is connected, and which connection a tenant is bound to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.errors import Conflict
from sync.core.connection import (
    Connection,
    ConnectionState,
    FeedState,
    Problem,
    Reader,
    Subscription,
    Survey,
    Watch,
    workspace_key,
)
from sync.core.sync_settings import SyncSettings
from tests.contracts.conftest import Store
from tests.contracts.people_of import TENANT

ACME, GLOBEX = "Acme & Søn/1", "globex"


def connection(number: int = 1, workspace: str = ACME, **more: object) -> Connection:
    """A connection that awaits consent."""
    given = {"workspace_name": "Acme", "created_at": f"2026-03-02T08:00:0{number}.000Z", "created_by": "admin"}
    return Connection(f"{workspace_key(workspace)}{number:020x}", workspace, **{**given, **more})  # type: ignore[arg-type]


def test_a_new_connection_has_its_three_rows(store: Store) -> None:
    """Saving a new connection makes a fresh reader and watch with it."""
    saved = store.connections.save(connection())
    view = store.connections.load(saved.id)
    assert view is not None
    assert (view.connection, view.reader, view.watch) == (connection(), Reader(saved.id), Watch(saved.id))
    assert view.connection.etag == saved.etag != ""
    assert view.reader.etag
    assert view.watch.etag


def test_every_field_comes_back(store: Store) -> None:
    """Nested values, options and feeds survive storage."""
    saved = store.connections.save(connection())
    full = replace(
        saved,
        state=ConnectionState.ATTENTION,
        epoch=3,
        tenant_id=TENANT,
        digits=2,
        settings=SyncSettings(version=4, mail_existing=True),
        survey=Survey(people=10, would_create=9),
        roles=("GroupMember.Read.All", "User.Read.All"),
        problem=Problem("consent_missing", "Ask your admin’s admin", "2026-03-02T08:00:00.000Z"),
        first_pass_done=True,
    )
    store.connections.save(full)
    view = store.connections.load(saved.id)
    assert view is not None
    reader = replace(
        view.reader, fence=7, lease_until="x", feeds={"users": FeedState("delta", frozen="gone")}, floor=1 << 60
    )
    watch = replace(view.watch, subscriptions={"groups": Subscription("id", "then")}, refused={"users": "now"})
    store.connections.save_reader(full, reader)
    store.connections.save_watch(full, watch)
    view = store.connections.load(saved.id)
    assert view is not None
    assert (view.connection, view.reader, view.watch) == (full, reader, watch)


def test_stale_writes_are_refused(store: Store) -> None:
    """Each of the three rows is written on its own etag alone; a connection is not made twice."""
    saved = store.connections.save(connection())
    view = store.connections.load(saved.id)
    assert view is not None
    store.connections.save(replace(saved, epoch=1))
    store.connections.save_reader(saved, replace(view.reader, fence=1))
    store.connections.save_watch(saved, replace(view.watch, checked_at="now"))
    with pytest.raises(Conflict):
        store.connections.save(replace(saved, epoch=2))
    with pytest.raises(Conflict):
        store.connections.save_reader(saved, replace(view.reader, fence=2))
    with pytest.raises(Conflict):
        store.connections.save_watch(saved, replace(view.watch, checked_at="later"))
    with pytest.raises(Conflict):
        store.connections.save(connection())


def test_one_of_many_takes_the_lease(store: Store) -> None:
    """Of eight readers that saw the lease free, exactly one takes it."""
    saved = store.connections.save(connection())
    view = store.connections.load(saved.id)
    assert view is not None

    def take(owner: int) -> int:
        try:
            store.connections.save_reader(saved, replace(view.reader, lease_owner=str(owner)))
        except Conflict:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1


def test_another_workspaces_connection_is_not_found(store: Store) -> None:
    """On behalf of an admin, a foreign connection is as absent as one that never was."""
    saved = store.connections.save(connection())
    assert store.connections.load(saved.id, workspace=ACME) is not None
    assert store.connections.load(saved.id, workspace=GLOBEX) is None
    assert store.connections.load("0" * 32) is None


@pytest.mark.parametrize("typed", ["", "x", "' or 1 eq 1 or '", "../" + "a" * 29, "A" * 32, "a/b\\c#d?e" * 4])
def test_a_malformed_id_finds_nothing(store: Store, typed: str) -> None:
    """An id somebody typed into an address is no error of ours."""
    assert store.connections.load(typed) is None


def test_list_is_one_workspaces_oldest_first(store: Store) -> None:
    """The list has every connection of the workspace and no other; the scan has all."""
    for number in (3, 1, 2):
        store.connections.save(connection(number, created_at=f"2026-03-02T08:00:0{4 - number}.000Z"))
    store.connections.save(connection(1, GLOBEX))
    assert [view.connection.id[-1] for view in store.connections.list(ACME)] == ["3", "2", "1"]
    assert len(list(store.connections.scan())) == 4
    assert list(store.connections.list("nobody")) == []


def test_a_tenant_is_bound_once(store: Store) -> None:
    """A second connection is refused while the first holds the tenant; the same one gets the same epoch."""
    assert store.tenants.bind(TENANT, ACME, "c1") == 1
    assert store.tenants.bind(TENANT, ACME, "c1") == 1
    with pytest.raises(Conflict):
        store.tenants.bind(TENANT, GLOBEX, "c2")


def test_epochs_only_grow(store: Store) -> None:
    """Releasing remembers the epoch; only the holder advances or releases."""
    store.tenants.bind(TENANT, ACME, "c1")
    assert store.tenants.advance(TENANT, "c1") == 2
    store.tenants.release(TENANT, "c2")
    with pytest.raises(Conflict):
        store.tenants.bind(TENANT, GLOBEX, "c2")
    store.tenants.release(TENANT, "c1")
    store.tenants.release(TENANT, "c1")
    with pytest.raises(Conflict):
        store.tenants.advance(TENANT, "c1")
    assert store.tenants.bind(TENANT, GLOBEX, "c2") == 3


def test_racing_binds_have_one_winner(store: Store) -> None:
    """Of eight connections that bind a free tenant at once, one gets it."""

    def bind(number: int) -> int:
        try:
            return store.tenants.bind(TENANT, ACME, f"c{number}")
        except Conflict:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(bind, range(8))) == [0] * 7 + [1]
