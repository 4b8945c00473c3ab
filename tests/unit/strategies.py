"""What Hypothesis draws from: people, changes and memberships as a directory can tell them."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

from sync.core.model import (
    AccountState,
    ChangeKind,
    MailMark,
    PersonRecord,
    Presence,
    Reason,
    UserChange,
)

ANN, BOB, CEM = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
GROUPS = tuple(f"{number:08x}-1111-4000-8000-000000000000" for number in range(4))
PROPERTIES = ("displayName", "mail", "jobTitle", "accountEnabled")

any_text = st.text(max_size=40)
any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def properties(draw: st.DrawFn) -> dict[str, Any]:
    """What one item tells. Graph's items tell every property that was ever set, changed or not (facts §1.2)."""
    told: dict[str, Any] = {name: draw(st.none() | st.sampled_from("xyz")) for name in PROPERTIES}
    if draw(st.booleans()):
        told["manager"] = draw(st.none() | st.sampled_from((BOB, CEM)))
    return told


@st.composite
def user_changes(draw: st.DrawFn, kinds: tuple[ChangeKind, ...] = tuple(ChangeKind)) -> list[UserChange]:
    """Changes of one person with distinct orders, oldest first; some only tell the manager."""
    changes = []
    for order in sorted(draw(st.sets(st.integers(1, 99), min_size=1, max_size=6))):
        kind = draw(st.sampled_from(kinds))
        match kind:
            case ChangeKind.PATCH | ChangeKind.SNAPSHOT:
                alone = kind is ChangeKind.PATCH and draw(st.booleans())
                told = {"manager": draw(st.none() | st.sampled_from((BOB, CEM)))} if alone else draw(properties())
                changes.append(UserChange(ANN, order, kind, told))
            case ChangeKind.REMOVED:
                presence = draw(st.sampled_from((Presence.SOFT_DELETED, Presence.HARD_DELETED)))
                changes.append(UserChange(ANN, order, kind, presence=presence))
            case ChangeKind.ABSENT:
                changes.append(UserChange(ANN, order, kind, presence=Presence.ABSENT))
            case ChangeKind.REVISIT:
                changes.append(UserChange(ANN, order, kind))
    return changes


edges = st.lists(
    st.tuples(st.sampled_from(GROUPS), st.integers(1, 99), st.booleans()),
    max_size=10,
    unique_by=lambda edge: edge[:2],
)

records = st.builds(
    PersonRecord,
    object_id=st.sampled_from((ANN, BOB, CEM)),
    presence=st.sampled_from(Presence),
    account_state=st.sampled_from(AccountState),
    reason=st.sampled_from(Reason),
    mail=st.sampled_from(MailMark),
    baseline=st.booleans(),
)

words = st.text(string.ascii_letters, min_size=1, max_size=12)
