"""The one composition root. Everything is built at first use, and only what that use needs.

Importing this module opens nothing, reads no environment and loads no vendor's library: Graph stops sending to an app
that is slow to wake, so a notification on a cold worker loads the queue client and nothing else.
"""

# ruff: noqa: PLC0415  -- every import within a function is the point of this module

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from shared.clock import Clock
    from shared.settings import Settings
    from sync import ports
    from sync.usecases.services import Services

_lock = threading.RLock()
_built: dict[str, Any] = {}


def services() -> Services:
    """The settings and ports of this process; the same value for every thread."""
    found: Services = _once("services", _services)
    return found


def panel() -> ASGIApp:
    """The panel and the API as one ASGI app; FastAPI loads here."""
    services()  # first, so that nobody who needs only these waits for FastAPI
    found: ASGIApp = _once("panel", _panel)
    return found


def readiness() -> tuple[int, Mapping[str, object]]:
    """HTTP status and JSON body of /ready. Never raises."""
    from sync.usecases import readiness as probes

    report: probes.Readiness = _once("readiness", lambda: probes.Readiness(_PROBES))
    return report.check(services())


def _once(name: str, make: Callable[[], Any]) -> Any:
    if name not in _built:
        with _lock:
            if name not in _built:
                _built[name] = make()
    return _built[name]


def _services() -> Services:
    from shared.events import hush_vendors
    from sync.usecases.services import LazyServices

    hush_vendors()
    return LazyServices(_BUILDERS)


def _panel() -> ASGIApp:
    from sync.adapters.workspace_keys import fetch
    from sync.panel.app import create_app

    return create_app(services(), fetch_keys=lambda url: fetch(url, services().settings.ca_file))


# --- the fields of Services ---------------------------------------------------------------------------------------


def _settings(_: Services) -> Settings:
    from shared.settings import load

    return load()


def _clock(_: Services) -> Clock:
    from shared.clock import SystemClock

    return SystemClock()


def _ids(_: Services) -> ports.Ids:
    from sync.adapters.ids import RandomIds

    return RandomIds()


def _tables(name: str) -> Callable[[Services], Any]:
    """One of the ports on table storage; all of them share one client."""

    def build(services: Services) -> Any:
        from sync.adapters.tables import Storage

        return getattr(_once("storage", lambda: Storage.open(services.settings)), name)

    return build


def _queue(services: Services) -> ports.Queue:
    from sync.adapters.queues import StorageQueue

    return StorageQueue.open(services.settings)


def _microsoft(name: str) -> Callable[[Services], Any]:
    """One of the ports to Microsoft; all of them share one identity and its tokens."""

    def build(services: Services) -> Any:
        from sync.adapters.microsoft import Microsoft

        return getattr(_once("microsoft", lambda: Microsoft(services.settings, services.clock)), name)

    return build


def _mail_server(services: Services) -> ports.MailServer:
    from sync.adapters.mail import open_mail_server

    return open_mail_server(services.settings, services.clock)


_TABLES = (
    "connections",
    "settings_history",
    "tenants",
    "people",
    "groups",
    "addresses",
    "accounts",
    "staging",
    "runs",
    "mails",
    "once",
)
_BUILDERS: Mapping[str, Callable[[Services], Any]] = {
    "settings": _settings,
    "clock": _clock,
    "ids": _ids,
    **{name: _tables(name) for name in _TABLES},
    "queue": _queue,
    **{name: _microsoft(name) for name in ("directory", "subscriptions", "sign_in")},
    "mail_server": _mail_server,
}


# --- what /ready asks ---------------------------------------------------------------------------------------------


def _answers(url: Callable[[Settings], str]) -> Callable[[Services], None]:
    """A probe that connects to an address from the settings."""

    def probe(services: Services) -> None:
        from sync.adapters.reachability import reach
        from sync.adapters.trust import trust

        reach(url(services.settings), trust(services.settings.ca_file))

    return probe


_PROBES: Mapping[str, Callable[[Services], object]] = {
    "settings": lambda services: services.settings,
    "tables": lambda services: services.connections.list(""),
    "queues": lambda services: services.queue.poison_counts(),
    "sign_in": _answers(lambda settings: settings.login_endpoint),
    "graph": _answers(lambda settings: settings.graph_endpoint),
    "mail": _answers(lambda settings: settings.mail_url),
}
