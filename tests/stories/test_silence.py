"""Nothing fails quietly: what hangs is taken over, what does not succeed is told, and so are lost notifications."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from shared.errors import Conflict, Transient
from sync.core.connection import ConnectionState
from sync.core.health import needs_admin
from sync.core.model import AccountState
from sync.core.runs import Stage
from sync.core.subscription import LIFETIME
from sync.usecases import lease, subscribe
from sync.usecases.overview import Announced, Overview, Overviews
from tests.fakes.engine import Engine, Tenanted


def glance(connection: Tenanted) -> Overview:
    """What the admin sees."""
    return Overviews(connection.engine.services).glance(connection.view)


def test_no_success_for_too_long_is_told(acme: Tenanted, caplog: pytest.LogCaptureFixture) -> None:
    """Graph is in trouble for hours: no health changes and nobody is removed, and yet it does not go unnoticed; the
    first success ends it.
    """
    acme.tenant.refusals = {"users": Transient("503"), "groups": Transient("503")}
    acme.engine.wait(timedelta(minutes=50))
    assert "connection.silent" not in caplog.text
    assert glance(acme).silent_since == ""
    acme.engine.wait(timedelta(hours=2))
    assert '"event":"connection.silent"' in caplog.text
    assert glance(acme).silent_since == glance(acme).last_read != ""
    assert (acme.connection.state, acme.connection.problem, acme.counts.active) == (ConnectionState.CONNECTED, None, 20)
    acme.tenant.refusals = {}
    acme.engine.wait(timedelta(minutes=20))
    caplog.clear()
    acme.engine.wait(timedelta(minutes=20))
    assert "connection.silent" not in caplog.text
    assert glance(acme).silent_since == ""


def test_a_lost_right_is_told_within_minutes_and_not_as_silence(
    acme: Tenanted, caplog: pytest.LogCaptureFixture
) -> None:
    """What only the admin can mend is told with its remedy, as soon as it is certain, and once."""
    acme.tenant.refusals = {feed: needs_admin("consent_missing") for feed in ("users", "groups")}
    acme.engine.wait(timedelta(minutes=10))
    assert acme.connection.state is ConnectionState.ATTENTION
    acme.engine.wait(timedelta(hours=3))
    assert caplog.text.count("connection.attention") == 1
    assert "connection.silent" not in caplog.text


def test_a_reader_that_hangs_is_replaced(acme: Tenanted) -> None:
    """Whoever took the lease and never came back has lost it two minutes later; should it wake up, nothing it writes
    is taken.
    """
    engine = acme.engine
    asleep = acme.view
    hung = lease.take(engine.services, asleep)
    assert hung is not None
    new = acme.tenant.hire("New Comer")
    acme.hint("users")
    engine.wait(timedelta(minutes=2))
    assert acme.person(new).account_state is AccountState.ACTIVE
    with pytest.raises(Conflict):
        lease.checkpoint(engine.services, asleep, hung)


def test_a_pass_that_stands_still_is_taken_up(acme: Tenanted) -> None:
    """Every message of it is lost: minutes later the timer goes on with the same run, which ends."""
    gone = acme.tenant.present_people()[0]
    acme.tenant.hard_delete(gone, told=False)
    acme.request_pass()
    acme.engine.deliver()
    for delivery in acme.engine.queue.waiting():
        acme.engine.queue.drop(delivery.number)
    (stuck,) = [run for run in acme.runs if run.kind == "pass" and not run.finished_at]
    acme.engine.wait(timedelta(minutes=30))
    assert acme.person(gone).account_state is AccountState.INACTIVE
    assert next(run for run in acme.runs if run.id == stuck.id).stage is Stage.DONE


def test_progress_of_the_first_import(engine: Engine) -> None:
    """What was read grows block by block before Start, the share that is done after it, up to the end."""
    engine.directory.manners.page_size = 1
    acme = engine.connect(digits=1)
    for number in range(400):
        acme.tenant.hire(f"Person {number}")
    read = [0]
    while acme.connection.survey is None:
        assert engine.deliver()
        read.append(progress.read if (progress := glance(acme).progress) else 0)
    assert (sorted(read), len({*read}) > 3, max(read)) == (read, True, 400)
    acme.start()
    done = []
    while acme.connection.state is ConnectionState.IMPORTING:
        assert engine.deliver()
        engine.clock.advance(1)
        progress = glance(acme).progress
        if progress and progress.stage is Stage.APPLYING and progress.fraction:
            done.append(progress.fraction)
            assert progress.seconds_left is not None
    assert len(done) > 10
    assert done == sorted(done)
    assert glance(acme).counts.active == 400


def test_a_run_says_that_it_is_running_and_how_late_it_was(acme: Tenanted) -> None:
    """While its parts are applied it is running; afterwards the delay from the notification is measured."""
    acme.engine.clock.advance(1)
    acme.tenant.hire("New Comer")
    acme.hint("users")
    acme.engine.deliver()
    assert (acme.runs[0].outcome, acme.runs[0].cause) == ("running", "notification")
    acme.engine.clock.advance(38)
    acme.engine.pump()
    assert acme.runs[0].outcome == "complete"
    freshness = glance(acme).freshness
    assert freshness is not None
    assert (freshness.median, freshness.p95, freshness.runs) == (38, 38, 1)


def test_changes_that_no_notification_announced(acme: Tenanted, caplog: pytest.LogCaptureFixture) -> None:
    """The subscription looks healthy and nothing comes: the timer's pulls find the changes and say so, one by one."""
    caplog.set_level(logging.INFO)
    acme.tenant.hire("Told One")
    acme.sync()
    assert "pull.unannounced" not in caplog.text
    for number in range(3):
        acme.engine.cycle()
        acme.tenant.hire(f"Untold {number}")
        acme.engine.cycle()
    assert {*acme.view.watch.subscriptions} == {"users", "groups"}
    assert caplog.text.count("pull.unannounced") == 3
    assert glance(acme).announced == Announced(notified=1, found=3)


def test_subscriptions_live_long(acme: Tenanted) -> None:
    """Sixty days cost each feed a handful of renewals, and there is never more than one pair."""
    services, before = acme.engine.services, len(acme.engine.faults.effects)
    assert timedelta(days=28) < LIFETIME
    for _ in range(60 * 4):
        acme.engine.clock.advance(timedelta(hours=6))
        subscribe.ensure(services, acme.view)
        held = services.subscriptions.list(acme.connection)
        assert sorted(one.resource for one in held) == ["groups", "users"]
    effects = acme.engine.faults.effects[before:]
    assert 2 <= effects.count("subscriptions.renew") <= 10
    assert effects.count("subscriptions.create") == 0
