"""Which accounts are suggested as nobody's, and which never are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.suggestions import LIKELY, MAYBE, SIGNS, Evidence, assess, tokens
from tests.unit.strategies import BOB, any_json

ROOM, SERVICE, ADMIN = Evidence.ROOM_OR_EQUIPMENT, Evidence.SERVICE_LIKE_NAME, Evidence.ADMIN_LIKE
SHARED, SYNC = Evidence.SHARED_MAILBOX, Evidence.ON_PREMISES_SYNC_ACCOUNT
LEADING = {evidence for evidence, sign in SIGNS.items() if sign.leading}
ABSENCE = set(SIGNS) - LEADING


def source(local: str, shown: str, **changes: Any) -> dict[str, Any]:
    """An account as the directory tells it: enabled, with an address, nothing else known."""
    told: dict[str, Any] = {
        "displayName": shown,
        "userPrincipalName": f"{local}@contoso.com",
        "mail": f"{local}@contoso.com",
        "accountEnabled": True,
        "userType": "Member",
    }
    return {**told, **changes}


def person(given_name: str, surname: str, local: str = "", **changes: Any) -> dict[str, Any]:
    """An account with somebody's name."""
    local = local or f"{given_name}.{surname}".lower().replace(" ", "")
    return source(local, f"{given_name} {surname}", givenName=given_name, surname=surname, **changes)


def leading(told: dict[str, Any]) -> set[Evidence]:
    """The signs that may make a suggestion, found in an account that is somebody's manager."""
    return LEADING.intersection(assess(told, is_manager=True).evidence)


@pytest.mark.parametrize(
    ("local", "shown", "evidence"),
    [
        ("svc-backup", "svc-backup", SERVICE),
        ("svc_payroll", "Payroll", SERVICE),
        ("payroll.svc", "Payroll", SERVICE),
        ("svc01", "SQL Server 01", SERVICE),
        ("service.web", "Web", SERVICE),
        ("noreply", "Contoso", SERVICE),
        ("no-reply", "Contoso", SERVICE),
        ("do.not.reply", "Contoso", SERVICE),
        ("contoso-noreply-dk", "Contoso", SERVICE),
        ("ikke-svar", "Contoso", SERVICE),
        ("nicht-antworten", "Contoso", SERVICE),
        ("ne-pas-répondre", "Contoso", SERVICE),
        ("sala", "Sala Konferencyjna", ROOM),
        ("salle.reunion", "Salle Réunion", ROOM),
        ("sala.reuniones", "Sala Reuniones 2", ROOM),
        ("oslo", "Teams Room 1", ROOM),
        ("hr", "HR Team", SERVICE),
        ("facturacion", "Facturación", SERVICE),
        ("ksiegowosc", "Księgowość", SERVICE),
        ("segreteria", "Segreteria", SERVICE),
        ("secretariaat", "Secretariaat", SERVICE),
        ("sentralbord", "Sentralbord", SERVICE),
        ("vaxel", "Växel", SERVICE),
        ("laskutus", "Laskutus", SERVICE),
        ("poststelle", "Poststelle", SERVICE),
        ("buh", "Бухгалтерия", SERVICE),
        ("test", "Test", SERVICE),
        ("test.user", "Test User", SERVICE),
        ("testbruger7", "Testbruger 7", SERVICE),
        ("x1", "Test-Konto", SERVICE),
        ("scanner2", "2nd floor", SERVICE),
        ("kopimaskine", "Kopimaskine", SERVICE),
        ("hp.printer", "Printer HQ", SERVICE),
        ("drucker-eg", "Drucker EG", SERVICE),
        ("kiosk", "Kiosk", SERVICE),
        ("lobby.kiosk", "Lobby", SERVICE),
        ("reception", "Reception", SERVICE),
        ("empfang", "Empfang", SERVICE),
        ("INFO", "Contoso", SERVICE),
        ("info.dk", "Contoso Danmark", SERVICE),
        ("support", "Support", SERVICE),
        ("it-support", "IT Support", SERVICE),
        ("kundeservice", "Kundeservice", SERVICE),
        ("bogholderi", "Bogholderi", SERVICE),
        ("faktura", "Faktura", SERVICE),
        ("indkøb", "Indkøb", SERVICE),
        ("buchhaltung", "Buchhaltung", SERVICE),
        ("bewerbungen", "Bewerbungen", SERVICE),
        ("büro", "Büro", SERVICE),
        ("försäljning", "Försäljning", SERVICE),
        ("accueil", "Accueil", SERVICE),
        ("backup", "Backup", SERVICE),
        ("sync", "Sync", SERVICE),
        ("postmaster", "Postmaster", SERVICE),
        ("breakglass1", "Break Glass 1", SERVICE),
        ("b1", "Break Glass", SERVICE),
        ("x2", "Info (shared mailbox)", SERVICE),
        ("helpdesk", "Helpdesk", SERVICE),
        ("ｎｏｒｅｐｌｙ", "Full width", SERVICE),
        ("room.fjord", "Fjord (12 seats)", ROOM),
        ("x3", "Meeting Room Harbour", ROOM),
        ("x4", "Mødelokale 2", ROOM),
        ("moedelokale2", "2. sal", ROOM),
        ("besprechungsraum.ost", "Ost", ROOM),
        ("x5", "Salle de réunion Seine", ROOM),
        ("beamer3", "Beamer 3", ROOM),
        ("poolbil", "Poolbil", ROOM),
        ("adm-ada", "Ada Lovelace", ADMIN),
        ("admin.ada", "Ada Lovelace", ADMIN),
        ("ada.lovelace.adm", "Ada Lovelace", ADMIN),
        ("ada-admin", "Ada Lovelace", ADMIN),
        ("x6", "Ada Lovelace (admin)", ADMIN),
        ("administrator", "Administrator", ADMIN),
        ("sync_SRV01_0a1b2c3d4e5f", "Whatever", SYNC),
        ("x7", "On-Premises Directory Synchronization Service Account", SYNC),
    ],
)
def test_names_of_nobody_are_seen(local: str, shown: str, evidence: Evidence) -> None:
    """Whole words of the address, the username or the display name, in several languages and forms."""
    assert evidence in leading(source(local, shown))


