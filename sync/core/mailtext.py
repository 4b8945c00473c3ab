"""The one introductory mail: what it says, in HTML and text.

Names come from a directory that anybody may have written into, so a name is only used where it looks like one: mail
programs turn `https://evil` or `evil.example` into links all by themselves, however well it is escaped. The mail has
no link, no picture and no attachment: it is about phishing, and practises what it preaches. The subject holds no
foreign text.
"""

from __future__ import annotations

import html
import itertools
import unicodedata
import uuid
from string import Template
from typing import NamedTuple

from sync.core.model import PersonRecord
from sync.core.text import clean

SUBJECT = "Welcome to your security training"
NAME_LIMIT, WORKSPACE_LIMIT = 64, 80
_OPERATIONS = uuid.UUID("6f0d3c1e-5a55-4b3e-9c57-2d8f7f4c0a11")  # namespace of our operation ids
_NAME_MARKS = frozenset(" -'\u2019.\u00b7")


class Rendered(NamedTuple):
    """A mail's words. `to_name` is empty where the name does not look like one."""

    to_name: str
    subject: str
    text: str
    html: str


def operation_id(tenant_id: str, object_id: str, generation: int) -> str:
    """The same UUID for the same person's mail, whoever asks: the provider may be asked what became of it."""
    return str(uuid.uuid5(_OPERATIONS, f"{tenant_id}/{object_id}/{generation}"))


def render(person: PersonRecord, workspace_name: str) -> Rendered:
    """The mail for one person of one workspace."""
    given = name_or_nothing(person.fields.get("given_name", ""))
    whole = name_or_nothing(person.fields.get("display_name", ""))
    greeting = f"Hello {given or whole}," if given or whole else "Hello,"
    company = _company(workspace_name)
    values = {"greeting": greeting, "company": company, "Company": company[:1].upper() + company[1:]}
    escaped = {key: html.escape(value) for key, value in values.items()}
    return Rendered(whole, SUBJECT, _TEXT.substitute(values), _HTML.substitute(escaped))


def name_or_nothing(value: str) -> str:
    """The name if it could be one: letters of any script, blanks, hyphens, apostrophes, and dots after which a word
    ends. Nothing that a mail program, a header or a reader could take for anything else.
    """
    name = clean(value, NAME_LIMIT + 1)
    letters = sum(char.isalpha() for char in name)
    marks = sum(unicodedata.category(char).startswith("M") for char in name)
    plain = all(char.isalpha() or char in _NAME_MARKS or unicodedata.category(char).startswith("M") for char in name)
    dotted = any(char == "." and follower != " " for char, follower in itertools.pairwise(name))
    return name if plain and not dotted and letters and marks <= letters and len(name) <= NAME_LIMIT else ""


def _company(workspace_name: str) -> str:
    """The workspace's name, which Moxso's platform vouches for; still no address and no mark-up."""
    name = clean(workspace_name, WORKSPACE_LIMIT)
    suspicious = any(mark in name.lower() for mark in ("://", "www.", "@", "<", ">"))
    return name if name and not suspicious else "your organisation"


_TEXT = Template(
    """\
$greeting

$Company has chosen Moxso to help everyone recognise phishing and other tricks that arrive by e-mail. An account has \
been made for you. There is nothing you need to do now.

What to expect
- Short lessons, a few minutes each, now and then.
- Harmless practice e-mails that imitate real attacks. Falling for one costs you nothing but a short lesson.

A habit to begin with
This e-mail has no links and no attachments, and asks you for nothing. If a message in our name ever asks for your \
password, it is not from us: report it.

Questions? Your IT department knows about this and is glad to help.

Moxso, on behalf of $company
"""
)

_HTML = Template(
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<title>Welcome to your security training</title>
</head>
<body style="margin:0;padding:0;background:#f3f5f8">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f5f8">
<tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="560" cellpadding="0" cellspacing="0" style="width:100%;max-width:560px;\
background:#ffffff;border-radius:12px;font-family:'Segoe UI',Helvetica,Arial,sans-serif;color:#1d2733">
<tr><td style="padding:28px 36px 0;font-size:15px;font-weight:600;letter-spacing:.04em;color:#2757d6">MOXSO</td></tr>
<tr><td style="padding:18px 36px 0;font-size:22px;line-height:30px;font-weight:600"><bdi>$greeting</bdi></td></tr>
<tr><td style="padding:12px 36px 0;font-size:16px;line-height:25px">
<bdi>$Company</bdi> has chosen Moxso to help everyone recognise phishing and other tricks that arrive by e-mail.
An account has been made for you. <strong>There is nothing you need to do now.</strong>
</td></tr>
<tr><td style="padding:24px 36px 0;font-size:16px;line-height:25px">
<strong>What to expect</strong>
<ul style="margin:8px 0 0;padding:0 0 0 20px">
<li>Short lessons, a few minutes each, now and then.</li>
<li style="padding-top:6px">Harmless practice e-mails that imitate real attacks. Falling for one costs you nothing but
a short lesson.</li>
</ul>
</td></tr>
<tr><td style="padding:24px 36px 0">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#eef3ff;border-radius:8px">
<tr><td style="padding:16px 20px;font-size:15px;line-height:23px">
<strong>A habit to begin with.</strong> This e-mail has no links and no attachments, and asks you for nothing.
If a message in our name ever asks for your password, it is not from us: report it.
</td></tr>
</table>
</td></tr>
<tr><td style="padding:24px 36px 32px;font-size:14px;line-height:22px;color:#5b6877">
Questions? Your IT department knows about this and is glad to help.<br>
Moxso, on behalf of <bdi>$company</bdi>
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
"""
)
