"""What the pages show and what their forms do, over fakes."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sync.core.connection import ConnectionState, FeedState, Problem
from sync.core.messages import PassMessage, PullMessage
from sync.core.runs import MailState, Outcome, Stage
from tests.panel.browser import Browser
from tests.panel.cast import HOSTILE, TURNED
from tests.panel.world import TENANT, World

READ_FORM = Callable[[Browser], str]
PROBLEM = Problem("consent_missing", "Give it again.", "2026-03-02T07:00:00.000Z")
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;"


def test_first_visit_offers_to_connect(browser: Browser) -> None:
    """A workspace without a connection sees the card with the Connect button."""
    page = browser.get("/settings/integrations")
    assert page.status_code == 200
    assert "Connect to Microsoft Entra ID" in page.text
    assert "Contoso" in page.text


def test_connecting_ends_with_a_connection_that_reads(world: World, browser: Browser, form_token: READ_FORM) -> None:
    """Connect, consent, sign-in: the three redirects lead to the details page, which says that it reads."""
    world.directory.tenant(TENANT)
    begun = browser.post("/connections", data={"form_token": form_token(browser)})
    assert begun.status_code == 303
    state = _state(begun.headers["location"])
    proof = browser.get("/connect/consented", params={"admin_consent": "True", "tenant": TENANT, "state": state})
    assert proof.status_code == 303, proof.text
    back = browser.get("/connect/signed-in", params={"code": "abc", "state": _state(proof.headers["location"])})
    assert back.status_code == 303, back.text
    page = browser.get(back.headers["location"])
    assert "Reading your tenant" in page.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"error": "access_denied", "admin_consent": "True"}, "not accepted"),
        ({"admin_consent": "True", "tenant": "nonsense"}, "incomplete"),
        ({"admin_consent": "True", "tenant": TENANT, "state": "forged"}, "used already"),
    ],
)
def test_refusals_tell_what_to_do(query: dict[str, str], words: str, browser: Browser, form_token: READ_FORM) -> None:
    """A consent that failed is a page with the reason, the remedy and the way back."""
    begun = browser.post("/connections", data={"form_token": form_token(browser)})
    answer = browser.get("/connect/consented", params={"state": _state(begun.headers["location"]), **query})
    assert answer.status_code == 409
    assert "Not connected" in answer.text
    assert words in answer.text
    assert "Back to Integrations" in answer.text


def test_callback_of_another_admin_is_refused(world: World, browser: Browser, form_token: READ_FORM) -> None:
    """A consent that one admin began cannot be finished in another admin's session."""
    begun = browser.post("/connections", data={"form_token": form_token(browser)})
    browser.post("/session", data={"token": world.token(sub="admin-2")})
    query = {"admin_consent": "True", "tenant": TENANT, "state": _state(begun.headers["location"])}
    assert browser.get("/connect/consented", params=query).status_code == 409


def test_callback_needs_a_session(anonymous: Browser) -> None:
    """Without a session a callback leads nowhere."""
    assert anonymous.get("/connect/consented", params={"admin_consent": "True"}).status_code == 401


@pytest.mark.parametrize(
    ("state", "changes", "words"),
    [
        (ConnectionState.AWAITING_CONSENT, {}, "Continue at Microsoft"),
        (ConnectionState.AWAITING_START, {"survey": None}, "Reading your tenant"),
        (ConnectionState.AWAITING_START, {}, "Start synchronising"),
        (ConnectionState.IMPORTING, {}, "You can close this page"),
        (ConnectionState.CONNECTED, {}, "notified by Microsoft"),
        (ConnectionState.ATTENTION, {"problem": PROBLEM}, "Give it again."),
        (ConnectionState.DISCONNECTED, {}, "no longer reads this tenant"),
    ],
)
def test_details_page_speaks_of_its_state(
    state: ConnectionState, changes: dict[str, Any], words: str, world: World, browser: Browser
) -> None:
    """Every state of a connection has its page, and the fragment that is fetched again says the same."""
    connection = world.connect(state, **changes)
    page = browser.get(f"/connections/{connection.id}")
    assert page.status_code == 200
    assert words in page.text
    live = browser.get(f"/connections/{connection.id}/live")
    assert words in live.text
    assert "<html" not in live.text


