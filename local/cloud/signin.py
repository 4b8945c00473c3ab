"""The login service's human side: authorize and admin consent, by a page or by an automatic choice."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from jinja2 import Environment, FileSystemLoader

from local.cloud import schema
from local.cloud.apps import Registration
from local.cloud.tenant import Tenant
from local.cloud.wire import Call, Json, Reply

if TYPE_CHECKING:
    from local.cloud.world import World

_PAGES: Final = Environment(loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True)
_CODE_SECONDS: Final = 600.0
_HTML: Final = "text/html; charset=utf-8"
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}


class Refused(Exception):
    """An error that Microsoft shows on its own page, because the request cannot be trusted to redirect."""


@dataclass
class Code:
    """An authorization code given out."""

    tenant: str
    user: str
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str
    challenge: str
    expires: float
    uses: int = 0


@dataclass
class Flow:
    """One sign-in or consent under way."""

    kind: str  # authorize | consent
    segment: str  # the tenant part of the path: organizations, common or a tenant
    app: Registration
    query: dict[str, str]
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def redirect_uri(self) -> str:
        """Where it ends."""
        return self.query["redirect_uri"]


@dataclass
class Choice:
    """Who signs in by itself, and what they decide, instead of a page."""

    tenant: str
    user: str
    decision: str = "accept"  # accept | cancel


def _code_parameters(query: dict[str, str]) -> None:
    if query.get("response_type") != "code":
        raise Refused("AADSTS700054: response_type 'code' is the only one simulated.")
    if not query.get("scope"):
        raise Refused("AADSTS900144: The request must contain the parameter 'scope'.")
    if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
        raise Refused("AADSTS501491: code_challenge_method must be S256.")
    if query.get("response_mode", "query") not in {"query", "form_post"}:
        raise Refused("AADSTS70007: response_mode must be query or form_post.")


class SignIns:
    """Flows under way, codes given out, and the automatic choice."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._flows: dict[str, Flow] = {}
        self._codes: dict[str, Code] = {}
        self.auto: Choice | None = None

    def redeem(self, code: str) -> Code | None:
        """The code with one more use counted, or None if it never existed."""
        held = self._codes.get(code)
        if held is not None:
            held.uses += 1
        return held

    # entry -----------------------------------------------------------------------------------------------
    def authorize(self, call: Call, segment: str) -> Reply:
        """GET /{segment}/oauth2/v2.0/authorize."""
        return self._begin("authorize", call, segment)

    def admin_consent(self, call: Call, segment: str) -> Reply:
        """GET /{segment}/v2.0/adminconsent."""
        return self._begin("consent", call, segment)

    def _begin(self, kind: str, call: Call, segment: str) -> Reply:
        query = dict(call.pairs())
        try:
            flow = Flow(kind, segment, self._checked(kind, segment, query), query)
        except Refused as error:
            return self._page("error.html", 400, message=str(error))
        if self.auto is not None:
            return self._automatic(flow, self.auto)
        key = secrets.token_urlsafe(24)
        self._flows[key] = flow
        return self._accounts(key, flow)

    def _checked(self, kind: str, segment: str, query: dict[str, str]) -> Registration:
        app = self._world.apps.get(query.get("client_id", ""))
        if app is None:
            raise Refused(f"AADSTS700016: Application '{query.get('client_id')}' was not found.")
        if query.get("redirect_uri") not in app.redirect_uris:
            raise Refused(
                f"AADSTS50011: The redirect URI '{query.get('redirect_uri')}' specified in the request does not match "
                f"the redirect URIs configured for the application '{app.client_id}'."
            )
        shared = {"organizations"} if kind == "consent" else {"organizations", "common"}
        if segment not in shared and self._world.tenant(segment) is None:
            raise Refused(f"AADSTS90002: Tenant '{segment}' not found or not allowed at this endpoint.")
        if kind == "authorize":
            _code_parameters(query)
            return app
        resource, _, default = query.get("scope", "").rpartition("/")
        if default != ".default" or urlsplit(resource).hostname not in self._world.hosts:
            raise Refused("AADSTS70011: admin consent to application permissions needs scope {Graph}/.default.")
        return app

    # pages -----------------------------------------------------------------------------------------------
    def candidates(self, flow: Flow) -> list[tuple[Tenant, str]]:
        """Accounts that can sign in here: everybody's at the shared endpoints, else the one tenant's."""
        only = self._world.tenant(flow.segment)
        return [
            (tenant, user)
            for tenant in self._world.tenants.values()
            if not tenant.deleted and (only is None or tenant is only)
            for user in tenant.sign_in
            if user in tenant.people.rows
        ]

    def _accounts(self, key: str, flow: Flow) -> Reply:
        accounts = [
            {
                "value": f"{tenant.id}/{user}",
                "name": tenant.people.get(user).get("displayName", ""),
                "address": tenant.people.get(user)["userPrincipalName"],
                "tenant": tenant.name,
                "role": self._role(tenant, user),
                "hint": flow.query.get("login_hint", "").lower()
                == tenant.people.get(user)["userPrincipalName"].lower(),
            }
            for tenant, user in self.candidates(flow)
        ]
        return self._page("accounts.html", 200, key=key, app=flow.app.name, accounts=accounts)

    @staticmethod
    def _role(tenant: Tenant, user: str) -> str:
        names = [schema.ROLES.get(role, role) for role in tenant.roles.get(user, [])]
        guest = tenant.people.get(user).get("userType") == "Guest"
        return ", ".join(names) or ("Guest" if guest else "No admin role")

    def step(self, call: Call, key: str) -> Reply:
        """POST /_signin/{key}: an account was chosen, or consent was decided."""
        flow = self._flows.get(key)
        if flow is None:
            return self._page("error.html", 400, message="AADSTS165000: This sign-in is over. Start again.")
        form = call.form()
        if form.get("decision") == "cancel":
            del self._flows[key]
            return self._declined(flow)
        tenant_id, _, user = form.get("account", flow.fields.get("account", "")).partition("/")
        tenant = self._world.tenants.get(tenant_id)
        if tenant is None or (tenant, user) not in self.candidates(flow):
            return self._page("error.html", 400, message="AADSTS50020: This account cannot sign in here.")
        if flow.kind == "consent" and form.get("decision") != "accept":
            flow.fields["account"] = f"{tenant_id}/{user}"
            return self._consent_page(key, flow, tenant, user)
        if flow.kind == "consent" and not self._may_consent(tenant, user):
            return self._consent_page(key, flow, tenant, user)
        del self._flows[key]
        return self._finish(flow, tenant, user)

    def _consent_page(self, key: str, flow: Flow, tenant: Tenant, user: str) -> Reply:
        rights = [{"name": role, "what": schema.PERMISSIONS.get(role, role)} for role in flow.app.roles]
        row = tenant.people.get(user)
        return self._page(
            "consent.html",
            200,
            key=key,
            app=flow.app.name,
            client_id=flow.app.client_id,
            rights=rights,
            tenant=tenant.name,
            account=row["userPrincipalName"],
            role=self._role(tenant, user),
            allowed=self._may_consent(tenant, user),
        )

    @staticmethod
    def _page(name: str, status: int, **values: object) -> Reply:
        return Reply(status, _PAGES.get_template(name).render(**values).encode(), _HTML, dict(_HEADERS))

    # outcomes --------------------------------------------------------------------------------------------
    @staticmethod
    def _may_consent(tenant: Tenant, user: str) -> bool:
        return bool(schema.MAY_CONSENT & set(tenant.roles.get(user, [])))

    def _automatic(self, flow: Flow, choice: Choice) -> Reply:
        tenant = self._world.tenant(choice.tenant)
        user = tenant.people.find(choice.user) if tenant else None
        only = self._world.tenant(flow.segment)
        if tenant is None or user is None or (only is not None and only is not tenant):
            return self._page("error.html", 400, message="AADSTS50020: This account cannot sign in here.")
        if choice.decision == "cancel":
            return self._declined(flow)
        if flow.kind == "consent" and not self._may_consent(tenant, user):
            return self._error(flow, "access_denied", "AADSTS90094: The grant requires administrator permission.")
        return self._finish(flow, tenant, user)

    def _finish(self, flow: Flow, tenant: Tenant, user: str) -> Reply:
        query = flow.query
        now = self._world.clock.now()
        if flow.kind == "consent":
            self._world.grants.consent(tenant.id, flow.app.client_id, flow.app.roles, now)
            return self._redirect(
                flow, {"admin_consent": "True", "tenant": tenant.id, "scope": query["scope"], **_state(query)}
            )
        code = "1.A" + secrets.token_urlsafe(300)
        self._codes[code] = Code(
            tenant=tenant.id,
            user=user,
            client_id=flow.app.client_id,
            redirect_uri=flow.redirect_uri,
            scope=query["scope"],
            nonce=query.get("nonce", ""),
            challenge=query.get("code_challenge", ""),
            expires=now + _CODE_SECONDS,
        )
        return self._redirect(flow, {"code": code, **_state(query), "session_state": secrets.token_hex(16)})

    def _declined(self, flow: Flow) -> Reply:
        return self._error(
            flow,
            self._world.behaviour.decline_error if flow.kind == "consent" else "access_denied",
            "AADSTS65004: User declined to consent to access the app.",
        )

    def _error(self, flow: Flow, error: str, description: str) -> Reply:
        first = {"admin_consent": "True"} if flow.kind == "consent" else {}
        return self._redirect(flow, {**first, "error": error, "error_description": description, **_state(flow.query)})

    def _redirect(self, flow: Flow, values: dict[str, str]) -> Reply:
        if flow.query.get("response_mode") == "form_post":
            return self._page("form_post.html", 200, action=flow.redirect_uri, values=values)
        parts = urlsplit(flow.redirect_uri)
        joined = "&".join(part for part in (parts.query, urlencode(values)) if part)
        location = urlunsplit(parts._replace(query=joined))
        return Reply(302, b"", _HTML, {**_HEADERS, "Location": location})

    def set_auto(self, values: Json | None) -> None:
        """Choose who signs in without a page; None brings the pages back. ValueError for nonsense."""
        if values is None or values.get("mode") == "page":
            self.auto = None
            return
        decision = values.get("decision", "accept")
        tenant = self._world.tenant(values["tenant"])
        if tenant is None or tenant.people.find(values["user"]) is None or decision not in {"accept", "cancel"}:
            raise ValueError("no such tenant, user or decision")
        self.auto = Choice(values["tenant"], values["user"], decision)


def _state(query: dict[str, str]) -> dict[str, str]:
    return {"state": query["state"]} if "state" in query else {}
