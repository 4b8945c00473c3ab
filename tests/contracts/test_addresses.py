"""`Addresses` and `ManualAccounts`: an address belongs to one account of a workspace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.errors import Conflict
from sync.ports import WAITERS_LIMIT, BadCursor, Holder, ManualAccount, Waiter
from tests.contracts.conftest import Store
from tests.contracts.people_of import SCOPE, oid

ACME, GLOBEX = "acme", "globex"


def holder(number: int) -> Holder:
    """A person of the tenant."""
    return Holder(f"{number:032x}", SCOPE, oid(number), "")


def plain(found: Holder) -> Holder:
    """Without the etag."""
    return found._replace(etag="")


def test_a_free_address_is_claimed(store: Store) -> None:
    """The claimant holds it, and peek says so; an address is free in another workspace still."""
    claimed = store.addresses.claim(ACME, {"a@x.example": holder(1)})
    assert plain(claimed["a@x.example"]) == holder(1)
    assert claimed["a@x.example"].etag
    assert store.addresses.peek(ACME, ["a@x.example", "b@x.example"]) == claimed
    assert store.addresses.peek(GLOBEX, ["a@x.example"]) == {}
    assert plain(store.addresses.claim(GLOBEX, {"a@x.example": holder(2)})["a@x.example"]) == holder(2)


def test_whoever_came_before_keeps_it(store: Store) -> None:
    """A claim answers with the present holder where there is one, and gets the others."""
    store.addresses.claim(ACME, {"a@x.example": holder(1)})
    answer = store.addresses.claim(ACME, {"a@x.example": holder(2), "b@x.example": holder(2)})
    assert {address: plain(found) for address, found in answer.items()} == {
        "a@x.example": holder(1),
        "b@x.example": holder(2),
    }


def test_hundreds_at_once_with_some_taken(store: Store) -> None:
    """Of 500 addresses a third is taken: all are answered, each by who holds it."""
    addresses = [f"person{number}@x.example" for number in range(500)]
    store.addresses.claim(ACME, {one: holder(1) for one in addresses[::3]})
    answer = store.addresses.claim(ACME, {one: holder(2) for one in addresses})
    assert [plain(answer[one]) for one in addresses] == [holder(1 if n % 3 == 0 else 2) for n in range(500)]
    assert store.addresses.peek(ACME, addresses) == answer
    again = store.addresses.claim(ACME, {one: holder(2) for one in addresses})
    assert again == answer


def test_racing_claims_have_one_winner(store: Store) -> None:
    """Eight claim the same addresses at once: all are told the same holder for each."""
    addresses = [f"person{number}@x.example" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: store.addresses.claim(ACME, {a: holder(n) for a in addresses}), range(8)))
    assert all(answer == answers[0] for answer in answers)


def test_transfer_is_conditional(store: Store) -> None:
    """An address changes hands once for each time it was read."""
    present = store.addresses.claim(ACME, {"a@x.example": holder(1)})["a@x.example"]
    assert store.addresses.transfer(ACME, "a@x.example", present, holder(2))
    assert not store.addresses.transfer(ACME, "a@x.example", present, holder(3))
    assert plain(store.addresses.peek(ACME, ["a@x.example"])["a@x.example"]) == holder(2)


def test_who_had_it_before_is_remembered(store: Store) -> None:
    """Whom an address and its account moved on from stays with the row while others wait and the claim is renewed."""
    present = store.addresses.claim(ACME, {"a@x.example": holder(1)})["a@x.example"]
    to = holder(2)._replace(former=oid(1), order=5)
    assert store.addresses.transfer(ACME, "a@x.example", present, to)
    assert store.addresses.wait(ACME, "a@x.example", Waiter(SCOPE, oid(3)))
    store.addresses.claim(ACME, {"a@x.example": holder(2)._replace(order=6)})
    found = store.addresses.peek(ACME, ["a@x.example"])["a@x.example"]
    assert (found.object_id, found.former, found.order) == (oid(2), oid(1), 6)


def test_transfer_of_a_freed_address_loses(store: Store) -> None:
    """An address that was freed since it was read is not given on."""
    present = store.addresses.claim(ACME, {"a@x.example": holder(1)})["a@x.example"]
    store.addresses.release(ACME, "a@x.example", holder(1))
    assert not store.addresses.transfer(ACME, "a@x.example", present, holder(2))


def test_only_its_holder_frees_it(store: Store) -> None:
    """By person or by account; for anybody else nothing happens, also when nobody holds it."""
    store.addresses.claim(ACME, {"a@x.example": holder(1), "b@x.example": holder(2)})
    store.addresses.release(ACME, "a@x.example", holder(2))
    store.addresses.release(ACME, "c@x.example", holder(2))
    assert len(store.addresses.peek(ACME, ["a@x.example", "b@x.example"])) == 2
    store.addresses.release(ACME, "a@x.example", holder(1)._replace(account_id="other"))
    store.addresses.release(ACME, "b@x.example", Holder(holder(2).account_id, "", "", ""))
    assert store.addresses.peek(ACME, ["a@x.example", "b@x.example"]) == {}


def test_what_was_claimed_again_is_not_freed_by_older_news(store: Store) -> None:
    """A worker that is late frees nothing that the same person was given back since; the line of waiters stays."""
    store.addresses.claim(ACME, {"a@x.example": holder(1)._replace(order=3)})
    store.addresses.wait(ACME, "a@x.example", Waiter(SCOPE, oid(2)))
    again = store.addresses.claim(ACME, {"a@x.example": holder(1)._replace(order=6, account_id="other")})
    assert again == store.addresses.peek(ACME, ["a@x.example"])
    assert (again["a@x.example"].order, again["a@x.example"].account_id) == (6, holder(1).account_id)
    assert store.addresses.claim(ACME, {"a@x.example": holder(1)._replace(order=4)}) == again
    assert tuple(store.addresses.release(ACME, "a@x.example", holder(1)._replace(order=5))) == ()
    assert store.addresses.peek(ACME, ["a@x.example"]) == again
    freed = store.addresses.release(ACME, "a@x.example", holder(1)._replace(order=6))
    assert (tuple(freed), store.addresses.peek(ACME, ["a@x.example"])) == ((Waiter(SCOPE, oid(2)),), {})


def test_who_waits_is_told_when_it_is_freed(store: Store) -> None:
    """Once each, in the order of coming; nobody can wait for what nobody holds."""
    store.addresses.claim(ACME, {"a@x.example": holder(1)})
    second, third = Waiter(SCOPE, oid(2)), Waiter(SCOPE, oid(3))
    assert [store.addresses.wait(ACME, "a@x.example", one) for one in (second, third, second)] == [True] * 3
    assert store.addresses.peek(ACME, ["a@x.example"])["a@x.example"].waiters == (second, third)
    assert tuple(store.addresses.release(ACME, "a@x.example", holder(4))) == ()
    assert tuple(store.addresses.release(ACME, "a@x.example", holder(1))) == (second, third)
    assert tuple(store.addresses.release(ACME, "a@x.example", holder(1))) == ()
    assert not store.addresses.wait(ACME, "a@x.example", second)


def test_waiting_goes_on_under_another_holder(store: Store) -> None:
    """Who gets the address waits no longer; and who read it before somebody began to wait cannot give it away."""
    before = store.addresses.claim(ACME, {"a@x.example": holder(1)})["a@x.example"]
    second, third = Waiter(SCOPE, oid(2)), Waiter(SCOPE, oid(3))
    for one in (second, third):
        store.addresses.wait(ACME, "a@x.example", one)
    assert not store.addresses.transfer(ACME, "a@x.example", before, holder(2))
    present = store.addresses.peek(ACME, ["a@x.example"])["a@x.example"]
    assert store.addresses.transfer(ACME, "a@x.example", present, holder(2))
    assert tuple(store.addresses.release(ACME, "a@x.example", holder(2))) == (third,)


def test_the_line_has_an_end(store: Store) -> None:
    """Of more than a line holds, those who came last wait."""
    store.addresses.claim(ACME, {"a@x.example": holder(1)})
    everybody = [Waiter(SCOPE, oid(number)) for number in range(2, WAITERS_LIMIT + 5)]
    for one in everybody:
        store.addresses.wait(ACME, "a@x.example", one)
    assert list(store.addresses.release(ACME, "a@x.example", holder(1))) == everybody[-WAITERS_LIMIT:]


@pytest.mark.parametrize("address", ["o'hara@x.example", "a/b#c?d\\e@x.example", "ü%+@x.example", "a" * 250 + "@x"])
def test_any_address(store: Store, address: str) -> None:
    """Whatever an address holds, it is a key like any other."""
    store.addresses.claim(ACME, {address: holder(1)})
    assert plain(store.addresses.peek(ACME, [address])[address]) == holder(1)


def account(number: int, **more: str) -> ManualAccount:
    """An account made by hand."""
    given = {"address": f"a{number}@x.example", "name": "Ann", "created_at": "2026-03-02T08:00:00.000Z"}
    return ManualAccount(f"{number:032x}", more.pop("workspace", ACME), **{**given, **more})


def test_an_account_comes_back(store: Store) -> None:
    """Saved, found in its workspace alone, changed on its etag alone."""
    saved = store.accounts.save(account(1))
    assert store.accounts.get(ACME, saved.account_id) == saved
    assert store.accounts.get(GLOBEX, saved.account_id) is None
    linked = store.accounts.save(replace(saved, linked_scope=SCOPE, linked_person=oid(1)))
    assert store.accounts.get(ACME, saved.account_id) == linked
    with pytest.raises(Conflict):
        store.accounts.save(saved)
    with pytest.raises(Conflict):
        store.accounts.save(account(1))


def test_an_account_is_deleted_as_it_was_read(store: Store) -> None:
    """Not when somebody changed it since; twice is as good as once; other accounts stay."""
    one, other = (
        store.accounts.save(
            ManualAccount(f"{number:032x}", ACME, f"a{number}@x.example", "Ann", "2026-03-02T08:00:00.000Z")
        )
        for number in (1, 2)
    )
    changed = store.accounts.save(replace(one, name="Anna"))
    with pytest.raises(Conflict):
        store.accounts.delete(one)
    store.accounts.delete(changed)
    store.accounts.delete(changed)
    assert store.accounts.get(ACME, one.account_id) is None
    assert store.accounts.get(ACME, other.account_id) == other


@pytest.mark.parametrize("typed", ["", "' or 1 eq 1 or '", "../x", "ABC"])
def test_a_malformed_account_id_finds_nothing(store: Store, typed: str) -> None:
    """An id somebody typed into an address is no error of ours."""
    assert store.accounts.get(ACME, typed) is None


def test_accounts_by_pages(store: Store) -> None:
    """Pages go through a workspace's accounts in order; a foreign cursor is refused."""
    for number in range(5):
        store.accounts.save(account(number))
    store.accounts.save(account(9, workspace=GLOBEX))
    first, cursor = store.accounts.page(ACME, "", 3)
    second, cursor = store.accounts.page(ACME, cursor, 3)
    assert [one.account_id for one in (*first, *second)] == [f"{number:032x}" for number in range(5)]
    assert cursor == ""
    with pytest.raises(BadCursor):
        store.accounts.page(ACME, "' or ''", 3)
