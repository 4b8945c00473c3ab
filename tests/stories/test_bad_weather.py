"""Microsoft's side misbehaves: cursors expire, calls are throttled, rights are lost, notifications never come."""

from __future__ import annotations

from datetime import timedelta

from shared.errors import Transient
from sync.core.connection import ConnectionState
from sync.core.health import needs_admin
from sync.core.model import AccountState
from sync.core.runs import Outcome
from tests.fakes.engine import Engine, Tenanted


def test_cursor_expired(acme: Tenanted) -> None:
    """Graph forgot the token: a full pass follows, brings what was missed, mails nobody known and removes nobody."""
    acme.engine.directory.expire_cursors()
    new = acme.tenant.hire("New Comer")
    gone = acme.tenant.present_people()[0]
    acme.tenant.hard_delete(gone)
    acme.sync()
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert acme.person(gone).account_state is AccountState.INACTIVE
    assert (acme.counts.active, acme.counts.inactive) == (20, 1)
    assert acme.mailed == ["new.comer@contoso.example"]
    assert {run.cause for run in acme.runs if run.kind == "pass"} == {"first", "reset"}


def test_eight_days_out(acme: Tenanted) -> None:
    """Nothing ran for eight days: the tokens are over, everything is read again, and only what changed is written."""
    acme.engine.clock.advance(timedelta(days=8))
    new = acme.tenant.hire("New Comer")
    acme.engine.wait(timedelta(minutes=10))
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert (acme.counts.active, acme.counts.inactive) == (21, 0)
    assert acme.mailed == ["new.comer@contoso.example"]


def test_cursor_expires_within_a_full_pass(engine: Engine) -> None:
    """The token of a page expires while a pass reads: the pass ends incomplete and the next one begins."""
    engine.directory.manners.page_size = 5
    acme = engine.connect()
    for number in range(20):
        acme.tenant.hire(f"Person {number}")
    acme.imported()
    engine.directory.faults.fail_next("directory.read_page", Transient("503"))
    acme.request_pass()
    for _ in range(2):
        engine.deliver()
    engine.directory.expire_cursors()
    engine.pump()
    engine.wait(timedelta(minutes=10))
    assert (acme.counts.active, acme.counts.inactive) == (20, 0)
    assert acme.view.reader.pass_run == ""


def test_throttled(acme: Tenanted) -> None:
    """A 429 is obeyed in full by every reader of the tenant, changes no health, and loses nothing."""
    engine = acme.engine
    acme.tenant.hire("New Comer")
    engine.faults.fail_next("directory.read_page", Transient("429", retry_after=120))
    acme.hint("users")
    acme.hint("groups")
    engine.deliver()
    throttled_at = engine.clock.now()
    calls = len(engine.directory.calls)
    engine.pump()
    first = engine.directory.calls[calls][1]
    assert first - throttled_at >= timedelta(seconds=120)
    assert (acme.connection.state, acme.connection.problem) == (ConnectionState.CONNECTED, None)
    assert acme.counts.active == 21


def test_throttled_full_pass(acme: Tenanted) -> None:
    """A pass that is throttled goes on afterwards; throttled while absences are confirmed, it waits as well."""
    engine = acme.engine
    gone = acme.tenant.present_people()[0]
    acme.tenant.hard_delete(gone, told=False)
    engine.faults.fail_next("directory.read_page", Transient("429", retry_after=300))
    engine.faults.fail_next("directory.fetch_people", Transient("429", retry_after=300), times=2)
    acme.reconcile()
    engine.wait(timedelta(minutes=30))
    assert acme.person(gone).account_state is AccountState.INACTIVE
    assert acme.view.reader.pass_run == ""
    assert not engine.poison


def test_consent_revoked(acme: Tenanted) -> None:
    """Refused once proves nothing; refused again a minute later, the admin is told. Nobody is removed, and the first
    read that succeeds makes the connection well again.
    """
    engine = acme.engine
    acme.tenant.refusals = {feed: needs_admin("consent_missing") for feed in ("users", "groups")}
    acme.hint("users")
    engine.deliver()
    assert acme.connection.state.value == "connected"
    engine.pump()
    assert acme.connection.state.value == "attention"
    problem = acme.connection.problem
    assert problem is not None
    assert problem.code == "consent_missing"
    acme.reconcile()
    engine.wait(timedelta(hours=1))
    assert (acme.counts.active, acme.counts.inactive) == (20, 0)
    acme.tenant.refusals = {}
    engine.wait(timedelta(minutes=15))
    assert (acme.connection.state, acme.connection.problem) == (ConnectionState.CONNECTED, None)
    assert not engine.poison


def test_one_refusal_is_no_proof(acme: Tenanted) -> None:
    """A single 403 leaves no trace once the next read succeeds."""
    acme.engine.faults.fail_next("directory.read_page", needs_admin("permission_missing"))
    acme.sync()
    assert acme.connection.state is ConnectionState.CONNECTED
    assert acme.view.reader.suspect_code == ""


def test_right_to_groups_lost(acme: Tenanted) -> None:
    """The permission is narrowed to people: people go on, groups and memberships stay as they were, nobody is told
    off; a full pass keeps it so, and once the right is back it brings what was missed.
    """
    engine, staff = acme.engine, acme.tenant.present_groups()[0]
    acme.tenant.refusals["groups"] = needs_admin("permission_missing")
    new = acme.tenant.hire("New Comer")
    acme.tenant.join(staff, new)
    acme.sync()
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert acme.view.reader.feeds["groups"].frozen == "permission_missing"
    assert acme.connection.state is ConnectionState.CONNECTED
    acme.reconcile()
    assert acme.groups[staff].members == 10
    assert sum(record.groups == {staff} for record in acme.people.values()) == 10
    acme.tenant.refusals = {}
    acme.reconcile()
    assert acme.groups[staff].members == 11
    assert acme.person(new).groups == {staff}
    engine.wait(timedelta(minutes=10))
    assert acme.view.reader.feeds["groups"].frozen == ""


def test_every_notification_lost(acme: Tenanted) -> None:
    """Without a single notification the timer's pull brings every change within its interval."""
    new = acme.tenant.hire("New Comer")
    acme.engine.cycle()
    assert acme.person(new).account_state is AccountState.ACTIVE


def test_notified_before_it_can_be_read(acme: Tenanted) -> None:
    """The notification comes before the change has reached the feed: it is looked for again, seconds later."""
    acme.tenant.lags_at = acme.tenant.at
    new = acme.tenant.hire("New Comer")
    acme.hint("users", new)
    acme.engine.deliver()
    acme.tenant.lags_at = None
    started = acme.engine.clock.now()
    acme.engine.pump()
    assert acme.person(new).account_state is AccountState.ACTIVE
    assert acme.engine.clock.now() - started <= timedelta(seconds=20)


def test_incomplete_pass_removes_nobody(acme: Tenanted) -> None:
    """A pass whose reading is refused in the middle concludes nothing."""
    acme.engine.directory.manners.page_size = 5
    acme.tenant.refusals["users"] = needs_admin("consent_missing")
    acme.reconcile()
    acme.engine.wait(timedelta(minutes=5))
    passes = [run for run in acme.runs if run.kind == "pass" and run.cause != "first"]
    assert {run.outcome for run in passes if run.finished_at} == {Outcome.INCOMPLETE}
    assert (acme.counts.active, acme.counts.inactive) == (20, 0)
