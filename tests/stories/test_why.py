"""Why, and why not: a person or a group explained, from Entra as it is now and from what is stored, writing nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import NeedsAdmin, SyncError, Transient
from sync.core.connection import Connection
from sync.core.model import Action, Hand, Presence, Reason
from sync.core.runs import MailState
from sync.core.scope import Rule
from sync.core.sync_settings import Chosen, Filter, Scope
from sync.usecases import explain, explain_group, one_person
from sync.usecases.explain import Answer, Why
from sync.usecases.explain_group import WhyGroup
from tests.fakes.engine import Engine, Tenanted


def why(connection: Tenanted, object_id: str) -> Why:
    """A person explained."""
    return explain.person(connection.engine.services, connection.view, object_id)


def why_group(connection: Tenanted, object_id: str) -> WhyGroup:
    """A group explained."""
    return explain_group.group(connection.engine.services, connection.view, object_id)


def settings(connection: Tenanted, **changes: object) -> Connection:
    """Settings as an admin would save them, everybody's rows left as they are."""
    stored = connection.connection
    chosen = replace(stored.settings, version=stored.settings.version + 1, **changes)  # type: ignore[arg-type]
    return connection.engine.services.connections.save(replace(stored, settings=chosen))


def names(path: object) -> list[str]:
    """The names on a chain of groups."""
    assert isinstance(path, list)
    return [one.name for one in path]


@pytest.fixture
def nested(engine: Engine) -> tuple[Tenanted, dict[str, str]]:
    """Staff > Field > North, and Council; `anna` is in North, `bert` in Council and Field. Staff is the scope, and
    nobody of the Council receives simulations.
    """
    acme = engine.connect()
    tenant = acme.tenant
    ids = {name: tenant.new_group(name) for name in ("Staff", "Field", "North", "Council")}
    tenant.join(ids["Staff"], ids["Field"])
    tenant.join(ids["Field"], ids["North"])
    ids |= {name.split()[0].lower(): tenant.hire(name) for name in ("Anna Berg", "Bert Cole", "Olga Out")}
    tenant.join(ids["North"], ids["anna"])
    tenant.join(ids["Field"], ids["bert"])
    tenant.join(ids["Council"], ids["bert"])
    settings(
        acme,
        scope=Scope(Chosen(groups=(ids["Staff"],))),
        audience=Chosen(everyone=True, excluded_groups=(ids["Council"],)),
    )
    acme.imported()
    engine.clock.advance(1)
    return acme, ids


def test_in_scope_by_a_group_of_a_group(nested: tuple[Tenanted, dict[str, str]]) -> None:
    """The rule is the group, and the chain leads from the chosen one down to the person's own, by name."""
    acme, ids = nested
    found = why(acme, ids["anna"])
    assert (found.answer, found.scope.verdict.rule, found.eligibility) == (Answer.FOUND, Rule.GROUP, Reason.OK)
    assert names(found.scope.path) == ["Staff", "Field", "North"]
    assert (found.now.action, found.then.action) == (Action.SKIP, Action.SKIP)
    assert [one.entry.action for one in found.happened] == [Action.CREATE]
    assert [one.run.cause for one in found.happened if one.run] == ["first"]


def test_the_nearest_way_is_told(nested: tuple[Tenanted, dict[str, str]]) -> None:
    """In several groups of the scope, in cycles and with several parents: the shortest chain of all is told, and its
    end is the group that decided.
    """
    acme, ids = nested
    tenant = acme.tenant
    for parent, child in (("North", "Staff"), ("Council", "North"), ("North", "Council")):
        tenant.join(ids[parent], ids[child])
    tenant.join(ids["Council"], ids["anna"])
    tenant.join(ids["Field"], ids["anna"])
    acme.sync()
    found = why(acme, ids["anna"])
    assert names(found.scope.path) == ["Staff", "Field"]
    assert found.scope.verdict.detail == ids["Field"]
    (use,) = why_group(acme, ids["Council"]).scope
    assert names(use.path) == ["Staff", "Field", "North", "Council"]


