"""Fixtures that several kinds of test share."""

import itertools
from collections.abc import Iterator

import pytest

from local.azurite import Azurite

# Accounts are as cheap as their names: enough that no two tests of a session ever meet in one.
ACCOUNT_COUNT = 3000
_accounts = itertools.count()


@pytest.fixture(scope="session")
def azurite_server() -> Iterator[Azurite]:
    """The session's Azurite: in memory, on free ports; under xdist one per worker."""
    with Azurite(accounts=[f"account{number}" for number in range(ACCOUNT_COUNT)]) as server:
        yield server


@pytest.fixture(scope="session")
def azurite(azurite_server: Azurite) -> str:
    """Connection string of the emulator's own account, shared by every test of the session."""
    return azurite_server.connection_string


@pytest.fixture
def storage(azurite_server: Azurite) -> str:
    """Connection string of a storage account of this test alone: no table, no queue, no blob in it yet."""
    return azurite_server.account(f"account{next(_accounts)}")
