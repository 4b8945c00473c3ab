"""`Mails` and `Once`: a claim is for ever, a token is for a single time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.clock import iso
from shared.errors import Conflict, Defect
from sync.core.runs import Mail, MailState
from sync.ports import BadCursor
from tests.contracts.conftest import Store
from tests.contracts.people_of import TENANT, oid

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
OTHER_TENANT = oid(77)


def mail(number: int, **more: object) -> Mail:
    """A claim, made a second after the one before it."""
    given = {"address": f"a{number}@x.example", "name": "Ann", "created_at": iso(NOW + timedelta(seconds=number))}
    return Mail(TENANT, oid(number), "c" * 32, **{**given, **more})  # type: ignore[arg-type]


def test_a_claim_is_made_once(store: Store) -> None:
    """Claiming again changes nothing, also among others that are new."""
    store.mails.claim([mail(1)])
    store.mails.claim([mail(1, address="other@x.example"), mail(2)])
    assert store.mails.get(TENANT, oid(1), 1) == mail(1)
    assert store.mails.get(TENANT, oid(2), 1) == mail(2)
    assert store.mails.get(TENANT, oid(1), 2) is None
    assert store.mails.get(OTHER_TENANT, oid(1), 1) is None
    store.mails.claim([])


def test_hundreds_with_some_claimed(store: Store) -> None:
    """A batch with claims here and there that exist inserts the others."""
    store.mails.claim([mail(number, name="first") for number in range(0, 100, 7)])
    store.mails.claim([mail(number, name="second") for number in range(100)])
    names = [getattr(store.mails.get(TENANT, oid(number), 1), "name", None) for number in range(100)]
    assert names == ["first" if number % 7 == 0 else "second" for number in range(100)]


def test_the_same_person_twice_in_a_batch(store: Store) -> None:
    """A person named twice in one call is claimed once, by the first."""
    store.mails.claim([mail(1), mail(1, name="twice")])
    assert store.mails.get(TENANT, oid(1), 1) == mail(1)


def test_a_mail_changes_on_its_etag(store: Store) -> None:
    """A claim moves through its states; a stale copy is refused; a mail nobody claimed is not saved."""
    store.mails.claim([mail(1)])
    due = store.mails.get(TENANT, oid(1), 1)
    assert due is not None
    sending = store.mails.save(replace(due, state=MailState.SENDING, attempts=1))
    with pytest.raises(Conflict):
        store.mails.save(replace(due, state=MailState.CANCELLED))
    sent = store.mails.save(replace(sending, state=MailState.SENT))
    assert store.mails.get(TENANT, oid(1), 1) == sent
    reviewed = store.mails.save(replace(sent, state=MailState.NEEDS_REVIEW))
    again = store.mails.save(replace(reviewed, state=MailState.DUE))
    assert list(store.mails.due(TENANT, NOW + timedelta(days=1))) == [again]
    with pytest.raises(Conflict):
        store.mails.save(sent)
    with pytest.raises(Defect):
        store.mails.save(mail(2))


def test_the_list_is_newest_first(store: Store) -> None:
    """Pages show the present state, newest first, without etags; a foreign cursor is refused."""
    store.mails.claim([mail(number) for number in range(5)])
    due = store.mails.get(TENANT, oid(4), 1)
    assert due is not None
    store.mails.save(replace(due, state=MailState.SENT))
    first, cursor = store.mails.page(TENANT, "", 3)
    second, cursor = store.mails.page(TENANT, cursor, 3)
    assert list(first) == [mail(4, state=MailState.SENT), mail(3), mail(2)]
    assert list(second) == [mail(1), mail(0)]
    assert cursor == ""
    assert {one.etag for one in first} == {""}
    assert list(store.mails.page(OTHER_TENANT, "", 3)[0]) == []
    with pytest.raises(BadCursor):
        store.mails.page(TENANT, "' or ''", 3)


def test_due_ones_are_found(store: Store) -> None:
    """Claims that wait since before a moment, oldest first; those that are under way or over are not."""
    store.mails.claim([mail(number) for number in range(5)])
    for number, state in ((0, MailState.SENDING), (1, MailState.SENT)):
        one = store.mails.get(TENANT, oid(number), 1)
        assert one is not None
        store.mails.save(replace(one, state=state))
    due = store.mails.due(TENANT, NOW + timedelta(seconds=4))
    assert list(due) == [mail(2), mail(3)]
    assert all(one.etag for one in due)


def test_used_once(store: Store) -> None:
    """What was put is taken by exactly one of eight, and cannot be put again."""
    assert store.once.put("state", "Ø/'key", {"a": "b"}, NOW + timedelta(minutes=10))
    assert not store.once.put("state", "Ø/'key", {}, NOW)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: store.once.take("state", "Ø/'key", NOW), range(8)))
    assert [one for one in taken if one is not None] == [{"a": "b"}]
    assert not store.once.put("state", "Ø/'key", {}, NOW + timedelta(minutes=10))


def test_expired_or_unknown_gives_nothing(store: Store) -> None:
    """After its end nobody takes it, nor one of another kind; expired ones cannot be put again either."""
    store.once.put("state", "key", {}, NOW)
    assert store.once.take("state", "key", NOW) is None
    assert store.once.take("session", "key", NOW - timedelta(minutes=1)) is None
    assert not store.once.put("state", "key", {}, NOW + timedelta(minutes=10))


def test_racing_puts_have_one_winner(store: Store) -> None:
    """Of eight that put the same key at once, one is told that it was first."""
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: store.once.put("session", "jti", {}, NOW), range(8))) == 1


def test_old_ones_are_swept(store: Store) -> None:
    """What expired more than a day ago is forgotten, of any kind; younger ones stay."""
    store.once.put("state", "old", {}, NOW - timedelta(hours=25))
    store.once.put("session", "old", {}, NOW - timedelta(hours=25))
    store.once.put("state", "young", {}, NOW - timedelta(hours=23))
    assert store.once.sweep(NOW) == 2
    assert store.once.sweep(NOW) == 0
    assert store.once.put("state", "old", {}, NOW)
    assert not store.once.put("state", "young", {}, NOW)
