"""The parameters of API v1 that several calls have, as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Header, Path, Query
from pydantic import AwareDatetime, BeforeValidator

from sync.core.model import AccountState, Action, Reason
from sync.core.runs import Cause

ID = "0c6a1f9be2d47f3a9c11d0a2b3c4d5e6"
OBJECT_ID = "6e7b768e-07e2-4810-8459-485f84f8f204"
TIME = "2026-03-02T09:14:05.120Z"
RUN = "9982275615999994e074085"

ConnectionId = Annotated[str, Path(description="A connection's `id`.", examples=[ID])]
PersonId = Annotated[str, Path(description="The person's object id in Entra.", examples=[OBJECT_ID])]
GroupId = Annotated[str, Path(description="The group's object id in Entra.", examples=[OBJECT_ID])]
RunInPath = Annotated[str, Path(description="A run's `id`.", examples=[RUN])]
HoldId = Annotated[str, Path(description="A hold's `id`.", examples=["5f0c6b1d2e3a4b5c"])]
MailId = Annotated[str, Path(description="A mail's `id`: object id and generation.", examples=[f"{OBJECT_ID}.1"])]

Cursor = Annotated[str, Query(max_length=2048, description="From the last page; empty for the first.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Items a page.")]
Format = Annotated[
    Literal["json", "csv"],
    Query(description="`csv`: the whole list, every cell quoted, and none that a spreadsheet would calculate."),
]
Search = Annotated[str, Query(max_length=200, description="Part of a name, address or department; case is ignored.")]
OfState = Annotated[AccountState | None, Query(description="Only people whose account is so.")]
OfReason = Annotated[Reason | None, Query(description="Only people of whom this reason is told.")]
OfAudience = Annotated[bool | None, Query(description="Only who receives phishing simulations, or only who does not.")]

_Id = Query(max_length=64, pattern=r"^[0-9A-Za-z-]*$")
OfPerson = Annotated[str, _Id, Query(description="Only what was done to this person's account: an object id.")]
OfGroup = Annotated[str, _Id, Query(description="Only joining and leaving of this group: an object id.")]
OfCause = Annotated[Cause | None, Query(description="Only what came of runs with this cause.")]
OfAction = Annotated[Action | None, Query(description="Only this kind of change.")]


def _dated(text: object) -> object:
    """As it is; a bare number would be taken for seconds since 1970. Raises ValueError."""
    if isinstance(text, str) and "-" not in text[1:]:
        raise ValueError("not a date and time")
    return text


Moment = Annotated[AwareDatetime, BeforeValidator(_dated)]

IfSeen = Annotated[
    str | None,
    Header(description="The hold's `etag` that was read. With another 412, and nothing is decided."),
]
IfMatch = Annotated[
    str | None, Header(description="The ETag that was read. Without it 428, with another 412.", examples=['"3"'])
]
