"""What stories about matching and contested addresses have in common."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sync.core.sync_settings import MatchBy
from sync.ports import ManualAccount
from sync.usecases import manual_accounts
from tests.fakes.engine import Engine, Tenanted
from tests.property.truth import differences

EVERY: tuple[MatchBy, ...] = ("address", "alias", "employee_id")
SHARDED = pytest.mark.parametrize("digits", [0, 1])


def connected(engine: Engine, digits: int = 0, *names: str) -> tuple[Tenanted, list[str]]:
    """A connection with everybody of these names imported."""
    acme = engine.connect(digits=digits)
    people = [acme.tenant.hire(name) for name in names]
    return acme.imported(), people


def by_hand(acme: Tenanted, address: str, employee_id: str = "") -> ManualAccount:
    """An account that an admin made."""
    return manual_accounts.create(acme.engine.services, acme.connection.workspace, address, "By Hand", employee_id)


def mail(name: str) -> str:
    """The address of somebody of this name."""
    return f"{name.lower().replace(' ', '.')}@contoso.example"


def held(acme: Tenanted, people: Sequence[str]) -> list[str]:
    """The addresses these people's accounts have."""
    return [acme.person(person).address for person in people]


def settled(acme: Tenanted) -> None:
    """Everything is as the directory says, and a full pass finds nothing to add."""
    assert differences(acme) == []
    before = acme.people
    acme.reconcile()
    assert differences(acme) == []
    assert {key: (one.account_id, one.address) for key, one in acme.people.items()} == {
        key: (one.account_id, one.address) for key, one in before.items()
    }