def test_waiting_for_microsoft_is_said_and_tried_again(world: World, browser: Browser) -> None:
    """While consent is spreading the page says so; once Microsoft has spread it, the next look goes on."""
    world.directory.tenant(TENANT)
    connection = world.connect(ConnectionState.AWAITING_CONSENT, tenant_id=TENANT, waiting_since=world.ago(seconds=5))
    page = browser.get(f"/connections/{connection.id}")
    assert "Reading your tenant" in page.text
    assert world.state(connection) is ConnectionState.AWAITING_START


def test_survey_shows_every_count(world: World, browser: Browser) -> None:
    """Before the start the admin sees head count, groups, what would be done, and who gets no account."""
    connection = world.connect(ConnectionState.AWAITING_START)
    text = _text(browser.get(f"/connections/{connection.id}").text)
    expected = ("People 1,000", "Groups 40", "Accounts to create 902", "Accounts to link 3",
                  "Guests of the tenant 38", "Disabled in Entra 21", "Without a usable e-mail address 9",
                  "Sharing an address with a colleague (only one of them gets the account) 2")  # fmt: skip
    assert not [words for words in expected if words not in text]


def test_starting_stores_the_mail_choice(world: World, browser: Browser, form_token: READ_FORM) -> None:
    """Start leads back to the page, and the choice of mail is stored."""
    connection = world.connect(ConnectionState.AWAITING_START)
    data = {"form_token": form_token(browser), "mail": "everyone"}
    answer = browser.post(f"/connections/{connection.id}/start", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/connections/{connection.id}")
    stored = world.storage.connections.load(connection.id)
    assert stored is not None
    assert stored.connection.state is ConnectionState.IMPORTING
    assert stored.connection.settings.mail_existing


def test_starting_twice_is_explained(world: World, browser: Browser, form_token: READ_FORM) -> None:
    """A second Start is a page that says why not."""
    connection = world.connect(ConnectionState.CONNECTED)
    answer = browser.post(f"/connections/{connection.id}/start", data={"form_token": form_token(browser)})
    assert answer.status_code == 409
    assert "started already" in answer.text


def test_import_shows_progress(world: World, browser: Browser) -> None:
    """While importing, a bar and the time left follow the parts of the run."""
    connection = world.connect(ConnectionState.IMPORTING)
    run = world.run(connection, "first", 170, stage=Stage.APPLYING, outcome=Outcome.RUNNING, finished_at="",
                    parts=16, done_parts=frozenset(range(4)))  # fmt: skip
    world.read(connection, pass_run=run.id)
    page = browser.get(f"/connections/{connection.id}").text
    assert '<progress max="100" value="25"' in page
    assert "about 9 min left" in page
    assert "4 of 16" in page


def test_connected_page_counts_and_measures(world: World, browser: Browser) -> None:
    """Connected: people, accounts, groups, freshness over notified runs, subscriptions, reasons without an account."""
    connection = world.connect()
    world.people(connection.scope, 20)
    world.groups(connection.scope)
    for number in range(5):
        world.run(connection, "notification", 30 + 60 * number)
    text = _text(browser.get(f"/connections/{connection.id}").text)
    expected = ["Connected", "People 20", "Active accounts 16", "Groups 4", "Freshness 4.0 s", "Guest 1"]
    expected += ["Last change 28 s ago", "1 created, 2 updated", "Next full comparison in 22 h"]
    assert not [words for words in expected if words not in text]


def test_refused_groups_subscription_is_explained(world: World, browser: Browser) -> None:
    """When the tenant granted too little for group notifications, the page says that groups are polled, and why."""
    connection = world.connect()
    world.watch(connection, groups_refused=True)
    text = _text(browser.get(f"/connections/{connection.id}").text)
    assert "Groups asked every 5 min" in text
    assert "Group.Read.All" in text


def test_poison_is_said(world: World, browser: Browser) -> None:
    """Work that failed five times is shown."""
    connection = world.connect()
    world.queue.send(PullMessage(connection.id, 1, "users", "timer", world.ago()))
    for _ in range(5):
        delivery = world.queue.receive()
        assert delivery is not None
        world.queue.failed(delivery)
    assert "1 piece of work failed repeatedly" in _text(browser.get(f"/connections/{connection.id}").text)


def test_silence_is_said(world: World, browser: Browser) -> None:
    """A feed that was not read to its end for hours is shown, with the time; one that was read just now is not."""
    connection = world.connect()
    page = f"/connections/{connection.id}"
    for hours, silent in ((0, False), (3, True)):
        read = FeedState(delta_link="https://graph", pulled_at=world.ago(hours=hours))
        world.read(connection, feeds={"users": read, "groups": replace(read, pulled_at=world.ago())})
        assert ("Nothing could be read from Entra" in _text(browser.get(page).text)) is silent


def test_notifications_that_do_not_come_are_said(world: World, browser: Browser) -> None:
    """After three changes that only the timer found and none that was announced; one announced change ends it."""
    connection = world.connect()
    page = f"/connections/{connection.id}"
    for number in range(3):
        assert "announced none" not in _text(browser.get(page).text)
        world.run(connection, "timer", seconds_ago=90 - number, counts={"update": 1})
    assert "announced none of the last 3 changes" in _text(browser.get(page).text)
    world.run(connection, counts={"update": 1})
    assert "announced none" not in _text(browser.get(page).text)


def test_hold_is_shown_and_decided(world: World, browser: Browser, form_token: READ_FORM) -> None:
    """A hold names who would be removed; rejecting it takes it from the page."""
    connection = world.connect()
    hold = world.hold(connection, [HOSTILE, "Bert Berg"])
    page = browser.get(f"/connections/{connection.id}").text
    assert "2 removals wait for you" in page
    assert ESCAPED in page
    path = f"/connections/{connection.id}/holds/{hold.id}"
    assert browser.post(f"{path}/reject", data={"form_token": form_token(browser)}).status_code == 303
    assert world.storage.runs.holds(connection.scope)[0].state == "rejected"
    assert world.storage.runs.holds(connection.scope)[0].decided_by == "admin-1"
    assert "removals wait" not in browser.get(f"/connections/{connection.id}").text
    assert browser.post(f"{path}/approve", data={"form_token": form_token(browser)}).status_code == 409


def test_hold_is_approved(world: World, browser: Browser, form_token: READ_FORM) -> None:
    """Approving hands exactly this set to the queue, and only if it is the one that the page showed."""
    connection = world.connect()
    hold = world.hold(connection, ["Bert Berg"])
    assert f'name="seen" value="{hold.digest}"' in browser.get(f"/connections/{connection.id}").text
    path, data = f"/connections/{connection.id}/holds/{hold.id}/approve", {"form_token": form_token(browser)}
    assert browser.post(path, data={**data, "seen": "0123456789abcdef"}).status_code == 412
    assert world.storage.runs.holds(connection.scope)[0].state == "waiting"
    browser.post(path, data={**data, "seen": hold.digest})
    assert world.storage.runs.holds(connection.scope)[0].state == "approved"
    assert [delivery.queue for delivery in world.queue.waiting()] == ["changes"]


def test_look_now_and_compare(world: World, browser: Browser, form_token: READ_FORM) -> None:
    """Look now pulls both feeds; Compare everything begins a pass, and not a second one while it runs."""
    connection = world.connect()
    data = {"form_token": form_token(browser)}
    browser.post(f"/connections/{connection.id}/sync", data=data)
    browser.post(f"/connections/{connection.id}/reconcile", data=data)
    messages = [delivery.message for delivery in world.queue.waiting()]
    assert [type(message) for message in messages] == [PullMessage, PullMessage, PassMessage]
    world.read(connection, pass_run="run")
    browser.post(f"/connections/{connection.id}/reconcile", data=data)
    assert len(world.queue.waiting()) == 3


def test_mail_to_joiners_can_be_stopped(world: World, browser: Browser, form_token: READ_FORM) -> None:
    """The admin stops and resumes mailing people who join."""
    connection = world.connect()
    path, data = f"/connections/{connection.id}", {"form_token": form_token(browser)}
    browser.post(f"{path}/settings", data=data)
    assert "are not mailed" in browser.get(path).text
    browser.post(f"{path}/settings", data={**data, "onboarding": "on"})
    assert "are mailed once, ever" in browser.get(path).text


def test_disconnecting(world: World, browser: Browser, form_token: READ_FORM) -> None:
    """Disconnect ends the connection, and Integrations shows it as disconnected."""
    connection = world.connect()
    world.storage.tenants.bind(TENANT, connection.workspace, connection.id)
    browser.post(f"/connections/{connection.id}/disconnect", data={"form_token": form_token(browser)})
    assert "Disconnected" in browser.get("/settings/integrations").text


def test_people_are_found_and_paged(world: World, browser: Browser) -> None:
    """The list pages through everybody once, searches names and departments, and filters by reason."""
    connection = world.connect()
    world.people(connection.scope, 120)
    path = f"/connections/{connection.id}/people"
    seen: list[str] = []
    query = ""
    while True:
        page = browser.get(path + query).text
        seen += re.findall(r'people/(0{8}-[0-9-]+)"', page)
        following = re.search(r'href="[^"]*people(\?[^"]+)" rel="next"', page)
        if following is None:
            break
        query = following[1].replace("&amp;", "&")
    assert len(seen) == 120
    assert len(set(seen)) == 120
    assert _rows(browser.get(path, params={"search": "  KOVÁCS "}).text) == 10
    assert _rows(browser.get(path, params={"search": "works council", "show": "active"}).text) == 23
    assert "Gunnar Guest" in browser.get(path, params={"show": "guest"}).text
    assert _rows(browser.get(path, params={"show": "none"}).text) == 4
    assert "Nobody matches" in browser.get(path, params={"search": "nobody is called this"}).text


def test_foreign_cursor_is_refused(world: World, browser: Browser) -> None:
    """A cursor of another list, or one that was made up, is answered with 400."""
    connection = world.connect()
    world.people(connection.scope, 60)
    page = browser.get(f"/connections/{connection.id}/people").text
    cursor = re.search(r"cursor=([^\"&]+)", page)
    assert cursor is not None
    for path in ("people?search=a&cursor=", "groups?cursor=", "runs?cursor="):
        assert browser.get(f"/connections/{connection.id}/{path}{cursor[1]}").status_code == 400
    assert browser.get(f"/connections/{connection.id}/people?cursor=%FF%00").status_code == 400


def test_person_page_explains(world: World, browser: Browser) -> None:
    """A person's page says why there is no account, and who has the address."""
    connection = world.connect()
    records = world.people(connection.scope)
    world.groups(connection.scope)
    path = f"/connections/{connection.id}/people"
    assert "Guests of the tenant get no account" in browser.get(f"{path}/{records[2].object_id}").text
    twin = browser.get(f"{path}/{records[5].object_id}").text
    assert "has the same address" in twin
    assert records[1].object_id in twin
    assert "Everyone" in browser.get(f"{path}/{records[0].object_id}").text
    assert browser.get(f"{path}/nobody").status_code == 404


def test_hostile_names_are_text_everywhere(world: World, browser: Browser) -> None:
    """Names that look like HTML are shown as text on every page, and one that turns the text is isolated."""
    connection = world.connect(tenant_name=HOSTILE)
    records = world.people(connection.scope)
    world.groups(connection.scope)
    world.mail(connection, 0, MailState.SENT)
    world.change(connection, records[0], HOSTILE)
    world.hold(connection, [HOSTILE])
    base = f"/connections/{connection.id}"
    paths = ["", "/people", "/groups", "/mails", "/activity", "/runs", f"/people/{records[0].object_id}", "/live"]
    for path in ["/settings/integrations", *(base + path for path in paths)]:
        page = browser.get(path)
        assert page.status_code == 200, path
        assert HOSTILE not in page.text, path
        assert ESCAPED in page.text, path
    assert f"<bdi>{TURNED}</bdi>" in browser.get(f"{base}/people").text


def test_groups_runs_mails_activity(world: World, browser: Browser) -> None:
    """The other lists show kinds of groups, runs with their outcome, mails with their state, and before and after."""
    connection = world.connect()
    records = world.people(connection.scope, 20)
    world.groups(connection.scope)
    world.run(connection, "reconcile", outcome=Outcome.INCOMPLETE, error="throttled", counts={})
    world.run(connection, "timer", outcome=Outcome.INCOMPLETE, error="interrupted", counts={"deactivate": 3})
    world.run(connection, "notification", 10)
    for number, state in enumerate(MailState):
        world.mail(connection, number, state, "550 no")
    world.change(connection, records[10], "Legal", "run-7")
    base = f"/connections/{connection.id}"
    assert "Security, dynamic" in browser.get(f"{base}/groups").text
    assert _rows(browser.get(f"{base}/groups", params={"search": "council"}).text) == 1
    runs = _text(browser.get(f"{base}/runs").text)
    assert "Ended early The directory could not be read to its end. Nobody was removed." in runs
    assert "Ended early It was interrupted; the activity tells what it did. 3 deactivated" in runs
    assert "1 created, 2 updated" in runs
    mails = browser.get(f"{base}/mails").text
    for words in ("Waiting to be sent", "Refused by the mail server", "Unknown whether it arrived", "550 no"):
        assert words in mails
    activity = _text(browser.get(f"{base}/activity").text)
    assert "Anna de Vries Updated Department Finance Legal" in activity
    assert "Nothing was changed yet" in browser.get(f"{base}/activity", params={"run": "run-8"}).text


def test_viewer_reads_and_sees_no_buttons(world: World, viewer: Browser) -> None:
    """A viewer reads every page; the only form on it is Sign out."""
    connection = world.connect()
    world.hold(connection, ["Bert Berg"])
    for path in ("/settings/integrations", f"/connections/{connection.id}", f"/connections/{connection.id}/people"):
        page = viewer.get(path)
        assert page.status_code == 200
        assert re.findall(r'<form method="post" action="([^"]+)"', page.text) == ["/session/end"]


def test_another_workspace_does_not_exist(world: World, browser: Browser, form_token: READ_FORM) -> None:
    """Pages and forms of another workspace's connection are 404, as if there were none."""
    other = world.connect(workspace="ws-other")
    base, data = f"/connections/{other.id}", {"form_token": form_token(browser)}
    for path in ("", "/live", "/people", "/people/x", "/groups", "/runs", "/mails", "/activity"):
        assert browser.get(base + path).status_code == 404
    for path in ("/start", "/sync", "/reconcile", "/disconnect", "/settings", "/consent", "/wait", "/holds/h/approve"):
        assert browser.post(base + path, data=data).status_code == 404
    assert other.id not in browser.get("/settings/integrations").text
    assert browser.get(f"/connections/{'z' * 32}").status_code == 404


def test_every_answer_is_shielded(world: World, browser: Browser) -> None:
    """Pages, errors and redirects carry the security headers; the policy allows nothing but ourselves."""
    connection = world.connect()
    for path in ("/settings/integrations", f"/connections/{connection.id}", "/nothing", "/", "/api/v1/connections"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:")
        assert "form-action 'self' https://login.microsoftonline.com " in policy
        assert "frame-ancestors 'none'; base-uri 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert headers["strict-transport-security"]


def test_pages_keep_to_their_own_policy(world: World, browser: Browser) -> None:
    """No page has an inline script, an inline style, an event attribute or anything from elsewhere."""
    connection = world.connect()
    world.people(connection.scope, 20)
    for path in ("/settings/integrations", f"/connections/{connection.id}", f"/connections/{connection.id}/people"):
        page = browser.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|<[^>]*\s(style|on\w+)=", page)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
        for asset in re.findall(r'"(/assets/[^"]+)"', page):
            found = browser.get(asset)
            assert found.status_code == 200
            assert "immutable" in found.headers["cache-control"]


def test_unforeseen_error_shows_a_number_only(world: World, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    """An error nobody foresaw is a page with a number; the log has that number and nothing of the error's text."""
    connection = world.connect()
    object.__setattr__(world.services, "runs", replace)  # anything that is not a port
    answer = browser.get(f"/connections/{connection.id}")
    assert answer.status_code == 500
    found = re.search(r"number is ([0-9a-f]{8})", answer.text)
    assert found is not None
    assert found[1] in caplog.text
    assert "AttributeError" in caplog.text
    assert "attribute" not in answer.text


def test_storage_away_is_a_503(world: World, browser: Browser) -> None:
    """When storage is out of reach the page says to try again shortly."""
    from shared.errors import Transient

    class Away:
        def load(self, *_: object, **__: object) -> None:
            raise Transient("away")

    object.__setattr__(world.services, "connections", Away())
    answer = browser.get(f"/connections/{'0' * 32}")
    assert answer.status_code == 503
    assert "Try again shortly" in answer.text


def test_large_bodies_are_refused(browser: Browser) -> None:
    """A form of a megabyte is not read."""
    assert browser.post("/session", data={"token": "x" * 1_000_000}).status_code == 413


def _state(address: str) -> str:
    found = re.search(r"[?&]state=([^&]+)", address)
    assert found is not None
    return found[1]


def _rows(page: str) -> int:
    return page.count('<th scope="row">')


def _text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&lt;", "<")
