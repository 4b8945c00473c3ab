"""The shape of every error of API v1 (RFC 9457), as `panel.problems` makes it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from sync.panel.api.parameters import ID


class FieldProblem(BaseModel):
    """A part of a request that is missing or cannot be read; what was sent is not repeated."""

    field: str = Field(examples=["body.scope.chosen"])
    problem: str = Field(examples=["Field required"])


class SettingsProblem(BaseModel):
    """What makes no sense in settings, and where."""

    path: str = Field(examples=["mapping.2.value"])
    message: str = Field(examples=["At character 7: there is no attribute nick."])


class Problem(BaseModel):
    """An error (RFC 9457). `code` is stable; `detail` is for people."""

    type: str = Field(examples=["urn:moxso:directory-sync:no_such_connection"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such connection in this workspace."])
    code: str = Field(examples=["no_such_connection"])
    instance: str = Field(examples=[f"/api/v1/connections/{ID}"])
    fields: list[FieldProblem] | None = Field(None, description="Of `not_understood`: which parts of the request.")
    problems: list[SettingsProblem] | None = Field(None, description="Of `settings_refused`: all that is wrong.")
    number: str | None = Field(None, description="Of `unexpected`: what to look for in the log.", examples=["9f86d081"])
