"""Both kinds of storage. Every test has one of its own, empty."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sync import ports
from tests.fakes import FakeStorage
from tests.storage_settings import storage_settings


@dataclass
class Store:
    """The storage ports."""

    connections: ports.Connections
    settings_history: ports.SettingsHistory
    tenants: ports.Tenants
    people: ports.People
    groups: ports.Groups
    addresses: ports.Addresses
    accounts: ports.ManualAccounts
    staging: ports.Staging
    runs: ports.Runs
    mails: ports.Mails
    once: ports.Once


@pytest.fixture(params=["fake", pytest.param("tables", marks=pytest.mark.azurite)])
def store(request: pytest.FixtureRequest) -> Store:
    """Storage in memory, then Azure tables in the emulator."""
    if request.param == "fake":
        fake = FakeStorage()
        return Store(**{name: getattr(fake, name) for name in Store.__dataclass_fields__})
    from sync.adapters.tables import Storage

    real = Storage.open(storage_settings(request.getfixturevalue("storage")))
    return Store(**{name: getattr(real, name) for name in Store.__dataclass_fields__})
