"""The words of the product as frozen values. No I/O, no clock, no identifiers made here.

Order of truth. There is one reader per connection (a lease), so the order of reading is the order of
truth. Every change carries an `order`: one integer, `epoch << 44 | fence << 20 | page << 8`, that only grows
for a connection: the epoch with every connect or reset, the fence with every lease taken, the page within
one lease. A row remembers the order of the last change it took; older ones are refused, an equal one was
applied already. So queue messages may be doubled, delayed and reordered at will. The last eight bits are for
what is read beside the reader (`order_beside`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from sync.core.text import clean

FeedName = Literal["users", "groups"]
FEEDS: tuple[FeedName, FeedName] = ("users", "groups")

FENCE_BITS, PAGE_BITS, BESIDE_BITS = 24, 12, 8
_LEASE_BITS = PAGE_BITS + BESIDE_BITS


def make_order(epoch: int, fence: int, page: int) -> int:
    """Combine to the one number that rows and changes are compared by. Raises ValueError when out of range."""
    if not (0 <= epoch < 1 << 19 and 0 <= fence < 1 << FENCE_BITS and 0 <= page < 1 << PAGE_BITS):
        raise ValueError("order out of range")
    return epoch << (FENCE_BITS + _LEASE_BITS) | fence << _LEASE_BITS | page << BESIDE_BITS


def reading_of(order: int) -> int:
    """What all orders of the pages read under one lease have in common; it grows like they do."""
    return order >> _LEASE_BITS


class Presence(StrEnum):
    """What the directory last said about an object."""

    UNKNOWN = "unknown"  # only mentioned (as a member); its properties were never seen
    PRESENT = "present"
    SOFT_DELETED = "soft_deleted"  # restorable for 30 days, keeps its memberships
    HARD_DELETED = "hard_deleted"
    ABSENT = "absent"  # missing from a complete full pass


class AccountState(StrEnum):
    """Whether a person has an account, and whether it may be used."""

    NONE = "none"
    ACTIVE = "active"
    INACTIVE = "inactive"


class Reason(StrEnum):
    """Why there is no account, why it is inactive, or why nothing was done. Shown to admins as text."""

    OK = ""
    LEFT = "left"
    DISABLED = "disabled"
    OUT_OF_SCOPE = "out_of_scope"
    ADMIN = "admin"
    UNDONE = "undone"  # the run that made the account was undone
    GUEST = "guest"
    NO_ADDRESS = "no_address"
    NO_NAME = "no_name"
    ADDRESS_CONFLICT = "address_conflict"
    HELD = "held"
    TOO_LARGE = "too_large"
    UNKNOWN = "unknown"


REMOVAL_REASONS = frozenset({Reason.LEFT, Reason.DISABLED, Reason.OUT_OF_SCOPE})


class MailMark(StrEnum):
    """Where a person stands with the one introductory mail."""

    NONE = ""
    BASELINE = "baseline"  # was there at the first full pass and the admin chose not to mail them
    CLAIMED = "claimed"  # a mail row exists or is about to, and says what became of it; never claimed twice


class ChangeKind(StrEnum):
    """What a change brings."""

    PATCH = "patch"  # from a pull: absent property keeps its value, null clears
    SNAPSHOT = "snapshot"  # from a full pass: absent property was never set
    REMOVED = "removed"  # a tombstone: presence says soft or hard
    ABSENT = "absent"  # not in a complete full pass
    REVISIT = "revisit"  # nothing new from the directory: decide again (settings, approval, freed address)


@dataclass(frozen=True, slots=True)
class UserChange:
    """One person as one page told it. `properties` uses Graph's names; `manager` is an object id or None."""

    object_id: str
    order: int
    kind: ChangeKind
    properties: Mapping[str, Any] = field(default_factory=dict)
    presence: Presence = Presence.PRESENT
    released: bool = False  # an admin approved the removal this change leads to


@dataclass(frozen=True, slots=True)
class GroupChange:
    """One group as one page told it."""

    object_id: str
    order: int
    kind: ChangeKind
    properties: Mapping[str, Any] = field(default_factory=dict)
    presence: Presence = Presence.PRESENT


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """One direct edge. `member_type` is `user`, `group`, empty where Graph did not tell (a group if one is known by
    that id, else a person), or another Graph type in lower case, which makes no edge of ours.
    """

    group_id: str
    member_id: str
    member_type: str
    order: int
    present: bool


class Page(NamedTuple):
    """One delta page, read. Exactly one of the links is set."""

    users: list[UserChange]
    groups: list[GroupChange]
    memberships: list[MembershipChange]
    next_link: str | None
    delta_link: str | None
    skipped: int = 0  # items whose id is not an object id of Entra's: nothing could be stored under it


class Hand(StrEnum):
    """What an admin did to an account by hand; synchronising never overrides it."""

    NONE = ""
    BLOCKED = "blocked"  # inactive, or never made, whatever the directory says
    KEPT = "kept"  # active, whatever the directory says


