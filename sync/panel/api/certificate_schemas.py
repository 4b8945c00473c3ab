"""The shapes of API v1 of certificates of completeness."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from sync.core.runs import Cause
from sync.panel.api.parameters import OBJECT_ID


class CertificateCounts(BaseModel):
    """`listed` = `eligible` + `guests` + `out_of_scope` + `disabled`; `active` = `eligible` - `missing` + `extra`."""

    listed: int = Field(description="People Entra has.")
    guests: int
    out_of_scope: int
    disabled: int
    eligible: int = Field(description="People who should have an active account.")
    missing: int = Field(description="Of those, people who have none.")
    extra: int = Field(description="Active accounts of people who should have none.")
    active: int = Field(description="Active accounts Moxso has.")


class CertificateHead(BaseModel):
    """A certificate without its differences."""

    v: int = Field(description="Version of the certificate's shape.")
    connection: str
    tenant_id: str
    tenant_name: str
    run: str
    cause: Cause
    started_at: str
    finished_at: str
    settings_versions: list[int] = Field(description="Versions of the settings that were applied; one as a rule.")
    not_read: list[str] = Field(description="Feeds that could not be read; nothing was concluded from them.")
    counts: CertificateCounts
    sha256: str = Field(description="Digest of the canonical JSON (docs/certificate.md) of the whole but this field.")


class DifferenceShape(BaseModel):
    """A person who should have an active account and has none (`missing`), or the reverse (`extra`)."""

    object_id: str = Field(examples=[OBJECT_ID])
    name: str
    side: Literal["missing", "extra"]
    reason: str = Field(description="`held`, `blocked`, `kept`, `undone`, or a reason as people have it.")


class CertificateShape(CertificateHead):
    """The completeness of one full pass."""

    differences: list[DifferenceShape]
