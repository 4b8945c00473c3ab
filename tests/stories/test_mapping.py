"""Fields of the customer's own making: from extension attributes, from expressions, and what empty means."""

from datetime import timedelta

import pytest

from sync.core.connection import ConnectionState
from sync.core.health import needs_admin
from sync.core.model import AccountState, Action
from sync.core.sync_settings import DEFAULT_MAPPING, FieldRule, Filter, Scope
from sync.usecases import full_pass, one_person
from tests.fakes.engine import Engine, Tenanted

COST_CENTRE = f"extension_{'0f' * 16}_costCentre"
EXTENSIONS = "onPremisesExtensionAttributes"
PATIENCE = timedelta(minutes=15)
OWN = (
    FieldRule("cost_centre", COST_CENTRE),
    FieldRule("site", 'first(extensionAttribute3, after(officeLocation, "/"))'),
    FieldRule("handle", 'lower(before(mail, "@"))', apply="on_create"),
    FieldRule("level", "extensionAttribute4", on_null="keep"),
    FieldRule("kind", "employeeType", on_null="default", default="employee"),
)


@pytest.fixture
def own(engine: Engine) -> Tenanted:
    """A connected workspace of one person, Anna, with a mapping of its own."""
    acme = engine.connect()
    acme.tenant.hire(
        "Anna Berg",
        officeLocation="DK/Odense",
        **{COST_CENTRE: 4711, EXTENSIONS: {"extensionAttribute3": None, "extensionAttribute4": "L2"}},
    )
    acme.imported()
    acme.choose(mapping=(*DEFAULT_MAPPING, *OWN))
    acme.reconcile()
    return acme


def fields(connection: Tenanted) -> dict[str, str]:
    """The fields of Anna's account that the customer made."""
    found = connection.person(connection.tenant.present_people()[0]).fields
    return {rule.target: found[rule.target] for rule in OWN if rule.target in found}


def test_fields_of_their_own(own: Tenanted) -> None:
    """A number of a directory extension, an expression, a default; what is only set on create is not added later."""
    assert fields(own) == {"cost_centre": "4711", "site": "Odense", "level": "L2", "kind": "employee"}


def test_the_pass_that_reads_a_new_attribute_names_the_admin(acme: Tenanted) -> None:
    """Its cause are the settings, its author who saved them."""
    acme.choose(mapping=(*DEFAULT_MAPPING, *OWN))
    assert {(run.cause, run.by) for run in acme.runs if run.kind == "pass"} == {("first", ""), ("settings", "admin")}


def test_each_change_arrives_by_the_feed(own: Tenanted) -> None:
    """Extension attributes are told as one object, whole; the fields follow."""
    anna = own.tenant.present_people()[0]
    told = {"extensionAttribute3": "Aarhus", "extensionAttribute4": "L3", "extensionAttribute9": "x"}
    own.tenant.change(anna, employeeType="Contractor", **{EXTENSIONS: told, COST_CENTRE: 4712})
    own.sync()
    assert fields(own) == {"cost_centre": "4712", "site": "Aarhus", "level": "L3", "kind": "Contractor"}


def test_what_is_cleared_is_cleared_kept_or_the_default(own: Tenanted) -> None:
    """Null does what each rule says."""
    anna = own.tenant.present_people()[0]
    own.tenant.change(anna, employeeType=None, officeLocation=None, **{EXTENSIONS: None, COST_CENTRE: None})
    own.sync()
    assert fields(own) == {"level": "L2", "kind": "employee"}


def test_who_joins_gets_what_is_set_on_create(own: Tenanted) -> None:
    """And keeps it when the address changes later."""
    new = own.tenant.hire("New Comer")
    own.sync()
    assert own.person(new).fields["handle"] == "new.comer"
    own.tenant.change(new, mail="new.name@contoso.example")
    own.sync()
    assert (own.person(new).fields["email"], own.person(new).fields["handle"]) == (
        "new.name@contoso.example",
        "new.comer",
    )


def test_an_attribute_that_the_tenant_takes_away(own: Tenanted) -> None:
    """Where Entra refuses it, the admin is told which setting to mend, nobody changes, and mending it is enough."""
    before = fields(own)
    own.tenant.refusals["users"] = needs_admin("attribute_refused")
    own.engine.wait(PATIENCE)
    problem = own.connection.problem
    assert problem is not None
    assert (own.connection.state, problem.code) == (ConnectionState.ATTENTION, "attribute_refused")
    assert fields(own) == before
    own.tenant.refusals = {}
    own.choose(mapping=(*DEFAULT_MAPPING, *OWN[1:]))
    own.engine.wait(PATIENCE)
    assert (own.connection.state, own.connection.problem) == (ConnectionState.CONNECTED, None)
    assert fields(own) == {name: text for name, text in before.items() if name != "cost_centre"}


