"""Templates to responses. Everything is escaped; names are isolated with <bdi> so that they cannot turn the page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from sync.core.person import name_of
from sync.panel import words
from sync.panel.problems import Problem
from sync.panel.session import Session, form_token
from sync.usecases.services import Services

_HERE = Path(__file__).parent
ASSET_TYPES: Mapping[str, str] = {
    "panel.css": "text/css; charset=utf-8",
    "panel.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class Pages:
    """Renders pages. Without services (nothing could be read) only what needs none."""

    def __init__(self, services: Services | None) -> None:
        self._services = services
        self.assets = {name: (_HERE / "assets" / name).read_bytes() for name in ASSET_TYPES}
        self.assets_version = hashlib.sha256(b"".join(self.assets.values())).hexdigest()[:12]
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(words=words, assets=f"/assets/{self.assets_version}", name_of=name_of)
        self._templates.filters.update(
            number=words.number, duration=words.duration, relative=self._relative, absolute=words.absolute
        )

    def page(self, template: str, session: Session | None, status: int = 200, **values: Any) -> HTMLResponse:
        """A page or a fragment of one, for a visitor."""
        token = ""
        if session is not None and self._services is not None:
            token = form_token(session, self._services.settings.signing_keys)
        text = self._templates.get_template(template).render(session=session, form_token=token, **values)
        return HTMLResponse(text, status)

    def sign_in_needed(self, request: Request) -> HTMLResponse:
        """There is no session: it comes from the workspace, not from here."""
        return self._message(
            request,
            401,
            "Open this page from your workspace",
            "Your session has ended, or you have not come from Moxso. Open Settings › Integrations in your Moxso "
            "workspace to come back here, signed in.",
        )

    def problem(self, request: Request, problem: Problem) -> HTMLResponse:
        """An error as a page."""
        title = "You may look, but not change" if problem.code == "viewer" else problem.title
        if request.url.path.startswith("/connect/"):
            title = "Not connected"
        elif problem.status == 409:
            title = "That did not work"
        return self._message(request, problem.status, title, problem.detail, code=problem.code)

    def _message(self, request: Request, status: int, title: str, text: str, code: str = "") -> HTMLResponse:
        back = "/settings/integrations" if status != 401 else ""
        if request.headers.get("x-fragment"):
            return HTMLResponse("", status)
        return self.page("message.html", None, status, title=title, text=text, code=code, back=back)

    def _relative(self, text: str) -> str:
        assert self._services is not None
        return words.relative(text, self._services.clock.now())
