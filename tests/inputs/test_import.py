"""One import of every bad input at once, over real storage, the simulated cloud and real SMTP; then every sink."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from azure.data.tables import TableServiceClient

from local.cloud.server import Cloud
from local.mail import MailCatcher
from local.mail.store import CaughtMail
from sync.core.mailtext import SUBJECT, render
from sync.core.model import AccountState, MailMark, PersonRecord, Reason
from tests.inputs.conftest import SENDER, Lines
from tests.inputs.mail_parts import HEADERS, PLAIN, Skeleton, text_of
from tests.inputs.world import Zoo, fields_of

pytestmark = pytest.mark.azurite

GUID = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
WORDS = "n|head|rest|reach|binding|guard|session|consent|sign-in|[acghimoprswx]"
PART = rf"(?:{GUID}|[0-9a-f]*(?:certificate|balances?|managers)?|{WORDS})"
KEY = re.compile(rf"{PART}(?::{PART})*")


def mails(zoo: Zoo, catcher: MailCatcher) -> dict[str, CaughtMail]:
    """Object id -> the mail to this person, found by the one recipient of its envelope."""
    found = {mail.recipients: mail for mail in catcher.store.all()}
    people = zoo.acme.people.items()
    return {one: found[record.address,] for one, record in people if record.mail is MailMark.CLAIMED}


def test_nobody_stops_the_others(zoo: Zoo) -> None:
    """Everybody is there, nothing failed, nothing is left in a queue: one bad row never stops the others."""
    assert (zoo.engine.errors, zoo.engine.poison, zoo.engine.queue.waiting()) == ([], [], [])
    assert zoo.acme.people.keys() >= {*zoo.texts, *zoo.addresses}
    assert zoo.acme.groups.keys() == zoo.groups.keys()


def test_every_text_is_stored_as_the_table_says(zoo: Zoo) -> None:
    """Texts 1-39 in every text field of a person, groups' names and descriptions; who has no name at all waits."""
    people, groups = zoo.acme.people, zoo.acme.groups
    for object_id, text in zoo.texts.items():
        record = people[object_id]
        expected = (AccountState.ACTIVE, Reason.OK) if text.kept else (AccountState.NONE, Reason.NO_NAME)
        assert (record.account_state, record.reason) == expected, text
        assert fields_of(record) == zoo.fields(object_id), text
    for object_id, text in zoo.groups.items():
        assert groups[object_id].name == text.kept, text


def test_an_address_is_used_or_its_person_kept_without_one(zoo: Zoo) -> None:
    """Addresses 40-59: used in their one folded form, or the person stays without an account, the reason shown."""
    people = zoo.acme.people
    stored = Counter((one.number, people[key].address, people[key].reason) for key, one in zoo.addresses.items())
    assert stored == Counter((one.number, one.address, one.reason) for one in zoo.addresses.values())
    mailed = {one.address for one in people.values() if one.mail is MailMark.CLAIMED}
    assert {one.address for one in zoo.addresses.values() if one.address} <= mailed
    assert mailed == {one.address for one in people.values() if one.account_state is AccountState.ACTIVE}


def test_a_mail_has_one_recipient_and_our_headers(zoo: Zoo, catcher: MailCatcher) -> None:
    """Whatever anybody is called: one in the envelope and in To, no header more, no word of the name in a header but
    in To, and there it is a name.
    """
    people = zoo.acme.people
    sent = mails(zoo, catcher)
    assert len(sent) == len([one for one in people.values() if one.account_state is AccountState.ACTIVE])
    for object_id, mail in sent.items():
        record, message = people[object_id], mail.message
        assert (mail.sender, mail.recipients) == (SENDER, (record.address,))
        assert list(message.keys()) == HEADERS
        assert message["Subject"] == SUBJECT
        (to,) = message["To"].addresses
        assert to.addr_spec.encode(errors="surrogateescape").decode() == record.address
        assert to.display_name in {"", record.fields["display_name"]}
        assert not any(part.get_filename() for part in message.walk())


def test_a_mails_words_are_ours(zoo: Zoo, catcher: MailCatcher) -> None:
    """HTML has the tags and attributes of every other mail, the text no link; both greet by a name or by none."""
    people = zoo.acme.people
    for object_id, mail in mails(zoo, catcher).items():
        plain, rich = text_of(mail.message, "plain"), text_of(mail.message, "html")
        assert Skeleton(rich).tags == PLAIN
        given = people[object_id].fields.get("given_name", "")
        whole = people[object_id].fields["display_name"]
        assert plain.splitlines()[0] in {"Hello,", f"Hello {given},", f"Hello {whole},"}
        if given != plain.splitlines()[0][6:-1]:
            assert plain.replace(f" {whole},", ",", 1) == render(PersonRecord("o"), "Ws-Contoso").text
        assert not re.search(r"://|www\.|href|src=", plain + rich)


def test_keys_are_guids_and_hex_alone(zoo: Zoo, account: str) -> None:
    """Of every row of every table: nothing that came from outside is in a key, however it was called."""
    with TableServiceClient.from_connection_string(account) as service:
        for table in service.list_tables():
            for row in service.get_table_client(table.name).list_entities(select=["PartitionKey", "RowKey"]):
                for key in (row["PartitionKey"], row["RowKey"]):
                    assert KEY.fullmatch(key), (table.name, key)


def test_every_line_of_the_log_is_one_event_without_anybody(zoo: Zoo, lines: Lines) -> None:
    """One line of JSON each, no escape, no name, no address; and no library says more."""
    assert zoo.acme.people
    assert len([name for name, _ in lines.lines if name == "moxso.sync"]) > len(zoo.texts)
    lines.name_nobody(text.kept for text in zoo.texts.values())


def test_graph_is_asked_for_ids_alone(zoo: Zoo, shared_cloud: Cloud) -> None:
    """No address of Graph's that was called holds anything of anybody."""
    asked: list[dict[str, Any]] = [one for one in shared_cloud.control.requests() if one["path"].startswith("/v1.0")]
    assert zoo.acme.people
    assert asked
    for one in asked:
        assert re.fullmatch(rf"/v1\.0/((users|groups)/(delta|{GUID})|\$batch)", one["path"])
        assert re.fullmatch(r"|\$(select|skiptoken|deltatoken)=[A-Za-z0-9_,.=-]+", one["query"]), one["query"]
