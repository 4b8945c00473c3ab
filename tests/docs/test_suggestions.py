"""docs/suggestions.md against the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sync.core.suggestions import LIKELY, MAYBE, SIGNS, assess

TEXT = (Path(__file__).parents[2] / "docs" / "suggestions.md").read_text(encoding="utf-8")


def test_every_sign_is_listed_to_the_letter() -> None:
    """Code, weight, whether it leads, and what an admin reads, in the same order, and no other."""
    told = re.findall(r"^\| `(\w+)` \| (\d+) \| (yes|no) \| (.+) \|$", TEXT, re.MULTILINE)
    assert told == [
        (evidence.value, str(sign.weight), "yes" if sign.leading else "no", sign.text)
        for evidence, sign in SIGNS.items()
    ]


def test_the_limits_are_those_of_the_code() -> None:
    """From which score on, and up to which without a leading sign or with people who report."""
    assert f"From {MAYBE} on an account is `maybe`, from {LIKELY} on `not_a_person`" in TEXT
    assert f"at most {MAYBE - 1}: nobody" in TEXT
    assert f"Somebody's manager gets at most {LIKELY - 1}" in TEXT


@pytest.mark.parametrize("name", re.findall(r"\*([A-Z][a-z]+ [A-Z][\w-]+)\*", TEXT))
def test_people_of_the_examples_are_people(name: str) -> None:
    """Nobody whom the document calls a person is suggested."""
    given, _, family = name.partition(" ")
    address = f"{given}.{family}@contoso.com".lower()
    source = {"displayName": name, "givenName": given, "surname": family, "mail": address, "assignedLicenses": []}
    assert assess(source, is_manager=False).likely == "person"