@pytest.mark.parametrize(
    "told",
    [
        person("Adam", "Mintz"),
        person("Ada", "Service"),
        person("Robert", "Service", "service.robert"),
        person("Ines", "Test-Hansen"),
        person("Test", "Hansen"),
        person("Steve", "Jobs"),
        person("Steve", "Jobs", "jobs.steve"),
        person("Maria", "Sales"),
        person("Maria", "Sales", "sales.maria"),
        person("Emily", "Post"),
        person("Peter", "Drucker"),
        person("Peter", "Drucker", "drucker"),
        person("Joe", "Root"),
        person("Emma", "Room"),
        person("Norman", "Mailer"),
        person("Karl", "Jenkins", "jenkins"),
        person("Todd", "Beamer"),
        person("Eva", "Lager"),
        person("Jan", "Bot"),
        person("Admira", "Svcovic"),
        person("Syncere", "Backupsen"),
        person("Teston", "Infante"),
        person("Anna Dorthe", "Møller", "adm"),
        person("Sven Viggo", "Christensen", "svc"),
        person("Inge", "Forsberg", "info"),
        person("Anton David", "Meyer", "a.d.m"),
        person("Ivan", "Tanev", "it"),
        person("Hanne", "Rasmussen", "hr"),
        person("Søren", "Ærø", "soaero"),
        person("محمد", "عبد الله", "m.abdullah"),
        person("山田", "太郎", "yamada"),
        person("", "Suharto", "suharto"),
        person("Ana", "Silva", userPrincipalName="ana.silva@contoso.com", mail="reception@contoso.com"),
        person("Mette", "Holm", displayName="Mette Holm (Helpdesk)"),
        person("Mia", "Berg", displayName="Mia Berg – Sales Admin"),
        person("Ulla", "Kiær", jobTitle="System Administrator", department="IT Support"),
        source("ada.service", "Ada Service"),
        source("a.mintz", "Adam Mintz"),
        source("hansen", "Ines Test-Hansen"),
        source("maria", "Sales, Maria"),
        source("emily.post", "Emily Post"),
        source("x9", "Ad M"),
        source("kontakt.linse", "", userPrincipalName="bob_corp.com#EXT#@t.onmicrosoft.com", mail="bob@corp.com"),
        person("Hr.", "Jensen", "hr.jensen"),
        source("hr.jensen", "Hr. Jensen"),
        person("Ann", "Team", "team.ann"),
        person("Juan", "Sala", "sala"),
        person("Rosa", "Raum", "raum"),
        person("Bo", "Bil", "bil.bo"),
        person("Karen", "Carroll", "car.karen"),
    ],
)
def test_people_are_left_in_peace(told: dict[str, Any]) -> None:
    """Surnames, initials and words within words that look like a service are somebody's name: no suggestion, however
    little else the directory has of them.
    """
    bare = {**told, "assignedLicenses": [], "jobTitle": None, "manager": None}
    assert leading(told) == set()
    assert assess(bare, is_manager=False).likely == "person"


@pytest.mark.parametrize(
    ("told", "evidence"),
    [
        (person("Ada", "Lovelace", "adm-ada.lovelace"), ADMIN),
        (person("Contoso", "Scanner", "x"), SERVICE),
        (person("SQL", "Service", "x"), SERVICE),
        (person("Test", "User", "x"), SERVICE),
        (person("Svc", "Payroll", "x"), SERVICE),
        (person("Peter", "Olsen", "support"), SERVICE),
        (person("Meeting", "Room", "x", displayName="Meeting Room"), ROOM),
    ],
)
def test_a_name_that_is_filled_in_does_not_hide_a_service(told: dict[str, Any], evidence: Evidence) -> None:
    """Given and family name made of such words are no person's, and second accounts bear their owner's name."""
    assert evidence in leading(told)


