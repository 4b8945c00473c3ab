"""A person in Chromium: from the one link to a connected, living tenant and its mails."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, expect, sync_playwright

from local.cloud.control import Control
from tests.e2e.conftest import StackMaker

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
HOSTILE = "<img src=x onerror=alert(1)>"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path(CHROMIUM).exists() and not os.environ.get("CI"), reason="Chromium is not installed here"
    ),
]


@pytest.fixture
def page() -> Iterator[Page]:
    """A fresh browser profile. A dialog means that somebody's name ran as a script; so does a broken policy."""
    troubles: list[str] = []

    def dialog(opened: Dialog) -> None:
        troubles.append(f"a dialog: {opened.message}")
        opened.dismiss()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        # The simulated cloud has its own certificate authority, which this browser was not told of.
        page = browser.new_page(ignore_https_errors=True, viewport={"width": 1280, "height": 900})
        page.on("dialog", dialog)
        page.on("pageerror", lambda error: troubles.append(f"a script failed: {error}"))
        page.on("console", lambda said: troubles.append(said.text) if "Content Security Policy" in said.text else None)
        page.set_default_timeout(60_000)
        expect.set_options(timeout=90_000)
        yield page
        browser.close()
    assert not troubles


def test_an_admin_connects_starts_and_watches_a_tenant_live(
    page: Page, start_stack: StackMaker, tmp_path: Path
) -> None:
    """The link, Connect, Microsoft's pages, survey, Start, progress, Connected, a change without a reload, a mail."""
    stack = start_stack()
    pictures = tmp_path / "pages"

    page.goto(stack.link)
    expect(page.get_by_role("heading", name="Integrations")).to_be_visible()
    page.screenshot(path=pictures / "1-integrations.png", full_page=True)
    page.get_by_role("button", name="Connect to Microsoft Entra ID").click()

    expect(page.get_by_text("Simulated Microsoft – not a real sign-in")).to_be_visible()
    page.screenshot(path=pictures / "2-account.png", full_page=True)
    page.get_by_role("button", name=re.compile("Global Administrator")).first.click()
    expect(page.get_by_role("heading", name="Permissions requested")).to_be_visible()
    expect(page.get_by_text("User.Read.All", exact=True)).to_be_visible()
    page.screenshot(path=pictures / "3-consent.png", full_page=True)
    page.get_by_role("button", name="Accept").click()
    page.get_by_role("button", name=re.compile("Global Administrator")).first.click()  # the sign-in proof

    expect(page.get_by_role("heading", name="This is what we found")).to_be_visible()
    page.screenshot(path=pictures / "4-survey.png", full_page=True)
    survey = page.locator("[data-part=survey]")
    expect(survey).to_contain_text("1,000")
    page.get_by_label("Nobody who is there today").check()
    page.get_by_role("button", name="Start synchronising").click()
    page.screenshot(path=pictures / "5-importing.png", full_page=True)

    expect(page.locator("[data-part=phase]").get_by_role("heading", name="Connected")).to_be_visible()
    page.screenshot(path=pictures / "6-connected.png", full_page=True)

    _somebody_is_hired(page, stack.control, stack.tenant.id)
    page.screenshot(path=pictures / "7-living.png", full_page=True)
    _lists_show_hostile_names_as_text(page, pictures)
    _the_mail_is_readable(page, stack.mail_page_url)
    page.screenshot(path=pictures / "10-mail.png", full_page=True)
    assert not stack.control.violations()


def _somebody_is_hired(page: Page, control: Control, tenant: str) -> None:
    """A hire shows in the figures seconds later, without a reload."""
    phase = page.locator("[data-part=phase]")
    expect(phase).to_contain_text("1,000")
    control.create_user(
        tenant,
        accountEnabled=True,
        displayName="Nora Newcomer",
        givenName="Nora",
        surname="Newcomer",
        mail="nora.newcomer@contososhoes.com",
        userPrincipalName="nora.newcomer@contososhoes.com",
        userType="Member",
    )
    expect(phase).to_contain_text("1,001")


def _lists_show_hostile_names_as_text(page: Page, pictures: Path) -> None:
    page.get_by_role("link", name="People", exact=True).first.click()
    page.get_by_role("searchbox").fill("Nora Newcomer")
    expect(page.get_by_role("rowheader", name="Nora Newcomer")).to_be_visible()
    page.get_by_role("searchbox").fill("<img")
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    page.screenshot(path=pictures / "8-people.png", full_page=True)
    page.get_by_role("link", name="Groups", exact=True).first.click()
    expect(page.get_by_role("table")).to_be_visible()
    page.screenshot(path=pictures / "9-groups.png", full_page=True)


def _the_mail_is_readable(page: Page, mail_page_url: str) -> None:
    """The only mail is the one to the person who was hired after the start."""
    page.goto(mail_page_url)
    row = page.get_by_text("nora.newcomer@contososhoes.com").first
    for _ in range(60):
        if row.is_visible():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(row).to_be_visible()
