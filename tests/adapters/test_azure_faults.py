"""Azure's errors become ours, every one of them; what passes is repeated, and no longer than that pays."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from azure.core import exceptions as vendor
from azure.data.tables import RequestTooLargeError, TableTransactionError
from azure.identity import AuthenticationRequiredError, CredentialUnavailableError

from shared.errors import Conflict, Defect, SyncError, Transient
from sync.adapters import azure_faults
from sync.adapters.azure_faults import STATUSES, VENDOR, Missing, Uncertain, read, translate


def answered(
    status: int, kind: type[vendor.HttpResponseError] = vendor.HttpResponseError, retry_after: str = ""
) -> Any:
    """An error that came with a response."""
    error = kind(message="said so")
    error.status_code = status
    error.response = SimpleNamespace(headers={"Retry-After": retry_after})
    return error


def test_no_vendor_exception_is_unmapped() -> None:
    """A class that a new azure-core brings must be put into the map by hand."""
    classes = {
        found
        for _, found in inspect.getmembers(vendor, inspect.isclass)
        if issubclass(found, Exception) and found.__module__ == vendor.__name__
    }
    assert classes == set(VENDOR)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Defect), (401, Transient), (403, Transient), (404, Missing), (405, Defect), (408, Uncertain),
        (409, Conflict), (412, Conflict), (413, Defect), (429, Transient), (500, Uncertain), (501, Uncertain),
        (502, Uncertain), (503, Transient), (504, Uncertain), (507, Uncertain),
    ],
)  # fmt: skip
def test_statuses(status: int, kind: type[SyncError]) -> None:
    """Every status means one of four things, also within a transaction."""
    assert type(translate(answered(status))) is kind
    assert type(translate(answered(status, TableTransactionError))) is kind
    assert STATUSES.get(status, kind) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (vendor.ServiceRequestError("x"), Transient),
        (vendor.ServiceResponseError("x"), Uncertain),
        (vendor.ServiceResponseTimeoutError("x"), Uncertain),
        (vendor.IncompleteReadError("x"), Uncertain),
        (vendor.DecodeError("x"), Uncertain),
        (CredentialUnavailableError("x"), Transient),
        (AuthenticationRequiredError(["scope"]), Transient),
        (RequestTooLargeError(message="x"), Defect),
        (vendor.AzureError("x"), Defect),
        (answered(200), Uncertain),
        (requests.ConnectionError("cut short"), Uncertain),
        (AttributeError("a parser met nothing"), Uncertain),
    ],
)
def test_errors_without_a_status(error: Exception, kind: type[SyncError]) -> None:
    """Faults of the connection and of the identity pass; what nobody foresaw is a Defect."""
    assert type(translate(error)) is kind


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("", None), ("-1", None), ("NaN", None), ("soon", None), ("9" * 30, None)]
)
def test_retry_after_is_handed_on(text: str, seconds: float | None) -> None:
    """The service's wish goes to whoever waits; nonsense does not."""
    error = translate(answered(503, retry_after=text))
    assert isinstance(error, Transient)
    assert error.retry_after == seconds


def test_messages_hold_no_values() -> None:
    """What Azure said may quote keys and values: our message has the class, the status and the code alone."""
    assert "said so" not in str(translate(answered(400)))


class Flaky:
    """Fails so often, then answers."""

    def __init__(self, times: int, error: Exception) -> None:
        self.calls, self._times, self._error = 0, times, error

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._times:
            raise self._error
        return "fine"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_faults, "PAUSES", (0.001,))


def test_a_read_is_repeated_while_faults_pass() -> None:
    """Two faults are not noticed; a third is the caller's."""
    assert read(Flaky(2, answered(500))) == "fine"
    call = Flaky(3, answered(500))
    with pytest.raises(Transient):
        read(call)
    assert call.calls == 3


def test_a_long_wait_is_the_callers() -> None:
    """When the service asks for more than a moment, the thread does not wait: the queue will."""
    call = Flaky(1, answered(503, retry_after="30"))
    with pytest.raises(Transient) as caught:
        read(call)
    assert (call.calls, caught.value.retry_after) == (1, 30.0)


def test_defects_are_not_repeated() -> None:
    """What would fail again is not tried again."""
    call = Flaky(1, answered(400))
    with pytest.raises(Defect):
        read(call)
    assert call.calls == 1
