"""Who is asking, and whether they may: dependencies of every page and every call.

A page's visitor has the session cookie. A caller of the API has the cookie or `Authorization: Bearer <token>`, the
token that /session takes too; there it is checked but not used up, so a program may use it for as long as it lives.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Query, Request

from shared.errors import Transient
from sync.core.connection import Connection, ConnectionView
from sync.core.delta import guid
from sync.panel.problems import Problem
from sync.panel.session import COOKIE, Admin, Session, form_token_holds, unseal
from sync.panel.workspace_tokens import TokenRefused, WorkspaceTokens
from sync.usecases.services import Services

RunId = Annotated[str, Query(max_length=64, pattern=r"^([0-9a-z][0-9a-z-]*)?$")]  # what a key may be made of
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class SignInNeeded(Exception):
    """A page was asked for without a session."""


def the_services(request: Request) -> Services:
    """The services this app was made with."""
    found: Services = request.app.state.services
    return found


Ours = Annotated[Services, Depends(the_services)]


def session_of(request: Request, services: Ours) -> Session | None:
    """The visitor's session, if the cookie holds one."""
    return unseal(request.cookies.get(COOKIE, ""), services.settings.signing_keys, services.clock.now())


def visitor(session: Annotated[Session | None, Depends(session_of)]) -> Session:
    """The session of a page's visitor. Raises SignInNeeded."""
    if session is None:
        raise SignInNeeded
    return session


Visitor = Annotated[Session, Depends(visitor)]


async def form_sender_of_any_role(request: Request, session: Visitor, services: Ours) -> Session:
    """The session behind a form that was sent from one of our own pages."""
    refuse_other_sites(request, services)
    form = await request.form()
    token = form.get("form_token", "")
    if not isinstance(token, str) or not form_token_holds(token, session, services.settings.signing_keys):
        raise Problem(403, "form_expired", "This form is no longer good. Go back, reload the page and try again.")
    return session


FormSenderOfAnyRole = Annotated[Session, Depends(form_sender_of_any_role)]


def form_sender(session: FormSenderOfAnyRole) -> Session:
    """Likewise, an admin's. Raises Problem 403 for a viewer."""
    writer(session.admin)
    return session


FormSender = Annotated[Session, Depends(form_sender)]


def caller(request: Request, services: Ours, session: Annotated[Session | None, Depends(session_of)]) -> Admin:
    """Who calls the API. Raises Problem 401, or 403 for a write from another site's page."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        tokens: WorkspaceTokens = request.app.state.tokens
        try:
            return tokens.verify(token.strip()).admin
        except TokenRefused as error:
            raise Problem(401, "token_refused", "The bearer token was refused.") from error
        except Transient as error:
            raise Problem(503, "keys_unavailable", "The platform's keys are out of reach just now.") from error
    if session is None:
        raise Problem(401, "sign_in_needed", "Send a session cookie or a bearer token.")
    if request.method not in _SAFE:
        refuse_other_sites(request, services)
    return session.admin


Caller = Annotated[Admin, Depends(caller)]


def writer(admin: Caller) -> Admin:
    """A caller who may change things. Raises Problem 403 for a viewer."""
    if admin.role != "admin":
        raise Problem(403, "viewer", "Viewers may look at everything and change nothing.")
    return admin


Writer = Annotated[Admin, Depends(writer)]


def find_connection(services: Services, admin: Admin, connection_id: str) -> ConnectionView:
    """A connection of the admin's own workspace; any other does not exist for them. Raises Problem 404."""
    found = None
    if len(connection_id) == 32 and all(character in "0123456789abcdef" for character in connection_id):
        found = services.connections.load(connection_id, workspace=admin.workspace)
    if found is None:
        raise Problem(404, "no_such_connection", "There is no such connection in this workspace.")
    return found


def person_id(connection: Connection, text: str) -> str:
    """The object id that an address names, in its one form. Raises Problem 404 for what cannot be one, and where no
    tenant is bound.
    """
    known = guid(text) if connection.scope else None
    if known is None:
        raise no_such_person()
    return known


def no_such_person() -> Problem:
    """Nobody has the object id."""
    return Problem(404, "no_such_person", "The directory of this connection has no such person.")


def refuse_other_sites(request: Request, services: Services) -> None:
    """Raises Problem 403 when a browser says that another site's page sent this.

    Every browser of today sends Sec-Fetch-Site to https and to localhost; older ones send Origin with a POST.
    Programs send neither, and have no cookie that somebody else could borrow.
    """
    fetch_site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if fetch_site is not None:
        foreign = fetch_site not in {"same-origin", "none"}
    elif origin is not None:
        ours, theirs = urlsplit(services.settings.public_url), urlsplit(origin)
        foreign = (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc)
    else:
        foreign = False
    if foreign:
        raise Problem(403, "other_site", "This request came from another site's page.")
