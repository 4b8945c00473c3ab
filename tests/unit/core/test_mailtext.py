"""The introductory mail: friendly, and harmless whatever the directory holds."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.mailtext import SUBJECT, name_or_nothing, operation_id, render
from sync.core.model import PersonRecord


def person(given_name: str = "", display_name: str = "") -> PersonRecord:
    """Somebody with these names."""
    return PersonRecord("o", fields={"given_name": given_name, "display_name": display_name})


class Shape(HTMLParser):
    """Every tag with its attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append((tag, attrs))


PLAIN = Shape(render(person("Ann", "Ann Ross"), "Contoso").html).tags


@pytest.mark.parametrize(
    "name",
    [
        "Ann",
        "Åse Ødegård",
        "Jean-Luc O'Neill",
        "J. R. R. Tolkien",
        "María José",
        "محمد",
        "李小龍",
        "Lê Thị",
        "राम",
        "Jr.",
    ],
)
def test_names_are_used(name: str) -> None:
    """Names of any script are names."""
    assert name_or_nothing(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "https://evil.tld",
        "evil.tld",
        "www.evil.tld/x",
        "ann@contoso.com",
        "<b>Ann</b>",
        "{{7*7}}",
        "${7*7}",
        "$greeting",
        "%s%n",
        "=?utf-8?q?Bob?=",
        'Bob", "Eve',
        "Bob;Eve",
        "Bob: Eve",
        "\u202egpj.exe",
        "a\u200bb",
        "a" * 65,
        "a" + "\u0301" * 1000,
        "+1234",
        "😀",
        "1234",
    ],
)
def test_what_is_no_name_is_not_used(name: str) -> None:
    """Everything else is left out rather than made harmless."""
    assert name_or_nothing(name) == ""


def test_the_greeting_uses_the_given_name_first() -> None:
    """Given name, else the whole name, else no name."""
    assert render(person("Ann", "Ann Ross"), "Contoso").text.startswith("Hello Ann,")
    assert render(person("", "Ann Ross"), "Contoso").text.startswith("Hello Ann Ross,")
    assert render(person("{{7*7}}", "<b>"), "Contoso").text.startswith("Hello,")


def test_the_mail_has_no_links() -> None:
    """Nothing to click: it practises what it preaches."""
    rendered = render(person("Ann"), "Contoso")
    assert not {"a", "img", "script", "form", "link"} & {tag for tag, _ in PLAIN}
    assert "http" not in rendered.text
    assert "://" not in rendered.html


@pytest.mark.parametrize("workspace", ["Contoso & Sons", "<script>alert(1)</script>", "https://evil", '" onload="x'])
def test_the_workspaces_name_is_escaped(workspace: str) -> None:
    """The mark-up is the same whatever the workspace is called."""
    assert Shape(render(person("Ann"), workspace).html).tags == PLAIN


def test_a_workspace_without_a_usable_name_is_still_a_sentence() -> None:
    """It becomes "your organisation", with a capital where a sentence begins."""
    text = render(person("Ann"), "https://evil").text
    assert "Your organisation has chosen Moxso" in text
    assert "on behalf of your organisation" in text


@given(st.text(), st.text(), st.text())
def test_no_text_changes_the_shape_of_the_mail(given_name: str, display_name: str, workspace: str) -> None:
    """Whatever the texts, the tags and attributes are ours, the subject is fixed, and headers stay on one line."""
    rendered = render(person(given_name, display_name), workspace)
    assert Shape(rendered.html).tags == PLAIN
    assert rendered.subject == SUBJECT
    assert len(rendered.to_name.splitlines()) <= 1


def test_an_operation_id_is_the_same_for_the_same_mail() -> None:
    """Deterministic, and different for every person and generation."""
    assert operation_id("t", "o", 1) == operation_id("t", "o", 1)
    assert len({operation_id("t", "o", 1), operation_id("t", "o", 2), operation_id("t", "p", 1)}) == 3
