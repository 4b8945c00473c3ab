"""Somebody who is gone and comes back under another object id goes on with their account."""

from __future__ import annotations

import pytest

from sync.core.model import AccountState
from tests.fakes.engine import Engine, Tenanted
from tests.stories.matching import SHARDED, connected, mail, settled


@SHARDED
@pytest.mark.parametrize("gone_first", [True, False])
@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_made_again(digits: int, seed: int, *, gone_first: bool, soft: bool) -> None:
    """Deleted and made again under another object id, in either order of arrival and in any shards: the account goes
    on with its history, and there is no second mail.
    """
    engine = Engine(seed=seed)
    acme, _ = connected(engine, digits, "Person 0")
    old = acme.tenant.hire("Come Back")
    for number in range(seed):  # other object ids, other shards
        acme.tenant.hire(f"Other {number}")
    acme.sync()
    account = acme.person(old).account_id
    remove = acme.tenant.soft_delete if soft else acme.tenant.hard_delete
    if gone_first:
        remove(old)
        acme.sync()
    new = acme.tenant.hire("Come Back")
    acme.sync()
    if not gone_first:
        assert acme.person(new).conflict_with == old
        remove(old)
        acme.sync()
    record = acme.person(new)
    assert (record.account_id, record.matched_by) == (account, "rehired")
    assert acme.mailed.count(mail("Come Back")) == 1
    settled(acme)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("soft", [True, False])
def test_rehired(acme: Tenanted, *, soft: bool, at_once: bool) -> None:
    """Deleted and made again under another object id: the same account goes on, and there is no second mail."""
    old = acme.tenant.hire("Come Back")
    acme.sync()
    account = acme.person(old).account_id
    (acme.tenant.soft_delete if soft else acme.tenant.hard_delete)(old)
    if not at_once:
        acme.sync()
    new = acme.tenant.hire("Come Back")
    acme.sync()
    assert (acme.person(new).account_id, acme.person(new).account_state) == (account, AccountState.ACTIVE)
    assert (acme.person(old).account_id, acme.person(old).account_state) == ("", AccountState.NONE)
    acme.reconcile()
    assert acme.mailed == ["come.back@contoso.example"]
    assert acme.counts.active == 21


def test_both_come_back(acme: Tenanted) -> None:
    """Somebody is deleted and hired again under another object id, gets another address, and the first is restored:
    the account stays with the second, and the first gets one of their own, without a second mail.
    """
    old = acme.tenant.hire("Come Back")
    acme.sync()
    account = acme.person(old).account_id
    acme.tenant.soft_delete(old)
    new = acme.tenant.hire("Come Back")
    acme.sync()
    acme.tenant.change(new, mail="other@contoso.example")
    acme.sync()
    acme.tenant.restore(old)
    acme.sync()
    assert acme.person(new).account_id == account
    assert acme.person(old).account_id not in {"", account}
    assert (acme.person(old).account_state, acme.person(old).address) == (
        AccountState.ACTIVE,
        "come.back@contoso.example",
    )
    assert acme.mailed == ["come.back@contoso.example"]


def test_rehired_unnoticed(acme: Tenanted) -> None:
    """Deleted without a word of the feed and hired again: when the full pass finds the absence, the account goes to
    who they are now, who waited for its address.
    """
    old = acme.tenant.present_people()[0]
    account = acme.person(old).account_id
    acme.tenant.hard_delete(old, told=False)
    new = acme.tenant.hire("Person 0")
    acme.sync()
    assert acme.person(new).conflict_with == old
    acme.reconcile()
    assert (acme.person(old).account_id, acme.person(old).account_state) == ("", AccountState.NONE)
    assert (acme.person(new).account_id, acme.person(new).account_state) == (account, AccountState.ACTIVE)
    assert acme.mailed == []
