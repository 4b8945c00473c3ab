"""Microsoft's sign-in pages as addresses, with a sign-in that always succeeds."""

from __future__ import annotations

from urllib.parse import urlencode

from sync.ports import SignedInAdmin

LOGIN = "https://login.microsoftonline.com/organizations"


class FakeSignIn:
    """See `sync.ports.SignIn`. `tenant` is where the admin signs in; `asked` keeps what the product sent."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.asked: list[tuple[str, ...]] = []

    def consent_url(self, cloud: str, redirect_uri: str, state: str) -> str:
        """Where the admin grants the rights."""
        self.asked.append(("consent", cloud))
        return f"{LOGIN}/v2.0/adminconsent?{urlencode({'redirect_uri': redirect_uri, 'state': state})}"

    def authorize_url(self, cloud: str, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Where the admin proves who they are."""
        self.asked.append(("authorize", cloud, nonce, challenge))
        return f"{LOGIN}/oauth2/v2.0/authorize?{urlencode({'redirect_uri': redirect_uri, 'state': state})}"

    def redeem(self, cloud: str, redirect_uri: str, code: str, verifier: str, nonce: str) -> SignedInAdmin:
        """An admin of the tenant."""
        self.asked.append(("redeem", cloud, redirect_uri, code, verifier, nonce))
        return SignedInAdmin(self.tenant, "00000000-0000-4000-8000-00000000aaaa", "Ada Admin", "ada@contoso.example")
