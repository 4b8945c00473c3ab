"""The one decision, over every combination of what is stored and what is news. The expectation is written from the
design: who is eligible has an active account, who left has none, what an admin did stays, one mail ever.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple, cast

import pytest

from sync.core.decide import decide, decide_one, differs, hold_back, new_account_id, wanted_address
from sync.core.decision import Claim, Context, Decision
from sync.core.model import (
    AccountState,
    Action,
    Hand,
    MailMark,
    PersonRecord,
    Presence,
    Reason,
)
from sync.core.scope import Policy
from sync.core.sync_settings import SyncSettings
from tests.unit.strategies import ANN, BOB

PLAIN = Policy(SyncSettings())
OLD, NEW = "old@example.com", "new@example.com"
THEN, NOW = "2026-03-01T08:00:00.000Z", "2026-03-02T08:00:00.000Z"
NONE, ACTIVE, INACTIVE = AccountState.NONE, AccountState.ACTIVE, AccountState.INACTIVE
GONE = {Presence.SOFT_DELETED, Presence.HARD_DELETED, Presence.ABSENT}
CLAIMS = {
    "none": None,
    "refused": Claim(granted=False, holder=BOB),
    "new": Claim(granted=True, account_id="fresh"),
    "linked": Claim(granted=True, account_id="manual", linked=True),
    "rehired": Claim(granted=True, account_id="former", rehired=True),
}


class Case(NamedTuple):
    """One combination. `address` is what the directory tells: the one held, another, or none."""

    state: AccountState
    stored: Reason
    presence: Presence
    enabled: bool | None
    guest: bool
    address: str
    named: bool
    claim: str
    baseline: bool


STORED = [
    (NONE, Reason.UNKNOWN),
    (NONE, Reason.GUEST),
    (ACTIVE, Reason.OK),
    (INACTIVE, Reason.LEFT),
    (INACTIVE, Reason.DISABLED),
    (INACTIVE, Reason.ADMIN),
]


def cases() -> Iterator[Case]:
    """Every combination."""
    sides = (Presence, (True, False, None), (False, True), (OLD, NEW, ""), (True, False), CLAIMS, (False, True))
    for (state, reason), *rest in itertools.product(STORED, *sides):
        yield Case(state, reason, *cast("list[Any]", rest))


def merged_of(case: Case) -> tuple[PersonRecord, PersonRecord]:
    """The stored record and the one with the news."""
    has = case.state is not NONE
    stored = PersonRecord(
        ANN,
        order=1,
        presence=Presence.PRESENT,
        account_id="account" if has else "",
        account_state=case.state,
        origin="entra" if has else "",
        reason=case.stored,
        since=THEN,
        address=OLD if has else "",
        fields={"display_name": "Ann", "email": OLD} if has else {},
        mail=MailMark.CLAIMED if has else MailMark.NONE,
        baseline=case.baseline,
        hand=Hand.BLOCKED if case.stored is Reason.ADMIN else Hand.NONE,
    )
    source: dict[str, Any] = {"userType": "Guest" if case.guest else "Member"}
    source |= {"accountEnabled": case.enabled} if case.enabled is not None else {}
    source |= {"mail": case.address} if case.address else {}
    source |= {"displayName": "Ann"} if case.named else {}
    return stored, replace(stored, order=2, presence=case.presence, source=source)


def why_not(case: Case) -> Reason:
    """Why the person should have no active account, by the design."""
    checks = [
        (case.presence in GONE, Reason.LEFT),
        (case.presence is Presence.UNKNOWN, Reason.UNKNOWN),
        (case.guest, Reason.GUEST),
        (case.enabled is False, Reason.DISABLED),
        (case.enabled is None, Reason.UNKNOWN),
        (not case.address, Reason.NO_ADDRESS),
        (not case.named, Reason.NO_NAME),
    ]
    return next((reason for applies, reason in checks if applies), Reason.OK)


def expected(case: Case) -> tuple[AccountState, Reason]:
    """State of the account and its reason afterwards, by the design."""
    reason = why_not(case)
    granted = CLAIMS[case.claim] is not None and case.claim != "refused"
    evidence = {Reason.LEFT: Reason.LEFT, Reason.DISABLED: Reason.DISABLED, Reason.GUEST: Reason.OUT_OF_SCOPE}
    if case.state is NONE:
        if reason is not Reason.OK:
            return NONE, reason
        return (ACTIVE, Reason.OK) if granted else (NONE, Reason.ADDRESS_CONFLICT)
    if case.stored is Reason.ADMIN:
        return INACTIVE, Reason.ADMIN
    if reason is Reason.OK:
        return ACTIVE, Reason.OK
    if case.state is ACTIVE:
        return (INACTIVE, evidence[reason]) if reason in evidence else (ACTIVE, Reason.OK)
    moved = reason in {Reason.LEFT, Reason.DISABLED}
    return INACTIVE, reason if moved else case.stored


def decided(case: Case, settings: SyncSettings | None = None, *, first: bool = False) -> Decision:
    """The decision about a case."""
    stored, merged = merged_of(case)
    return decide_one(stored, merged, CLAIMS[case.claim], Context(Policy(settings or SyncSettings()), NOW, first))


def test_state_and_reason_follow_the_design_in_every_combination() -> None:
    """Stored state × presence × enabled × guest × address × name × claim: the account ends as the design says."""
    wrong = [
        (case, outcome)
        for case in cases()
        if (outcome := (decided(case).after.account_state, decided(case).after.reason)) != expected(case)
    ]
    assert wrong == []


def test_the_action_is_what_becomes_of_the_account() -> None:
    """CREATE and LINK make an active account, DEACTIVATE and REACTIVATE change its state, UPDATE what is shown, and
    SKIP leaves it as it was; only DEACTIVATE removes.
    """
    for case in cases():
        decision = decided(case)
        before, after = decision.before, decision.after
        match decision.action:
            case Action.CREATE | Action.LINK:
                assert (before.account_state, after.account_state) == (NONE, ACTIVE)
                assert after.account_id == CLAIMS[case.claim].account_id  # type: ignore[union-attr]
                assert (decision.action is Action.CREATE) == (case.claim == "new")
                assert after.origin == ("manual" if case.claim == "linked" else "entra")
            case Action.DEACTIVATE:
                assert (before.account_state, after.account_state) == (ACTIVE, INACTIVE)
            case Action.REACTIVATE:
                assert (before.account_state, after.account_state) == (INACTIVE, ACTIVE)
            case Action.UPDATE:
                assert before.account_state is after.account_state is not NONE
                assert (before.fields, before.reason) != (after.fields, after.reason)
            case Action.SKIP:
                assert (before.account_state, before.fields) == (after.account_state, after.fields)
        assert decision.removes == (decision.action is Action.DEACTIVATE)
        assert (decision.entry is None) == (decision.action is Action.SKIP)


def test_an_account_is_never_lost_or_exchanged() -> None:
    """Whatever the news, an account keeps its id, its origin and its mail mark, and its fields while it is inactive
    for a removal.
    """
    for case in cases():
        decision = decided(case)
        if case.state is not NONE:
            same = ("account_id", "origin", "mail", "object_id", "baseline")
            assert [getattr(decision.after, name) for name in same] == [getattr(decision.before, name) for name in same]


def test_an_address_changes_only_when_it_was_granted() -> None:
    """The address of an account is the one it held or one it was granted; the old one is given up then, only then."""
    for case in cases():
        decision = decided(case)
        granted = case.claim not in {"none", "refused"}
        if case.state is not NONE:
            wanting = why_not(case) is Reason.OK and case.address == NEW and case.stored is not Reason.ADMIN
            moved = granted and wanting
            assert decision.after.address == (NEW if moved else OLD)
            assert decision.freed == (OLD if moved else "")
            refused = wanting and case.claim == "refused"
            assert decision.after.conflict_with == (BOB if refused else "")
        else:
            assert decision.after.address == (case.address if decision.after.account_state is ACTIVE else "")
            assert decision.freed == ""


def test_since_tells_when_state_or_reason_changed() -> None:
    """It moves exactly with them."""
    for case in cases():
        before, after = decided(case).before, decided(case).after
        changed = (before.account_state, before.reason) != (after.account_state, after.reason)
        assert after.since == (NOW if changed else THEN)


def test_deciding_again_finds_nothing_to_do() -> None:
    """The same news once more (a doubled message) gives the same record and no action: f(f(s, m), m) = f(s, m)."""
    for case in cases():
        first = decided(case)
        claim = CLAIMS[case.claim] if wanted_address(first.after, PLAIN) else None
        again = decide_one(first.after, first.after, claim, Context(PLAIN, "2026-03-03T08:00:00.000Z"))
        assert not differs(first.after, again.after), case
        assert again.action is Action.SKIP
        assert not again.mail


@pytest.mark.parametrize("mail_existing", [False, True])
@pytest.mark.parametrize("onboarding", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_who_is_mailed(mail_existing: bool, onboarding: bool, first: bool) -> None:
    """Only a new account of somebody never marked is mailed: people of the first pass by the one choice, later ones
    by the other. Linked and re-hired people are known already. Who was only mentioned then was not there.
    """
    settings = SyncSettings(mail_existing=mail_existing, onboarding=onboarding)
    for case in cases():
        decision = decided(case, settings, first=first)
        baseline = case.baseline or (first and case.presence is not Presence.UNKNOWN)
        chosen = mail_existing if baseline else onboarding
        assert decision.mail == (decision.action is Action.CREATE and chosen)
        assert decision.after.baseline == baseline
        if decision.mail:
            assert decision.after.mail is MailMark.CLAIMED
        if decision.after.account_state is ACTIVE:
            assert decision.after.mail is not MailMark.NONE


@pytest.mark.parametrize("mark", [MailMark.BASELINE, MailMark.CLAIMED])
def test_nobody_is_marked_for_a_mail_twice(mark: MailMark) -> None:
    """Somebody who was mailed, or was not to be, gets no mail with a later account either."""
    stored, merged = merged_of(Case(NONE, Reason.LEFT, Presence.PRESENT, True, False, NEW, True, "new", False))
    decision = decide_one(stored, replace(merged, mail=mark), CLAIMS["new"], Context(PLAIN, NOW))
    assert decision.action is Action.CREATE
    assert not decision.mail
    assert decision.after.mail is mark


def test_a_rehired_person_is_never_to_be_mailed() -> None:
    """The account and its history move on to the new object id, for which no mail is ever claimed."""
    case = Case(NONE, Reason.UNKNOWN, Presence.PRESENT, True, False, NEW, True, "rehired", False)
    decision = decided(case)
    assert (decision.action, decision.mail, decision.after.mail) == (Action.LINK, False, MailMark.BASELINE)


def test_a_conflict_names_the_holder_and_ends_when_the_address_is_free() -> None:
    """A person whose address somebody else has waits visibly, and joins once it is granted."""
    case = Case(NONE, Reason.UNKNOWN, Presence.PRESENT, True, False, NEW, True, "refused", False)
    waiting = decided(case).after
    assert (waiting.reason, waiting.conflict_with) == (Reason.ADDRESS_CONFLICT, BOB)
    joined = decide_one(waiting, waiting, CLAIMS["new"], Context(PLAIN, NOW))
    assert (joined.action, joined.after.conflict_with, joined.mail) == (Action.CREATE, "", True)
    gone = decide_one(waiting, replace(waiting, presence=Presence.ABSENT), None, Context(PLAIN, NOW)).after
    assert (gone.reason, gone.conflict_with) == (Reason.LEFT, "")


def test_what_is_wanted_is_only_an_address_that_is_not_held() -> None:
    """Somebody eligible wants their address until the account has it; nobody else wants any."""
    for case in cases():
        _, merged = merged_of(case)
        eligible = why_not(case) is Reason.OK and case.stored is not Reason.ADMIN
        wants = eligible and (case.state is NONE or case.address != OLD)
        assert wanted_address(merged, PLAIN) == (case.address if wants else "")


def test_a_removal_held_back_keeps_the_account_and_stores_the_news() -> None:
    """Whatever the removal's reason, the account stays, its fields follow the directory, and the hold is noted."""
    for case in cases():
        decision = decided(case)
        if decision.removes:
            held = hold_back(decision, "hold")
            same = ("account_state", "reason", "since", "account_id", "address", "audience")
            assert [getattr(held.after, name) for name in same] == [getattr(held.before, name) for name in same]
            assert (held.after.presence, held.after.source) == (decision.after.presence, decision.after.source)
            assert (held.after.held, held.after.fields, held.removes) == ("hold", decision.after.fields, False)
            assert held.action in {Action.SKIP, Action.UPDATE}
            assert (held.entry is None) == (held.action is Action.SKIP)
            approved = decide_one(held.after, held.after, None, Context(PLAIN, NOW))
            assert approved.removes
            assert (approved.after.account_state, approved.after.held) == (INACTIVE, "")


