"""The bad inputs of docs/invariants.md by their numbers, and what must become of each (docs/bad-input.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from sync.core.model import Reason


class Outcome(StrEnum):
    """What becomes of an input."""

    LITERAL = "kept to the letter"
    TIDIED = "kept, its controls and runs of blanks one blank each"
    CUT = "cut to 256 characters"
    EMPTY = "as if absent"
    USED = "the address, in its one folded form"
    WITHHELD = "person kept without an account, the reason shown"
    CANONICAL = "the one form of the id"
    REFUSED = "refused at every edge that takes an id"
    REJECTED = "the page is rejected as a whole"
    READ = "the page is read, the odd part without effect"


class Text(NamedTuple):
    """A value of a text field in Graph's JSON, and the text that is kept of it."""

    number: int
    given: Any
    kept: str
    outcome: Outcome


class Address(NamedTuple):
    """What a person's `mail` and username hold, the address it gives, and why there is no account without one."""

    number: int
    mail: str | None
    username: str
    address: str
    reason: Reason = Reason.OK

    @property
    def outcome(self) -> Outcome:
        """Used or withheld."""
        return Outcome.USED if self.address else Outcome.WITHHELD


class Id(NamedTuple):
    """What is given for an object id, and the id it is; empty where it is none."""

    number: int
    given: str
    known: str = ""

    @property
    def outcome(self) -> Outcome:
        """Canonical or refused."""
        return Outcome.CANONICAL if self.known else Outcome.REFUSED


ABSENT = object()
LONGEST = 256


def _literal(number: int, *texts: str) -> list[Text]:
    return [Text(number, text, text, Outcome.LITERAL) for text in texts]


def _tidied(number: int, *pairs: tuple[str, str]) -> list[Text]:
    return [Text(number, given, kept, Outcome.TIDIED) for given, kept in pairs]


def _empty(number: int, *given: Any) -> list[Text]:
    return [Text(number, one, "", Outcome.EMPTY) for one in given]


TEXTS: tuple[Text, ...] = (
    *_literal(1, "<img src=x onerror=alert(1)>"),
    *_literal(2, "</title><script>1</script>"),
    *_literal(3, '"><svg/onload=1>'),
    *_literal(4, '<a href="https://evil">Reset password</a>'),
    *_literal(5, "{{7*7}}", "{%x%}", "${7*7}", "#{7*7}", "<%=7*7%>"),
    *_literal(6, "%s%n{0.__class__}"),
    *_tidied(7, ("Bob\r\nBcc: e@x", "Bob Bcc: e@x")),
    *_tidied(8, ("Bob\nX: y", "Bob X: y")),
    *_tidied(9, *((f"Bob{end}Bcc: e@x", "Bob Bcc: e@x") for end in "\x0b\x0c\x85\u2028\u2029")),
    *_literal(10, "=?utf-8?q?Bob=0ABcc=3A_e=40x?="),
    *_literal(11, '"Bob" <e@x>,'),
    *_literal(12, "Bob;e@x"),
    *_literal(13, '=HYPERLINK("http://e")'),
    *_literal(14, "+1+cmd|' /C calc'!A0"),
    *_literal(15, "-2+3"),
    *_literal(16, "@SUM(1)"),
    *_tidied(17, ("\t=1", "=1"), ("\r=1", "=1")),
    *_literal(18, "＝1"),
    *_literal(19, 'a","=1'),
    *_literal(20, "\u202egpj.exe"),
    *_literal(21, "\u2066isolated\u2069 \u2067detalosi\u2069"),
    *_literal(22, "Ann\u200dLee\u200bRoss\ufeff"),
    *_literal(23, "раураl"),
    Text(24, "Z" + "\u0335" * 1000, "Z" + "\u0335" * (LONGEST - 1), Outcome.CUT),
    *_tidied(25, ("Bob\ud800Lee", "Bob Lee")),
    *_tidied(26, ("Bob\u0000Lee", "Bob Lee")),
    *_literal(27, "👨\u200d👩\u200d👧\u200d👦"),
    *_literal(28, "İlker Irmak ıßŉ"),
    *_literal(29, "مرحبا بالعالم", "שלום עולם"),
    *_literal(30, "Jos\u00e9"),
    Text(30, "Jose\u0301", "Jos\u00e9", Outcome.TIDIED),
    *_literal(31, "x" * LONGEST),
    Text(31, "y" * (LONGEST + 1), "y" * LONGEST, Outcome.CUT),
    *_empty(31, "z" * 100_000),
    *_empty(32, "     "),
    *_empty(33, ""),
    *_empty(34, None),
    *_empty(35, ABSENT),
    *_empty(36, 7, 1.5, True, ["a list"], {"an": "object"}),
    *_literal(37, "undefined", "None", "NaN", "true"),
    *_literal(38, "https://evil.tld"),
    *_tidied(39, ('Eve\n{"level":"error"}', 'Eve {"level":"error"}'), ("Eve\x1b[2J", "Eve [2J")),
)  # fmt: skip

