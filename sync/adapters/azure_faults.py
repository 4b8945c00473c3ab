"""Azure Storage's errors as ours, and what is done about them at once.

A read is repeated a few times. A write is repeated only where the service said it did not happen; where nobody can
tell (`Uncertain`: the reply was lost), whoever wrote looks for their own write before they try again. Azure's own
retries are off: they would repeat a write whose reply was lost, and show our own row to us as a conflict.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import requests
from azure.core import exceptions as vendor

from shared.errors import Conflict, Defect, SyncError, Transient

TRIES = 3
PAUSES = (0.1, 0.4)  # seconds before the second and the third try, more or less
PATIENCE = 2.0  # a longer Retry-After is for the queue to wait out, not for a thread
Answer = TypeVar("Answer")


class Uncertain(Transient):
    """A passing fault, and nobody can tell whether the write took place."""


class Missing(SyncError):
    """There is no such row, table or queue. Never leaves the adapters."""


# Every class of azure.core.exceptions (a test fails when a new one appears); the closest ancestor counts.
VENDOR: Mapping[type[Exception], type[SyncError]] = {
    vendor.AzureError: Defect,
    vendor.ServiceRequestError: Transient,  # the request never left
    vendor.ServiceRequestTimeoutError: Transient,
    vendor.ServiceResponseError: Uncertain,
    vendor.ServiceResponseTimeoutError: Uncertain,
    vendor.HttpResponseError: Defect,  # unless its status says otherwise
    vendor.DecodeError: Uncertain,  # half an answer, or a proxy's page
    vendor.IncompleteReadError: Uncertain,
    vendor.ResourceExistsError: Conflict,
    vendor.ResourceModifiedError: Conflict,
    vendor.ResourceNotModifiedError: Defect,  # we never ask "if changed"
    vendor.ResourceNotFoundError: Missing,
    vendor.ClientAuthenticationError: Transient,  # a key being rotated, a role not spread yet: the work waits
    vendor.TooManyRedirectsError: Defect,
    vendor.ODataV4Error: Defect,
    vendor.StreamConsumedError: Defect,
    vendor.StreamClosedError: Uncertain,
    vendor.ResponseNotReadError: Defect,
    vendor.SerializationError: Defect,
    vendor.DeserializationError: Uncertain,
}
STATUSES: Mapping[int, type[SyncError]] = {
    401: Transient,
    403: Transient,
    404: Missing,
    408: Uncertain,
    409: Conflict,
    412: Conflict,
    413: Defect,
    429: Transient,
    500: Uncertain,
    502: Uncertain,
    503: Transient,  # ServerBusy: refused before it was begun
    504: Uncertain,
}
# What else Azure's clients throw when an answer is cut short or is not what they expect: their parsers check nothing.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, SyntaxError, requests.RequestException)


def translate(error: Exception) -> SyncError:
    """Ours for theirs. The message names the class and the service's code, never keys or values."""
    status = getattr(error, "status_code", None)
    kind = next((VENDOR[base] for base in type(error).__mro__ if base in VENDOR), Uncertain)
    if isinstance(error, vendor.HttpResponseError) and status is not None:
        unreadable = status >= 500 or (status < 300 and kind is Defect)  # 204 QueueAlreadyExists is what it says
        kind = STATUSES.get(status) or (Uncertain if unreadable else kind)
    code = getattr(error, "error_code", None)
    text = f"storage: {type(error).__name__} {status or ''} {getattr(code, 'value', code) or ''}".strip()
    if issubclass(kind, Transient):
        return kind(text, retry_after=retry_after(error))
    return kind(text)


def retry_after(error: Exception) -> float | None:
    """The seconds that the service asked for, where it did."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    text = str(headers.get("Retry-After") or "")
    return float(text) if text.isdecimal() and len(text) < 7 else None


def once(call: Callable[[], Answer]) -> Answer:
    """One call of the vendor's client; its errors come as ours."""
    try:
        return call()
    except (vendor.AzureError, *UNREADABLE) as error:
        raise translate(error) from error


def read(call: Callable[[], Answer]) -> Answer:
    """A call that changes nothing (or may well happen twice): repeated while faults pass."""
    tries = 0
    while True:
        try:
            return once(call)
        except Transient as error:
            tries += 1
            if not patient(error, tries):
                raise
            pause(tries)


def patient(error: Transient, tries: int) -> bool:
    """Whether to try again at once, after so many tries."""
    return tries < TRIES and (error.retry_after or 0) <= PATIENCE


def pause(tries: int) -> None:
    """Wait a moment, more or less, so that those who collided do not collide again."""
    time.sleep(PAUSES[min(tries, len(PAUSES)) - 1] * random.uniform(0.5, 1.5))  # noqa: S311 -- no secret
