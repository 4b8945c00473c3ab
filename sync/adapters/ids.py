"""Identifiers from the operating system's randomness."""

from __future__ import annotations

import secrets


class RandomIds:
    """Unforeseeable; safe as secrets."""

    def hex(self, characters: int) -> str:
        """Random lower-case hex characters."""
        return secrets.token_hex((characters + 1) // 2)[:characters]
