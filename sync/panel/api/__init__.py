"""API v1, under /api/v1."""

from fastapi import APIRouter, Depends

from sync.panel.api import (
    acts,
    bodies,
    certificates,
    connections,
    directory,
    explain,
    history,
    matching,
    problem_schemas,
    settings,
    suggestions,
)

# The Problem here puts its shape into the OpenAPI document, which tells each operation's errors (`openapi`).
router = APIRouter(
    prefix="/api/v1",
    responses={422: {"model": problem_schemas.Problem}},
    dependencies=[Depends(bodies.unambiguous)],
)
for part in (connections, settings, directory, explain, certificates, history, matching, acts, suggestions):
    router.include_router(part.router)
