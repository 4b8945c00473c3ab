"""Where nothing differs nothing is written."""

from __future__ import annotations

from collections import Counter

from sync.core.runs import Outcome
from tests.fakes.engine import Tenanted


def test_pull_with_nothing_new(acme: Tenanted) -> None:
    """One call to Graph and two writes (the lease, the cursor), at any size."""
    engine = acme.engine
    calls, effects = len(engine.directory.calls), len(engine.faults.effects)
    acme.hint("users")
    engine.pump()
    assert len(engine.directory.calls) - calls == 1
    assert Counter(engine.faults.effects[effects:]) == {"queue.send": 1, "connections.save_reader": 2}


def test_full_pass_with_nothing_new(acme: Tenanted) -> None:
    """No person, group or address is written."""
    engine = acme.engine
    acme.reconcile()
    effects = len(engine.faults.effects)
    acme.reconcile()
    written = Counter(engine.faults.effects[effects:])
    assert not {name for name in written if name.startswith(("people.", "groups.", "addresses.", "mails."))}
    assert acme.runs[0].outcome is Outcome.COMPLETE


def test_repeats_are_not_written(acme: Tenanted) -> None:
    """Graph tells everybody again although nothing changed: the accounts have no new activity."""
    engine = acme.engine
    before = len(engine.services.people.activity(acme.scope, [""], limit=1000))
    engine.directory.manners.repeats = 1.0
    acme.sync()
    assert len(engine.services.people.activity(acme.scope, [""], limit=1000)) == before
    assert acme.mailed == []