def test_would_bert_get_phishing(nested: tuple[Tenanted, dict[str, str]]) -> None:
    """No: in scope, and excluded from the audience through the Council."""
    acme, ids = nested
    found = why(acme, ids["bert"])
    assert found.scope.verdict.inside
    assert (found.audience.verdict.inside, found.audience.verdict.rule) == (False, Rule.EXCLUDED_GROUP)
    assert names(found.audience.path) == ["Council"]


def test_not_in_scope(nested: tuple[Tenanted, dict[str, str]]) -> None:
    """Nobody chose Olga nor a group of hers: there is no account, and synchronising would make none."""
    acme, ids = nested
    found = why(acme, ids["olga"])
    assert (found.scope.verdict.rule, found.eligibility, found.then.action) == (
        Rule.NOT_CHOSEN,
        Reason.OUT_OF_SCOPE,
        Action.SKIP,
    )
    assert found.mail_decision == "no_account"


def test_a_change_that_no_feed_told_of(acme: Tenanted) -> None:
    """Stored is the old department; synchronising now would bring the new one, and does."""
    person = acme.tenant.present_people()[0]
    acme.tenant.change(person, department="Legal", told=False)
    found = why(acme, person)
    assert found.now.action is Action.SKIP
    assert found.then.action is Action.UPDATE
    assert "department" not in found.now.after.fields
    assert found.then.after.fields["department"] == "Legal"
    one_person.sync(acme.engine.services, acme.view, person, "admin-1")
    assert acme.person(person).fields == found.then.after.fields


def test_whom_entra_has_and_we_do_not(acme: Tenanted) -> None:
    """Somebody not stored yet: an account would be created, and mailed; nothing is stored of them by asking."""
    new = acme.tenant.hire("New Comer", told=False)
    found = why(acme, new)
    assert (found.stored, found.then.action, found.mail_decision) == (None, Action.CREATE, "will_be_mailed")
    settings(acme, onboarding=False)
    assert why(acme, new).mail_decision == "switched_off"
    assert new not in acme.people


def test_an_account_made_by_hand_would_be_linked(acme: Tenanted) -> None:
    """The account with the same address is foreseen, and nobody would be mailed."""
    account = acme.manual("new.comer@contoso.example")
    found = why(acme, acme.tenant.hire("New Comer", told=False))
    assert (found.then.action, found.then.after.account_id) == (Action.LINK, account.account_id)
    assert found.mail_decision == "had_account"


def test_an_address_that_another_has(acme: Tenanted) -> None:
    """The conflict names the person who has the address."""
    first = acme.tenant.present_people()[0]
    twin = acme.tenant.hire("Twin Two", mail="person.0@contoso.example")
    acme.sync()
    found = why(acme, twin)
    assert (found.then.reason, found.rival) == (Reason.ADDRESS_CONFLICT, (first, "Person 0"))


def test_somebody_who_is_gone(acme: Tenanted) -> None:
    """Entra answers 404: stored as present, synchronising would deactivate the account."""
    person = acme.tenant.present_people()[0]
    acme.tenant.hard_delete(person, told=False)
    found = why(acme, person)
    assert found.stored is not None
    assert (found.answer, found.stored.presence, found.told.presence) == (
        Answer.NOT_FOUND,
        Presence.PRESENT,
        Presence.ABSENT,
    )
    assert (found.then.action, found.eligibility) == (Action.DEACTIVATE, Reason.LEFT)


def test_held(acme: Tenanted) -> None:
    """The hold that keeps the removal from being applied is told with its cause."""
    people = acme.tenant.present_people()[:6]
    for person in people:
        acme.tenant.soft_delete(person)
    acme.sync()
    found = why(acme, people[0])
    assert found.hold is not None
    assert (found.hold.state, found.hold.cause) == ("waiting", "changes in Entra")


def test_what_became_of_the_mail(acme: Tenanted) -> None:
    """Whoever was there before the start gets none; whoever joined has one claimed, with its state."""
    new = acme.tenant.hire("New Comer")
    acme.sync()
    found = why(acme, new)
    assert found.mail is not None
    assert (found.mail_decision, found.mail.state) == ("claimed", MailState.SENT)
    assert why(acme, acme.tenant.present_people()[0]).mail_decision == "baseline"


