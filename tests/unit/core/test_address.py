"""One strict reading of e-mail addresses, and one folded form. Cases 40-59 of the bad inputs."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.core.address import address_key, parse_address, routable, usable_username
from tests.unit.strategies import any_json

LONG_LOCAL, LONG_DOMAIN = "l" * 64, ".".join(["d" * 62] * 4)

GOOD = [
    ("ann@example.com", "ann@example.com"),
    ("  Ann.Lee@Example.COM ", "ann.lee@example.com"),
    ("a@b.c\n", "a@b.c"),
    ("o'neil+tag@example.com", "o'neil+tag@example.com"),
    ("a@xn--80ak6aa92e.com", "a@xn--80ak6aa92e.com"),
    ("ü@exämple.de", "ü@xn--exmple-cua.de"),
    ("U\u0308@exa\u0308mple.de", "ü@xn--exmple-cua.de"),
    ("bob_corp.com#EXT#@t.onmicrosoft.com", "bob_corp.com#ext#@t.onmicrosoft.com"),
    ("postmaster@example.com", "postmaster@example.com"),
    (f"{LONG_LOCAL}@example.com", f"{LONG_LOCAL}@example.com"),
    ("straße@example.com", "straße@example.com"),
]
BAD: list[Any] = [
    "a@b",
    "a@@b.c",
    "a b@c.d",
    '"a b"@c.d',
    '"a"@c.d',
    "a@[127.0.0.1]",
    "a@127.0.0.1",
    "a@localhost",
    "a@b.c,e@x",
    "a@b.c;e@x.y",
    "<a@b.c>",
    "Ann <a@b.c>",
    "a(comment)@b.c",
    "a@b.c\nBcc: e@x.y",
    "a\r\n@b.c",
    "a@b.c\x00",
    "a\u200b@b.c",
    "a\u202e@b.c",
    ".a@b.c",
    "a.@b.c",
    "a..b@b.c",
    "@b.c",
    "a@",
    "a@.c",
    "a@b.",
    "a@b..c",
    "a@-b.c",
    "a@b-.c",
    "a@b_c.de",
    "a@b.c/d",
    "a@b.c?x",
    "a@exa mple.de",
    f"{LONG_LOCAL}l@example.com",
    f"a@{LONG_DOMAIN}.com",
    f"a@{'d' * 64}.com",
    "İ@example.com",
    "x@straße.de",
    "x@a\u200db.de",
    "",
    "   ",
    None,
    5,
    True,
    ["a@b.c"],
    {"mail": "a@b.c"},
]


@pytest.mark.parametrize(("text", "folded"), GOOD)
def test_an_address_has_one_folded_form(text: str, folded: str) -> None:
    """Case, surrounding blanks, the form of letters and an international domain make no difference."""
    assert parse_address(text) == folded


@pytest.mark.parametrize("value", BAD)
def test_what_is_not_strictly_an_address_is_none(value: Any) -> None:
    """Quoted parts, comments, lists, literals, single labels, over-long parts and other types are refused."""
    assert parse_address(value) == ""


@given(any_json | st.from_regex(r"\A.{1,6}@.{1,8}\.[a-z]{2}\Z"))
@example("ǰ@b.com")
@example("K@b.com")
@example("a@exa。mple.de")
def test_folding_is_final(value: Any) -> None:
    """A folded address parses to itself, holds exactly one @ and nothing that a header or a key could trip on."""
    folded = parse_address(value)
    assert parse_address(folded) == folded
    if folded:
        assert folded.count("@") == 1
        assert not set(folded) & set(' \r\n\t"<>(),;:\\[]\0')
        assert folded.rpartition("@")[2].isascii()
        assert len(folded.encode()) <= 254


def test_two_mailboxes_are_never_one() -> None:
    """Folding does not expand letters: mail is sent to the folded form, and `ß` and `ss` may be two people."""
    assert parse_address("straße@example.com") != parse_address("strasse@example.com")


@pytest.mark.parametrize("name", ["local", "corp", "lan", "internal", "home", "invalid", "arpa", "localdomain"])
def test_private_domains_are_not_routable(name: str) -> None:
    """A domain that never has a mail exchanger on the internet cannot be mailed."""
    address = parse_address(f"a@mail.{name}")
    assert address
    assert not routable(address)
    assert usable_username(address) == ""


def test_nothing_is_not_routable() -> None:
    """The empty address is not routable, an ordinary one is."""
    assert not routable("")
    assert routable("a@example.com")


@pytest.mark.parametrize(
    ("username", "address"),
    [
        ("Ann@Example.com", "ann@example.com"),
        ("bob_corp.com#EXT#@t.onmicrosoft.com", ""),
        ("bob_corp.com#ext#@example.com", ""),
        ("ann@contoso.onmicrosoft.com", ""),
        ("ann@contoso.local", ""),
        ("ann", ""),
        (None, ""),
    ],
)
def test_a_username_is_an_address_only_where_mail_may_arrive(username: object, address: str) -> None:
    """A guest's name, the tenant's own domain and private domains are no mailbox."""
    assert usable_username(username) == address


@given(any_json)
def test_a_key_is_fit_for_storage(value: Any) -> None:
    """An address's row key is 32 hex characters, whatever the address."""
    key = address_key(str(value).encode(errors="replace").decode())
    assert len(key) == 32
    assert not set(key) - set("0123456789abcdef")
