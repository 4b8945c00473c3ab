"""A plain client of the simulated cloud: httpx over TLS, an app-only token, and delta rounds."""

import ssl
from typing import Any

import httpx

from local.cloud.apps import DEFAULT_APP, DEFAULT_SECRET
from local.cloud.server import Cloud

Json = dict[str, Any]


def https(cloud: Cloud) -> httpx.Client:
    """A client that trusts the cloud's authority and follows nothing."""
    trust = ssl.create_default_context(cadata=cloud.ca_pem.decode())
    return httpx.Client(base_url=cloud.base_url, verify=trust, timeout=20, trust_env=False)


class Graph:
    """Graph as one application in one tenant."""

    def __init__(self, cloud: Cloud, http: httpx.Client, tenant: str) -> None:
        self.cloud = cloud
        self.http = http
        self.tenant = tenant
        self._token = ""

    def token_answer(self, tenant: str | None = None, **changes: str | None) -> httpx.Response:
        """The token endpoint's answer to client credentials, with fields changed or (None) left out."""
        form = {
            "grant_type": "client_credentials",
            "client_id": DEFAULT_APP,
            "client_secret": DEFAULT_SECRET,
            "scope": f"{self.cloud.base_url}/.default",
            **changes,
        }
        sent = {key: value for key, value in form.items() if value is not None}
        return self.http.post(f"/{tenant or self.tenant}/oauth2/v2.0/token", data=sent)

    def fresh_token(self) -> str:
        """Throw the token away and get another."""
        self._token = str(self.token_answer().json()["access_token"])
        return self._token

    def send(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Any request with the bearer; `url` is absolute or below /v1.0."""
        headers = {"Authorization": f"Bearer {self._token or self.fresh_token()}", **options.pop("headers", {})}
        full = url if url.startswith("https://") else f"/v1.0{url}"
        return self.http.request(method, full, headers=headers, **options)

    def get(self, url: str, **options: Any) -> httpx.Response:
        """GET with the bearer."""
        return self.send("GET", url, **options)

    def ok(self, url: str, **options: Any) -> Json:
        """GET that must answer 200."""
        answer = self.get(url, **options)
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    def pages(self, url: str, **options: Any) -> list[Json]:
        """All pages of a list or delta round."""
        found = [self.ok(url, **options)]
        while "@odata.nextLink" in found[-1]:
            found.append(self.ok(found[-1]["@odata.nextLink"], **options))
            assert len(found) < 2000
        return found

    def round(self, url: str, **options: Any) -> tuple[list[Json], str]:
        """The items of a whole delta round, and its deltaLink."""
        found = self.pages(url, **options)
        return [item for page in found for item in page["value"]], str(found[-1]["@odata.deltaLink"])
