"""API v1: certificates of completeness, as an admin downloads them and an outsider checks them."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from pathlib import Path

import pytest

from tests.panel.caller import Caller
from tests.panel.cast import HOSTILE
from tests.panel.place import Place


def test_certificates(place: Place, caller: Caller) -> None:
    """Newest first, page by page; the differences are named, and the counts add up."""
    nobody = place.tenant.hire("Nils Nowhere", mail=None, userPrincipalName="nils@contoso.onmicrosoft.com")
    place.tenant.hire("Anna Berg")
    for _ in range(3):
        place.compare()
    seen, cursor = [], ""
    while cursor is not None:
        page = caller.get(place.path("certificates"), params={"limit": 1, "cursor": cursor}).json()
        seen += [item["run"] for item in page["items"]]
        cursor = page["cursor"]
    assert len(seen) == 3
    assert seen == sorted(seen)  # run ids sort newest first
    found = caller.get(place.path("certificates", seen[0])).json()
    assert found["differences"] == [
        {"object_id": nobody, "name": "Nils Nowhere", "side": "missing", "reason": "no_address"}
    ]
    assert found["counts"]["active"] == found["counts"]["eligible"] - 1
    missing = caller.get(place.path("certificates", "0" * 23))
    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_certificate")
    assert caller.get(place.path("certificates", "../../x")).status_code == 404


@pytest.mark.parametrize("name", ["=1+1", "+1", "-2", "@x", "＝1", 'a","=1', HOSTILE, "Ünï\u202ecode"])
def test_a_certificate_as_csv(place: Place, caller: Caller, name: str) -> None:
    """The same facts as a table; a name that looks like a formula is text."""
    place.tenant.hire("Somebody", displayName=name, mail=None, userPrincipalName=None)
    place.compare()
    (head,) = caller.get(place.path("certificates")).json()["items"]
    answer = caller.get(place.path("certificates", head["run"]), params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert head["run"] in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    facts = {row["name"]: row["value"] for row in rows if row["section"] != "difference"}
    assert (facts["sha256"], facts["active"], facts["missing"]) == (head["sha256"], "0", "1")
    (difference,) = (row for row in rows if row["section"] == "difference")
    assert (difference["side"], difference["reason"]) == ("missing", "no_address")
    assert not difference["name"].startswith(("=", "+", "-", "@", "＝"))


def test_the_digest_is_checked_as_the_document_says(place: Place, caller: Caller) -> None:
    """Whoever has the file and docs/certificate.md alone finds that it is the one that was issued, whatever the names
    are; one changed character, and it is not.
    """
    for number, name in enumerate((HOSTILE, "Ünï\u202ecode", "\u2028\U0001f600\x7f", 'a","=1', '"differences":[]')):
        place.tenant.hire("Somebody", displayName=name, mail=None, userPrincipalName=f"{number}")
    place.compare()
    (head,) = caller.get(place.path("certificates")).json()["items"]
    text = caller.get(place.path("certificates", head["run"])).text
    document = (Path(__file__).parents[2] / "docs" / "certificate.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    exec(recipe, {"text": text})
    with pytest.raises(AssertionError):
        exec(recipe, {"text": text.replace('"missing":5', '"missing":4')})
    bare = re.sub(r'"sha256":"[0-9a-f]{64}",', "", text)
    assert hashlib.sha256(bare.encode()).hexdigest() == head["sha256"], "the file is the canonical JSON itself"
