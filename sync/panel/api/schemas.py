"""What the shapes of API v1 have in common. Field names are snake_case, times RFC 3339 in UTC; null is not known."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Unknown fields are refused, so that a misspelt one is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    cursor: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")


class Accepted(BaseModel):
    """The work is in a queue."""

    accepted: Literal[True] = True
