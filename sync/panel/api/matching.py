"""API v1: who is matched with which account, by what, and what two want."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from sync.core.model import MatchedBy
from sync.panel import paging
from sync.panel.access import Caller, Ours, find_connection
from sync.panel.api import schemas
from sync.panel.api.parameters import ConnectionId, Cursor, Limit
from sync.usecases import match_report
from sync.usecases.match_plan import Line

router = APIRouter(tags=["matching"])


class OtherSide(BaseModel):
    """Whose it is."""

    id: str = Field(description="An object id of the directory, or the id of an account made by hand.")
    name: str | None


class Match(BaseModel):
    """One person."""

    object_id: str
    name: str
    address: str | None
    account_id: str | None
    matched_by: MatchedBy
    conflict_with: OtherSide | None = Field(
        description="Whose the address, account or employee id is; with an account id above: what matched as well."
    )
    explanation: str


class MatchReport(schemas.Page[Match]):
    """Who is matched with what."""

    told_by: Literal["plan", "accounts"] = Field(description="`plan` before Start: what starting would do.")
    counts: dict[str, int] | None = Field(
        description="Of everybody, by `address`, `alias`, `employee_id`, `rehired` and `conflict`; null on later pages."
    )


_BY = {
    "address": "The account has this person's address.",
    "alias": "The account has one of this person's aliases as its address.",
    "employee_id": "The account has this person's employee id.",
    "rehired": "The account of somebody who is gone, and had this person's address.",
    "": "Not matched.",
}


@router.get("/connections/{connection_id}/match-report", response_model=MatchReport)
def read_match_report(
    services: Ours,
    admin: Caller,
    connection_id: ConnectionId,
    conflicts: Annotated[bool, Query(description="Only people who do not get what they match.")] = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> MatchReport:
    """Who is matched with which account that was there before, by what; and conflicts with both sides' names."""
    view = find_connection(services, admin, connection_id)
    keys, where = services.settings.signing_keys, (connection_id, "match-report", str(conflicts))
    place = paging.unwrap(cursor, keys, *where)
    found = match_report.read(services, view, place, limit, conflicts=conflicts)
    return MatchReport(
        items=[_shape(line) for line in found.lines],
        cursor=paging.wrap(found.cursor, keys, *where),
        told_by="plan" if found.planned else "accounts",
        counts=None if found.counts is None else dict(found.counts),
    )


def _shape(line: Line) -> Match:
    if line.conflict and not line.account_id:
        explanation = "What would be this person's belongs to another; it is settled when one of the two changes."
    elif line.conflict:
        explanation = f"{_BY[line.by]} Another one is in question too."
    else:
        explanation = _BY[line.by]
    return Match(
        object_id=line.object_id,
        name=line.name,
        address=line.address or None,
        account_id=line.account_id or None,
        matched_by=line.by,
        conflict_with=OtherSide(id=line.other, name=line.other_name or None) if line.other else None,
        explanation=explanation,
    )
