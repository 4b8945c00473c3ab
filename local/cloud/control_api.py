"""The control API under /_control: edit, script and observe the simulated cloud. Not part of Microsoft."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.cloud import edits, seed
from local.cloud.apps import DEFAULT_APP, Registration
from local.cloud.tenant import Tenant
from local.cloud.wire import Json
from local.cloud.world import World

Work = Callable[[Request, Json], Any]
_PEOPLE: Final = (("start", "0"), ("count", "1000"))


class ControlApi:
    """Handlers over one world. Every answer is JSON; a mistake in the call is 400 with `error`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """All routes of the control API."""
        table: list[tuple[str, str, Work]] = [
            ("GET", "/state", self._state),
            ("POST", "/tenants", self._create_tenant),
            ("DELETE", "/tenants/{tenant}", self._delete_tenant),
            ("POST", "/tenants/{tenant}/edits", self._edits),
            ("GET", "/tenants/{tenant}/truth", self._truth),
            ("GET", "/tenants/{tenant}/people", self._people),
            ("POST", "/tenants/{tenant}/void", self._void),
            ("POST", "/tenants/{tenant}/consent", self._consent),
            ("POST", "/tenants/{tenant}/revoke", self._revoke),
            ("PUT", "/tenants/{tenant}/roles", self._roles),
            ("PUT", "/sign-in", self._sign_in),
            ("PUT", "/apps/{client_id}", self._app),
            ("POST", "/clock", self._clock),
            ("PATCH", "/behaviour", self._behaviour),
            ("GET", "/faults", self._faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("DELETE", "/faults/{fault:int}", self._clear_faults),
            ("GET", "/requests", self._requests),
            ("DELETE", "/requests", self._clear_requests),
            ("GET", "/violations", self._violations),
            ("DELETE", "/violations", self._clear_violations),
            ("GET", "/subscriptions", self._subscriptions),
            ("DELETE", "/subscriptions/{id}", self._drop_subscription),
            ("POST", "/subscriptions/{id}/lifecycle", self._lifecycle),
            ("GET", "/notifications", self._notifications),
            ("POST", "/keys/rotate", self._rotate),
            ("GET", "/life", self._life),
            ("POST", "/life", self._log_life),
        ]
        return [Route(f"/_control{path}", _endpoint(work), methods=[method]) for method, path, work in table]

    def _tenant(self, request: Request) -> Tenant:
        tenant = self._world.tenants.get(request.path_params["tenant"])
        if tenant is None:
            raise KeyError(request.path_params["tenant"])
        return tenant

    # tenants ---------------------------------------------------------------------------------------------
    def _state(self, request: Request, body: Json) -> Json:  # noqa: ARG002 one shape for all handlers
        return self._world.overview()

    def _create_tenant(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        tenant = seed.plant(
            self._world,
            str(body.get("seed", "empty")),
            name=body.get("name"),
            domains=body.get("domains"),
            tenant_id=body.get("id", ""),
        )
        return {"id": tenant.id, "name": tenant.name, "domains": tenant.domains, "sign_in": tenant.sign_in}

    def _delete_tenant(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        self._tenant(request).deleted = True
        return {}

    def _edits(self, request: Request, body: Json) -> Json:
        return {"results": edits.apply(self._tenant(request), body["edits"])}

    def _truth(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        return edits.truth(self._tenant(request), with_groups=request.query_params.get("groups") != "no")

    def _people(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        start, count = (int(request.query_params.get(name, fallback)) for name, fallback in _PEOPLE)
        return edits.some_people(self._tenant(request), start, count)

    def _void(self, request: Request, body: Json) -> Json:
        if body["reason"] not in {"reset", "expired"}:
            raise ValueError("reason is reset or expired")
        feeds = [body["feed"]] if "feed" in body else ["users", "groups"]
        for feed in feeds:
            self._tenant(request).logs[feed].void(body["reason"])
        return {}

    # grants ----------------------------------------------------------------------------------------------
    def _consent(self, request: Request, body: Json) -> Json:
        client_id = body.get("client_id", DEFAULT_APP)
        roles = body.get("roles", self._world.apps[client_id].roles)
        grant = self._world.grants.consent(self._tenant(request).id, client_id, roles, self._world.clock.now())
        grant.enabled = True
        return grant.as_json()

    def _revoke(self, request: Request, body: Json) -> Json:
        tenant, client_id = self._tenant(request).id, body.get("client_id", DEFAULT_APP)
        mode = body.get("mode", "deleted")
        self._world.grants.revoke(tenant, client_id, mode)
        self._world.subscriptions.revoked(tenant, client_id, mode)
        return {}

    def _roles(self, request: Request, body: Json) -> Json:
        grant = self._world.grants.get(self._tenant(request).id, body.get("client_id", DEFAULT_APP))
        if grant is None:
            raise KeyError("no grant")
        grant.roles = list(body["roles"])
        grant.roles_at = self._world.clock.now() if body.get("propagate") else grant.roles_at
        return grant.as_json()

    # sign-in, apps, clock, switches -------------------------------------------------------------------------
    def _sign_in(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        self._world.signins.set_auto(body)
        return {}

    def _app(self, request: Request, body: Json) -> Json:
        client_id = request.path_params["client_id"]
        held = self._world.apps.get(client_id)
        if held is None:
            held = self._world.register(Registration(client_id, body.get("name", client_id), []))
        for name, value in body.items():
            if name not in {"name", "secrets", "expired_secrets", "redirect_uris", "roles", "wids_claim"}:
                raise ValueError(f"unknown in an app: {name}")
            setattr(held, name, value)
        return held.as_json()

    def _clock(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        return {"now": self._world.clock.advance(float(body["advance"]))}

    def _behaviour(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        self._world.behaviour.change(body)
        return self._world.behaviour.as_json()

    # faults and what was seen ---------------------------------------------------------------------------------
    def _faults(self, request: Request, body: Json) -> list[Json]:  # noqa: ARG002
        return [rule.as_json() for rule in self._world.faults.rules]

    def _add_fault(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        return self._world.faults.add(body).as_json()

    def _clear_faults(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        self._world.faults.remove(request.path_params.get("fault"))
        return {}

    def _requests(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        since = int(request.query_params.get("since", "0"))
        journal = self._world.journal
        return {
            "counts": dict(journal.counts),
            "requests": [entry for entry in journal.requests if entry["number"] > since],
        }

    def _clear_requests(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        self._world.journal.clear()
        return {}

    def _violations(self, request: Request, body: Json) -> list[Json]:  # noqa: ARG002
        return self._world.journal.violations

    def _clear_violations(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        self._world.journal.violations.clear()
        return {}

    # subscriptions -------------------------------------------------------------------------------------------
    def _subscriptions(self, request: Request, body: Json) -> list[Json]:  # noqa: ARG002
        return [{**sub.as_json(), "tenant": sub.tenant} for sub in self._world.subscriptions.live()]

    def _drop_subscription(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        self._world.subscriptions.drop(request.path_params["id"])
        return {}

    def _lifecycle(self, request: Request, body: Json) -> Json:
        for sub in self._world.subscriptions.live():
            if sub.id == request.path_params["id"]:
                self._world.subscriptions.lifecycle(sub, body["event"])
                return {}
        raise KeyError(request.path_params["id"])

    def _notifications(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        delivery = self._world.subscriptions.delivery
        return {"items": list(delivery.sent), "handshakes": list(delivery.handshakes)}

    def _rotate(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        self._world.verified.clear()
        return {"kid": self._world.keys.rotate(drop_old=bool(body.get("drop_old")))}

    def _life(self, request: Request, body: Json) -> list[Json]:  # noqa: ARG002
        return list(self._world.journal.life)

    def _log_life(self, request: Request, body: Json) -> Json:  # noqa: ARG002
        self._world.journal.life.append({"at": self._world.clock.now(), **body})
        return {}


def _endpoint(work: Work) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            answer = work(request, orjson.loads(raw) if raw else {})
        except (KeyError, ValueError, TypeError) as error:
            message = {"error": f"{type(error).__name__}: {error}"}
            return Response(orjson.dumps(message), 400, media_type="application/json")
        return Response(orjson.dumps(answer), media_type="application/json")

    return endpoint
