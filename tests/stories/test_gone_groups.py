"""Groups that the settings name and that vanish are told, whatever they were used for."""

from __future__ import annotations

import pytest

from sync.core.sync_settings import Chosen, Scope
from sync.panel import words
from sync.usecases.chosen_groups import gone
from tests.fakes.engine import Engine, Tenanted


def told(acme: Tenanted) -> list[tuple[str, str]]:
    """Name and use of each."""
    return [(group.name, group.use) for group in gone(acme.engine.services, acme.connection)]


@pytest.fixture
def chosen(engine: Engine) -> Tenanted:
    """A workspace with a group for each use: `scope`, `scope_excluded`, `audience`, `audience_excluded`."""
    acme = engine.connect()
    uses = ("scope", "scope_excluded", "audience", "audience_excluded")
    groups = {use: (acme.tenant.new_group(use),) for use in uses}
    for number in range(4):
        acme.tenant.join(groups["scope"][0], acme.tenant.hire(f"Person {number}"))
    acme.imported()
    scope = Chosen(groups=groups["scope"], excluded_groups=groups["scope_excluded"])
    acme.choose(
        scope=Scope(scope), audience=Chosen(groups=groups["audience"], excluded_groups=groups["audience_excluded"])
    )
    return acme


@pytest.mark.parametrize("soft", [False, True])
def test_a_vanished_group_is_told_with_its_use(chosen: Tenanted, soft: bool) -> None:
    """Each by the name it had last, until it comes back or the settings no longer name it."""
    assert told(chosen) == []
    for group in [*chosen.tenant.present_groups()]:
        chosen.tenant.delete_group(group, soft=soft)
        chosen.sync()
    uses = ["scope", "scope_excluded", "audience", "audience_excluded"]
    assert told(chosen) == [(use, use) for use in uses]
    chosen.reconcile()
    assert told(chosen) == [(use, use) for use in uses]
    if soft:
        chosen.tenant.restore_group(next(group for group, record in chosen.groups.items() if record.name == "scope"))
        chosen.sync()
        assert told(chosen) == [(use, use) for use in uses[1:]]
    chosen.choose(scope=Scope(), audience=Chosen(everyone=True))
    assert told(chosen) == []


def test_a_group_that_never_was_is_told_by_its_id(chosen: Tenanted) -> None:
    """Settings may be saved by a script: an id that Entra does not know is told as it is."""
    stranger = "11111111-2222-4333-8444-555555555555"
    chosen.choose(audience=Chosen(everyone=True, excluded_groups=(stranger,)))
    (group,) = gone(chosen.engine.services, chosen.connection)
    assert (group.name, group.use) == (stranger, "audience_excluded")
    assert stranger in words.gone_group(group)
    assert "receive them" in words.gone_group(group)


def test_nothing_is_told_before_groups_were_read(engine: Engine) -> None:
    """Until the first import is done nobody knows which groups there are."""
    acme = engine.connect()
    acme.tenant.hire("Person 1")
    engine.pump()
    acme.choose(audience=Chosen(groups=("11111111-2222-4333-8444-555555555555",)))
    assert told(acme) == []