def test_an_extension_that_was_taken_out_is_no_longer_read(acme: Tenanted) -> None:
    """The cursor that selects it is replaced within a minute: Graph may refuse it once the tenant has it no more."""
    extension = f"extension_{'a' * 32}_badge"
    acme.choose(mapping=(*DEFAULT_MAPPING, FieldRule("badge", extension)))
    acme.engine.wait(timedelta(minutes=2))
    assert extension in acme.view.reader.feeds["users"].selected
    acme.choose(mapping=DEFAULT_MAPPING)
    acme.engine.wait(timedelta(minutes=2))
    assert extension not in acme.view.reader.feeds["users"].selected


@pytest.mark.parametrize("seed", range(8))
def test_people_change_while_a_new_attribute_is_read(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """The feed goes on beside the pass with a cursor that does not select the attribute. Whoever it tells of meanwhile,
    in whatever order, has it all the same: nobody is judged by an attribute as if it were empty.
    """
    monkeypatch.setattr(full_pass, "BLOCK_PAGES", 1)
    engine = Engine(seed=seed)
    engine.directory.manners.page_size = 2
    acme = engine.connect()
    people = [acme.tenant.hire(f"Person {number}", city="Oslo") for number in range(6)]
    acme.imported()
    in_oslo = Scope(filters=(Filter("city", "equals", ("oslo",)),))
    acme.save(mapping=(*DEFAULT_MAPPING, FieldRule("city", "city")), scope=in_oslo)
    for number in range(60):
        if number % 3 == 0:
            acme.tenant.change(people[number % 6], department=f"Department {number}")
            acme.hint("users")
        engine.queue.shuffle(engine.chance)
        engine.deliver()
    engine.pump()
    assert {record.account_state for record in acme.people.values()} == {AccountState.ACTIVE}
    assert {record.fields["city"] for record in acme.people.values()} == {"Oslo"}
    told = engine.services.people.activity(acme.scope, [""], limit=1000)
    assert Action.DEACTIVATE not in {entry.action for activity, _ in told for entry in activity.entries}


def test_an_attribute_that_comes_back_is_up_to_date(acme: Tenanted) -> None:
    """Settings drop an attribute, people change, one of them is synchronised alone, and the settings take it back: the
    feed had gone on telling it, so that nothing is missed and nothing needs to be read again.
    """
    first, second = acme.tenant.present_people()[:2]
    with_city = (*DEFAULT_MAPPING, FieldRule("city", "city"))
    acme.choose(mapping=with_city)
    acme.choose(mapping=DEFAULT_MAPPING)
    acme.tenant.change(first, city="Odense")
    acme.tenant.change(second, city="Oslo")
    acme.sync()
    one_person.sync(acme.engine.services, acme.view, first, "admin")
    passes = [run.id for run in acme.runs if run.kind == "pass"]
    acme.choose(mapping=with_city)
    assert [acme.person(one).fields["city"] for one in (first, second)] == ["Odense", "Oslo"]
    assert [run.id for run in acme.runs if run.kind == "pass"] == passes


def test_as_many_fields_of_ones_own_as_anybody_needs(acme: Tenanted) -> None:
    """Fifty: every extension attribute, directory extensions, and expressions of them; read, told by the feed, cleared,
    and kept through leaving and coming back.
    """
    numbered = [f"extensionAttribute{number}" for number in range(1, 16)]
    registered = [f"extension_{'0f' * 16}_field{number}" for number in range(10)]
    named = [*numbered, *registered]
    rules = [FieldRule(f"own_{number}", name) for number, name in enumerate(named)]
    rules += [FieldRule(f"loud_{number}", f"upper({name})") for number, name in enumerate(named)]
    anna = acme.tenant.hire("Anna Berg", **{EXTENSIONS: {name: f"{name} a" for name in numbered}})
    acme.tenant.change(anna, **{name: f"{name} a" for name in registered})
    acme.choose(mapping=(*DEFAULT_MAPPING, *rules))
    expected = {f"own_{number}": f"{name} a" for number, name in enumerate(named)}
    expected |= {f"loud_{number}": f"{name} a".upper() for number, name in enumerate(named)}
    assert len(expected) == 50
    assert expected.items() <= acme.person(anna).fields.items()
    acme.tenant.soft_delete(anna)
    acme.sync()
    acme.tenant.restore(anna)
    acme.sync()
    assert expected.items() <= acme.person(anna).fields.items()
    acme.tenant.change(anna, **{EXTENSIONS: {**dict.fromkeys(numbered), "extensionAttribute1": "b"}})
    acme.sync()
    after = acme.person(anna).fields
    assert (after["own_0"], after["loud_0"], after["own_15"]) == ("b", "B", f"{registered[0]} a")
    assert not {f"own_{number}" for number in range(1, 15)} & after.keys()
