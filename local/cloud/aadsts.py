"""Refusals of the login service: AADSTS codes in the documented error body."""

import uuid
from typing import Final

from local.cloud.clock import iso
from local.cloud.wire import Json

SHARED: Final = frozenset({"common", "organizations", "consumers"})  # endpoints of no tenant in particular


class LoginError(Exception):
    """The token endpoint refuses, with an AADSTS code."""

    def __init__(self, code: int, error: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.error = error
        self.message = message
        self.status = status

    def body(self, now: float) -> Json:
        """The documented error body."""
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = iso(now).replace("T", " ")
        return {
            "error": self.error,
            "error_description": (
                f"AADSTS{self.code}: {self.message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
            ),
            "error_codes": [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }


def no_tenant(tenant: str) -> LoginError:
    """AADSTS90002."""
    return LoginError(
        90002,
        "invalid_request",
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud.",
    )
