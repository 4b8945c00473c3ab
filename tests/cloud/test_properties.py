"""What can be selected of users: every documented property, extension attributes and directory extensions."""

from typing import Any

import pytest

from local.cloud.control import Control
from tests.cloud.client import Graph, Json
from tests.cloud.test_delta_users import of

APP = "0123456789abcdef0123456789ABCDEF"
COST = f"extension_{APP}_costCentre"
FLOOR = f"extension_{APP}_floor"
REMOTE = f"extension_{APP}_remote"
ATTRIBUTES = {f"extensionAttribute{number}": None for number in range(1, 16)}

VALUES: dict[str, Any] = {
    "accountEnabled": False,
    "ageGroup": "Adult",
    "assignedLicenses": [{"disabledPlans": [], "skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965"}],
    "businessPhones": ["+45 1", "+45 2"],
    "city": "Łódź",
    "companyName": "Contoso",
    "country": "Poland",
    "createdDateTime": "2020-01-02T03:04:05Z",
    "creationType": "Invitation",
    "department": "Sales",
    "displayName": "Ann",
    "employeeHireDate": "2020-02-01T00:00:00Z",
    "employeeId": "7",
    "employeeOrgData": {"division": "North", "costCenter": "12"},
    "employeeType": "Contractor",
    "externalUserState": "Accepted",
    "faxNumber": "+45 3",
    "givenName": "Ann",
    "identities": [{"signInType": "userPrincipalName", "issuer": "t.example", "issuerAssignedId": "ann@t.example"}],
    "jobTitle": "Buyer",
    "mail": "ann@t.example",
    "mailNickname": "ann",
    "mobilePhone": "+45 4",
    "officeLocation": "HQ",
    "onPremisesDistinguishedName": "CN=ann,DC=ad",
    "onPremisesDomainName": "ad.t.example",
    "onPremisesExtensionAttributes": {**ATTRIBUTES, "extensionAttribute15": "x"},
    "onPremisesImmutableId": "abc==",
    "onPremisesSamAccountName": "ann",
    "onPremisesSyncEnabled": True,
    "onPremisesUserPrincipalName": "ann@ad.t.example",
    "otherMails": ["ann@home.example"],
    "postalCode": "90-001",
    "preferredLanguage": "pl-PL",
    "proxyAddresses": ["SMTP:ann@t.example", "smtp:a@t.example"],
    "state": "Łódzkie",
    "streetAddress": "Mill 1",
    "surname": "Nowak",
    "usageLocation": "PL",
    "userPrincipalName": "ann@t.example",
    "userType": "Guest",
    COST: "12",
    REMOTE: True,
}


def one(graph: Graph, way: str, user: str, select: str) -> Json:
    """One user by delta, by list, by id, or by id inside a batch."""
    if way == "delta":
        return of(graph.round(f"/users/delta?$select={select}")[0], user)[0]
    if way == "list":
        return of(graph.ok(f"/users?$select={select}")["value"], user)[0]
    if way == "get":
        shown = graph.ok(f"/users/{user}?$select={select}")
    else:
        body = {"requests": [{"id": "1", "method": "GET", "url": f"/users/{user}?$select={select}"}]}
        shown = graph.send("POST", "/$batch", json=body).json()["responses"][0]["body"]
    shown.pop("@odata.context")
    return shown


@pytest.mark.parametrize("way", ["delta", "list", "get", "batch"])
def test_every_property_of_a_person_can_be_selected(graph: Graph, control: Control, way: str) -> None:
    """In all four ways of reading, with the value that was set: texts, booleans, lists and objects."""
    user = control.create_user(graph.tenant, **VALUES)
    assert one(graph, way, user, ",".join(VALUES)) == {"id": user, **VALUES}


def test_unset_properties_read_as_empty_in_lists_and_are_absent_in_delta(graph: Graph, control: Control) -> None:
    """[] for collections, fifteen nulls for the extension attributes, null otherwise; in delta no key at all."""
    user = control.create_user(graph.tenant, displayName="Ann")
    names = f"proxyAddresses,assignedLicenses,identities,onPremisesExtensionAttributes,department,{COST}"
    assert one(graph, "get", user, names) == {
        "id": user,
        "proxyAddresses": [],
        "assignedLicenses": [],
        "identities": [],
        "onPremisesExtensionAttributes": ATTRIBUTES,
        "department": None,
        COST: None,
    }
    assert one(graph, "delta", user, names) == {"id": user}