Judged = Literal["", "person", "not_a_person"]
MatchedBy = Literal["", "address", "alias", "employee_id", "rehired"]


@dataclass(frozen=True, slots=True)
class Pin:
    """A run was undone for this person: the account stays as it is until the directory says something new.

    `told` is a digest of what the directory said then; `groups` are the groups the account keeps meanwhile.
    """

    told: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """What is stored of one person of one tenant, with the account linked to it. One row."""

    object_id: str
    order: int = 0
    manager_order: int = 0  # a manager may come as an item of its own
    presence: Presence = Presence.UNKNOWN
    source: Mapping[str, Any] = field(default_factory=dict)
    memberships: Mapping[str, int] = field(default_factory=dict)  # group id -> order; negative: removed then
    account_id: str = ""
    account_state: AccountState = AccountState.NONE
    origin: Literal["", "entra", "manual"] = ""  # the account's `source`
    reason: Reason = Reason.UNKNOWN
    since: str = ""  # when account_state or reason last changed, ISO
    address: str = ""  # the folded address the account holds in the workspace
    conflict_with: str = ""  # whose address it is, when reason is address_conflict
    fields: Mapping[str, str] = field(default_factory=dict)  # the account's fields, mapped
    held: str = ""  # id of the hold that keeps a removal from being applied
    mail: MailMark = MailMark.NONE
    baseline: bool = False  # was there at the first full pass
    matched_by: MatchedBy = ""  # how the account was found, where it was there before
    hand: Hand = Hand.NONE
    own: Mapping[str, str] = field(default_factory=dict)  # fields an admin edited by hand: they win; empty clears
    judged: Judged = ""  # what an admin answered to the suggestion that this is not a person
    audience: bool = False  # the account receives phishing simulations
    formerly: tuple[str, ...] = ()  # object ids of who had the account before, where it goes on with this person
    pin: Pin | None = None
    last_entry: str = field(default="", compare=False)  # the place of the newest activity about the account; storage's
    etag: str = field(default="", compare=False)

    @property
    def last_run(self) -> str:
        """The run that changed the account last, as far as the activity tells; empty when none did."""
        return self.last_entry.partition("/")[0]

    @property
    def groups(self) -> frozenset[str]:
        """Ids of the groups the person is a direct member of, as Moxso goes by them."""
        if self.pin is not None:
            return frozenset(self.pin.groups)
        return frozenset(group for group, order in self.memberships.items() if order > 0)

    @property
    def told_reason(self) -> Reason:
        """The reason to show; somebody whose removal is held says so whatever else is the case."""
        return Reason.HELD if self.held else self.reason


def hides_members(source: Mapping[str, Any]) -> bool:
    """Whether Graph tells a group's members only to who has a right of its own for it (microsoft-facts §2.4)."""
    visibility = source.get("visibility")
    return isinstance(visibility, str) and visibility.casefold() == "hiddenmembership"


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """What is stored of one group. `parents` are the groups it is a direct member of, like a person's."""

    object_id: str
    order: int = 0
    presence: Presence = Presence.UNKNOWN
    source: Mapping[str, Any] = field(default_factory=dict)
    parents: Mapping[str, int] = field(default_factory=dict)
    members: int = 0  # direct people, as of the last full pass and the changes since
    etag: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The display name as one line, or the empty string."""
        return clean(self.source.get("displayName"))

    @property
    def hidden(self) -> bool:
        """Whether nobody is known to be in it because Entra does not tell."""
        return hides_members(self.source) and not self.members


class Action(StrEnum):
    """What a plan does to one account."""

    CREATE = "create"
    LINK = "link"
    UPDATE = "update"
    DEACTIVATE = "deactivate"
    REACTIVATE = "reactivate"
    MOVE = "moved"  # only groups or the audience changed
    PURGE = "purge"  # inactive for so long that the account was given up
    YIELD = "yield"  # the account, or its address, went on to somebody else, whose own entry says the rest
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One account's before and after in one run. Values are the account's fields, state and reason."""

    object_id: str
    action: Action
    reason: Reason
    before: Mapping[str, str]
    after: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Counts:
    """How the people of one shard stand, kept exactly: written in the transaction that changes them."""

    people: int = 0  # present in the directory
    active: int = 0
    inactive: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)  # Reason value -> present people without account
    matched: Mapping[str, int] = field(default_factory=dict)  # MatchedBy -> people, and `conflict`

    def plus(self, other: Counts) -> Counts:
        """Sum, without zeros in `skipped` and `matched`."""
        return Counts(
            self.people + other.people,
            self.active + other.active,
            self.inactive + other.inactive,
            _sum(self.skipped, other.skipped),
            _sum(self.matched, other.matched),
        )


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    total = {key: one.get(key, 0) + other.get(key, 0) for key in sorted({*one, *other})}
    return {key: count for key, count in total.items() if count}
