"""What a customer's script does: calls API v1 of the product over real storage and the simulated cloud.

The queue is the engine's, so a story says when what is delivered: `settle` after whatever was accepted.
"""

from __future__ import annotations

import csv
import functools
import io
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import jwt
from fastapi import FastAPI

from shared import csvtext
from shared.settings import load
from sync.panel import api
from sync.panel.api import openapi
from sync.panel.app import create_app
from sync.usecases.history import ACTIONS
from tests.fakes.engine import ENVIRONMENT, Tenanted
from tests.fakes.time_and_ids import START
from tests.panel.browser import Browser
from tests.panel.world import jwks, platform_key

API = "/api/v1"
ADA = {"sub": "ada", "name": "Ada Admin"}
CHANGES = frozenset(ACTIONS)
Item = dict[str, Any]


@functools.cache
def _routes() -> list[tuple[str, re.Pattern[str], dict[int, set[str]]]]:
    """Of every operation: method, path, and the media types of each answer that the OpenAPI document promises."""
    router = FastAPI(title="API")
    router.include_router(api.router)
    return [
        (
            method.upper(),
            re.compile(re.sub(r"\{\w+\}", "[^/]+", path)),
            {int(status): {*answer.get("content", ())} for status, answer in operation["responses"].items()},
        )
        for path, methods in openapi.document(router)["paths"].items()
        for method, operation in methods.items()
    ]


def _promised(method: str, path: str) -> dict[int, set[str]] | None:
    """Status to media types; None for what is no operation, such as the document itself."""
    return next((told for verb, where, told in _routes() if verb == method and where.fullmatch(path)), None)


class Api(Browser):
    """Calls as the admin Ada of the connection's workspace, unless `claims` say otherwise. A path that does not begin
    with a slash is one of the connection. An answer that the OpenAPI document does not promise fails the test.
    """

    def __init__(self, acme: Tenanted, **claims: Any) -> None:
        self.acme = acme
        self._engine = acme.engine
        self._claims = {**ADA, "workspace": acme.connection.workspace, "role": "admin", **claims}
        known = load({**ENVIRONMENT, "WORKSPACE_JWKS": jwks()})
        super().__init__(create_app(replace(acme.engine.services, settings=known), lambda _: b""))

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A second after the last act, if it is one, with a token of this moment: it lives five minutes."""
        if method != "GET":
            self._engine.clock.advance(1)
        now = int(self._engine.clock.now().timestamp())
        claims = {"iss": ENVIRONMENT["WORKSPACE_ISSUER"], "aud": ENVIRONMENT["WORKSPACE_AUDIENCE"], "exp": now + 300}
        token = jwt.encode({**claims, **self._claims}, platform_key(), algorithm="RS256", headers={"kid": "platform-1"})
        where = path if path.startswith("/") else f"{API}/connections/{self.acme.id}/{path}".rstrip("/")
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        answer: httpx.Response = super().request(method, where, headers=headers, **options)
        promised = _promised(method, where)
        assert promised is None or answer.headers["content-type"].partition(";")[0] in promised.get(
            answer.status_code, ()
        ), f"{method} {where}: {answer.status_code} is not in the OpenAPI document"
        return answer

    def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The answer's JSON. Anything but `status` fails the test, with what the answer says."""
        answer = self.request(method, path, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def refused(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """Status and code of an error, which is problem+json as every error."""
        answer = self.request(method, path, **options)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer.status_code, answer.json()["code"]

    def every(self, path: str, **params: Any) -> list[Item]:
        """A list to its end, the cursor followed page by page."""
        items: list[Item] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.ask("GET", path, params={**params, "cursor": cursor})
            items += page["items"]
            cursor = page["cursor"]
        return items

    def file(self, path: str, **params: Any) -> list[dict[str, str]]:
        """A list as CSV, its cells as they were before they were made safe. No cell may begin a formula."""
        answer = self.request("GET", path, params={**params, "format": "csv"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
        header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""), strict=True)
        assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@|%\t\r")]
        return [dict(zip(header, map(csvtext.plain, row), strict=True)) for row in rows]

    def settle(self) -> None:
        """Whatever waits in the queue is delivered."""
        self._engine.pump()

    def at(self, **since: float) -> None:
        """It is so long (a timedelta's words) after the beginning, and the timer has fired."""
        self._engine.clock.advance(START + timedelta(**since) - self._engine.clock.now())
        self._engine.tick()
        self._engine.pump()

    # --- what scripts do again and again -------------------------------------------------------------------------

    def people(self) -> dict[str, Item]:
        """Everybody by name."""
        return {one["name"]: one for one in self.every("people")}

    def active(self) -> set[str]:
        """The names of those with an active account."""
        return {one["name"] for one in self.every("people", state="active")}

    def settings(self) -> tuple[Item, str]:
        """The settings and their ETag."""
        answer = self.request("GET", "settings")
        return answer.json(), answer.headers["etag"]

    def save(self, etag: str = "", **changes: Any) -> str:
        """Settings are saved, on the present version unless another is given, and applied; the new ETag."""
        answer = self.request("PUT", "settings", json=changes, headers={"If-Match": etag or self.settings()[1]})
        assert answer.status_code == 200, answer.text
        self.settle()
        return answer.headers["etag"]

    def sync(self) -> Item:
        """Both feeds are read now; the newest run that changed accounts."""
        self.ask("POST", "sync", 202)
        self.settle()
        return next(run for run in self.every("runs") if run["counts"].keys() & CHANGES)

    def reconcile(self) -> Item:
        """A full pass; its run."""
        self.ask("POST", "reconcile", 202)
        self.settle()
        return next(run for run in self.every("runs") if run["kind"] == "pass")

    def waiting(self) -> list[Item]:
        """Holds that wait."""
        return [hold for hold in self.every("holds") if hold["state"] == "waiting"]
