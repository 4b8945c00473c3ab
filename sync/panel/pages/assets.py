"""The panel's own style, script and icon. The address changes with the content, so browsers keep them for good."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from sync.panel.problems import Problem
from sync.panel.rendering import ASSET_TYPES, Pages

router = APIRouter()


@router.get("/assets/{version}/{name}")
def asset(request: Request, version: str, name: str) -> Response:
    """One file."""
    pages: Pages = request.app.state.pages
    if name not in pages.assets:
        raise Problem(404, "no_such_address", "There is nothing at this address.")
    kept = "public, max-age=31536000, immutable" if version == pages.assets_version else "no-store"
    return Response(pages.assets[name], media_type=ASSET_TYPES[name], headers={"Cache-Control": kept})


@router.get("/favicon.ico")
def icon(request: Request) -> Response:
    """What browsers ask for by themselves."""
    pages: Pages = request.app.state.pages
    return Response(pages.assets["icon.svg"], media_type=ASSET_TYPES["icon.svg"])
