"""The counter row equals a recount, whatever was written in whichever steps."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.counting import counts_of, recount
from sync.core.model import AccountState, Counts, PersonRecord, Presence, Reason
from tests.unit.strategies import records


def _total(people: list[PersonRecord]) -> Counts:
    total = Counts()
    for person in people:
        total = total.plus(counts_of(person))
    return total


@given(st.lists(st.tuples(records, records), max_size=8), st.integers(0, 8))
def test_counting_along_equals_counting_afresh(pairs: list[tuple[PersonRecord, PersonRecord]], cut: int) -> None:
    """Kept along with the writes, in one step or in several, the counts equal those of the rows themselves."""
    before, after = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert recount(_total(before), pairs) == _total(after)
    assert recount(recount(_total(before), pairs[:cut]), pairs[cut:]) == _total(after)


@given(st.lists(st.tuples(records, records), max_size=8))
def test_counting_back_gives_what_was(pairs: list[tuple[PersonRecord, PersonRecord]]) -> None:
    """Writing the old rows again restores the old counts."""
    counts = _total([before for before, _ in pairs])
    assert recount(recount(counts, pairs), [(after, before) for before, after in pairs]) == counts


@pytest.mark.parametrize("presence", list(Presence))
@pytest.mark.parametrize("state", list(AccountState))
def test_a_person_counts_once_in_each_sense(presence: Presence, state: AccountState) -> None:
    """Present people are people; accounts count by state even of those who left; reasons are of those without."""
    record = replace(PersonRecord("p"), presence=presence, account_state=state, reason=Reason.GUEST)
    present = presence is Presence.PRESENT
    without = present and state is AccountState.NONE
    assert counts_of(record) == Counts(
        people=int(present),
        active=int(state is AccountState.ACTIVE),
        inactive=int(state is AccountState.INACTIVE),
        skipped={"guest": 1} if without else {},
    )


def test_a_person_nobody_stored_counts_nowhere() -> None:
    """The record of somebody never seen is worth nothing, so a first write adds exactly that person."""
    assert counts_of(PersonRecord("p")) == Counts()
