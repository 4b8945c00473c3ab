"""What a preview says is what saving does: random settings over random tenants, person by person.

The tenants have what makes the two hard to keep alike: shared addresses, accounts made by hand, aliases, guests, nested
groups, people blocked or kept by hand, removals that wait already, former settings. Nothing happens between preview and
save.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.core.model import AccountState, Hand, PersonRecord
from sync.core.sync_settings import Chosen, FieldRule, Filter, Scope
from sync.usecases import by_hand, preview
from sync.usecases.preview import Kind, Preview
from tests.fakes.engine import Engine, Tenanted

FEW, MANY, GROUPS = 6, 16, 4
ADDRESSES = tuple(f"person{number}@{domain}" for number in range(8) for domain in ("contoso.example", "b.example"))
ACTIVE = AccountState.ACTIVE
Draw = st.DrawFn
Json = dict[str, Any]

some = st.integers(0, 10**6)
persons = st.fixed_dictionaries(
    {
        "mail": st.sampled_from((*ADDRESSES, None)),
        "department": st.sampled_from(("Works", "Office", None)),
        "jobTitle": st.sampled_from(("Clerk", "  Smith ", None)),
        "officeLocation": st.sampled_from(("DK/Odense", "NO/Oslo", None)),
        "accountEnabled": st.sampled_from((True, True, True, False)),
        "userType": st.sampled_from(("Member", "Member", "Guest")),
        "employeeId": st.sampled_from(("1", "2", "3", None)),
        "proxyAddresses": st.sampled_from((None, [f"smtp:{ADDRESSES[0]}"], [f"smtp:{ADDRESSES[1]}"])),
    }
)
rules = st.lists(
    st.builds(
        FieldRule,
        target=st.sampled_from(("department", "job_title", "site", "display_name", "kind")),
        value=st.sampled_from(
            (
                "department",
                "jobTitle",
                "displayName",
                'after(officeLocation, "/")',
                'join(" / ", department, trim(jobTitle))',
                'first(jobTitle, department, "nobody")',
                '"fixed"',
            )
        ),
        apply=st.sampled_from(("always", "always", "on_create")),
        on_null=st.sampled_from(("clear", "keep", "default")),
        default=st.sampled_from(("", "none")),
    ),
    max_size=4,
    unique_by=lambda rule: rule.target,
)
filters = st.sampled_from(
    (
        (),
        (),
        (Filter("department", "present"),),
        (Filter("department", "equals", ("works",)),),
        (Filter("officeLocation", "starts_with", ("DK",)), Filter("jobTitle", "in", ("clerk", "smith"))),
    )
)
matching = st.lists(st.sampled_from(("address", "alias", "employee_id")), unique=True, max_size=3).map(tuple)


@st.composite
def choices(draw: Draw, people: list[str], groups: list[str]) -> Chosen:
    """Anybody by any of the ways."""
    few = st.lists(st.sampled_from(people), max_size=3, unique=True).map(tuple)
    circles = st.lists(st.sampled_from(groups), max_size=2, unique=True).map(tuple)
    none = st.just(())
    return Chosen(draw(st.booleans()), draw(circles), draw(few), draw(none | circles), draw(none | few))


@st.composite
def changes(draw: Draw, people: list[str], groups: list[str]) -> Json:
    """What an admin may choose anew, some of it or all."""
    scopes = st.builds(
        Scope,
        choices(people, groups),
        st.booleans(),
        st.booleans(),
        st.sampled_from(((), (), ("contoso.example",))),
        filters,
    )
    parts: dict[str, st.SearchStrategy[Any]] = {
        "scope": scopes,
        "audience": choices(people, groups),
        "mapping": rules.map(tuple),
        "matching": matching,
        "onboarding": st.booleans(),
        "mail_existing": st.booleans(),
    }
    chosen: Json = draw(st.fixed_dictionaries({}, optional=parts))
    if not chosen:
        chosen = {"scope": draw(scopes), "audience": draw(parts["audience"])}
    return chosen


def built(data: st.DataObject) -> tuple[Tenanted, list[str], list[str]]:
    """A workspace with some history, at rest."""
    engine = Engine(seed=data.draw(some))
    acme = engine.connect(digits=data.draw(st.sampled_from((0, 1))))
    tenant = acme.tenant
    if data.draw(st.booleans()):
        acme.save(matching=("alias", "employee_id", "address"))
    for number, address in enumerate(data.draw(st.lists(st.sampled_from(ADDRESSES), max_size=3, unique=True))):
        acme.manual(address, f"By Hand {number}")
    drawn = data.draw(st.lists(persons, min_size=FEW, max_size=MANY))
    late = data.draw(st.integers(0, 3))
    people = [tenant.hire(f"Person {number}", **told) for number, told in enumerate(drawn[late:] or drawn)]
    groups = [tenant.new_group(f"Group {number}") for number in range(GROUPS)]
    for group, member in data.draw(
        st.lists(st.tuples(st.sampled_from(groups), st.sampled_from([*people, *groups])), min_size=4, max_size=20)
    ):
        tenant.join(group, member)
    if data.draw(st.sampled_from(("connected", "connected", "connected", "waits for Start"))) != "connected":
        engine.pump()
        return acme, people, groups
    acme.imported()
    if data.draw(st.booleans()):
        acme.choose(**data.draw(changes(people, groups)))
    if late and drawn[late:]:
        people += [tenant.hire(f"Late {number}", **told) for number, told in enumerate(drawn[:late])]
    _history(data, acme, people, groups)
    acme.sync()
    acme.reconcile()
    acme.sync()
    return acme, people, groups


def _history(data: st.DataObject, acme: Tenanted, people: list[str], groups: list[str]) -> None:
    """Groups go, people change, leave, and are acted upon by hand."""
    acme.sync()
    for group in data.draw(st.lists(st.sampled_from(groups), max_size=2, unique=True)):
        acme.tenant.delete_group(group)
    for person in data.draw(st.lists(st.sampled_from(people), max_size=4, unique=True)):
        match data.draw(st.sampled_from(("change", "leave", "hand"))):
            case "change":
                acme.tenant.change(person, **data.draw(persons))
            case "leave":
                acme.tenant.soft_delete(person)
            case _:
                hand = data.draw(st.sampled_from(Hand))
                with acme.engine.attempt():
                    by_hand.change(acme.engine.services, acme.connection, person, "admin", hand=hand)


def named(acme: Tenanted, *, audience: bool) -> frozenset[str]:
    """Whose simulations, or whose account, waits on a hold."""
    return frozenset(one.object_id for hold in acme.holds for one in hold.removals if one.audience is audience)


class Told:
    """Everybody before and after, and what happened to whom. `simulations` are people whose simulations alone waited
    on a hold before: their accounts may come to wait anew.
    """

    def __init__(self, acme: Tenanted, before: dict[str, PersonRecord], simulations: frozenset[str]) -> None:
        self.pairs = {one: (before.get(one, PersonRecord(one)), now) for one, now in acme.people.items()}
        self.simulations = simulations
        self.held = self.where(lambda was, now: bool(now.held and not was.held))
        self.held |= simulations & named(acme, audience=False)
        self.left = self.where(lambda was, now: was.account_state is ACTIVE is not now.account_state)
        self.joined = self.where(lambda was, now: now.account_state is ACTIVE is not was.account_state)
        self.changed = self.where(_is_changed)
        self.gained = self.where(lambda was, now: now.audience and not was.audience)
        self.lost = self.where(lambda was, now: was.audience and not now.audience)
        self.conflicts = self.where(lambda was, now: bool(now.conflict_with and not was.conflict_with))

    def where(self, test: Callable[[PersonRecord, PersonRecord], bool]) -> set[str]:
        """Whose rows pass a test."""
        return {one for one, (was, now) in self.pairs.items() if test(was, now)}


def _is_changed(was: PersonRecord, now: PersonRecord) -> bool:
    """Whether an account that stays has other fields or another reason; less what is none of its own doing: that
    somebody who joins takes over the address a leaver's account kept.
    """
    if AccountState.NONE in {was.account_state, now.account_state} or was.account_state is not now.account_state:
        return False
    given_up = now.account_state is AccountState.INACTIVE and was.address != now.address
    return not given_up and (dict(was.fields), was.reason) != (dict(now.fields), now.reason)


def ids(kind: Kind) -> set[str]:
    """Who is named; everybody of so few."""
    assert kind.count == len(kind.people) == len({one.object_id for one in kind.people})
    return {one.object_id for one in kind.people}


def check(seen: Preview, told: Told, mailed: set[str], shared: set[str]) -> None:
    """Everything that was said and everything that happened. Of people who share an address one gets it: which, nobody
    can say before, as the shards are worked on in any order.
    """
    assert ids(seen.removed) == told.left | told.held
    assert not (seen.guard.held and told.left)
    assert seen.guard.held or told.held <= told.simulations
    assert ids(seen.changed) == told.changed - ids(seen.removed)
    assert ids(seen.audience_lost) | told.held == told.lost | told.held
    assert len(ids(seen.added)) == len(told.joined)
    assert ids(seen.added) ^ told.joined <= shared
    assert ids(seen.audience_gained) ^ told.gained <= shared
    assert ids(seen.mailed) ^ mailed <= shared
    assert ids(seen.conflicts) ^ told.conflicts <= shared


@settings(
    max_examples=int(os.environ.get("MOXSO_PREVIEWS", "60")),
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_what_is_previewed_is_what_happens(data: st.DataObject) -> None:
    """Who joins, is removed or held, changes, is mailed, enters or leaves the audience, or is in conflict: the same
    people, and only they.
    """
    acme, people, groups = built(data)
    first = not acme.connection.first_pass_done
    mails = Counter((acme.tenant.person(one) or {}).get("mail") for one in people)
    shared = {one for one in people if mails[(acme.tenant.person(one) or {}).get("mail")] > 1}
    wanted = data.draw(changes(people, groups))
    simulations = named(acme, audience=True) - named(acme, audience=False)
    before, mailed = acme.people, {mail.object_id for mail in acme.mails}
    chosen = replace(acme.connection.settings, **wanted)
    seen = preview.preview(acme.engine.services, acme.view, chosen)
    assert acme.people == before
    assert seen is not None
    acme.choose(**wanted)
    if first:
        acme.start(mail_existing=chosen.mail_existing, onboarding=chosen.onboarding)
        acme.engine.pump()
    if not seen.reads_again:  # else the numbers are of what is known, and say so
        told = Told(acme, before, simulations)
        check(seen, told, {mail.object_id for mail in acme.mails} - mailed, shared)
