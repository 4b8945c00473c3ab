"""Cutting changes into messages, and naming runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from sync.core.connection import shard_of
from sync.core.messages import pack
from sync.core.model import GroupChange, MembershipChange, UserChange
from sync.usecases.services import Services

Change = UserChange | GroupChange | MembershipChange
ChangeT = TypeVar("ChangeT", UserChange, GroupChange, MembershipChange, Change)

MESSAGE_LIMIT = 44_000  # characters of packed changes; a message holds 64 KiB, 48 KiB where the host wants base64
CHANGES_LIMIT = 400  # changes a message, so that one invocation stays short
GROUPS = "groups"  # the shard of group rows
_LATEST = 10**15 - 1  # run ids sort newest first: this less the milliseconds since 1970


def run_id(services: Services) -> str:
    """Sorts before every older run's id."""
    return run_id_at(services.clock.now(), services.ids.hex(8))


def run_id_at(moment: datetime, tail: str) -> str:
    """The id of a run that began then; `tail` tells it from others of the same millisecond."""
    return f"{_LATEST - int(moment.timestamp() * 1000):015d}{tail}"


def by_shard(changes: Sequence[Change], digits: int) -> dict[str, list[Change]]:
    """Changes by the shard that applies them: people and their edges by person, the rest to the groups' shard."""
    shards: dict[str, list[Change]] = {}
    for change in changes:
        match change:
            case UserChange():
                shard = shard_of(change.object_id, digits)
            case GroupChange():
                shard = GROUPS
            case MembershipChange(member_type="group"):
                shard = GROUPS
            case MembershipChange(member_type="user" | ""):
                shard = shard_of(change.member_id, digits)
            case _:  # devices, service principals, contacts: no edge of ours
                continue
        shards.setdefault(shard, []).append(change)
    return shards


def split(changes: Sequence[ChangeT]) -> Iterator[list[ChangeT]]:
    """Pieces that fit into a message each."""
    for start in range(0, len(changes), CHANGES_LIMIT):
        yield from _fitting(list(changes[start : start + CHANGES_LIMIT]))


def _fitting(changes: list[ChangeT]) -> Iterator[list[ChangeT]]:
    if len(changes) == 1 or len(pack(changes)) <= MESSAGE_LIMIT:
        yield changes
        return
    half = len(changes) // 2
    yield from _fitting(changes[:half])
    yield from _fitting(changes[half:])
