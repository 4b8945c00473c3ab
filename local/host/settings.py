"""What `host.json` says, with the defaults of Azure Functions where it says nothing.

Defaults: https://learn.microsoft.com/azure/azure-functions/functions-host-json (version 4, dynamic plans).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEVELS = {
    "trace": "DEBUG",
    "debug": "DEBUG",
    "information": "INFO",
    "warning": "WARNING",
    "error": "ERROR",
    "critical": "CRITICAL",
    "none": "CRITICAL",
}
_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)")


class HostError(Exception):
    """The host cannot run this app here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """How queue triggers read; seconds where it is a time."""

    max_polling_interval: float = 60
    visibility_timeout: float = 0
    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    message_encoding: str = "base64"


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How HTTP triggers are reached. Beyond `max_outstanding` requests the answer is 429; -1 is no limit."""

    route_prefix: str = "api"
    max_concurrent: int = 100
    max_outstanding: int = 200


@dataclass(frozen=True, slots=True)
class HostSettings:
    """All that this host reads of host.json. `function_timeout` is in seconds, None for no limit."""

    function_timeout: float | None = 1800
    log_level: str = "INFO"
    queues: QueueSettings = QueueSettings()
    http: HttpSettings = HttpSettings()


def read_settings(file: Path) -> HostSettings:
    """Read host.json. Raises HostError when it is missing, not JSON, or says something out of range."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HostError(f"{file} is missing: a function app needs a host.json") from None
    except ValueError as error:
        raise HostError(f"{file} is not JSON: {error}") from None
    try:
        return _settings(document)
    except (TypeError, ValueError, AttributeError) as error:
        raise HostError(f"{file}: {error}") from None


def timespan(text: str) -> float:
    """Seconds of a .NET time span such as 00:00:00.100 or 1.02:00:00."""
    found = _TIMESPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a time span (hh:mm:ss)")
    days, hours, minutes, seconds = found.groups()
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _settings(document: Mapping[str, Any]) -> HostSettings:
    if document.get("version") != "2.0":
        raise ValueError('"version" must be "2.0"')
    extensions = document.get("extensions", {})
    level = document.get("logging", {}).get("logLevel", {}).get("default", "Information")
    timeout = document.get("functionTimeout", "00:30:00")
    return HostSettings(
        function_timeout=None if timeout == "-1" else timespan(timeout),
        log_level=LEVELS.get(level.lower(), "INFO"),
        queues=_queues(extensions.get("queues", {})),
        http=_http(extensions.get("http", {})),
    )


def _queues(given: Mapping[str, Any]) -> QueueSettings:
    batch_size = _between("batchSize", given.get("batchSize", 16), 1, 32)
    encoding = str(given.get("messageEncoding", "base64")).lower()
    if encoding not in {"base64", "none"}:
        raise ValueError("messageEncoding must be base64 or none")
    polling = timespan(given.get("maxPollingInterval", "00:01:00"))
    if polling < 0.1:
        raise ValueError("maxPollingInterval must be at least 00:00:00.100")
    return QueueSettings(
        max_polling_interval=polling,
        visibility_timeout=timespan(given.get("visibilityTimeout", "00:00:00")),
        batch_size=batch_size,
        new_batch_threshold=_between("newBatchThreshold", given.get("newBatchThreshold", batch_size // 2), 0, 10_000),
        max_dequeue_count=_between("maxDequeueCount", given.get("maxDequeueCount", 5), 1, 10_000),
        message_encoding=encoding,
    )


def _http(given: Mapping[str, Any]) -> HttpSettings:
    return HttpSettings(
        route_prefix=str(given.get("routePrefix", "api")).strip("/"),
        max_concurrent=_between("maxConcurrentRequests", given.get("maxConcurrentRequests", 100), -1, 100_000),
        max_outstanding=_between("maxOutstandingRequests", given.get("maxOutstandingRequests", 200), -1, 100_000),
    )


def _between(name: str, value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}")
    return value
