"""The flagship: a tenant is edited in every way while messages are doubled, reordered and lost, workers are killed
and servers fail. After every step nothing may be wrong that can never be right; once it settles, what is stored is
what the directory says.
"""

from __future__ import annotations

import os
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from shared.errors import Transient
from sync.core.messages import PullMessage
from sync.ports import SendResult
from sync.usecases import lease
from tests.fakes.engine import TENANT, WORKSPACE, Engine, Tenanted
from tests.property.asking import ask, synchronise
from tests.property.edits import NAMES, Edits, addresses, some
from tests.property.safety import Watchdog
from tests.property.truth import differences

OTHER_TENANT = "99999999-0000-4000-8000-000000000002"
WRITES = (
    "addresses.claim",
    "addresses.transfer",
    "addresses.release",
    "connections.save",
    "connections.save_reader",
    "groups.commit",
    "mails.claim",
    "mails.save",
    "people.commit",
    "queue.send",
    "runs.finish_part",
    "runs.save",
    "runs.save_hold",
    "runs.save_window",
    "staging.put",
)


class Directory(Edits):
    """Two connected workspaces; the rules edit the first one's tenant, and now and then the other's."""

    watchdog: Watchdog

    @initialize(
        seed=some,
        digits=st.sampled_from([0, 1]),
        size=st.integers(0, 4),
        page=st.sampled_from([2, 5, 50]),
        empty=st.sampled_from([0.0, 0.3]),
        repeats=st.sampled_from([0.0, 0.4]),
        alone=st.booleans(),
        resend=st.booleans(),
        mail_existing=st.booleans(),
    )
    def import_both(
        self,
        seed: int,
        digits: int,
        size: int,
        page: int,
        empty: float,
        repeats: float,
        alone: bool,
        resend: bool,
        mail_existing: bool,
    ) -> None:
        """Connect both workspaces and start."""
        self.engine = Engine(seed=seed)
        manners = self.engine.directory.manners
        manners.page_size, manners.slice_size, manners.empty_pages, manners.repeats = page, 2, empty, repeats
        manners.manager_alone, manners.resend_members = alone, resend
        self.acme = self.engine.connect(WORKSPACE, TENANT, digits=digits)
        other = self.engine.connect("beta", OTHER_TENANT, digits=digits)
        for connection in (self.acme, other):
            for name in NAMES[:size]:
                connection.tenant.hire(name)
            connection.tenant.new_group("Everybody")
            connection.imported(mail_existing=mail_existing)
        self.tenant = self.acme.tenant
        self.others = other.tenant
        self.connections = [self.acme, other]
        self.watchdog = Watchdog(self.engine, self.connections)

    # --- an admin acts -----------------------------------------------------------------------------------------

    @rule(address=addresses)
    def make_by_hand(self, address: str) -> None:
        """An account is made by hand."""
        with self.engine.attempt():
            self.acme.manual(address)

    @rule(approve=st.booleans())
    def decide_hold(self, approve: bool) -> None:
        """A hold is approved or rejected."""
        for hold in self.acme.holds[:1]:
            with self.engine.attempt():
                (self.acme.approve if approve else self.acme.reject)(hold)

    @rule()
    def begin_pass(self) -> None:
        """A full pass is asked for."""
        with self.engine.attempt():
            self.acme.request_pass()

    @rule(who=some, asks=st.booleans(), beside=st.booleans())
    def sync_one_person(self, who: int, asks: bool, beside: bool) -> None:
        """Somebody is explained and synchronised at once, perhaps while a reader keeps the lease."""
        people = sorted(self.tenant.people) or ["11111111-2222-4333-8444-555555555555"]
        person = people[who % len(people)]
        services, view = self.engine.services, self.acme.view
        reader = None
        with self.engine.attempt():
            reader = lease.take(services, view) if beside else None
        said = ask(self.acme, person) if asks else None
        synchronise(self.acme, person, said)
        if reader is not None:
            with self.engine.attempt():
                lease.give_back(services, view, reader)

    # --- the world's weather -----------------------------------------------------------------------------------

    @rule()
    def hint(self) -> None:
        """Graph notifies."""
        with self.engine.attempt():
            self.acme.hint("users")
            self.acme.hint("groups")

    @rule(count=st.integers(1, 30), order=st.booleans())
    def deliver(self, count: int, order: bool) -> None:
        """Some messages are worked on, in their order or in any, some of them twice."""
        if not order:
            self.engine.reshuffle()
        for _ in range(count):
            self.engine.deliver()

    @rule()
    def lose_hints(self) -> None:
        """Every notification is lost."""
        for delivery in self.engine.queue.waiting("pulls"):
            message = delivery.message
            if isinstance(message, PullMessage) and message.cause == "notification":
                self.engine.queue.drop(delivery.number)

    @rule(seconds=st.sampled_from([1, 30, 90, 700, 7200]))
    def pass_time(self, seconds: int) -> None:
        """Time goes by and the timer fires."""
        self.engine.clock.advance(timedelta(seconds=seconds))
        self.engine.tick()

    @rule()
    def pass_a_day(self) -> None:
        """A whole day in which everything works as it should."""
        self.engine.faults.heal()
        self.engine.pump(until=self.engine.clock.now() + timedelta(hours=24))

    @rule()
    def expire_cursors(self) -> None:
        """Graph forgets its tokens."""
        self.engine.directory.expire_cursors()

    @rule(effects=st.integers(1, 25), landed=st.booleans())
    def crash_soon(self, effects: int, landed: bool) -> None:
        """The worker will be killed at an effect to come."""
        self.engine.faults.crash_after(effects, landed=landed)

    @rule(operation=st.sampled_from(WRITES), landed=st.booleans())
    def fail_storage(self, operation: str, landed: bool) -> None:
        """A write will fail, or its reply will be lost."""
        self.engine.faults.fail_next(operation, Transient("503"), landed=landed)

    @rule(operation=st.sampled_from(["directory.read_page", "directory.fetch_people"]))
    def throttle(self, operation: str) -> None:
        """Graph will answer 429."""
        self.engine.faults.fail_next(operation, Transient("429", retry_after=40))

    @rule(result=st.sampled_from(SendResult), accepted=st.booleans())
    def upset_mail_server(self, result: SendResult, accepted: bool) -> None:
        """The mail server will say something else."""
        self.engine.mail_server.script(result, accepted=accepted and result is SendResult.UNKNOWN)

    # --- what must hold ----------------------------------------------------------------------------------------

    @invariant()
    def is_safe(self) -> None:
        """See `safety`."""
        if hasattr(self, "watchdog"):
            self.watchdog.look()

    def teardown(self) -> None:
        """Faults stop; within two cycles and a full pass everything is as the directory says."""
        if hasattr(self, "watchdog"):
            settle(self.engine, self.connections)
            self.watchdog.look()
            assert [text for connection in self.connections for text in differences(connection)] == []


def settle(engine: Engine, connections: list[Tenanted]) -> None:
    """Faults stop, the feeds catch up, two cycles pass, holds are approved, and two full passes are made: who waits
    for the address of somebody whose absence the first one finds gets it by the second.
    """
    engine.faults.heal()
    for tenant in engine.directory.tenants.values():
        tenant.lags_at = None
    engine.pump()
    for _ in range(2):
        engine.cycle()
    for connection in connections:
        for number in range(5):
            connection.reconcile()
            held = connection.holds
            for hold in held:
                connection.approve(hold)
            engine.pump()
            if number and not held:
                break
        connection.sync()


def test_every_settled_state_is_the_directory() -> None:
    """Whatever happens, nothing unsafe is ever stored, and what is stored settles to what the directory says."""
    examples = int(os.environ.get("MOXSO_EXAMPLES", "40"))
    run_state_machine_as_test(
        Directory,
        settings=settings(
            max_examples=examples,
            stateful_step_count=int(os.environ.get("MOXSO_STEPS", "25")),
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
