"""Feeds that misbehave, on real storage: what Microsoft's answers do at their worst, the simulated cloud does here."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from shared.errors import Conflict
from sync.core.connection import ConnectionState
from sync.core.model import AccountState, Action, Reason
from sync.core.runs import Outcome
from sync.core.sync_settings import Chosen, Scope
from sync.usecases import full_pass, pull
from tests.fakes.engine import Tenanted
from tests.real.world import active, differences, group, person, told

pytestmark = pytest.mark.azurite
USERS, GROUPS = r"/users/delta\?", r"/groups/delta\?"


@pytest.mark.parametrize("reason", ["expired", "reset"])
def test_tokens_end(acme: Tenanted, reason: str) -> None:
    """Graph forgets a token, or sends back to the start with a 410: on a pull, and again in the middle of the full
    pass that follows. What was missed is brought, nobody known is mailed, nobody who is there is removed.
    """
    tenant = acme.tenant
    tenant.cloud.behave(page_size=6)
    tenant.cloud.void_tokens(tenant.id, reason)
    tenant.hard_delete(person(acme, "Person 3").object_id)
    new = tenant.hire("New Comer")
    tenant.join(group(acme, "Staff"), new)
    tenant.cloud.fault(USERS, action={"expired": "expire", "reset": "reset"}[reason], skip=3, tenant=tenant.id)
    acme.sync()
    acme.engine.wait(timedelta(minutes=10))
    codes = {(run.cause, run.outcome, run.error) for run in acme.runs if run.kind == "pass" and not run.first}
    assert codes == {("reset", Outcome.INCOMPLETE, "cursor_expired"), ("reset", Outcome.COMPLETE, "")}
    assert person(acme, "New Comer").groups == {group(acme, "Staff")}
    assert person(acme, "Person 3").reason is Reason.LEFT
    assert (len(active(acme)), acme.holds, acme.mailed) == (24, [], ["new.comer@contoso.example"])
    assert (acme.view.reader.pass_run, differences(acme)) == ("", [])


@pytest.mark.parametrize("reading", ["pull", "pass"])
def test_pages_in_a_circle(acme: Tenanted, monkeypatch: pytest.MonkeyPatch, reading: str) -> None:
    """A page leads back to the first, and the circle is larger than a block: what the checkpoints hold is enough to
    notice. The pass ends without a removal, the round is read again later; both are whole once the circle is open.
    """
    monkeypatch.setattr(full_pass if reading == "pass" else pull, "BLOCK_PAGES", 5)
    tenant, before = acme.tenant, active(acme)
    comers = {f"Comer {number}" for number in range(20)}
    tenant.hire_all(*sorted(comers))
    tenant.cloud.behave(page_size=1, circle_pages=13)
    tenant.cloud.clear_requests()
    acme.hint("users") if reading == "pull" else acme.request_pass()
    acme.engine.pump(until=acme.engine.clock.now() + timedelta(minutes=4))
    assert 13 < tenant.cloud.counts()["GET /users/delta 200"] <= 3 * 13
    ended = [(run.outcome, run.error) for run in acme.runs if run.kind == "pass" and not run.first]
    assert ended == ([(Outcome.INCOMPLETE, "endless_feed")] if reading == "pass" else [])
    assert (before - active(acme), acme.view.reader.pass_run) == (set(), "")
    tenant.cloud.behave(circle_pages=0)
    acme.engine.wait(timedelta(minutes=20))
    assert (active(acme), acme.holds, differences(acme)) == (before | comers, [], [])
    assert len(acme.mailed) == len(comers)


def test_everything_unpleasant_at_once(acme: Tenanted) -> None:
    """Small and empty pages, repeats, replays, old states after new ones, tombstones in enumerations, managers apart,
    every membership change in turn, fields nobody asked for, feeds that lag, and what was read is applied the
    newest first: what is stored ends as Entra is, and nobody is mailed twice.
    """
    tenant, engine, staff = acme.tenant, acme.engine, group(acme, "Staff")
    chance = random.Random(5)
    tenant.cloud.behave(preset="hostile", notify=False, page_size=6, page_jitter=3, lag_seconds=20)
    people = [person(acme, f"Person {number}").object_id for number in range(20)]

    def pulled(after: float) -> None:
        tenant.cloud.advance(after)
        acme.hint("users")
        acme.hint("groups")
        for message in engine.queue.waiting("pulls"):
            engine.queue.put_first(message.number)
            engine.deliver()

    for number in range(6):
        one, two, three = chance.sample(people, 3)
        tenant.change(one, department=f"Moved {number}", manager=two)
        tenant.change(people[0], jobTitle=f"Title {number}")
        tenant.join(staff, two)
        tenant.leave(staff, two)
        tenant.leave(staff, three)
        tenant.join(staff, three)
        new = tenant.hire(f"New {number}")
        tenant.join(staff, new)
        if number % 2:
            tenant.soft_delete(two)
            tenant.restore(two)
            tenant.soft_delete(new)
        pulled(after=10)
        tenant.change(one, department="Here", manager=three)
        tenant.leave(staff, new)
        if number == 2:
            acme.reconcile()
    pulled(after=60)
    for message in reversed(engine.queue.waiting("changes")):
        engine.queue.duplicate(message.number)
        engine.queue.drop(message.number)
    engine.pump()
    assert differences(acme) == []
    assert (engine.poison, acme.holds, len(acme.mailed)) == ([], [], len(set(acme.mailed)))
    assert {acme.person(one).account_state for one in people} == {AccountState.ACTIVE}


def test_what_the_delta_left_out(acme: Tenanted) -> None:
    """No delta tells of a deletion, nor of somebody's and a group's return: the full pass finds all of them, confirmed
    by name; on the way back nobody is mailed.
    """
    tenant, staff = acme.tenant, group(acme, "Staff")
    one, two = (person(acme, f"Person {number}").object_id for number in (0, 1))
    tenant.cloud.behave(omit_deletions=1, omit_restores=1)
    tenant.soft_delete(one)
    tenant.hard_delete(two)
    tenant.delete_group(staff)
    acme.sync()
    assert (len(active(acme)), acme.groups[staff].presence) == (24, "present")
    acme.reconcile()
    assert {acme.person(gone).reason for gone in (one, two)} == {Reason.LEFT}
    assert (len(active(acme)), acme.groups[staff].presence) == (22, "absent")
    tenant.restore(one)
    tenant.restore_group(staff)
    acme.sync()
    assert acme.person(one).account_state is AccountState.INACTIVE
    acme.reconcile()
    assert (acme.person(one).account_state, acme.person(one).groups) == (AccountState.ACTIVE, frozenset({staff}))
    assert (acme.mailed, acme.holds, differences(acme)) == ([], [], [])


def test_the_right_to_groups_is_taken_away(acme: Tenanted) -> None:
    """Only people may be read: they go on, groups, memberships and everybody in scope by them stay as they were, by
    pulls and full passes, and no admin is alarmed; with the right back everything is caught up.
    """
    tenant, staff = acme.tenant, group(acme, "Staff")
    acme.choose(scope=Scope(Chosen(groups=(staff,))))
    acme.approve_all()
    before = active(acme)
    leaver, other = (person(acme, f"Person {number}").object_id for number in (0, 15))
    tenant.cloud.set_roles(tenant.id, ["User.Read.All"])
    acme.engine.services.directory.granted_roles(acme.connection)
    tenant.leave(staff, leaver)
    tenant.join(staff, other)
    tenant.change(leaver, department="Moved")
    acme.sync()
    acme.reconcile()
    acme.engine.wait(timedelta(minutes=10))
    assert (active(acme), acme.groups[staff].members) == (before, 10)
    narrowed = next(run for run in acme.runs if run.kind == "pass" and not run.first)
    assert (narrowed.outcome, narrowed.frozen) == (Outcome.COMPLETE, ("groups",))
    assert (acme.view.reader.feeds["groups"].frozen, acme.connection.state) == ("permission_missing", "connected")
    assert acme.person(leaver).fields["department"] == "Moved"
    tenant.cloud.consent(tenant.id)
    acme.engine.services.directory.granted_roles(acme.connection)
    acme.reconcile()
    assert (active(acme), acme.groups[staff].members) == ({*before, "Person 15"} - {"Person 0"}, 10)
    tenant.leave(staff, other)
    acme.engine.wait(timedelta(minutes=6))
    assert (active(acme), acme.view.reader.feeds["groups"].frozen) == (before - {"Person 0"}, "")


def test_an_empty_answer_with_200(acme: Tenanted) -> None:
    """Both feeds enumerate nobody and nothing, as if rights were lost: groups stay, everybody's removal waits, and
    approved it takes away only who does not answer by name; the next whole answer ends it.
    """
    tenant, staff = acme.tenant, group(acme, "Staff")
    tenant.cloud.fault(USERS, action="empty", count=0, tenant=tenant.id)
    tenant.cloud.fault(GROUPS, action="empty", count=0, tenant=tenant.id)
    acme.reconcile()
    (hold,) = acme.holds
    assert (len(hold.removals), len(active(acme)), acme.groups[staff].presence) == (24, 24, "present")
    assert {record.groups for record in acme.people.values()} == {frozenset({staff}), frozenset()}
    tenant.soft_delete(person(acme, "Person 0").object_id)
    acme.approve_all()
    assert len(active(acme)) == 23
    tenant.cloud.clear_faults()
    acme.reconcile()
    assert (len(active(acme)), acme.holds, differences(acme)) == (23, [], [])


def test_without_the_right_to_sign_in_told(acme: Tenanted) -> None:
    """`accountEnabled` is in no answer: known people stay as they are, also by a full pass; somebody new waits, and has
    the account once it is told.
    """
    tenant, one = acme.tenant, person(acme, "Person 0").object_id
    tenant.cloud.behave(absent_properties=["accountEnabled"], unknown_fields=True)
    new = tenant.hire("New Comer")
    tenant.change(one, department="Moved")
    acme.sync()
    assert acme.person(one).source["accountEnabled"] is True
    acme.reconcile()
    assert (len(active(acme)), acme.person(one).fields["department"]) == (24, "Moved")
    assert (acme.person(new).reason, acme.mailed, acme.holds) == (Reason.UNKNOWN, [], [])
    tenant.cloud.behave(absent_properties=[])
    tenant.change(new, jobTitle="Clerk")
    acme.sync()
    assert (acme.person(new).account_state, acme.mailed) == (AccountState.ACTIVE, ["new.comer@contoso.example"])


def test_a_row_too_large_is_parked(acme: Tenanted) -> None:
    """Somebody has more addresses than a message or a row holds: a pull brings all else of them, a full pass parks the
    row with its reason and keeps the account as it was; the others go on. With a small source, so do these.
    """
    tenant, one = acme.tenant, person(acme, "Person 0").object_id
    acme.choose(matching=("address", "alias"))
    acme.reconcile()
    chance = random.Random(1)
    many = [f"smtp:{chance.randbytes(8000).hex()}@contoso.example" for _ in range(150)]  # 1.2 MB that no zip helps
    tenant.change(one, department="Sales", proxyAddresses=many)
    acme.sync()
    assert (acme.person(one).fields["department"], acme.person(one).source.get("proxyAddresses")) == ("Sales", None)
    acme.engine.clock.advance(1)
    large, plain = tenant.hire("Large One", proxyAddresses=many), tenant.hire("Plain One")
    tenant.change(one, department="Legal", mail="person.zero@contoso.example")
    acme.reconcile()
    assert (acme.person(plain).account_state, acme.engine.poison) == (AccountState.ACTIVE, [])
    assert (acme.person(large).account_state, acme.person(large).reason) == (AccountState.NONE, Reason.TOO_LARGE)
    assert (acme.person(one).account_state, acme.person(one).fields["department"]) == (AccountState.ACTIVE, "Sales")
    counts = next(run.counts for run in acme.runs if run.kind == "pass")
    assert {action: counts[action] for action in Action if action in counts} == {Action.CREATE: 1}
    assert (told(acme, large), len(told(acme, one))) == ([], 2)  # made, and changed by the pull
    with pytest.raises(Conflict):  # the account's address is still its own
        acme.manual("person.0@contoso.example")
    for each in (one, large):
        tenant.change(each, proxyAddresses=[], department="Stored")
    acme.sync()
    assert [acme.person(each).fields["department"] for each in (one, large)] == ["Stored", "Stored"]
    assert (acme.mailed, differences(acme)) == (["large.one@contoso.example", "plain.one@contoso.example"], [])


def test_broken_answers(acme: Tenanted) -> None:
    """A 429 is obeyed to the second; half a page, a closed and a reset connection, a web page, a page without its list:
    each is read again, by pulls and by the full pass, and neither health nor anybody's account suffers.
    """
    tenant = acme.tenant
    tenant.cloud.behave(page_size=6)
    new = tenant.hire("New Comer")
    tenant.cloud.fault(USERS, action="status", status=429, headers={"Retry-After": "120"}, tenant=tenant.id)
    tenant.cloud.clear_requests()
    acme.hint("users")
    acme.engine.deliver()
    throttled_at = acme.engine.clock.now()
    acme.engine.pump(until=throttled_at + timedelta(seconds=119))
    assert tenant.cloud.counts()["GET /users/delta 429"] == 1
    assert "GET /users/delta 200" not in tenant.cloud.counts()
    acme.engine.pump()
    assert acme.person(new).account_state is AccountState.ACTIVE
    for feed in (USERS, GROUPS):
        for fault in (
            {"action": "truncate"},
            {"action": "close"},
            {"action": "rst"},
            {"action": "html"},
            {"action": "json", "remove": ["value"]},
            {"action": "json", "remove": ["@odata.deltaLink", "@odata.nextLink"]},
        ):
            tenant.cloud.fault(feed, skip=1, tenant=tenant.id, **fault)
    late = tenant.hire("Late Comer")
    acme.reconcile()
    acme.sync()
    assert acme.person(late).account_state is AccountState.ACTIVE
    assert [fault["hits"] for fault in tenant.cloud.faults()] == [1] * 13
    assert (acme.connection.state, acme.connection.problem) == (ConnectionState.CONNECTED, None)
    assert (acme.holds, acme.engine.poison, differences(acme)) == ([], [], [])
