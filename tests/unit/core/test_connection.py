"""A connection's states, keys and shards."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.connection import (
    SHARD_PEOPLE,
    TRANSITIONS,
    Connection,
    ConnectionState,
    digits_for,
    scope_key,
    shard_of,
    shards,
    workspace_key,
)

STATES = list(ConnectionState)
HOSTILE = (
    st.sampled_from(("../../x", "a/b", "a\\b", "a#b?c", "a'b", "' or 1 eq 1 or '", "", "\x00", "ü" * 600)) | st.text()
)


def test_states_are_those_of_the_api() -> None:
    """The six states of the contract, to the letter."""
    assert {state.value for state in STATES} == {
        "awaiting_consent",
        "awaiting_start",
        "importing",
        "connected",
        "attention",
        "disconnected",
    }


@pytest.mark.parametrize("state", STATES)
def test_every_live_state_can_be_left_by_disconnecting(state: ConnectionState) -> None:
    """An admin may disconnect at any time; a disconnected connection never comes back, a new one is made."""
    if state is ConnectionState.DISCONNECTED:
        assert not TRANSITIONS[state]
    else:
        assert ConnectionState.DISCONNECTED in TRANSITIONS[state]
        assert state not in TRANSITIONS[state]


def test_every_state_is_reached_from_the_first() -> None:
    """No state of the table is an island."""
    reached, waiting = set[ConnectionState](), [ConnectionState.AWAITING_CONSENT]
    while waiting:
        state = waiting.pop()
        if state not in reached:
            reached.add(state)
            waiting.extend(TRANSITIONS[state])
    assert reached == set(STATES)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("tenant", ["", "t"])
def test_work_is_done_only_for_a_proven_tenant_that_nobody_disconnected(state: ConnectionState, tenant: str) -> None:
    """Before consent is proven and after disconnecting, queued work is a no-op."""
    connection = Connection("c", "w", "W", state=state, tenant_id=tenant)
    working = {"awaiting_start", "importing", "connected", "attention"}
    assert connection.live == (bool(tenant) and state.value in working)


@given(HOSTILE, HOSTILE)
def test_keys_are_hex_whatever_they_stand_for(workspace: str, tenant: str) -> None:
    """A workspace's id may hold anything; what becomes of it in a key is hex and of a fixed length."""
    workspace, tenant = (text.encode(errors="replace").decode() for text in (workspace, tenant))
    for key, length in ((workspace_key(workspace), 12), (scope_key(workspace, tenant), 20)):
        assert len(key) == length
        assert not set(key) - set("0123456789abcdef")


def test_scopes_of_different_workspaces_or_tenants_differ() -> None:
    """No two (workspace, tenant) pairs share rows; a tenant connected again finds its own."""
    keys = {scope_key(workspace, tenant) for workspace in ("w1", "w2") for tenant in ("t1", "t2")}
    assert len(keys) == 4
    before = Connection("c1", "w1", "W", epoch=1, tenant_id="t1")
    assert replace(before, id="c2", epoch=9).scope == before.scope == scope_key("w1", "t1")
    assert replace(before, tenant_id="").scope == ""


@pytest.mark.parametrize("digits", [0, 1, 2])
@given(object_id=st.uuids())
def test_every_object_has_exactly_one_of_the_shards(digits: int, object_id: object) -> None:
    """The shard of an object is one of the listed ones, and finer shards divide coarser ones."""
    shard = shard_of(str(object_id), digits)
    assert shards(digits).count(shard) == 1
    assert shard.startswith(shard_of(str(object_id), max(0, digits - 1)))


def test_shards_are_listed_once_in_order() -> None:
    """1, 16 or 256 shards, sorted."""
    for digits, number in ((0, 1), (1, 16), (2, 256)):
        names = shards(digits)
        assert len(names) == len(set(names)) == number
        assert names == sorted(names)


@pytest.mark.parametrize(
    ("people", "digits"),
    [(0, 0), (1000, 0), (SHARD_PEOPLE, 0), (SHARD_PEOPLE + 1, 1), (20_000, 1), (65_536, 1), (65_537, 2), (500_000, 2)],
)
def test_shards_are_small_enough_to_compare_in_memory(people: int, digits: int) -> None:
    """As many shards as keep each at the size that is compared at once, and never more than 256."""
    assert digits_for(people) == digits
