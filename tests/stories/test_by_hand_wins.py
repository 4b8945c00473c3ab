"""What an admin did by hand is overridden on no path: not by news, a full pass, settings, an undo, an approval, one
person's synchronising, or time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sync.core.model import AccountState, Hand, PersonRecord, Reason
from sync.core.sync_settings import Chosen, Filter, Scope
from sync.usecases import by_hand, one_person, undo
from tests.fakes.engine import Tenanted

Act = Callable[[], None]
Path = Callable[[Tenanted, str, Act], None]


def news(acme: Tenanted, person: str, act: Act) -> None:
    """Everything about the person changes, in two pulls."""
    act()
    acme.tenant.change(person, department="Sales", jobTitle="Clerk", accountEnabled=False)
    acme.sync()
    acme.tenant.change(person, department="Legal", accountEnabled=True, mail="other@contoso.example")
    acme.sync()


def gone_and_back(acme: Tenanted, person: str, act: Act) -> None:
    """The person is in the bin, and restored."""
    act()
    acme.tenant.soft_delete(person)
    acme.sync()
    acme.reconcile()
    acme.tenant.restore(person)
    acme.sync()


def full_passes(acme: Tenanted, person: str, act: Act) -> None:
    """A full pass finds what no delta told."""
    act()
    acme.tenant.hard_delete(person, told=False)
    acme.reconcile()
    acme.reconcile()


def settings(acme: Tenanted, person: str, act: Act) -> None:
    """Settings leave the person out and take them in again."""
    act()
    acme.choose(scope=Scope(Chosen(everyone=True, excluded_people=(person,))))
    acme.choose(scope=Scope(filters=(Filter("department", "in", ("Nowhere",)),)))
    acme.choose(scope=Scope())


def an_undo(acme: Tenanted, person: str, act: Act) -> None:
    """The run that gave the account what the admin then did by hand is undone."""
    acme.tenant.change(person, department="Works Council")
    acme.sync()
    (run,) = (run for run in acme.runs if run.counts.get("update"))
    act()
    undo.begin(acme.engine.services, acme.connection, run.id, "bob")
    acme.engine.pump()


def an_approval(acme: Tenanted, person: str, act: Act) -> None:
    """Removals wait, the admin does something to one of them, and they are approved."""
    for one in acme.tenant.present_people()[:6]:
        acme.tenant.change(one, accountEnabled=False)
    acme.sync()
    assert acme.person(person).held
    act()
    acme.approve_all()
    acme.reconcile()


def one_alone(acme: Tenanted, person: str, act: Act) -> None:
    """The person is synchronised alone, as changed and as gone."""
    act()
    acme.tenant.change(person, department="Sales", accountEnabled=False)
    one_person.sync(acme.engine.services, acme.view, person, "bob", pause=lambda _: None)
    acme.tenant.hard_delete(person)
    one_person.sync(acme.engine.services, acme.view, person, "bob", pause=lambda _: None)
    acme.engine.pump()


def time(acme: Tenanted, person: str, act: Act) -> None:
    """The person is disabled, and what is inactive is given up in time; then they are enabled again."""
    act()
    acme.tenant.change(person, accountEnabled=False)
    acme.sync()
    acme.engine.clock.advance(timedelta(days=acme.connection.settings.purge_days + 1))
    acme.engine.wait(timedelta(minutes=30))
    assert "retention" in {run.cause for run in acme.runs}
    acme.tenant.change(person, accountEnabled=True, jobTitle="Clerk")
    acme.sync()


PATHS: tuple[Path, ...] = (news, gone_and_back, full_passes, settings, an_undo, an_approval, one_alone, time)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("what", ["blocked", "kept", "edited"])
def test_nothing_overrides_it(acme: Tenanted, path: Path, what: str) -> None:
    """Blocked stays without an active account, kept stays active, an edited field keeps the admin's text; and what was
    done is still there to be taken back.
    """
    person = acme.tenant.present_people()[0]

    def act() -> None:
        hand = Hand.NONE if what == "edited" else Hand(what)
        fields = {"department": "Works Council"} if what == "edited" else {}
        by_hand.change(acme.engine.services, acme.connection, person, "ada", hand=hand, fields=fields)
        acme.engine.pump()

    path(acme, person, act)
    record = acme.person(person)
    if what == "blocked":
        assert (record.hand, record.reason) == (Hand.BLOCKED, Reason.ADMIN)
        assert record.account_state is not AccountState.ACTIVE
    elif what == "kept":
        assert (record.hand, record.account_state) == (Hand.KEPT, AccountState.ACTIVE)
    else:
        assert record.own == {"department": "Works Council"}
        assert department(record) == "Works Council"


def department(record: PersonRecord) -> str:
    """Of the account."""
    return record.fields.get("department", "")
