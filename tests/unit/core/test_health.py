"""Every answer of Microsoft's has one meaning."""

from datetime import UTC, datetime

import pytest

from shared.errors import Conflict, Defect, NeedsAdmin, SyncError, Transient
from sync.core.health import REMEDIES, Verdict, classify, retry_after_seconds, safe_code, to_error, token_error

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_a_meaning(status: int) -> None:
    """No status is without a verdict, and 408, 429 and 5xx are never the customer's business."""
    verdict = classify(status, "")
    if status in {408, 429} or (status >= 500 and status != 501):
        assert verdict is Verdict.PASSING
    if status != 403:
        assert not isinstance(to_error(status, ""), NeedsAdmin)


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (200, "", Verdict.FINE),
        (204, "", Verdict.FINE),
        (302, "", Verdict.OUR_MISTAKE),
        (400, "Request_BadRequest", Verdict.OUR_MISTAKE),
        (400, "syncStateNotFound", Verdict.CURSOR_EXPIRED),
        (400, "SyncStateNotFound", Verdict.CURSOR_EXPIRED),
        (404, "syncStateInvalid", Verdict.CURSOR_EXPIRED),
        (400, "Directory_ExpiredPageToken", Verdict.CURSOR_EXPIRED),
        (410, "", Verdict.CURSOR_EXPIRED),
        (410, "resyncRequired", Verdict.CURSOR_EXPIRED),
        (401, "InvalidAuthenticationToken", Verdict.STALE_TOKEN),
        (401, "Authorization_IdentityNotFound", Verdict.CONSENT_MISSING),
        (403, "Authorization_IdentityNotFound", Verdict.CONSENT_MISSING),
        (403, "Authorization_RequestDenied", Verdict.PERMISSION_MISSING),
        (503, "Authorization_RequestDenied", Verdict.PASSING),
        (503, "syncStateNotFound", Verdict.PASSING),
        (404, "Request_ResourceNotFound", Verdict.NOT_FOUND),
        (409, "", Verdict.CONFLICT),
        (501, "NotImplemented", Verdict.OUR_MISTAKE),
    ],
)
def test_codes_mean_more_than_statuses(status: int, code: str, verdict: Verdict) -> None:
    """The error code decides where the status alone is ambiguous, but never makes a 5xx more than passing."""
    assert classify(status, code) is verdict


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Transient), (403, NeedsAdmin), (409, Conflict), (429, Transient), (400, Defect)]
)
def test_errors_are_split_by_what_to_do(status: int, kind: type[SyncError]) -> None:
    """The error's class says what the caller does next."""
    assert type(to_error(status, "")) is kind


def test_retry_after_goes_with_the_error() -> None:
    """The wait that Graph asked for is on the error, whole."""
    error = to_error(429, "TooManyRequests", 317.0)
    assert isinstance(error, Transient)
    assert error.retry_after == 317.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        ("0", 1.0),
        ("1.5", 1.5),
        ("Mon, 02 Mar 2026 08:02:00 GMT", 120.0),
        ("Mon, 02 Mar 2026 07:00:00 GMT", 1.0),
        ("Mon, 02 Mar 2036 08:02:00 GMT", 30.0),
        ("-5", 30.0),
        ("nan", 30.0),
        ("inf", 30.0),
        ("315360000", 30.0),
        ("soon", 30.0),
    ],
)
def test_retry_after_is_read_in_all_its_forms(value: str | None, seconds: float | None) -> None:
    """Numbers and dates are obeyed; nonsense becomes half a minute."""
    assert retry_after_seconds(value, NOW) == seconds


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (7000229, "consent_missing"),
        (700016, "consent_missing"),
        (65001, "consent_missing"),
        (650056, "consent_missing"),
        (7000112, "app_disabled"),
        (90002, "tenant_gone"),
        (900382, "wrong_cloud"),
        (53003, "blocked_by_policy"),
    ],
)
def test_token_refusals_name_what_the_admin_can_do(number: int, code: str) -> None:
    """Known AADSTS numbers become codes with a remedy."""
    error = token_error(f"Authentication failed: AADSTS{number}: the rest is prose")
    assert isinstance(error, NeedsAdmin)
    assert (error.code, error.remedy) == (code, REMEDIES[code])


@pytest.mark.parametrize("number", [7000215, 7000222, 700027, 700213])
def test_our_own_credential_is_not_the_customers_trouble(number: int) -> None:
    """A wrong or expired secret of ours waits until we have mended it."""
    error = token_error(f"AADSTS{number}: ...")
    assert isinstance(error, Transient)
    assert error.retry_after == 300.0


@pytest.mark.parametrize("words", ["", "AADSTS90033: busy", "AADSTS123456789: unheard of", "no number"])
def test_unknown_token_refusals_are_tried_again(words: str) -> None:
    """Codes may change: what is not known passes, until somebody looks."""
    assert isinstance(token_error(words), Transient)


def test_codes_are_harmless_in_a_log() -> None:
    """Nothing but letters, digits, dots and underscores of a vendor's code is kept."""
    assert safe_code('x"\n<script>.Y_z' + "a" * 99) == ("xscript.Y_z" + "a" * 99)[:64]
