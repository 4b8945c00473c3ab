"""Every page with every bad input on it, in a real browser, beside the same pages with ordinary names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from sync.usecases.services import Services
from tests.fakes.engine import TENANT, Engine
from tests.inputs.world import Zoo, connect, hire_all
from tests.inputs.zoo import TEXTS
from tests.panel.chromium import CHROMIUM, NEEDS_CHROMIUM, QUIET, served
from tests.panel.world import settings, workspace_token

pytestmark = NEEDS_CHROMIUM
GONE = 20  # people who leave: more than the guard lets go in a day, so that they wait, by name
SKELETON = """root => [...root.querySelectorAll("*")]
    .map(one => `${one.tagName} ${one.getAttributeNames().sort()}`).join("\\n")"""
LINKS = """() => [...document.querySelectorAll("a[href]")].map(one => one.getAttribute("href"))"""
FETCHED = f"""async paths => {{
    const skeleton = {SKELETON};
    const found = {{}};
    for (const path of paths) {{
        const answer = await fetch(path);
        found[path] = skeleton(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }}
    return found;
}}"""


def tenant_of(*, harmless: bool) -> Zoo:
    """Imported and mailed over fakes, some wait to be removed. Ids and times are the same in both."""
    engine = Engine()
    engine.services = replace(engine.services, settings=settings(PUBLIC_URL="http://127.0.0.1:7071"))
    zoo = Zoo(engine, connect(engine, TENANT))
    hire_all(zoo, harmless=harmless)
    zoo.acme.imported(mail_existing=True)
    for object_id in list(zoo.texts)[:GONE]:
        zoo.acme.tenant.soft_delete(object_id)
    zoo.acme.sync()
    assert len(zoo.acme.holds) == 1
    return zoo


def signed_in(page: Page, base: str, services: Services, **claims: Any) -> Page:
    """The page, with an admin's session."""
    page.set_content(f'<form method="post" action="{base}/session"><input name="token"><button>Go</button></form>')
    page.fill("input", workspace_token(services, **claims))
    page.click("button")
    page.wait_for_url("**/settings/integrations")
    return page


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Zoo, Page, Page, list[str]]]:
    """The zoo, its page, the page of the ordinary tenant, and what the browser complained of or asked elsewhere."""
    complaints: list[str] = []
    zoo, ordinary = tenant_of(harmless=False), tenant_of(harmless=True)
    with ExitStack() as stack:
        bases = [stack.enter_context(served(one.engine.services)) for one in (zoo, ordinary)]
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        pages = [browser.new_context(base_url=base).new_page() for base in bases]
        pages[0].on("console", lambda message: complaints.append(message.text))
        pages[0].on("pageerror", lambda error: complaints.append(str(error)))
        pages[0].on("dialog", lambda dialog: complaints.append(dialog.message))
        pages[0].on("request", lambda asked: None if asked.url.startswith(bases[0]) else complaints.append(asked.url))
        for page, base, one in zip(pages, bases, (zoo, ordinary), strict=True):
            signed_in(page, base, one.engine.services)
        yield zoo, pages[0], pages[1], complaints
        browser.close()


def test_every_page_is_as_with_ordinary_names(opened: tuple[Zoo, Page, Page, list[str]]) -> None:
    """All that can be reached: no element and no attribute more, no dialog, no request elsewhere, nothing on the
    console, links only to pages of ours; and every name is there to the letter.
    """
    zoo, page, ordinary, complaints = opened
    found: dict[str, str] = {}
    waiting = ["/settings/integrations"]
    while waiting:
        path = waiting.pop(0)
        answer = page.goto(path, wait_until="domcontentloaded")
        assert answer is not None
        assert answer.status == 200, path
        found[path] = page.evaluate(f"() => ({SKELETON})(document)")
        links = page.evaluate(LINKS)
        assert all(re.fullmatch(r"/[A-Za-z0-9/_-]*(\?[A-Za-z0-9=&%_.+-]*)?|#main", link) for link in links), links
        new = (one for one in dict.fromkeys(links) if one[0] == "/" and one.rpartition("/")[2] not in zoo.addresses)
        waiting += [one for one in new if one not in found and one not in waiting]
        if "/people/" in path and (text := zoo.texts.get(path.rpartition("/")[2])) and text.kept:
            assert page.locator("#who").evaluate("one => one.textContent") == text.kept
            assert page.locator("dd").evaluate_all("all => all.map(one => one.textContent)").count(text.kept) > 9
    base = f"/connections/{zoo.acme.id}"
    assert len([path for path in found if path.startswith(f"{base}/people/")]) == len(zoo.texts)
    assert {base, *(f"{base}/{tab}" for tab in ("people", "groups", "runs", "mails", "activity"))} <= found.keys()
    twins = ordinary.evaluate(FETCHED, list(found))
    assert found == twins
    assert complaints == []


def test_what_is_searched_for_stays_text(opened: tuple[Zoo, Page, Page, list[str]]) -> None:
    """Every text typed into the search: the results and the box hold it to the letter, and nothing else happens."""
    zoo, page, _, complaints = opened
    for part, who in (("people", zoo.texts), ("groups", zoo.groups)):
        page.goto(f"/connections/{zoo.acme.id}/{part}")
        box, rows = page.get_by_role("searchbox"), page.get_by_role("rowheader")
        for text in [one for one in TEXTS if one.number in {1, 2, 3, 6, 19, 39} and one in who.values()]:
            box.fill(text.kept)
            expect(rows).to_have_count(1, timeout=15_000)
            expect(rows).to_contain_text(text.kept)
    assert complaints == []