def test_what_an_admin_did_by_hand(acme: Tenanted) -> None:
    """Blocked by hand: whatever Entra says, the account would not come back."""
    person = acme.tenant.present_people()[0]
    people = acme.engine.services.people
    loaded = people.load(acme.scope, "", [person])
    people.commit(loaded, [replace(loaded.records[person], hand=Hand.BLOCKED)], loaded.counts, None)
    found = why(acme, person)
    assert (found.eligibility, found.then.reason, found.then.after.hand) == (Reason.OK, Reason.ADMIN, Hand.BLOCKED)


def test_a_filter_says_which(acme: Tenanted) -> None:
    """Settings that were saved and not applied yet are explained as they are saved."""
    settings(acme, scope=Scope(filters=(Filter("department", "equals", ("Sales",)),)))
    found = why(acme, acme.tenant.present_people()[0])
    assert (found.scope.verdict.rule, found.scope.verdict.detail) == (Rule.FILTER, "department")


@pytest.mark.parametrize("error", [Transient("429", retry_after=9), NeedsAdmin("consent_missing", "Connect again.")])
def test_when_entra_cannot_be_asked(acme: Tenanted, error: SyncError) -> None:
    """What is stored is explained, and that Entra was not asked; of a stranger nothing can be said."""
    acme.tenant.refusals["users"] = error
    found = why(acme, acme.tenant.present_people()[0])
    assert (found.answer, found.eligibility) == (Answer.NOT_ASKED, Reason.OK)
    assert found.unanswered
    with pytest.raises(Transient):
        why(acme, "00000000-0000-4000-8000-000000000000")


def test_unknown_everywhere(acme: Tenanted) -> None:
    """Neither Entra nor the store has such a person, or such a group."""
    for ask in (why, why_group):
        with pytest.raises(explain.Unknown):
            ask(acme, "00000000-0000-4000-8000-000000000000")


def test_asking_writes_nothing(nested: tuple[Tenanted, dict[str, str]]) -> None:
    """Not even what could be computed for good, such as what the groups come to under settings just saved."""
    acme, ids = nested
    acme.tenant.change(ids["anna"], department="Legal", told=False)
    new = acme.tenant.hire("New Comer", told=False)
    twin = acme.tenant.hire("Twin Two", mail="anna.berg@contoso.example", told=False)
    settings(acme, audience=Chosen(groups=(ids["North"],)))  # the stored reach is of other settings now
    before = list(acme.engine.faults.effects)
    for person in (ids["anna"], ids["bert"], ids["olga"], new, twin):
        why(acme, person)
    for group in ("Staff", "North", "Council"):
        why_group(acme, ids[group])
    assert acme.engine.faults.effects == before


def test_a_group_in_the_middle(nested: tuple[Tenanted, dict[str, str]]) -> None:
    """Direct and effective members, parents and children, and by which chain the scope takes it in."""
    acme, ids = nested
    found = why_group(acme, ids["Field"])
    assert (found.answer, found.stored, found.group.members, found.effective, found.exact) == (
        Answer.FOUND,
        True,
        1,
        2,
        True,
    )
    assert (names(found.parents), names(found.children), found.below) == (["Staff"], ["North"], 1)
    (use,) = found.scope
    assert (use.effect, names(use.path)) == ("included", ["Staff", "Field"])
    assert found.audience == []
    assert [use.effect for use in why_group(acme, ids["Council"]).audience] == ["excluded"]


def test_a_group_too_large_to_count(nested: tuple[Tenanted, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tenant is too large to walk through, the sum of direct members is an upper bound, and says so."""
    monkeypatch.setattr(explain_group, "COUNTED", 1)
    acme, ids = nested
    found = why_group(acme, ids["Staff"])
    assert (found.effective, found.exact) == (2, False)


def test_a_group_that_entra_no_longer_has(nested: tuple[Tenanted, dict[str, str]]) -> None:
    """Stored as present and gone in Entra: both are told."""
    acme, ids = nested
    acme.tenant.delete_group(ids["North"], told=False)
    found = why_group(acme, ids["North"])
    assert (found.answer, found.group.presence) == (Answer.NOT_FOUND, Presence.PRESENT)
