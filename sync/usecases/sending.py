"""Beginning runs, and handing their changes over: cut into messages, a part of the run each."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from shared.clock import iso
from shared.errors import Conflict
from shared.events import log
from sync.core.connection import Connection, shard_of
from sync.core.messages import ChangesMessage, pack
from sync.core.model import ChangeKind, GroupChange, MembershipChange, UserChange
from sync.core.runs import Cause, Kind, Run
from sync.usecases.services import Services

Change = UserChange | GroupChange | MembershipChange

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


def new_run(services: Services, connection: Connection, kind: Kind, cause: Cause, *, by: str = "") -> Run:
    """A run that begins now; not saved yet."""
    now = iso(services.clock.now())
    return Run(
        id=run_id(services),
        scope=connection.scope,
        connection=connection.id,
        kind=kind,
        cause=cause,
        epoch=connection.epoch,
        started_at=now,
        noticed_at=now,
        touched_at=now,
        by=by,
    )


Parts = Sequence[tuple[str, Sequence[Change]]]  # shard and what is to be applied to it, by the number of the part


def cut(changes: Sequence[Change], digits: int) -> Parts:
    """Changes as parts, in an order that is the same every time."""
    return [(shard, piece) for shard, some in sorted(by_shard(changes, digits).items()) for piece in split(some)]


def hand_over(
    services: Services, connection: Connection, run: Run, parts: Parts, work: Literal["inline", "release"] = "inline"
) -> Run:
    """Make changes durable: the run with its number of parts, then a message for each part that is not done. May be
    repeated for the same run.
    """
    try:
        begun = services.runs.save(replace(run, parts=len(parts)))
    except Conflict:  # saved before, by us or by whom was killed
        begun = services.runs.get(run.scope, run.id) or run
    for number, (shard, piece) in enumerate(parts):
        if number not in begun.done_parts:
            services.queue.send(
                ChangesMessage(connection.id, connection.epoch, begun.id, number, shard, work, pack(piece))
            )
    return begun


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


def split(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Pieces that fit into a message each."""
    for start in range(0, len(changes), CHANGES_LIMIT):
        yield from _fitting(list(changes[start : start + CHANGES_LIMIT]))


def carried(change: Change) -> Change:
    """The change as one message can carry it: nearly always itself. What is larger comes as a patch without its
    largest values, which keep what is stored until a full pass, which needs no message for them, brings them.
    """
    if isinstance(change, MembershipChange) or len(pack([change])) <= MESSAGE_LIMIT:
        return change
    properties = dict(change.properties)
    while properties and len(pack([replace(change, properties=properties)])) > MESSAGE_LIMIT:
        del properties[max(properties, key=lambda name: len(repr(properties[name])))]
    log("apply.parked", logging.WARNING, person=change.object_id, reason="values_left_out")
    kind = ChangeKind.PATCH if change.kind is ChangeKind.SNAPSHOT else change.kind
    return replace(change, kind=kind, properties=properties)


def _fitting(changes: list[Change]) -> Iterator[list[Change]]:
    if len(changes) == 1:
        yield [carried(changes[0])]
        return
    if len(pack(changes)) <= MESSAGE_LIMIT:
        yield changes
        return
    half = len(changes) // 2
    yield from _fitting(changes[:half])
    yield from _fitting(changes[half:])
