"""A delta page is read whole or not at all; odd parts of an item are left out and the rest is used."""

from typing import Any

import pytest

from sync.core.delta import VALUE_LIMIT, MalformedPage, check_link, guid, read_page, read_user
from sync.core.mapping import select_of
from sync.core.model import ChangeKind, MembershipChange, Page, Presence
from sync.core.sync_settings import SyncSettings

SELECT = select_of(SyncSettings())
BASE = "https://graph.microsoft.com"
NEXT = f"{BASE}/v1.0/users/delta?$skiptoken=abc"
DELTA = f"{BASE}/v1.0/users/delta?$deltatoken=abc"
ANN, BOB, TEAM = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
USER, GROUP = "#microsoft.graph.user", "#microsoft.graph.group"


def users(*items: Any, full: bool = False) -> Page:
    """A last page of users, read."""
    return read_page(
        {"value": list(items), "@odata.deltaLink": DELTA}, "users", BASE, "", order=5, full=full, select=SELECT
    )


def groups(*items: Any) -> Page:
    """A last page of groups, read."""
    data = {"value": list(items), "@odata.deltaLink": f"{BASE}/v1.0/groups/delta?$deltatoken=abc"}
    return read_page(data, "groups", BASE, "", order=5, full=False, select=SELECT)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        {"value": []},
        {"value": [], "@odata.nextLink": NEXT, "@odata.deltaLink": DELTA},
        {"@odata.deltaLink": DELTA},
        {"value": None, "@odata.deltaLink": DELTA},
        {"value": {}, "@odata.deltaLink": DELTA},
        {"value": [], "@odata.deltaLink": ""},
        {"value": [], "@odata.deltaLink": 7},
        {"value": ["text"], "@odata.deltaLink": DELTA},
        {"value": [{"displayName": "no id"}], "@odata.deltaLink": DELTA},
        {"value": [{"id": None}], "@odata.deltaLink": DELTA},
    ],
)
def test_a_page_that_is_not_whole_is_an_error(data: Any) -> None:
    """Without a list of values, without exactly one link, or with an item that has no id, nothing is read."""
    with pytest.raises(MalformedPage):
        read_page(data, "users", BASE, "", order=1, full=False, select=SELECT)


def test_a_page_that_leads_to_itself_is_an_error() -> None:
    """A nextLink equal to the one that was followed would never end."""
    with pytest.raises(MalformedPage):
        read_page({"value": [], "@odata.nextLink": NEXT}, "users", BASE, NEXT, order=1, full=False, select=SELECT)


def test_an_empty_page_with_a_next_link_is_normal() -> None:
    """Graph sends empty pages in the middle of a round."""
    page = read_page({"value": [], "@odata.nextLink": NEXT}, "users", BASE, "", order=1, full=False, select=SELECT)
    assert (page.users, page.next_link, page.delta_link) == ([], NEXT, None)


@pytest.mark.parametrize(
    "link",
    [
        "http://graph.microsoft.com/v1.0/users/delta?$deltatoken=a",
        "https://graph.microsoft.com.evil/v1.0/users/delta?$deltatoken=a",
        "https://graph.microsoft.com@evil/v1.0/users/delta?$deltatoken=a",
        "https://evil\\@graph.microsoft.com/v1.0/users/delta",
        "//evil/v1.0/users/delta",
        "https://graph.microsoft.com:8443/v1.0/users/delta",
        "https://graph。microsoft.com/v1.0/users/delta",
        "https://user:pass@graph.microsoft.com/v1.0/users/delta",
        "https://graph.microsoft.com/v1.0/users/delta#fragment",
        "https://graph.microsoft.com/v1.0/users/delta\n?x",
        "https://graph.microsoft.com/v1.0/users/delta ?x",
        "https://graph.microsoft.com/v1.0/users/../me",
        "https://graph.microsoft.com/v1.0/users",
        "https://graph.microsoft.com/beta/users/delta?$deltatoken=a",
        "https://graph.microsoft.com/v1.0/groups/delta?$deltatoken=a",
        "http://169.254.169.254/latest/meta-data",
        "https://graph.microsoft.com/v1.0/users/delta?" + "a" * 20_000,
        "",
        None,
        ["https://graph.microsoft.com/v1.0/users/delta"],
    ],
)
def test_links_that_lead_elsewhere_are_refused(link: Any) -> None:
    """A link must lead to this feed's delta on this cloud's Graph, to the letter."""
    with pytest.raises(MalformedPage):
        check_link(link, "users", BASE)


@pytest.mark.parametrize(
    "link",
    [
        DELTA,
        "https://GRAPH.microsoft.com/v1.0/users/delta?$deltatoken=a",
        "https://graph.microsoft.com:443/v1.0/users/delta()?$skiptoken=a",
        "https://graph.microsoft.com/v1.0/users/microsoft.graph.delta()?$deltatoken=a",
    ],
)
def test_links_of_graph_are_used_as_they_are(link: str) -> None:
    """The forms Graph writes its links in are accepted, unchanged."""
    assert check_link(link, "users", BASE) == link


