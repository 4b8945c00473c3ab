"""The panel's pages. None of them is in the API's OpenAPI document."""

from fastapi import APIRouter

from sync.panel.pages import arrival, assets, callbacks, connection, integrations, lists

router = APIRouter(include_in_schema=False)
for part in (arrival, assets, callbacks, connection, integrations, lists):
    router.include_router(part.router)
