"""How an admin arrives from their workspace, and how they leave."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from shared.events import log
from sync.core.connection import workspace_key
from sync.panel.access import FormSenderOfAnyRole, Ours
from sync.panel.problems import Problem
from sync.panel.session import COOKIE, LIFETIME_SECONDS, Session, seal
from sync.panel.workspace_tokens import TokenRefused, WorkspaceToken, WorkspaceTokens
from sync.usecases.services import Services

router = APIRouter()
HOME = "/settings/integrations"


@router.get("/")
def home() -> Response:
    """The panel begins at Integrations."""
    return RedirectResponse(HOME, 303)


@router.post("/session")
def open_session(request: Request, services: Ours, token: Annotated[str, Form(max_length=16_384)] = "") -> Response:
    """Trade a workspace token, once, for a session."""
    tokens: WorkspaceTokens = request.app.state.tokens
    try:
        proven = _use(services, tokens, token)
    except TokenRefused as error:
        log("session.refused", logging.WARNING, reason=error.reason)
        raise Problem(
            401, "token_refused", "This link is used up or too old. Open Integrations again from your workspace."
        ) from error
    settings = services.settings
    ends_at = int(services.clock.now().timestamp()) + LIFETIME_SECONDS
    session = Session(proven.admin, services.ids.hex(32), ends_at)
    log("session.opened", workspace=workspace_key(proven.admin.workspace), role=proven.admin.role)
    response = RedirectResponse(HOME, 303)
    response.set_cookie(
        COOKIE,
        seal(session, settings.signing_keys),
        max_age=LIFETIME_SECONDS,
        path="/",
        secure=settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return response


@router.post("/session/end")
def end_session(request: Request, session: FormSenderOfAnyRole) -> Response:  # noqa: ARG001  -- a form of theirs
    """Forget the session in this browser."""
    response: Response = request.app.state.pages.page(
        "message.html", None, title="You are signed out", text="Come back from your Moxso workspace.", code="", back=""
    )
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response


def _use(services: Services, tokens: WorkspaceTokens, token: str) -> WorkspaceToken:
    """A verified token, used up by this call."""
    proven = tokens.verify(token)
    if not proven.token_id:
        raise TokenRefused("jti")
    if not services.once.put("session", proven.token_id, {}, proven.expires_at):
        raise TokenRefused("used")
    return proven
