"""A client of the control API: edit, script and observe a simulated cloud, in this process or another."""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import httpx
import orjson

from local.cloud.wire import Json


class ControlError(Exception):
    """The control API refused the call."""


class Control:
    """`base_url` is `https://localhost:PORT`; `ca` the cloud's CA certificate (PEM bytes, or a file)."""

    def __init__(self, base_url: str, ca: bytes | Path | str) -> None:
        pem = ca if isinstance(ca, bytes) else Path(ca).read_bytes()
        trust = ssl.create_default_context(cadata=pem.decode())
        self.base_url = base_url
        self._http = httpx.Client(base_url=f"{base_url}/_control", verify=trust, timeout=120, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def call(self, method: str, path: str, body: Json | None = None) -> Any:
        """Any call of the control API; ControlError unless it answers 200."""
        answer = self._http.request(method, path, json=body)
        if answer.status_code != 200:
            raise ControlError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return orjson.loads(answer.content)

    # tenants ---------------------------------------------------------------------------------------------
    def state(self) -> Json:
        """`{now, tenants: [{id, name, domains, deleted, users, groups, sign_in}], apps, grants, behaviour}`."""
        return cast("Json", self.call("GET", "/state"))

    def create_tenant(
        self, seed: str = "empty", *, name: str | None = None, domains: list[str] | None = None, tenant_id: str = ""
    ) -> str:
        """A new tenant; `seed` is `empty`, `demo`, `5000` people, or `5000:40` with groups. Returns its id."""
        body: Json = {"seed": seed, "id": tenant_id}
        if name is not None:
            body["name"] = name
        if domains is not None:
            body["domains"] = domains
        return str(self.call("POST", "/tenants", body)["id"])

    def delete_tenant(self, tenant: str) -> None:
        """The tenant is gone: AADSTS90002 from now on."""
        self.call("DELETE", f"/tenants/{tenant}")

    def truth(self, tenant: str, *, groups: bool = True) -> Json:
        """`{tenant, name, users: [...], groups: [...]}`: see `local.cloud.edits.truth`."""
        return cast("Json", self.call("GET", f"/tenants/{tenant}/truth" + ("" if groups else "?groups=no")))

    def people(self, tenant: str, *, count: int = 5000) -> Iterator[Json]:
        """Users of the truth without groups, live and soft-deleted, read `count` at a time."""
        start, total = 0, 1
        while start < total:
            page = self.call("GET", f"/tenants/{tenant}/people?start={start}&count={count}")
            yield from page["users"]
            start, total = start + count, page["total"]

    # the directory ---------------------------------------------------------------------------------------
    def edit(self, tenant: str, *edits: Json) -> list[Json]:
        """Several edits in one call, in order; see `local.cloud.edits.EDITS`. Returns one result for each."""
        return cast("list[Json]", self.call("POST", f"/tenants/{tenant}/edits", {"edits": list(edits)})["results"])

    def create_user(
        self, tenant: str, *, manager: str | None = None, roles: list[str] | None = None, **properties: Any
    ) -> str:
        """Hire; with `roles` (may be []) the sign-in page offers the account. Returns the object id."""
        edit = {"op": "user.create", "set": properties, "manager": manager, "roles": roles}
        return str(self.edit(tenant, edit)[0]["id"])

    def update_user(self, tenant: str, user: str, **properties: Any) -> list[str]:
        """Change properties (None clears; `manager=` id or None too). Returns the properties that changed."""
        edit: Json = {"op": "user.update", "id": user}
        if "manager" in properties:
            edit["manager"] = properties.pop("manager")
        return cast("list[str]", self.edit(tenant, {**edit, "set": properties})[0]["changed"])

    def delete_user(self, tenant: str, user: str) -> None:
        """Soft delete."""
        self.edit(tenant, {"op": "user.delete", "id": user})

    def restore_user(self, tenant: str, user: str) -> None:
        """Undo a soft delete."""
        self.edit(tenant, {"op": "user.restore", "id": user})

    def purge_user(self, tenant: str, user: str) -> None:
        """Delete for good."""
        self.edit(tenant, {"op": "user.purge", "id": user})

    def create_group(self, tenant: str, *, members: list[str] | None = None, **properties: Any) -> str:
        """A group with its direct members. Returns the object id."""
        edit = {"op": "group.create", "set": properties, "members": members or []}
        return str(self.edit(tenant, edit)[0]["id"])

    def update_group(self, tenant: str, group: str, **properties: Any) -> list[str]:
        """Change properties (None clears). Returns those that changed."""
        edit = {"op": "group.update", "id": group, "set": properties}
        return cast("list[str]", self.edit(tenant, edit)[0]["changed"])

    def edit_members(
        self, tenant: str, group: str, *, add: list[str] | None = None, remove: list[str] | None = None
    ) -> int:
        """Add and remove direct members (users, groups, others). Returns how many changed."""
        edit = {"op": "group.members", "id": group, "add": add or [], "remove": remove or []}
        return int(self.edit(tenant, edit)[0]["changed"])

    def delete_group(self, tenant: str, group: str) -> str:
        """Delete as its kind is deleted. Returns `changed` (restorable) or `deleted`."""
        return str(self.edit(tenant, {"op": "group.delete", "id": group})[0]["reason"])

    def restore_group(self, tenant: str, group: str) -> None:
        """Undo a soft delete."""
        self.edit(tenant, {"op": "group.restore", "id": group})

    def purge_group(self, tenant: str, group: str) -> None:
        """Delete for good."""
        self.edit(tenant, {"op": "group.purge", "id": group})

    def create_other(self, tenant: str, kind: str, name: str = "") -> str:
        """A `device` or `servicePrincipal`, to be a group member. Returns the object id."""
        return str(self.edit(tenant, {"op": "other.create", "kind": kind, "name": name or kind})[0]["id"])

    def void_tokens(self, tenant: str, reason: str, feed: str | None = None) -> None:
        """All delta tokens so far end: `reset` (410 with Location) or `expired` (400 syncStateNotFound)."""
        body = {"reason": reason} | ({"feed": feed} if feed else {})
        self.call("POST", f"/tenants/{tenant}/void", body)

    # consent and sign-in ---------------------------------------------------------------------------------
    def consent(self, tenant: str, *, roles: list[str] | None = None, client_id: str | None = None) -> Json:
        """Grant without a page (and enable again); propagation starts."""
        body = {key: value for key, value in {"roles": roles, "client_id": client_id}.items() if value is not None}
        return cast("Json", self.call("POST", f"/tenants/{tenant}/consent", body))

    def revoke(self, tenant: str, mode: str = "deleted") -> None:
        """`deleted`: service principal gone; `disabled`; `roles`: all permissions removed."""
        self.call("POST", f"/tenants/{tenant}/revoke", {"mode": mode})

    def set_roles(self, tenant: str, roles: list[str], *, propagate: bool = False) -> None:
        """Exactly these permissions from the next token on (or after propagation)."""
        self.call("PUT", f"/tenants/{tenant}/roles", {"roles": roles, "propagate": propagate})

    def sign_in_as(self, tenant: str, user: str, decision: str = "accept") -> None:
        """From now on this account (id or sign-in name) signs in and decides by itself, without pages."""
        self.call("PUT", "/sign-in", {"mode": "auto", "tenant": tenant, "user": user, "decision": decision})

    def sign_in_by_page(self) -> None:
        """Pages again."""
        self.call("PUT", "/sign-in", {"mode": "page"})

    def app(self, client_id: str, **values: Any) -> Json:
        """Change or create a registration: name, secrets, expired_secrets, redirect_uris, roles, wids_claim."""
        return cast("Json", self.call("PUT", f"/apps/{client_id}", values))

    # clock, switches, faults -----------------------------------------------------------------------------
    def advance(self, seconds: float) -> float:
        """Move the simulated clock. Returns the new time."""
        return float(self.call("POST", "/clock", {"advance": seconds})["now"])

    def behave(self, **switches: Any) -> Json:
        """Set switches of `local.cloud.behaviour.Behaviour`; `preset="plain"|"hostile"` first."""
        return cast("Json", self.call("PATCH", "/behaviour", switches))

    def fault(self, pattern: str, **values: Any) -> int:
        """Script a fault, see `local.cloud.faults.Fault`. Returns its id."""
        return int(self.call("POST", "/faults", {"pattern": pattern, **values})["id"])

    def faults(self) -> list[Json]:
        """Faults in force with their hits."""
        return cast("list[Json]", self.call("GET", "/faults"))

    def clear_faults(self, fault: int | None = None) -> None:
        """End one fault, or all."""
        self.call("DELETE", "/faults" if fault is None else f"/faults/{fault}")

    def rotate_keys(self, *, drop_old: bool = False) -> str:
        """Sign with a new key. Returns its kid."""
        return str(self.call("POST", "/keys/rotate", {"drop_old": drop_old})["kid"])

    # what was seen ---------------------------------------------------------------------------------------
    def requests(self, since: int = 0) -> list[Json]:
        """Requests numbered above `since`: method, path, query, route, tenant, status, faults, headers, ms."""
        return cast("list[Json]", self.call("GET", f"/requests?since={since}")["requests"])

    def counts(self) -> dict[str, int]:
        """`{"GET /users/delta 200": n, ...}` since the last clearing."""
        return cast("dict[str, int]", self.call("GET", f"/requests?since={10**12}")["counts"])

    def clear_requests(self) -> None:
        """Forget requests and counts."""
        self.call("DELETE", "/requests")

    def violations(self) -> list[Json]:
        """Documented rules that clients broke: `{at, request, what}`."""
        return cast("list[Json]", self.call("GET", "/violations"))

    def clear_violations(self) -> None:
        """Forget them, after breaking rules on purpose."""
        self.call("DELETE", "/violations")

    # subscriptions ---------------------------------------------------------------------------------------
    def subscriptions(self) -> list[Json]:
        """Live subscriptions of all tenants, with `tenant`."""
        return cast("list[Json]", self.call("GET", "/subscriptions"))

    def drop_subscription(self, subscription: str) -> None:
        """It vanishes without a word."""
        self.call("DELETE", f"/subscriptions/{subscription}")

    def send_lifecycle(self, subscription: str, event: str) -> None:
        """Send `reauthorizationRequired`, `subscriptionRemoved`, `missed` or anything else."""
        self.call("POST", f"/subscriptions/{subscription}/lifecycle", {"event": event})

    def notifications(self) -> list[Json]:
        """Every item: what, url, object, change, arose_at, delivered_at, attempts, status, tenant, subscription."""
        return cast("list[Json]", self.call("GET", "/notifications")["items"])

    def handshakes(self) -> list[Json]:
        """Validation requests: at, url, outcome (`ok` or why not)."""
        return cast("list[Json]", self.call("GET", "/notifications")["handshakes"])

    def life(self) -> list[Json]:
        """What the life script did: at, action, and its objects."""
        return cast("list[Json]", self.call("GET", "/life"))

    def log_life(self, entry: Json) -> None:
        """Write down what was done."""
        self.call("POST", "/life", entry)

    def settle(self, seconds: float = 10.0) -> None:
        """Wait until no notification is under way, at most `seconds`; TimeoutError otherwise."""
        end = time.monotonic() + seconds
        while any(item["status"] == "queued" for item in self.notifications()):
            if time.monotonic() > end:
                raise TimeoutError("notifications are still under way")
            time.sleep(0.02)
