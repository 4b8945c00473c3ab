"""What every list has in common."""

from __future__ import annotations

from shared.errors import Defect


class BadCursor(Defect):
    """A page cursor that this port did not make: answer the visitor with 400."""