def test_a_hold_is_forgotten_when_nothing_is_to_be_removed_any_more() -> None:
    """Somebody who came back, with or without an address, is no longer held."""
    for address in (OLD, NEW, ""):
        for name, claim in CLAIMS.items():
            case = Case(ACTIVE, Reason.OK, Presence.PRESENT, True, False, address, True, name, False)
            stored, merged = merged_of(case)
            decision = decide_one(
                replace(stored, held="hold"), replace(merged, held="hold"), claim, Context(PLAIN, NOW)
            )
            assert (decision.after.account_state, decision.after.held) == (ACTIVE, "")


def test_only_a_newer_order_is_not_worth_a_write() -> None:
    """Orders alone make no difference; every other field does."""
    record = PersonRecord(ANN, order=1, manager_order=1)
    assert not differs(record, replace(record, order=2, manager_order=3, etag="new"))
    changes: dict[str, Any] = {
        "presence": Presence.PRESENT,
        "source": {"mail": OLD},
        "memberships": {"g": 5},
        "account_id": "a",
        "account_state": ACTIVE,
        "reason": Reason.LEFT,
        "address": OLD,
        "conflict_with": BOB,
        "fields": {"email": OLD},
        "held": "h",
        "mail": MailMark.CLAIMED,
        "baseline": True,
    }
    for name, value in changes.items():
        assert differs(record, replace(record, **{name: value})), name


