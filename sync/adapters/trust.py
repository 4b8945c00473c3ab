"""Whom outbound TLS trusts: one answer for every client."""

from __future__ import annotations

import ssl


def trust(ca_file: str) -> ssl.SSLContext:
    """TLS 1.2 or newer, certificates verified by the public authorities and, if given, one private authority."""
    import certifi  # noqa: PLC0415  -- loaded with the first outbound client

    context = ssl.create_default_context(cafile=certifi.where())
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context
