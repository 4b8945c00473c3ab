"""No run is under way for ever: whoever worked on it was killed, or its connection has ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest

from sync.core.messages import ChangesMessage
from sync.core.model import AccountState
from sync.core.runs import Outcome, Run, Stage
from sync.usecases.sending import new_run
from sync.usecases.standstill import QUEUED
from tests.fakes.engine import Tenanted

SWEPT = QUEUED + timedelta(minutes=15)


def told(connection: Tenanted, run_id: str) -> Run:
    """A run as it is now."""
    return next(run for run in connection.runs if run.id == run_id)


def lost(connection: Tenanted) -> ChangesMessage:
    """The one part that waits, which its queue no longer has."""
    (late,) = connection.engine.queue.waiting("changes")
    connection.engine.queue.drop(late.number)
    assert isinstance(late.message, ChangesMessage)
    return late.message


@pytest.mark.parametrize("kind", ["pass", "revisit"])
def test_a_run_that_nobody_knows_of_is_told_as_interrupted(acme: Tenanted, kind: Literal["pass", "revisit"]) -> None:
    """Its worker was killed after storing it and before the reader knew of it: the timer ends it, and no other."""
    services, ended = acme.engine.services, [run.id for run in acme.runs]
    orphan = services.runs.save(new_run(services, acme.connection, kind, "settings"))
    acme.engine.wait(timedelta(minutes=15))
    told = {run.id: (run.outcome, run.error, bool(run.finished_at)) for run in acme.runs}
    assert told[orphan.id] == (Outcome.INCOMPLETE, "interrupted", True)
    assert {told[run] for run in ended} == {(Outcome.COMPLETE, "", True)}


def test_a_pull_killed_before_its_first_message_ends_as_interrupted(acme: Tenanted) -> None:
    """What it had read is read again by another run, and applied once."""
    acme.engine.clock.advance(1)  # so that its run is the newest
    new = acme.tenant.hire("New Comer")
    acme.hint("users")
    acme.engine.faults.crash_after(2)  # the lease is taken, the run is saved
    assert acme.engine.deliver()
    killed = acme.runs[0]
    assert (killed.kind, killed.outcome, acme.engine.queue.waiting("changes")) == ("pull", Outcome.RUNNING, [])
    acme.engine.wait(SWEPT)
    killed = told(acme, killed.id)
    assert (killed.outcome, killed.error, killed.read) == (Outcome.INCOMPLETE, "interrupted", 1)
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert [run.counts.get("create") for run in acme.runs if run.counts.get("create")] == [1, 20]


def test_what_comes_late_is_applied_and_counted(acme: Tenanted) -> None:
    """A part lies in a queue for longer than anybody waits: its run is told as interrupted, and once the part has
    come, as complete, with everything that it did.
    """
    new = acme.tenant.hire("New Comer")
    acme.hint("users")
    assert acme.engine.deliver()
    late = lost(acme)
    acme.engine.wait(SWEPT)
    run = told(acme, late.run)
    assert (run.outcome, run.error, run.counts.get("create")) == (Outcome.INCOMPLETE, "interrupted", None)
    acme.engine.queue.send(late)
    acme.engine.pump()
    run = told(acme, late.run)
    assert (run.stage, run.outcome, run.error, run.counts["create"]) == (Stage.DONE, Outcome.COMPLETE, "", 1)
    assert acme.person(new).account_state is AccountState.ACTIVE


def test_a_queue_that_is_slow_interrupts_nothing(acme: Tenanted) -> None:
    """Within half an hour a pull is under way, and says so."""
    acme.tenant.hire("New Comer")
    acme.hint("users")
    assert acme.engine.deliver()
    late = lost(acme)
    acme.engine.wait(QUEUED - timedelta(minutes=1))
    assert told(acme, late.run).outcome is Outcome.RUNNING


def test_disconnecting_ends_what_is_under_way(acme: Tenanted) -> None:
    """A pull and a pass end with the connection, and say why; connected again, nothing of them is left."""
    acme.tenant.hire("New Comer")
    acme.hint("users")
    acme.request_pass()
    assert acme.engine.deliver()
    assert acme.engine.deliver()
    before = {run.id for run in acme.runs if run.outcome is Outcome.RUNNING}
    assert {told(acme, run).kind for run in before} == {"pull", "pass"}
    acme.disconnect()
    assert {(told(acme, run).outcome, told(acme, run).error) for run in before} == {
        (Outcome.INCOMPLETE, "disconnected")
    }
    acme.engine.pump()
    again = acme.engine.connect().imported()
    acme.engine.wait(SWEPT)
    assert {told(again, run).error for run in before} == {"disconnected"}
    assert [run for run in again.runs if run.outcome is Outcome.RUNNING] == []


def test_an_approval_is_taken_up_though_it_was_told_as_interrupted(acme: Tenanted) -> None:
    """Its messages are lost for longer than anybody waits: the timer hands them out again, and the run completes."""
    for person in acme.tenant.present_people()[:6]:
        acme.tenant.soft_delete(person)
    acme.sync()
    (hold,) = acme.holds
    acme.approve(hold)
    for delivery in acme.engine.queue.waiting("changes"):
        acme.engine.queue.drop(delivery.number)
    (release,) = [run for run in acme.runs if run.cause == "approval"]
    acme.engine.wait(SWEPT)
    done = told(acme, release.id)
    assert (done.outcome, done.error, done.counts["deactivate"]) == (Outcome.COMPLETE, "", 6)
