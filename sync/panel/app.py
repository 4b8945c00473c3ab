"""The panel and API v1 as one ASGI app. No lifespan: under the Functions worker it would never run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp

from shared.errors import SyncError
from sync.core.text import clean
from sync.panel import api, pages
from sync.panel.access import SignInNeeded
from sync.panel.acting import Waiting
from sync.panel.api import openapi
from sync.panel.problems import Problem, from_error
from sync.panel.rendering import Pages
from sync.panel.shield import Shield, too_large
from sync.panel.workspace_tokens import WorkspaceTokens
from sync.usecases.overview import Overviews
from sync.usecases.services import Services


def create_app(services: Services, fetch_keys: Callable[[str], bytes]) -> ASGIApp:
    """One app over these services. `fetch_keys` reads WORKSPACE_JWKS where that is a URL. Opens nothing yet."""
    app = FastAPI(
        title="Moxso directory sync",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.services = services
    app.state.tokens = _LazyTokens(services, fetch_keys)
    app.state.overviews = Overviews(services)
    app.state.pages = Pages(services)
    app.state.waiting = Waiting(services)
    app.include_router(api.router)
    app.include_router(pages.router)
    app.add_api_route("/api/v1/openapi.json", _openapi, include_in_schema=False)
    handled: tuple[type[Exception], ...] = (Problem, SyncError, SignInNeeded, HTTPException, RequestValidationError)
    for kind in (*handled, Exception):
        app.add_exception_handler(kind, _answer)
    return Shield(app, lambda: services.settings, _answer)


def _answer(request: Request, error: Exception) -> Response:
    """An error as problem+json below /api, as a page elsewhere."""
    for_program = request.url.path.startswith("/api/")
    shown: Pages = request.app.state.pages if "app" in request.scope else Pages(None)
    if isinstance(error, SignInNeeded) and not for_program:
        return shown.sign_in_needed(request)
    match error:
        case SignInNeeded():
            problem = Problem(401, "sign_in_needed", "Send a session cookie or a bearer token.")
        case HTTPException():
            problem = _of_http(request, error)
        case RequestValidationError():
            problem = _of_validation(error)
        case _:
            route = getattr(request.scope.get("route"), "path", "panel")
            problem = from_error(error, str(route))
    response = problem.response(request) if for_program else shown.problem(request, problem)
    response.headers.update(problem.headers)
    return response


def _of_http(request: Request, error: HTTPException) -> Problem:
    match error.status_code:
        case 404:
            return Problem(404, "no_such_address", "There is nothing at this address.")
        case 405:
            allowed = ", ".join(_methods(request))
            return Problem(405, "method_not_allowed", "This address does not take this method.", {"Allow": allowed})
        case 400:
            return Problem(422, "not_understood", "The body cannot be read.", fields=[])
        case 413:
            return too_large()
        case _:
            return Problem(error.status_code, "refused", "The request was refused.")


def _methods(request: Request) -> Iterator[str]:
    """What the address takes: each method is a route of its own, of which Starlette tells the first alone."""
    for method in ("DELETE", "GET", "PATCH", "POST", "PUT"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            yield method


def _of_validation(error: RequestValidationError) -> Problem:
    """Which fields are wrong and how; never what was sent."""
    fields = [
        {"field": clean(".".join(str(part) for part in found["loc"])), "problem": str(found["msg"])}
        for found in error.errors()
    ]
    return Problem(422, "not_understood", "Some fields are missing or cannot be read.", fields=fields)


def _openapi(request: Request) -> dict[str, Any]:
    app: FastAPI = request.app
    if app.openapi_schema is None:
        app.openapi_schema = openapi.document(app)
    return app.openapi_schema


class _LazyTokens:
    """The verifier, made at its first use: making it reads the settings."""

    def __init__(self, services: Services, fetch: Callable[[str], bytes]) -> None:
        self._services = services
        self._fetch = fetch
        self._made: WorkspaceTokens | None = None

    def verify(self, token: str) -> Any:
        if self._made is None:
            self._made = WorkspaceTokens(self._services.settings, self._services.clock, self._fetch)
        return self._made.verify(token)