def test_many_are_decided_as_each_alone() -> None:
    """A batch is its people, one by one, each with the claim of their own id."""
    pairs = [merged_of(case) for case in itertools.islice(cases(), 0, None, 97)]
    context = Context(PLAIN, NOW)
    claim = CLAIMS["new"]
    assert claim is not None
    batch = decide(pairs, {ANN: claim}, context)
    assert batch == [decide_one(stored, merged, claim, context) for stored, merged in pairs]
    assert decide([], {}, context) == []


def test_a_repeated_attempt_makes_the_same_account() -> None:
    """The id of a new account is made of who it is for, and differs between people and directories."""
    assert new_account_id("s", ANN) == new_account_id("s", ANN)
    assert len({new_account_id(scope, person) for scope in "st" for person in (ANN, BOB)}) == 4


def test_the_audit_shows_the_account_before_and_after() -> None:
    """Its state, its reason and its fields; nothing where there was no account."""
    created = decided(Case(NONE, Reason.UNKNOWN, Presence.PRESENT, True, False, NEW, True, "new", False)).entry
    assert created is not None
    assert (created.before, created.after["state"], created.after["email"]) == ({}, "active", NEW)
    left = decided(Case(ACTIVE, Reason.OK, Presence.SOFT_DELETED, True, False, OLD, True, "none", False)).entry
    assert left is not None
    assert (left.before["state"], left.after["state"], left.after["reason"]) == ("active", "inactive", "left")
    assert left.reason is Reason.LEFT