OWN = "@contoso.onmicrosoft.com"  # no mailbox of its own
_NONE = Reason.NO_ADDRESS
ADDRESSES: tuple[Address, ...] = (
    Address(40, "a@b", f"n40{OWN}", "", _NONE),
    Address(41, "a@@b.c", f"n41{OWN}", "", _NONE),
    Address(42, "a b@c.d", f"n42{OWN}", "", _NONE),
    Address(43, '"a b"@c.d', f"n43{OWN}", "", _NONE),
    Address(44, "a@[127.0.0.1]", f"n44{OWN}", "", _NONE),
    Address(45, "a@localhost", f"n45{OWN}", "", _NONE),
    Address(46, "a@xn--80ak6aa92e.com", f"n46{OWN}", "a@xn--80ak6aa92e.com"),
    Address(47, "ü@exämple.de", f"n47{OWN}", "ü@xn--exmple-cua.de"),
    Address(48, "a@b.c,e@x", f"n48{OWN}", "", _NONE),
    Address(49, "a@b.c\n", f"n49{OWN}", "a@b.c"),
    Address(49, "a@b.c\nBcc: e@x.example", f"n49b{OWN}", "", _NONE),
    Address(50, "<a@b.c>", f"n50{OWN}", "", _NONE),
    Address(51, f"{'l' * 65}@contoso.example", f"n51{OWN}", "", _NONE),
    Address(51, f"a@{'.'.join(['d' * 62] * 4)}.xy", f"n51b{OWN}", "", _NONE),
    Address(52, None, "bob_corp.com#EXT#@t.onmicrosoft.com", "", Reason.GUEST),
    Address(53, None, "n53@corp.local", "", _NONE),
    Address(54, "twin@contoso.example", f"n54{OWN}", "twin@contoso.example"),
    Address(54, "twin@contoso.example", f"n54b{OWN}", "", Reason.ADDRESS_CONFLICT),
    Address(55, "Case@contoso.example", f"n55{OWN}", "case@contoso.example"),
    Address(55, "cASE@Contoso.Example", f"n55b{OWN}", "", Reason.ADDRESS_CONFLICT),
    Address(56, "theirs@contoso.example", f"n56{OWN}", "", Reason.ADDRESS_CONFLICT),
    Address(57, "moved@contoso.example", f"n57{OWN}", "moved@contoso.example"),
    Address(58, "postmaster@contoso.example", f"n58{OWN}", "postmaster@contoso.example"),
    Address(59, "somebody@fabrikam.example", f"n59{OWN}", "somebody@fabrikam.example"),
)

GUID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
IDS: tuple[Id, ...] = (
    Id(60, GUID.upper(), GUID),
    Id(60, "0A1b2C3d-4e5F-4a6b-8C7d-9e0f1a2B3c4D", GUID),
    Id(61, "{" + GUID + "}"),
    Id(61, f"urn:uuid:{GUID}"),
    Id(61, GUID.replace("-", "")),
    Id(62, "../../x"),
    Id(62, f"../{GUID}"),
    *(Id(63, text) for text in ("a/b", "a\\b", "a#b", "a?b")),
    Id(64, "a%2Fb"),
    *(Id(65, text) for text in ("a'b", "' or 1 eq 1 or '", f"{GUID}' or PartitionKey ne '")),
    *(Id(66, "a" * length) for length in (513, 1025)),
    Id(66, GUID + "0" * 477),
    Id(67, ""),
    *(Id(68, text) for text in ("a\nb", "a\x00b", "a\x7fb", f"{GUID}\n", f"\t{GUID}", "a\u2028b")),
    Id(68, GUID.replace("0", "٠")),  # digits, and not ASCII
)
