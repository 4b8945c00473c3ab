"""`SignIn` in memory: whoever the test says signs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from shared.errors import SyncError
from sync.core.health import needs_admin
from sync.core.signing import challenge
from sync.ports import SignedInAdmin


@dataclass
class FakeSignIn:
    """See `sync.ports.SignIn`. `tenant_id` is the tenant of whoever signs in; `error` is raised instead."""

    tenant_id: str
    error: SyncError | None = None
    asked: dict[str, dict[str, str]] = field(default_factory=dict)  # state -> the authorize request

    def consent_url(self, cloud: str, redirect_uri: str, state: str) -> str:
        """Where consent would be given."""
        return f"https://login.example/{cloud}/adminconsent?{urlencode({'redirect_uri': redirect_uri, 'state': state})}"

    def authorize_url(self, cloud: str, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Where one would sign in."""
        query = {"redirect_uri": redirect_uri, "state": state, "nonce": nonce, "code_challenge": challenge}
        self.asked[state] = query
        return f"https://login.example/{cloud}/authorize?{urlencode(query)}"

    def redeem(self, cloud: str, redirect_uri: str, code: str, verifier: str, nonce: str) -> SignedInAdmin:
        """The code is the state it was given for; verifier and nonce must be that request's."""
        del cloud
        if self.error is not None:
            raise self.error
        request = self.asked.pop(code, {})
        expected = (request.get("code_challenge"), request.get("nonce"), request.get("redirect_uri"))
        if expected != (challenge(verifier), nonce, redirect_uri):
            raise needs_admin("sign_in_failed")
        return SignedInAdmin(self.tenant_id, "aaaaaaaa-0000-4000-8000-000000000001", "Ann", "ann@contoso.example")


def query_of(url: str) -> dict[str, str]:
    """The parameters of a URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