def test_a_person_has_the_selected_properties_only() -> None:
    """Absent stays absent, null stays null, and what was not asked for is dropped."""
    page = users({"id": ANN.upper(), "displayName": "Ann", "mail": None, "accountEnabled": True, "skills": ["x"]})
    (change,) = page.users
    assert (change.object_id, change.order, change.kind) == (ANN, 5, ChangeKind.PATCH)
    assert change.properties == {"displayName": "Ann", "mail": None, "accountEnabled": True}


def test_a_full_pass_makes_snapshots() -> None:
    """In a full pass an absent property was never set."""
    assert users({"id": ANN}, full=True).users[0].kind is ChangeKind.SNAPSHOT


@pytest.mark.parametrize(
    ("mark", "presence"),
    [
        ({"reason": "changed"}, Presence.SOFT_DELETED),
        ({"reason": "deleted"}, Presence.HARD_DELETED),
        ("deleted", Presence.HARD_DELETED),
        ({}, Presence.SOFT_DELETED),
        ({"reason": "unheard of"}, Presence.SOFT_DELETED),
    ],
)
def test_tombstones_of_both_reasons(mark: Any, presence: Presence) -> None:
    """A tombstone is one whatever else the item holds; an unknown reason counts as restorable."""
    (change,) = users({"id": ANN, "displayName": "Ann", "@removed": mark}).users
    assert (change.kind, change.presence, change.properties) == (ChangeKind.REMOVED, presence, {})
    (group,) = groups({"id": TEAM, "@removed": mark}).groups
    assert (group.kind, group.presence) == (ChangeKind.REMOVED, presence)


@pytest.mark.parametrize(
    ("entries", "properties"),
    [
        ([{"@odata.type": USER, "id": BOB.upper()}], {"manager": BOB}),
        ([{"id": BOB, "@removed": {"reason": "deleted"}}], {"manager": None}),
        ([{"id": ANN, "@removed": {"reason": "deleted"}}, {"id": BOB}], {"manager": BOB}),
        ([{"id": BOB}, {"id": ANN, "@removed": {"reason": "deleted"}}], {"manager": BOB}),
        ([], {}),
        (None, {}),
        (["text", {"id": 7}], {}),
    ],
)
def test_the_manager_of_an_item(entries: Any, properties: dict[str, Any]) -> None:
    """A change lists the former manager as removed and the new one, in any order; nonsense tells nothing."""
    assert users({"id": ANN, "manager@delta": entries}).users[0].properties == properties


@pytest.mark.parametrize("value", [7, True, ["x"], {"a": 1}])
def test_what_is_not_text_is_as_if_absent(value: Any) -> None:
    """A number, list or object where text belongs neither clears nor changes anything."""
    assert users({"id": ANN, "displayName": value, "surname": "B"}).users[0].properties == {"surname": "B"}


@pytest.mark.parametrize(
    ("value", "properties"),
    [(True, {"accountEnabled": True}), (None, {"accountEnabled": None}), ("false", {}), (0, {})],
)
def test_account_enabled_has_three_values(value: Any, properties: dict[str, Any]) -> None:
    """Only true, false and null are values of it."""
    assert users({"id": ANN, "accountEnabled": value}).users[0].properties == properties


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Bob\r\nBcc: e@x", "Bob Bcc: e@x"),
        ("a\u0000b", "a b"),
        ("a\ud800b", "a b"),
        ("a\u2028b", "a b"),
        ("e\u0301", "é"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("\u202egpj.exe", "\u202egpj.exe"),
        ("", ""),
    ],
)
def test_text_is_kept_as_data_that_can_be_stored(text: str, kept: str) -> None:
    """Controls and half surrogates become a blank, the rest is NFC and otherwise untouched."""
    assert users({"id": ANN, "displayName": text}).users[0].properties == {"displayName": kept}


@pytest.mark.parametrize("object_id", ["", "../x", f"{{{ANN}}}", f"urn:uuid:{ANN}", "' or 1 eq 1 or '", ANN + "\n"])
def test_an_id_that_is_none_of_entras_stops_nobody_else(object_id: str) -> None:
    """The item is left out and counted; the others are read."""
    page = users({"id": object_id, "displayName": "X"}, {"id": ANN})
    assert ([change.object_id for change in page.users], page.skipped) == ([ANN], 1)


