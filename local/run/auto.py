"""Plays the admin without a browser, lets the tenant live for a while, and compares."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from local.cloud.control import Control
from local.cloud.life import Life
from local.run.browser import Admin
from local.run.expectation import Expected, differences, expect, person_differences
from local.run.stack import Stack

CONNECT_SECONDS = 120.0
IMPORT_SECONDS = 600.0
# The timer that looks after subscriptions comes round every minute.
SUBSCRIBE_SECONDS = 90.0
CHANGE_SECONDS = 60.0
SETTLE_SECONDS = 60.0


class AutoError(Exception):
    """Something did not happen in time; the message says what."""


@dataclass(slots=True)
class Result:
    """What was measured, times in seconds. `differences` is empty when all went well."""

    consented_after: float = 0
    connected_after: float = 0
    announcing_after: float | None = None
    people: int = 0
    accounts: int = 0
    groups: int = 0
    mails: int = 0
    changes: int = 0
    announced: int = 0
    delays: list[float] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def play(stack: Stack, *, seconds: float, every: float, say: Callable[[str], None]) -> Result:
    """Connect, start, live for `seconds`, compare. Raises AdminError or AutoError when it does not get that far."""
    result = Result()
    with Admin(stack.workspace, stack.panel_url, stack.ca_file.read_text()) as admin:
        begun = time.monotonic()
        connection = _connect(stack, admin, result, say)
        result.connected_after = time.monotonic() - begun
        result.announcing_after = _await_subscriptions(admin, connection, begun)
        say("The tenant lives")
        hired = _live(stack, admin, connection, result, seconds=seconds, every=every)
        say("Everything settles; comparing")
        _compare(stack, admin, connection, result, hired)
    return result


def _connect(stack: Stack, admin: Admin, result: Result, say: Callable[[str], None]) -> str:
    state = next(tenant for tenant in stack.control.state()["tenants"] if tenant["id"] == stack.tenant.id)
    stack.control.sign_in_as(stack.tenant.id, state["sign_in"][0])
    say("The admin signs in and consents")
    admin.sign_in()
    begun = time.monotonic()
    connection = admin.call("POST", "/connections", {})
    admin.visit("GET", connection["consent_url"])
    _reach(admin, connection["id"], "awaiting_start", CONNECT_SECONDS)
    result.consented_after = time.monotonic() - begun
    say("The admin starts; the first import runs")
    admin.call("POST", f"/connections/{connection['id']}/start", {"mail_existing": False})
    _reach(admin, connection["id"], "connected", IMPORT_SECONDS)
    return str(connection["id"])


def _reach(admin: Admin, connection: str, wanted: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    seen: dict[str, Any] = {}
    while time.monotonic() < deadline:
        seen = admin.call("GET", f"/connections/{connection}")
        if seen["state"] == wanted:
            return
        if seen["state"] == "attention":
            break
        time.sleep(0.1)
    raise AutoError(f"the connection is {seen.get('state')} instead of {wanted}; its problem: {seen.get('problem')}")


def _await_subscriptions(admin: Admin, connection: str, begun: float) -> float | None:
    """When Graph notifies us of both feeds, counted from `begun`.

    None when it does not get there, which is no error: the timer finds every change too.
    """
    deadline = time.monotonic() + SUBSCRIBE_SECONDS
    while time.monotonic() < deadline:
        held = admin.call("GET", f"/connections/{connection}")["subscriptions"]
        if held and all(one["status"] == "active" for one in held):
            return time.monotonic() - begun
        time.sleep(0.5)
    return None


def _live(stack: Stack, admin: Admin, connection: str, result: Result, *, seconds: float, every: float) -> Counter[str]:
    """One change after the other, each awaited in the product. Returns the addresses of those who were hired."""
    life = Life(stack.control, stack.tenant.id, every=every)
    hired: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        changed_at = time.time()
        entry = life.step()
        truth = expect(stack.control.truth(stack.tenant.id))
        if entry["action"] == "hired":
            hired[truth[entry["user"]].address] += 1
        following = time.monotonic() + every
        seen_at = _await_person(admin, connection, entry["user"], truth[entry["user"]])
        result.changes += 1
        if seen_at is None:
            result.differences.append(f"{entry['user']}: {entry['action']}, not seen after {CHANGE_SECONDS:g} s")
            continue
        objects = {entry["user"], entry.get("group")}
        announced = _first_delivery(stack.control, objects, changed_at)
        if announced is not None:
            result.announced += 1
            result.delays.append(max(0.0, seen_at - announced))
        time.sleep(max(0.0, following - time.monotonic()))
    return hired


def _await_person(admin: Admin, connection: str, user: str, wanted: Expected) -> float | None:
    deadline = time.monotonic() + CHANGE_SECONDS
    while time.monotonic() < deadline:
        person = admin.look(f"/connections/{connection}/people/{user}")
        if not person_differences(wanted, person):
            return time.time()
        time.sleep(0.05)
    return None


def _first_delivery(control: Control, objects: set[str | None], since: float) -> float | None:
    times = [
        item["delivered_at"]
        for item in control.notifications()
        if item["object"] in objects and item["arose_at"] >= since - 0.5 and item["delivered_at"]
    ]
    return min(times, default=None)


def _compare(stack: Stack, admin: Admin, connection: str, result: Result, hired: Counter[str]) -> None:
    truth = stack.control.truth(stack.tenant.id)
    expected = expect(truth)
    groups = {group["id"] for group in truth["groups"] if group["state"] == "live"}
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        people = list(admin.every(f"/connections/{connection}/people"))
        known = {group["object_id"] for group in admin.every(f"/connections/{connection}/groups")}
        mailed = _mailed(stack.mail_page_url)
        found = differences(expected, people)
        found += [f"group {group}: only on one side" for group in sorted(known ^ groups)]
        found += [f"mail: {count} too many to one address" for count in (mailed - hired).values()]
        found += [f"mail: {count} missing to one address" for count in (hired - mailed).values()]
        if not found or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    result.differences += found
    result.differences += [f"a Graph rule was broken: {broken['what']}" for broken in stack.control.violations()]
    result.people = sum(user["state"] == "live" for user in truth["users"])
    result.accounts = sum(account["state"] == "active" for account in admin.every("/accounts"))
    result.groups = len(groups)
    result.mails = mailed.total()


def _mailed(mail_page_url: str) -> Counter[str]:
    caught = httpx.get(f"{mail_page_url}/api/messages", timeout=60, trust_env=False).json()["messages"]
    return Counter(address.lower() for mail in caught for address in mail["to"])
