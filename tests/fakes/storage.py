"""Every storage port in memory, over one ground."""

from __future__ import annotations

from tests.fakes.addresses import FakeAddresses, FakeManualAccounts
from tests.fakes.connections import FakeConnections, FakeTenants
from tests.fakes.faults import Faults
from tests.fakes.mails import FakeMails, FakeOnce
from tests.fakes.people import FakeGroups, FakePeople
from tests.fakes.rows import Ground
from tests.fakes.runs import FakeRuns, FakeStaging
from tests.fakes.settings_history import FakeSettingsHistory


class FakeStorage:
    """What a process finds in storage. It outlives a `Crash`: a test goes on with the same one."""

    def __init__(self, faults: Faults | None = None) -> None:
        ground = Ground(faults or Faults())
        self.faults = ground.faults
        self.connections = FakeConnections(ground)
        self.settings_history = FakeSettingsHistory(ground)
        self.tenants = FakeTenants(ground)
        self.people = FakePeople(ground)
        self.groups = FakeGroups(ground)
        self.addresses = FakeAddresses(ground)
        self.accounts = FakeManualAccounts(ground)
        self.staging = FakeStaging(ground)
        self.runs = FakeRuns(ground)
        self.mails = FakeMails(ground)
        self.once = FakeOnce(ground)
