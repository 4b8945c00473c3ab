"""The queue messages: four shapes, versioned, small, without anything a log should not hold.

They are JSON objects. The Functions host overwrites a message's metadata with top-level keys called `id`,
`dequeueCount`, `popReceipt` and the like (microsoft-facts §7.7), so no field has such a name.
An unknown version is a `Defect`: the message goes to the poison queue with the reason.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from shared.errors import Defect
from sync.core.model import ChangeKind, FeedName, GroupChange, MembershipChange, Presence, UserChange

VERSION = 1
QUEUES = ("pulls", "passes", "changes", "mails")


@dataclass(frozen=True, slots=True)
class PullMessage:
    """Look at a feed. `hinted` are object ids a notification named; `attempt` counts the looks for them."""

    connection: str
    epoch: int
    feed: FeedName
    cause: Literal["notification", "timer", "admin"]
    noticed_at: str
    hinted: tuple[str, ...] = ()
    attempt: int = 0
    by: str = ""  # the admin who asked


@dataclass(frozen=True, slots=True)
class PassMessage:
    """Take a full pass one step further: read block `block`. An empty `run` begins a pass; block -1 is a nudge
    for a pass that stands still: go on from wherever it is.
    """

    connection: str
    epoch: int
    run: str = ""
    block: int = -1
    cause: Literal["first", "reconcile", "reset", "admin", "settings"] = "reconcile"
    by: str = ""  # the admin who asked


@dataclass(frozen=True, slots=True)
class ChangesMessage:
    """Apply one part of a run: changes carried along, or a shard the pass has staged."""

    connection: str
    epoch: int
    run: str
    part: int
    shard: str  # of people; "groups" for group rows
    work: Literal["inline", "groups", "plan", "apply", "remove", "release", "undo", "retain"]
    changes: str = ""  # packed, for `inline` and `release`


@dataclass(frozen=True, slots=True)
class MailMessage:
    """Send one person's onboarding mail, if it is still due."""

    connection: str
    epoch: int
    person: str
    generation: int = 1


Message = PullMessage | PassMessage | ChangesMessage | MailMessage
_SHAPES: Mapping[str, type[Message]] = {
    "pulls": PullMessage,
    "passes": PassMessage,
    "changes": ChangesMessage,
    "mails": MailMessage,
}


_LATER = frozenset({"by"})


def queue_of(message: Message) -> str:
    """The queue a message belongs to."""
    return next(queue for queue, shape in _SHAPES.items() if isinstance(message, shape))


def encode(message: Message) -> str:
    """One line of JSON, version first. What came to a shape later is left out where it is empty, so that an instance
    of the version before reads the message while both run.
    """
    fields = {name: value for name, value in asdict(message).items() if value or name not in _LATER}
    return json.dumps({"v": VERSION, **fields}, separators=(",", ":"))


def decode(queue: str, body: bytes | str) -> Message:
    """Read a message of a queue. Raises Defect on an unknown version, a missing or an unknown field."""
    try:
        data: dict[str, Any] = json.loads(body)
        version = data.pop("v")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise Defect(f"a message on {queue} is not ours: {type(error).__name__}") from error
    if version != VERSION:
        raise Defect(f"a message on {queue} has version {version!r}; this version reads {VERSION}")
    try:
        if "hinted" in data:
            data["hinted"] = tuple(data["hinted"])
        return _SHAPES[queue](**data)
    except TypeError as error:
        raise Defect(f"a message on {queue} has the wrong fields: {error}") from error


Changes = Sequence[UserChange | GroupChange | MembershipChange]


def pack(changes: Changes) -> str:
    """Changes as compressed base64 text, to be carried in a message."""
    return base64.b64encode(zlib.compress(json.dumps([_row(change) for change in changes]).encode())).decode()


def unpack(text: str) -> list[UserChange | GroupChange | MembershipChange]:
    """What `pack` packed. Raises Defect when it is damaged."""
    try:
        rows = json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
        return [_change(row) for row in rows]
    except (ValueError, KeyError, IndexError, TypeError, zlib.error, binascii.Error) as error:
        raise Defect(f"packed changes are damaged: {type(error).__name__}") from error


def _row(change: UserChange | GroupChange | MembershipChange) -> list[Any]:
    match change:
        case UserChange():
            return [
                "u",
                change.object_id,
                change.order,
                change.kind,
                dict(change.properties),
                change.presence,
                change.released,
            ]
        case GroupChange():
            return [
                "g",
                change.object_id,
                change.order,
                change.kind,
                dict(change.properties),
                change.presence,
            ]
        case MembershipChange():
            return ["m", change.group_id, change.member_id, change.member_type, change.order, change.present]


def _change(row: list[Any]) -> UserChange | GroupChange | MembershipChange:
    match row[0]:
        case "u":
            return UserChange(row[1], row[2], ChangeKind(row[3]), row[4], Presence(row[5]), row[6])
        case "g":
            return GroupChange(row[1], row[2], ChangeKind(row[3]), row[4], Presence(row[5]))
        case "m":
            return MembershipChange(row[1], row[2], row[3], row[4], row[5])
        case other:
            raise Defect(f"unknown kind of change {other!r}")
