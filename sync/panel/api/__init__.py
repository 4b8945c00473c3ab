"""API v1, under /api/v1."""

from fastapi import APIRouter

from sync.panel.api import acts, connections, directory, explain, history, matching, schemas, settings, suggestions
from sync.panel.problems import PROBLEM_JSON

_PROBLEM = {"model": schemas.Problem, "content": {PROBLEM_JSON: {}}}
router = APIRouter(
    prefix="/api/v1",
    responses={
        status: {**_PROBLEM, "description": description}
        for status, description in {
            401: "Not signed in",
            403: "A viewer, or another site's page",
            404: "Not in this workspace",
            409: "Not possible in this state",
            422: "Not understood",
            503: "Something is out of reach; try again",
        }.items()
    },
)
for part in (connections, settings, directory, explain, history, matching, acts, suggestions):
    router.include_router(part.router)
