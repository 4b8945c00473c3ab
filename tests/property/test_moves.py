"""Every whole move, made once in good weather, comes to what it is there for, and settles: so that no change to product
or machine lets the state machine go without it unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sync.core.model import Hand
from tests.property.test_state_machine import InWholeMoves

Move = Callable[[InWholeMoves], None]


def _back_again(machine: InWholeMoves) -> None:
    machine.lose_too_many("and back", "wait")
    machine.engine.wait(timedelta(minutes=10))


def _one_number_twice(machine: InWholeMoves) -> None:
    """Whose account the number found goes on with it, and whoever comes later has none."""
    machine.find_an_account("employee_id", 1)
    machine.find_an_account("employee_id", 1)


def _excluded_and_made_again(machine: InWholeMoves) -> None:
    """Under the new object id they are excluded by name as before."""
    machine.save_while_a_pass_runs("scope", 4)
    (excluded,) = machine.acme.connection.settings.scope.chosen.excluded_people
    machine.engine.pump()
    properties = machine.tenant.person(excluded) or {}
    machine.tenant.hard_delete(excluded)
    machine.follow()
    again = machine.tenant.hire("", **properties)
    machine.follow()
    assert machine.acme.person(again).account_state != "active"


def _undo_twice(machine: InWholeMoves, *, between: bool) -> None:
    machine.engine.clock.advance(1)
    machine.tenant.hire("New Comer")
    machine.follow()
    machine.undo_and_undo_that(0, between=between)


def _regain(machine: InWholeMoves) -> None:
    machine.lose_the_right_to_groups(passes=False)
    machine.regain_rights(passes=True)
    assert not machine.acme.view.reader.feeds["groups"].frozen


MOVES: tuple[tuple[str, Move, set[str]], ...] = (
    ("approval", lambda m: m.lose_too_many("left", "approve"), {"hold waiting", "hold approved"}),
    ("rejection", lambda m: m.lose_too_many("disabled", "reject"), {"hold waiting", "hold rejected"}),
    ("unnoticed", lambda m: m.lose_too_many("untold", "approve"), {"hold waiting", "hold approved"}),
    ("back again", _back_again, {"hold waiting", "hold expired"}),
    (
        "group emptied",
        lambda m: m.lose_a_chosen_group("scope", "emptied", "approve"),
        {"hold because of a group", "hold waiting, scope or audience by group", "hold approved", "out of scope"},
    ),
    (
        "group deleted",
        lambda m: m.lose_a_chosen_group("audience", "deleted", "reject"),
        {"hold because of a group", "hold of simulations alone", "hold rejected"},
    ),
    ("undone twice", lambda m: _undo_twice(m, between=False), {"undo of a pull", "undo of an undo", "undo pin alive"}),
    ("news between", lambda m: _undo_twice(m, between=True), {"undo of a pull", "undo of an undo"}),
    ("blocked", lambda m: m.decide_by_hand(Hand.BLOCKED, 0, "disabled"), {"blocked"}),
    ("kept", lambda m: m.decide_by_hand(Hand.KEPT, 0, "left"), {"kept"}),
    (
        "conflict",
        lambda m: m.share_an_address("Ada Lind", "ada@contoso.example", gone=True),
        {"conflict across shards"},
    ),
    ("alias", lambda m: m.find_an_account("alias", 1), {"matched by alias"}),
    ("address", lambda m: m.find_an_account("address", 1), {"matched by address"}),
    ("number", lambda m: m.find_an_account("employee_id", 1), {"matched by employee_id"}),
    ("one number twice", _one_number_twice, {"matched by employee_id", "conflict"}),
    ("excluded, made again", _excluded_and_made_again, {"out of scope"}),
    ("made again", lambda m: m.make_again(0, purged=True), {"matched by rehired"}),
    ("too large", lambda m: m.hire_too_large("Ada Lind", shrinks=True), {"too large"}),
    (
        "scope meanwhile",
        lambda m: m.save_while_a_pass_runs("scope", 2),
        {"revisit under way while a pass runs"},
    ),
    ("mapping meanwhile", lambda m: m.save_while_a_pass_runs("mapping", 3), {"custom fields"}),
    ("410 among people", lambda m: m.expire_within_a_pass("users", followed=True), {"410 within a full pass"}),
    ("410 among groups", lambda m: m.expire_within_a_pass("groups", followed=True), {"410 within a full pass"}),
    ("right gone", lambda m: m.lose_the_right_to_groups(passes=True), {"groups frozen", "full pass without groups"}),
    ("right back", _regain, {"groups frozen"}),
    ("given up", lambda m: m.stand_still(0, gives_up=True), {"account given up"}),
    ("returned", lambda m: m.part_and_return(read=True, starts=True), {"disconnected", "connected again"}),
    ("not started", lambda m: m.part_and_return(read=True, starts=False), {"connected again", "waits for Start"}),
)


@pytest.mark.parametrize(("move", "states"), [pytest.param(move, states, id=name) for name, move, states in MOVES])
def test_a_move_comes_to_what_it_is_for(move: Move, states: set[str]) -> None:
    """After the move everything that it is there for was met, nothing unsafe was, and all of it settles."""
    machine = InWholeMoves()
    machine.import_both(
        seed=1,
        digits=1,
        size=6,
        page=5,
        empty=0.0,
        repeats=0.0,
        alone=True,
        resend=True,
        mail_existing=False,
    )
    move(machine)
    machine.look()
    missed = states - machine.met
    assert not missed, f"{missed} were not met, but {machine.met}"
    machine.teardown()