def mailbox(**changes: Any) -> dict[str, Any]:
    """A shared mailbox as Exchange makes one."""
    return source("fjord", "Fjord", accountEnabled=False, assignedLicenses=[], **changes)


def test_a_shared_mailbox_has_an_address_and_neither_sign_in_nor_licence() -> None:
    """Each of the three is needed, and somebody's name makes it a leaver's account."""
    assert leading(mailbox()) == {SHARED}
    for changes in (
        {"accountEnabled": True},
        {"accountEnabled": None},
        {"assignedLicenses": ["sku"]},
        {"mail": None},
        {"givenName": "Finn", "surname": "Fjord"},
    ):
        assert leading(mailbox() | changes) == set()


ABSENT = {
    Evidence.NO_LICENCE: ("assignedLicenses", [], ["sku"]),
    Evidence.NO_SURNAME: ("surname", "", "Lee"),
    Evidence.NO_MANAGER: ("manager", None, BOB),
    Evidence.NO_JOB_TITLE: ("jobTitle", " ", "Cook"),
}


@pytest.mark.parametrize("evidence", ABSENT)
def test_what_was_never_asked_for_is_no_evidence(evidence: Evidence) -> None:
    """A property counts as empty when it was told so, or was selected and not told; a guest's never does."""
    name, empty, given_value = ABSENT[evidence]
    told = source("lee", "Lee")
    assert evidence not in assess(told, is_manager=True).evidence
    assert evidence not in assess(told | {name: given_value}, is_manager=True, selected=[name]).evidence
    assert evidence in assess(told | {name: empty}, is_manager=True).evidence
    assert evidence in assess(told, is_manager=True, selected=[name]).evidence
    assert evidence not in assess(told | {"userType": "Guest"}, is_manager=True, selected=[name]).evidence


def test_absence_alone_makes_no_suggestion() -> None:
    """Somebody at a conveyor belt has neither licence nor title nor manager in the directory, and is a person."""
    assessment = assess(source("lee", "Lee"), is_manager=False, selected=[name for name, _, _ in ABSENT.values()])
    assert set(assessment.evidence) == ABSENCE
    assert assessment.score == MAYBE - 1
    assert assessment.likely == "person"


def test_likelihood_follows_the_score() -> None:
    """A name alone is a maybe; with signs of absence it is likely; somebody's manager is never more than a maybe."""
    bare = source("svc-sql", "svc-sql", assignedLicenses=[])
    assert assess(source("svc-sql", "svc-sql"), is_manager=True) == (45, (SERVICE,), "maybe")
    assert assess(bare, is_manager=False) == (
        75,
        (SERVICE, Evidence.NO_LICENCE, Evidence.NEVER_MANAGER),
        "not_a_person",
    )
    assert assess(bare, is_manager=True) == (LIKELY - 1, (SERVICE, Evidence.NO_LICENCE), "maybe")
    assert assess(person("Ann", "Lee"), is_manager=True) == (0, (), "person")


def test_every_sign_is_weighed_and_told() -> None:
    """The table has each code with a weight and a text; leading ones suffice for a suggestion, and come first."""
    assert list(SIGNS) == list(Evidence)
    assert all(sign.weight >= MAYBE for sign in SIGNS.values() if sign.leading)
    weights = [sign.weight for sign in SIGNS.values()]
    assert weights == sorted(weights, reverse=True)
    assert len({sign.text for sign in SIGNS.values()}) == len(SIGNS)


NAMES = ("displayName", "givenName", "surname", "mail", "userPrincipalName", "accountEnabled", "assignedLicenses")


@given(st.dictionaries(st.sampled_from((*NAMES, "userType", "manager", "jobTitle")), any_json), st.booleans())
def test_whatever_the_directory_holds_can_be_assessed(told: dict[str, Any], manager: bool) -> None:
    """Any JSON in any property; the score is in range, and a suggestion has a leading sign."""
    assessment = assess(told, is_manager=manager, selected=NAMES)
    assert 0 <= assessment.score <= 100
    assert (assessment.likely != "person") == bool(LEADING.intersection(assessment.evidence))


@pytest.mark.parametrize("name", ["a" * 100_000, "a." * 50_000, "no-" * 30_000, "Z" + "\u0335" * 100_000])
def test_a_long_name_is_no_trap(name: str) -> None:
    """Only so much of a text is looked at."""
    assert len("".join(tokens(name))) <= 256
    assert assess(source(name, name), is_manager=False).likely == "person"
