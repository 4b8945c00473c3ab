"""A giant tenant beside a small one: what the small one waits for is a few parts of the giant's work, not all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.core.runs import Outcome
from sync.core.sync_settings import Chosen
from sync.usecases.stages import WIDTH
from tests.fakes.engine import Engine, Tenanted

PARTS = 256  # of each stage of a tenant with two shard digits
ANOTHER = "99999999-0000-4000-8000-000000000002"
# A change is two messages: the pull, and what it found. Each waits for the giant's parts that were there before it, and
# beside them for the giant's own pulls and the next block.
TURNS = 2 * (WIDTH + 4)


@pytest.fixture
def giant(engine: Engine) -> Tenanted:
    """Five blocks to read and 256 parts a stage, connected, and nothing done yet."""
    engine.directory.manners.page_size = 2  # a block is a hundred pages
    giant = engine.connect("globex", ANOTHER, digits=2)
    staff = giant.tenant.new_group("Staff")
    for number in range(250):
        giant.tenant.join(staff, giant.tenant.hire(f"Person {number}"))
    return giant


@pytest.fixture
def small(engine: Engine) -> Tenanted:
    """A neighbour that is imported."""
    small = engine.connect()
    small.tenant.hire("Ann Neighbour")
    return small.imported()


def _turns(engine: Engine, small: Tenanted) -> int:
    """Deliveries from a change at the neighbour's until it is in its account."""
    [person] = small.tenant.present_people()
    title = f"Title {engine.chance.random()}"
    small.tenant.change(person, jobTitle=title)
    small.hint()
    for turn in range(1, 3 * PARTS):
        assert engine.deliver()
        if small.person(person).fields.get("job_title") == title:
            return turn
    raise AssertionError("the change does not arrive")


def _beside(engine: Engine, small: Tenanted) -> list[int]:
    """The turns of one change after the other, until the giant's work is done."""
    found = []
    while engine.deliver():
        found.append(_turns(engine, small))
    return found


def test_beside_a_first_import(engine: Engine, small: Tenanted, giant: Tenanted) -> None:
    """While a giant is read, planned and applied for the first time, every change of its neighbour gets its turn."""
    turns = _beside(engine, small)
    giant.start()
    turns += _beside(engine, small)
    assert giant.counts.active == 250
    assert len(turns) > PARTS / TURNS
    assert max(turns) <= TURNS


def test_beside_a_full_pass_and_a_revisit(engine: Engine, small: Tenanted, giant: Tenanted) -> None:
    """While a giant is compared or decided anew, every change of its neighbour gets its turn."""
    giant.imported()
    giant.request_pass()
    turns = _beside(engine, small)
    giant.save(audience=Chosen(everyone=True))
    turns += _beside(engine, small)
    assert all(record.audience for record in giant.people.values())
    assert max(turns) <= TURNS


def test_a_stage_never_has_more_than_its_width_in_the_queue(engine: Engine, giant: Tenanted) -> None:
    """From the first part of a giant's import to the last, at most as many parts wait as a host takes out at once."""
    engine.pump()
    giant.start()
    waiting = [len(engine.queue.waiting("changes"))]
    while engine.deliver():
        waiting.append(len(engine.queue.waiting("changes")))
    assert max(waiting) == WIDTH
    assert giant.counts.active == 250


def test_a_lost_link_of_the_chain(engine: Engine, giant: Tenanted) -> None:
    """A part whose message is lost takes the parts after it along; once nothing moved for a while, all are handed out
    again, and the import ends.
    """
    engine.pump()
    giant.start()
    engine.queue.drop(engine.queue.waiting("changes")[5].number)
    engine.pump()
    assert giant.runs[0].outcome is Outcome.RUNNING
    assert 0 < giant.counts.active < 250
    engine.wait(timedelta(minutes=20))
    assert giant.counts.active == 250
    assert giant.runs[-1].outcome is Outcome.COMPLETE