def test_members_come_and_go() -> None:
    """Edges carry the member's type and whether it is there; entries that name nobody are left out."""
    page = groups(
        {
            "id": TEAM,
            "displayName": "Team",
            "groupTypes": ["Unified", 7],
            "securityEnabled": False,
            "members@delta": [
                {"@odata.type": USER, "id": ANN.upper()},
                {"@odata.type": USER, "id": BOB, "@removed": {"reason": "deleted"}},
                {"@odata.type": GROUP, "id": TEAM},
                {"@odata.type": "#Microsoft.Graph.User", "id": BOB},
                {"@odata.type": "#microsoft.graph.orgContact", "id": BOB},
                {"@odata.type": None, "id": BOB},
                {"id": ANN},
                {"@odata.type": USER},
                "text",
            ],
        }
    )
    assert page.groups[0].properties == {"displayName": "Team", "groupTypes": ["Unified"], "securityEnabled": False}
    assert page.memberships == [
        MembershipChange(TEAM, ANN, "user", 5, present=True),
        MembershipChange(TEAM, BOB, "user", 5, present=False),
        MembershipChange(TEAM, TEAM, "group", 5, present=True),
        MembershipChange(TEAM, BOB, "user", 5, present=True),
        MembershipChange(TEAM, BOB, "orgcontact", 5, present=True),
        MembershipChange(TEAM, BOB, "", 5, present=True),
        MembershipChange(TEAM, ANN, "", 5, present=True),
    ]


@pytest.mark.parametrize("entries", [None, {}, "text", 7])
def test_a_group_without_a_list_of_members_has_no_edges(entries: Any) -> None:
    """An absent or odd members@delta tells nothing about members."""
    assert groups({"id": TEAM, "members@delta": entries}).memberships == []


def test_guid_has_one_form() -> None:
    """Upper case is folded; everything that is not a plain GUID is None."""
    assert guid(ANN.upper()) == ANN
    assert guid(ANN.replace("-", "")) is None
    assert guid(None) is None


def read(select: tuple[str, ...], **told: Any) -> dict[str, Any]:
    """The properties of Ann, with this selected."""
    data = {"value": [{"id": ANN, **told}], "@odata.deltaLink": DELTA}
    return dict(read_page(data, "users", BASE, "", order=5, full=True, select=("id", *select)).users[0].properties)


def test_only_what_is_selected_is_read() -> None:
    """What Graph tells beside it is left out."""
    assert read(("jobTitle",), jobTitle="Baker", city="Aarhus") == {"jobTitle": "Baker"}


def test_lists_and_licences_are_read_as_texts() -> None:
    """Odd entries are left out; of a licence its skuId is kept."""
    told = {"proxyAddresses": ["SMTP:a@b.c", 5, "smtp:d@b.c"], "assignedLicenses": [{"skuId": "x"}, {}, 7]}
    expected = {"proxyAddresses": ["SMTP:a@b.c", "smtp:d@b.c"], "assignedLicenses": ["x"]}
    assert read(("proxyAddresses", "assignedLicenses"), **told) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            {"extensionAttribute3": "K3", "extensionAttribute4": None, "other": 1},
            {"extensionAttribute3": "K3", "extensionAttribute4": None},
        ),
        (None, {f"extensionAttribute{number}": None for number in range(1, 16)}),
        ("odd", {}),
        ({"extensionAttribute3": 5}, {}),
    ],
)
def test_extension_attributes_are_read_flat(told: Any, expected: dict[str, Any]) -> None:
    """The object's entries are attributes of their own; null clears all of them."""
    assert read(("onPremisesExtensionAttributes",), onPremisesExtensionAttributes=told) == expected


def test_an_endless_value_is_left_out() -> None:
    """The person is kept without it."""
    assert read(("jobTitle", "city"), jobTitle="x" * (VALUE_LIMIT + 1), city="Aarhus") == {"city": "Aarhus"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("K3\r\n", "K3 "),
        (True, True),
        (False, False),
        (4711, "4711"),
        (-(2**63) + 1, "-9223372036854775807"),
        ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z"),
        (["a", 5, True, None, ["b"], {"skuId": "c"}], ["a", "5"]),
        (None, None),
        (1.5, ...),
        (10**40, ...),
        ({"a": 1}, ...),
        ("x" * (VALUE_LIMIT + 1), ...),
    ],
)
def test_a_directory_extension_has_the_type_the_tenant_chose(told: Any, expected: Any) -> None:
    """Texts, flags, whole numbers and lists of them are read; anything else is as if absent."""
    name = "extension_" + "0f" * 16 + "_costCentre"
    assert read((name,), **{name: told}) == ({} if expected is ... else {name: expected})


def test_a_flag_of_the_catalogue_is_a_flag_only() -> None:
    """A text in its place is left out; null clears it."""
    name = "onPremisesSyncEnabled"
    assert [read((name,), **{name: value}) for value in (True, "true", None)] == [{name: True}, {}, {name: None}]


def test_a_person_by_the_id_has_the_manager_that_was_expanded() -> None:
    """Read as a delta item is, with the manager from the object Graph put there; without one there is none."""
    told = {"id": ANN, "jobTitle": "Baker", "city": None, "skills": ["x"], "manager": {"id": BOB.upper()}}
    change = read_user(told, ANN, 7, ("id", "jobTitle", "city", "manager"))
    assert (change.object_id, change.order, change.kind) == (ANN, 7, ChangeKind.SNAPSHOT)
    assert change.properties == {"jobTitle": "Baker", "city": None, "manager": BOB}
    for manager in (None, "text", {}, {"id": "../x"}):
        assert "manager" not in read_user({**told, "manager": manager}, ANN, 7, ("id", "manager")).properties
