"""The panel's script in a real browser, under its own policy: live parts, search while typing, names as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from sync.core.connection import ConnectionState
from sync.core.runs import Outcome, Stage
from tests.panel.cast import HOSTILE
from tests.panel.chromium import CHROMIUM, NEEDS_CHROMIUM, QUIET, served
from tests.panel.world import World

pytestmark = NEEDS_CHROMIUM


@pytest.fixture
def world() -> World:
    """A workspace without TLS: the cookie must not be Secure on loopback."""
    return World(PUBLIC_URL="http://127.0.0.1:7071")


@pytest.fixture
def page(world: World) -> Iterator[Page]:
    """A signed-in admin's page. Whatever the browser complains of fails the test."""
    complaints: list[str] = []
    with served(world.services) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        page = browser.new_context(base_url=base).new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.set_content(f'<form method="post" action="{base}/session"><input name="token"><button>Go</button></form>')
        page.fill("input", world.token())
        page.click("button")
        page.wait_for_url("**/settings/integrations")
        yield page
        browser.close()
    assert complaints == []


def test_details_move_without_a_reload(world: World, page: Page) -> None:
    """Progress and the step to Connected appear by themselves; what the admin opened elsewhere stays open."""
    connection = world.connect(ConnectionState.IMPORTING)
    run = world.run(
        connection, "first", 60, stage=Stage.APPLYING, outcome=Outcome.RUNNING, finished_at="", parts=16,
        done_parts=frozenset(range(4)),
    )  # fmt: skip
    world.read(connection, pass_run=run.id)
    page.goto(f"/connections/{connection.id}")
    expect(page.get_by_text("4 of 16")).to_be_visible()
    page.get_by_text("Disconnect …").click()
    page.evaluate("document.body.dataset.stays = 'yes'")
    world.storage.runs.save(replace(run, done_parts=frozenset(range(12))))
    expect(page.get_by_text("12 of 16")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("Moxso stops reading this tenant at once")).to_be_visible()
    view = world.storage.connections.load(connection.id)
    assert view is not None
    world.storage.connections.save(replace(view.connection, state=ConnectionState.CONNECTED))
    expect(page.get_by_role("heading", name="How changes reach us")).to_be_visible(timeout=15_000)
    expect(page.locator("body[data-stays=yes]")).to_have_count(1)


def test_search_answers_while_typing(world: World, page: Page) -> None:
    """The list follows what is typed, the address too; hostile names stay text."""
    connection = world.connect()
    world.people(connection.scope, 60)
    page.goto(f"/connections/{connection.id}/people")
    expect(page.get_by_role("rowheader", name=HOSTILE)).to_be_visible()
    page.get_by_role("searchbox").fill("gunnar")
    expect(page.get_by_role("rowheader")).to_have_count(1, timeout=15_000)
    assert "search=gunnar" in page.url
    page.get_by_label("Which").select_option("active")
    expect(page.get_by_text("Nobody matches.")).to_be_visible(timeout=15_000)


def test_pressed_button_acts_once(world: World, page: Page) -> None:
    """A form sends once, and leads back to the page."""
    connection = world.connect()
    page.goto(f"/connections/{connection.id}")
    page.get_by_role("button", name="Look now").dblclick()
    page.wait_for_url(f"**/connections/{connection.id}")
    expect(page.get_by_role("button", name="Look now")).to_be_enabled(timeout=15_000)
    assert [delivery.queue for delivery in world.queue.waiting()] == ["pulls", "pulls"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_screens_do_not_scroll_sideways(scheme: str, world: World, page: Page) -> None:
    """At 360 pixels nothing is wider than the screen, whatever people are called."""
    connection = world.connect()
    records = world.people(connection.scope, 20)
    world.groups(connection.scope)
    world.run(connection)
    world.hold(connection, ["W" * 200])
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 360, "height": 800})
    base = f"/connections/{connection.id}"
    lists = [f"{base}/{name}" for name in ("people", "groups", "runs", "mails", "activity")]
    for path in ["/settings/integrations", base, *lists, f"{base}/people/{records[6].object_id}"]:
        page.goto(path)
        for disclosure in page.locator("details").all():
            disclosure.locator("summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
