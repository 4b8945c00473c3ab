"""The Functions host is killed with SIGKILL again and again while a tenant is imported and mailed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from local.run.browser import Admin
from local.run.expectation import differences, expect
from local.run.stack import Stack
from tests.e2e.conftest import StackMaker
from tests.e2e.waiting import until

PEOPLE = 250
LEASE = "4"  # seconds a message in flight stays hidden after the kill; 600 in Azure


@pytest.mark.slow
def test_kill_9_during_import_and_mailing_loses_nothing(start_stack: StackMaker) -> None:
    """Whatever the kills interrupted is taken up again: every person as in Entra, and nobody mailed twice."""
    stack = start_stack(PEOPLE, "--lease-seconds", LEASE)
    with Admin(stack.workspace, stack.panel_url, stack.ca_file.read_text()) as admin:
        connection = _begin(stack, admin)
        _kill(stack)  # while the tenant is being read or planned
        until(lambda: _look(admin, connection)["survey"], "the plan", 300)
        admin.call("POST", f"/connections/{connection}/start", {"mail_existing": True})
        until(lambda: _accounts(admin) > 0, "the first account")
        _kill(stack)  # while accounts are being written
        until(lambda: sum(_mailed(stack).values()) > 5, "the first mails", 300)
        _kill(stack)  # while mails are being sent
        until(lambda: _look(admin, connection)["state"] == "connected", "connected", 400)

        expected = expect(stack.control.truth(stack.tenant.id))
        until(lambda: not _differences(admin, connection, expected), "the truth", 300)
        wanted = {person.address for person in expected.values() if person.address}
        until(lambda: len(_mailed(stack)) + _undecided(admin, connection) >= len(wanted), "the mails", 400)

        mailed = _mailed(stack)
        assert set(mailed) <= wanted
        assert max(mailed.values()) == 1, "somebody was mailed twice"
        assert not stack.control.violations()


def _begin(stack: Stack, admin: Admin) -> str:
    tenant = next(one for one in stack.control.state()["tenants"] if one["id"] == stack.tenant.id)
    stack.control.sign_in_as(stack.tenant.id, tenant["sign_in"][0])
    admin.sign_in()
    begun = admin.call("POST", "/connections", {})
    admin.visit("GET", begun["consent_url"])
    until(lambda: _look(admin, begun["id"])["state"] == "awaiting_start", "consent proven")
    return str(begun["id"])


def _kill(stack: Stack) -> None:
    stack.kill_host()
    stack.start_host()


def _look(admin: Admin, connection: str) -> dict[str, Any]:
    found: dict[str, Any] = admin.call("GET", f"/connections/{connection}")
    return found


def _accounts(admin: Admin) -> int:
    return len(admin.call("GET", "/accounts")["items"])


def _differences(admin: Admin, connection: str, expected: Any) -> list[str]:
    return differences(expected, list(admin.every(f"/connections/{connection}/people")))


def _undecided(admin: Admin, connection: str) -> int:
    """Mails of which nobody can tell whether they were accepted: a kill came between sending and recording."""
    mails = admin.every(f"/connections/{connection}/mails")
    return sum(mail["state"] in {"needs_review", "sending"} for mail in mails)


def _mailed(stack: Stack) -> Counter[str]:
    caught = httpx.get(f"{stack.mail_page_url}/api/messages", timeout=60, trust_env=False).json()["messages"]
    return Counter(address.lower() for mail in caught for address in mail["to"])
