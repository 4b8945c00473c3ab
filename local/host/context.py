"""The object that a function gets as its `context` parameter."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The W3C trace headers of the request that caused a call; empty for other triggers."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetryContext:
    """Retry policies are not served here, so nothing is ever a retry of the host's."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: None = None


class CallContext(func.Context):
    """What the worker tells a function about the call it is in."""

    def __init__(self, function: str, directory: str, invocation: str, headers: Mapping[str, str]) -> None:
        self._function = function
        self._directory = directory
        self._invocation = invocation
        self._trace = TraceContext(headers.get("traceparent", ""), headers.get("tracestate", ""))
        self._local = threading.local()

    @property
    def invocation_id(self) -> str:
        """A GUID, new for each call."""
        return self._invocation

    @property
    def thread_local_storage(self) -> Any:
        """Where the worker lets own threads say to which call they belong."""
        return self._local

    @property
    def function_name(self) -> str:
        """The function's name."""
        return self._function

    @property
    def function_directory(self) -> str:
        """The app's folder."""
        return self._directory

    @property
    def trace_context(self) -> Any:
        """The request's trace headers."""
        return self._trace

    @property
    def retry_context(self) -> Any:
        """Always a first attempt."""
        return RetryContext()
