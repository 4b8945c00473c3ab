"""Only what the catalogue lists is logged, one line of JSON an event."""

import json
import logging
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from shared.events import EVENTS, log
from tests.unit.strategies import any_text


def test_an_unknown_event_is_refused() -> None:
    """A name that is not in the catalogue is a bug at the call site."""
    with pytest.raises(KeyError):
        log("nobody.knows")


@pytest.mark.parametrize("field", ["token", "name", "address", "mail", "url", "body", "unknown"])
def test_an_unknown_field_is_refused(field: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing slips into a log that the catalogue does not list; nothing is written then."""
    fields: dict[str, Any] = {field: "x"}
    with caplog.at_level(logging.INFO), pytest.raises(KeyError, match=field):
        log("mail.sent", connection="c", **fields)
    assert not caplog.records


def test_a_field_is_refused_though_the_level_is_off(caplog: pytest.LogCaptureFixture) -> None:
    """A bug does not hide until somebody turns logging up."""
    with caplog.at_level(logging.CRITICAL), pytest.raises(KeyError):
        log("mail.sent", address="a@b.c")


def test_an_event_is_one_line_of_json(caplog: pytest.LogCaptureFixture) -> None:
    """With its name first and its fields as they were."""
    with caplog.at_level(logging.INFO):
        log("guard.held", logging.WARNING, connection="c", run="r", removals=6, limit=5)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("moxso.sync", logging.WARNING)
    assert json.loads(record.message) == {
        "event": "guard.held",
        "connection": "c",
        "run": "r",
        "removals": 6,
        "limit": 5,
    }


@given(text=any_text)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_forges_a_line(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """Line ends, escape sequences and quotes in a value stay inside it."""
    caplog.clear()
    with caplog.at_level(logging.INFO):
        log("mail.cancelled", connection="c", reason=f'{text}\n{{"level":"error"}}\x1b[2J')
    (record,) = caplog.records
    assert len(record.message.splitlines()) == 1
    assert "\x1b" not in record.message
    assert json.loads(record.message)["reason"].startswith(text)


def test_the_catalogue_names_events_alike() -> None:
    """`noun.verb`, a sentence of meaning, and no field that invites a secret or a person's data."""
    forbidden = {"token", "secret", "name", "address", "email", "link", "url", "body", "cursor", "clientState"}
    for name, (fields, meaning) in EVENTS.items():
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", name)
        assert meaning
        assert not fields & forbidden


def test_nothing_is_written_below_the_level(caplog: pytest.LogCaptureFixture) -> None:
    """An event that nobody wants costs no line."""
    with caplog.at_level(logging.ERROR, logger="moxso.sync"):
        log("mail.sent", connection="c")
    assert not caplog.records