@pytest.mark.parametrize("way", ["delta?$select=", "?$select=", "11111111-1111-4111-8111-111111111111?$select="])
@pytest.mark.parametrize("name", ["costCenter", "extension_short_name", f"extension_{APP}_", "extensionAttribute1"])
def test_what_is_no_property_is_refused(graph: Graph, control: Control, way: str, name: str) -> None:
    """400, and a violation: a made-up name, a malformed extension, a part of an object."""
    assert graph.get(f"/users/{way}{name}".replace("/users/?", "/users?")).status_code == 400
    assert control.violations()
    control.clear_violations()


def test_an_extension_nobody_registered_is_ignored_or_refused(graph: Graph, control: Control) -> None:
    """Undocumented, so a switch; registered is what anybody ever had, in any case of letters."""
    url = f"/users/delta?$select={COST}"
    assert graph.get(url).status_code == 200
    control.behave(unregistered_extensions="refused")
    refused = graph.get(url)
    assert (refused.status_code, COST in refused.json()["error"]["message"]) == (400, True)
    held: dict[str, Any] = {COST: "12"}
    user = control.create_user(graph.tenant, displayName="Ann", **held)
    assert of(graph.round(url.replace("costCentre", "COSTCENTRE"))[0], user) == [{"id": user, COST: "12"}]
    assert control.violations() == []


def test_a_changed_extension_brings_the_others_of_its_type(graph: Graph, control: Control) -> None:
    """All directory extensions of the same data type come along, selected or not, even in minimal answers."""
    held: dict[str, Any] = {COST: "12", FLOOR: "3", REMOTE: True}
    user = control.create_user(graph.tenant, displayName="Ann", **held)
    _, link = graph.round(f"/users/delta?$select=displayName,{COST}")
    control.update_user(graph.tenant, user, **{FLOOR: "4"})
    items, link = graph.round(link)
    assert items == []
    control.update_user(graph.tenant, user, **{COST: "13"})
    items, link = graph.round(link, headers={"Prefer": "return=minimal"})
    assert items == [{"id": user, COST: "13", FLOOR: "4"}]
    control.update_user(graph.tenant, user, displayName="Anne")
    assert graph.round(link)[0] == [{"id": user, "displayName": "Anne", COST: "13"}]


def test_extension_attributes_are_changed_one_by_one(graph: Graph, control: Control) -> None:
    """Those not named stay, the object is told whole; null clears it."""
    user = control.create_user(graph.tenant, onPremisesExtensionAttributes={"extensionAttribute1": "a"})
    _, link = graph.round("/users/delta?$select=onPremisesExtensionAttributes")
    control.update_user(graph.tenant, user, onPremisesExtensionAttributes={"extensionAttribute2": "b"})
    items, link = graph.round(link)
    told = {**ATTRIBUTES, "extensionAttribute1": "a", "extensionAttribute2": "b"}
    assert items == [{"id": user, "onPremisesExtensionAttributes": told}]
    control.update_user(graph.tenant, user, onPremisesExtensionAttributes=None)
    assert graph.round(link)[0] == [{"id": user, "onPremisesExtensionAttributes": None}]


def test_a_new_mail_becomes_the_primary_proxy_address(graph: Graph, control: Control) -> None:
    """The former one stays as a secondary address; an alias that is promoted is not there twice."""
    proxies = ["SMTP:ann@t.example", "smtp:a@t.example", "X500:/o=x"]
    user = control.create_user(graph.tenant, mail="ann@t.example", proxyAddresses=proxies)
    _, link = graph.round("/users/delta?$select=proxyAddresses")
    assert control.update_user(graph.tenant, user, mail="A@t.example") == ["mail", "proxyAddresses"]
    told = ["SMTP:A@t.example", "smtp:ann@t.example", "X500:/o=x"]
    assert graph.round(link)[0] == [{"id": user, "proxyAddresses": told}]


def test_a_new_selection_on_a_delta_link_is_tracked_from_then_on(graph: Graph, control: Control) -> None:
    """What is selected is held by the link: without one the first selection goes on."""
    user = control.create_user(graph.tenant, displayName="Ann", department="Sales")
    _, link = graph.round("/users/delta?$select=displayName")
    control.update_user(graph.tenant, user, department="IT")
    assert graph.round(link)[0] == []
    items, link = graph.round(f"{link}&$select=department")
    assert items == [{"id": user, "department": "IT"}]
    control.update_user(graph.tenant, user, displayName="Anne")
    assert graph.round(link)[0] == []
