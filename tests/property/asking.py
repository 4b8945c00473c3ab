"""Whoever is asked about is explained without a write, and synchronising them then does what was said."""

from __future__ import annotations

from typing import Any

from shared.errors import Transient
from sync.core.decide import hold_back
from sync.core.model import PersonRecord
from sync.core.runs import Outcome
from sync.usecases import explain, one_person
from sync.usecases.explain import Answer, Why
from tests.fakes.engine import Tenanted
from tests.property.projection import large


def ask(connection: Tenanted, object_id: str) -> Why | None:
    """A person explained; None where nobody has them, or nobody could say."""
    faults = connection.engine.faults
    before = len(faults.effects)
    try:
        return explain.person(connection.engine.services, connection.view, object_id)
    except (explain.Unknown, Transient):
        return None
    finally:
        assert len(faults.effects) == before, "asking wrote something"


def synchronise(connection: Tenanted, object_id: str, said: Why | None) -> bool:
    """The admin has one person synchronised; if it comes to its end at once, it did what was said, and the answer is
    whether there was anything said to be compared with. Whoever is more than a row holds stays as they are instead.
    """
    engine = connection.engine
    with engine.attempt() as failed:
        run = one_person.sync(engine.services, connection.view, object_id, "admin", pause=lambda _: None)
    if failed or run.outcome is not Outcome.COMPLETE or said is None or said.answer is Answer.NOT_ASKED:
        return False
    if large(connection.tenant.person(object_id) or {}):
        return False
    record = connection.person(object_id)
    then = hold_back(said.then, record.held) if record.held else said.then
    assert _account(record) == _account(then.after), f"{said.then.action} was said, and {record} came of it"
    assert (record.mail, record.presence) == (then.after.mail, said.told.presence)
    return True


def _account(record: PersonRecord) -> dict[str, Any]:
    """What is said of an account before it is made."""
    return {
        "state": record.account_state,
        "reason": record.reason,
        "fields": dict(record.fields),
        "audience": record.audience,
        "groups": record.groups,
        "conflict": bool(record.conflict_with),
        "matched": record.matched_by,
    }
