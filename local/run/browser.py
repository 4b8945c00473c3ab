"""The workspace's admin as a program: cookies and redirects like a browser, and the JSON API."""

import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import httpx

from local.run.workspace import Workspace

MOST_REDIRECTS = 15


class AdminError(Exception):
    """The product answered what an admin should not see; the message is the answer."""


class Admin:
    """Signed in to the panel with its cookie; trusts the simulated cloud's certificate."""

    def __init__(self, workspace: Workspace, panel_url: str, ca_pem: str) -> None:
        self._workspace = workspace
        self._panel = panel_url
        trust = ssl.create_default_context(cadata=ca_pem)
        self._http = httpx.Client(verify=trust, timeout=60, trust_env=False)
        self._cookies: dict[str, str] = {}

    def sign_in(self) -> None:
        """Trade a fresh token for the session cookie, as the link does."""
        self.visit("POST", f"{self._panel}/session", data={"token": self._workspace.token()})

    def visit(self, method: str, url: str, **content: Any) -> httpx.Response:
        """Open a page and go where it sends us. Raises AdminError for an error page or a redirect without end."""
        for _ in range(MOST_REDIRECTS):
            answer = self._send(method, url, **content)
            if not answer.has_redirect_location:
                break
            method, url, content = "GET", urljoin(str(answer.url), answer.headers["location"]), {}
        if not answer.is_success:
            raise AdminError(f"{answer.request.method} {answer.url.copy_with(query=None)}: {_said(answer)}")
        return answer

    def call(self, method: str, path: str, body: object = None, **parameters: Any) -> Any:
        """One call of API v1; `path` begins after it. Raises AdminError unless it succeeds."""
        answer = self._send(method, f"{self._panel}/api/v1{path}", json=body, params=parameters)
        if not answer.is_success:
            raise AdminError(f"{method} {path}: {_said(answer)}")
        return answer.json()

    def look(self, path: str) -> dict[str, Any] | None:
        """One thing of API v1, or None where there is no such thing."""
        answer = self._send("GET", f"{self._panel}/api/v1{path}")
        if answer.status_code == 404:
            return None
        if not answer.is_success:
            raise AdminError(f"GET {path}: {_said(answer)}")
        found: dict[str, Any] = answer.json()
        return found

    def every(self, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor = ""
        while True:
            page = self.call("GET", path, cursor=cursor, limit=200)
            yield from page["items"]
            cursor = page["cursor"] or ""
            if not cursor:
                return

    def _send(self, method: str, url: str, **content: Any) -> httpx.Response:
        """One request, with the panel's cookies for the panel alone."""
        ours = url.startswith(f"{self._panel}/")
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies} if ours and cookies else {}
        answer = self._http.request(method, url, headers=headers, **content)
        # By hand: Python's jar refuses the empty `domain=` that the Functions host writes and browsers pass over.
        self._http.cookies.clear()
        for line in answer.headers.get_list("set-cookie") if ours else ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name.strip()] = value.strip()
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()


def _said(answer: httpx.Response) -> str:
    return f"{answer.status_code} {' '.join(answer.text.split())[:600]}"
