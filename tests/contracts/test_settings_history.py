"""`SettingsHistory`: every version of a connection's settings, newest first."""

from __future__ import annotations

import pytest

from sync.core.sync_settings import Chosen, FieldRule, Filter, Scope, SettingsVersion, SyncSettings
from sync.ports import BadCursor
from tests.contracts.conftest import Store
from tests.contracts.people_of import TENANT

ONE, OTHER = "0" * 31 + "1", "0" * 31 + "2"


def version(number: int, connection: str = ONE, **more: str) -> SettingsVersion:
    """A version with something in every kind of field."""
    settings = SyncSettings(
        version=number,
        mapping=(FieldRule("desk", 'first(city, "none")', "on_create", "default", "x"),),
        scope=Scope(Chosen(groups=(TENANT,)), domains=("a.example",), filters=(Filter("city", "in", ("A", "B")),)),
        audience=Chosen(everyone=True, excluded_people=(TENANT,)),
        matching=("alias", "address"),
    )
    return SettingsVersion(connection, settings, **more)


def test_a_version_comes_back_as_it_was(store: Store) -> None:
    """With who saved it and when; one that never was is None."""
    kept = version(3, by="admin-1", by_name="Ada Søn", at="2026-03-02T08:00:00.000Z")
    store.settings_history.add(kept)
    assert store.settings_history.get(ONE, 3) == kept
    for number in (0, -1, 2, 10**12):
        assert store.settings_history.get(ONE, number) is None
    assert store.settings_history.get(OTHER, 3) is None


def test_the_first_of_a_version_stays(store: Store) -> None:
    """Keeping a version again, after a crash, changes nothing."""
    store.settings_history.add(version(1, by="first"))
    store.settings_history.add(version(1, by="second"))
    found = store.settings_history.get(ONE, 1)
    assert found is not None
    assert found.by == "first"


def test_pages_are_newest_first(store: Store) -> None:
    """Page by page, one connection's alone, in the order of numbers; a foreign cursor is refused."""
    for number in (2, 10, 1, 9):
        store.settings_history.add(version(number))
    store.settings_history.add(version(5, OTHER))
    first, cursor = store.settings_history.page(ONE, "", 3)
    rest, end = store.settings_history.page(ONE, cursor, 3)
    assert [one.settings.version for one in (*first, *rest)] == [10, 9, 2, 1]
    assert end == ""
    with pytest.raises(BadCursor):
        store.settings_history.page(ONE, "../x", 3)
