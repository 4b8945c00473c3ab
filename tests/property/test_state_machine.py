"""The flagship: a tenant is edited in every way while messages are doubled, reordered and lost, workers are killed
and servers fail, and an admin chooses, asks, approves, takes back and disconnects. After every step nothing may be
wrong that can never be right; once it settles, what is stored is what the directory says.

One machine has every rule. The others have fewer, about one theme, so that the rare combinations of it are met too.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, run_state_machine_as_test

from sync.core.connection import ConnectionState
from sync.core.sync_settings import Chosen, Scope
from tests.fakes.engine import TENANT, WORKSPACE, Engine, Tenanted
from tests.property.acts import Acts
from tests.property.choices import Choices
from tests.property.connecting import Connecting
from tests.property.edits import EditsOfPeople, Machine
from tests.property.groupings import EditsOfGroups
from tests.property.ports import Witness
from tests.property.reached import Reached
from tests.property.safety import Watchdog
from tests.property.states import states
from tests.property.truth import SWEPT, Comparison
from tests.property.turns import Turns
from tests.property.weather import Delivery, Weather
from tests.property.world import NAMES, ROW_BYTES, some

OTHER_WORKSPACE, OTHER_TENANT = "beta", "99999999-0000-4000-8000-000000000002"
SETTLING = 8  # full passes, at most, until nobody waits for somebody's address or an admin any more


class Begun(Machine):
    """Both workspaces connected and started; what must hold after every step and in the end."""

    watchdog: Watchdog
    witness: Witness
    reached = Reached()
    examples = 40  # runs of a session, unless the environment says otherwise

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.reached = Reached()

    @initialize(
        seed=some,
        digits=st.sampled_from([0, 1]),
        size=st.sampled_from([0, 2, 4, 6]),
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
        self.engine.storage.people.row_bytes = ROW_BYTES
        self.witness = Witness(self.engine, {WORKSPACE: TENANT, OTHER_WORKSPACE: OTHER_TENANT})
        manners = self.engine.directory.manners
        manners.page_size, manners.slice_size, manners.empty_pages, manners.repeats = page, 2, empty, repeats
        manners.manager_alone, manners.resend_members = alone, resend
        self.acme = self.engine.connect(WORKSPACE, TENANT, digits=digits)
        other = self.engine.connect(OTHER_WORKSPACE, OTHER_TENANT, digits=digits)
        for connection in (self.acme, other):
            for name in NAMES[:size]:
                connection.tenant.hire(name)
            connection.tenant.new_group("Everybody")
            connection.imported(mail_existing=mail_existing)
        self.tenant = self.acme.tenant
        self.others = other.tenant
        self.connections = [self.acme, other]
        self.watchdog = Watchdog(self.engine, self.connections)
        self.begin()

    def begin(self) -> None:
        """What a theme begins with."""

    @invariant()
    def is_safe(self) -> None:
        """See `look`, from when there is anything to look at."""
        if hasattr(self, "watchdog"):
            self.look()

    def look(self) -> None:
        """See `safety`, `steady` and `ports`."""
        self.watchdog.look()
        assert not self.witness.wrongs, self.witness.wrongs
        self.met |= states(self.acme)

    def teardown(self) -> None:
        """Faults stop; within two cycles and a few full passes everything is as the directory says."""
        if not hasattr(self, "watchdog"):
            return
        met = {*self.met}  # what settling alone comes to is no reach
        self.settle()
        self.look()
        for connection in self.connections:
            differences = Comparison(connection, self.watchdog.steady).differences()
            assert not differences, differences
        type(self).reached.ended(met)

    def settle(self) -> None:
        """Faults stop, the feeds catch up, two cycles pass, holds are approved, and full passes are made: who waits for
        the address of somebody whose absence the first one finds gets it by the next.
        """
        engine = self.engine
        engine.faults.heal()
        for tenant in engine.directory.tenants.values():
            tenant.lags_at, tenant.enumerates_nothing = None, False
            tenant.refusals.clear()
        if isinstance(self, Connecting) and not self.acme.connection.live:
            self.reconnect()
        engine.pump()
        if self.acme.connection.state is ConnectionState.AWAITING_START:
            self.acme.start()
        engine.pump()
        for _ in range(2):
            engine.cycle()
        engine.wait(SWEPT)
        for connection in self.connections:
            settle(engine, connection)


def settle(engine: Engine, connection: Tenanted) -> None:
    """Full passes, each with its holds approved, until one leaves nothing to approve."""
    for number in range(SETTLING):
        connection.reconcile()
        held = connection.holds
        for hold in held:
            connection.approve(hold)
        engine.pump()
        if number and not held:
            break
    connection.sync()


class Everything(EditsOfPeople, EditsOfGroups, Choices, Acts, Delivery, Weather, Turns, Begun):
    """Every rule there is."""


class ByGroups(EditsOfPeople, EditsOfGroups, Choices, Acts, Delivery, Weather, Connecting, Begun):
    """Scope and audience go by groups from the start, and there are enough people for the guard to have a say."""

    def begin(self) -> None:
        """Eight more people, all of them in the group that scope and audience go by."""
        self.hire_in_numbers()
        tenant = self.tenant
        for person in tenant.present_people():
            tenant.join(tenant.present_groups()[0], person)
        self.acme.sync()
        chosen = Chosen(groups=tuple(tenant.present_groups()))
        self.acme.choose(scope=Scope(chosen), audience=chosen)


class ByTheAdmin(EditsOfPeople, Choices, Acts, Delivery, Begun):
    """Nothing fails: so much the more of what an admin does comes to its end, and is taken back."""

    def begin(self) -> None:
        """With people enough."""
        self.hire_in_numbers()
        self.acme.sync()


class InWholeMoves(Acts, Delivery, Turns, Begun):
    """Many a step is a whole move, so that what takes long to come to is met, and several such things in a row."""

    examples = 25  # each worth several


MACHINES = (Everything, ByGroups, ByTheAdmin, InWholeMoves)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_every_settled_state_is_the_directory(machine: type[Begun]) -> None:
    """Whatever happens, nothing unsafe is ever stored, and what is stored settles to what the directory says."""
    examples = int(os.environ.get("MOXSO_EXAMPLES", machine.examples))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=int(os.environ.get("MOXSO_STEPS", "25")),
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    machine.reached.write(machine.__name__)
