"""Everything a use case may touch, in one value: the first argument of every use case.

The composition root builds a `LazyServices`, whose ports open at first use; tests construct `Services` with fakes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.clock import Clock
from shared.settings import Settings
from sync import ports


@dataclass(frozen=True, eq=False)
class Services:
    """The settings and the ports. No slots: `LazyServices` fills the fields in as they are asked for."""

    settings: Settings
    clock: Clock
    ids: ports.Ids
    connections: ports.Connections
    settings_history: ports.SettingsHistory
    tenants: ports.Tenants
    people: ports.People
    groups: ports.Groups
    addresses: ports.Addresses
    accounts: ports.ManualAccounts
    staging: ports.Staging
    runs: ports.Runs
    mails: ports.Mails
    once: ports.Once
    queue: ports.Queue
    directory: ports.Directory
    subscriptions: ports.Subscriptions
    sign_in: ports.SignIn
    mail_server: ports.MailServer


class LazyServices(Services):
    """Builds each field when it is first read, once, whichever thread comes first.

    Every field has its own lock: a slow first use (loading msgraph takes seconds) delays nobody who needs another
    port. A builder may read other fields; builders must not need each other in a circle.
    """

    def __init__(self, builders: Mapping[str, Callable[[Services], Any]]) -> None:
        self.__dict__["_builders"] = builders
        self.__dict__["_locks"] = {name: threading.Lock() for name in builders}

    def __getattr__(self, name: str) -> Any:
        """Called by Python only while the field is not there yet."""
        if name.startswith("_") or name not in self._builders:
            raise AttributeError(name)
        with self._locks[name]:
            if name not in self.__dict__:
                self.__dict__[name] = self._builders[name](self)
        return self.__dict__[name]
