"""Every call to a port, looked at as it is made: under whose message, for which tenant, for whom (S1, S3, S18, S25).

`Witness` puts itself between use cases and ports. What it finds is kept in `wrongs`, not raised: a use case
would take it for a failure of the port.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sync.core.connection import Connection, scope_key, shards, workspace_key
from sync.core.messages import ChangesMessage, MailMessage
from sync.core.model import AccountState
from sync.core.runs import MailState, Outcome, Stage
from sync.ports import OutgoingMail
from sync.usecases.stages import WORK
from tests.fakes.engine import Engine
from tests.fakes.queue import Delivery

SCOPED = ("people", "groups", "runs", "staging")  # the first argument is a scope, or has one
WATCHED = (*SCOPED, "mails", "addresses", "accounts", "connections", "directory", "mail_server")
STAGES = {work: stage for stage, work in WORK.items()}


class Witness:
    """See the module. `workspaces` are those the scopes and tenants of which may be met at all."""

    def __init__(self, engine: Engine, tenants: dict[str, str]) -> None:
        """`tenants` is workspace -> tenant id."""
        self.wrongs: list[str] = []
        self._engine = engine
        self._storage = engine.storage
        self._owner = {scope_key(workspace, tenant): workspace_key(workspace) for workspace, tenant in tenants.items()}
        self._owner |= {tenant: workspace_key(workspace) for workspace, tenant in tenants.items()}
        self._owner |= {workspace: workspace_key(workspace) for workspace in tenants}
        ports: dict[str, Any] = {name: _Port(getattr(engine.services, name), self._look(name)) for name in WATCHED}
        engine.services = replace(engine.services, **ports)
        engine.concluded = self._concluded

    def _look(self, port: str) -> Callable[[str, tuple[Any, ...]], None]:
        def look(method: str, arguments: tuple[Any, ...]) -> None:
            working = self._engine.working
            if port == "mail_server":
                self._mailing(method, arguments)
            elif port == "connections" and method == "scan" and working is not None:
                self.wrongs.append("a message had every connection listed")
            elif port == "directory":
                self._reading(method, arguments[0])
            elif port != "connections" and working is not None:
                whose, own = self._whose(port, method, arguments), working.message.connection
                if whose and self._owner.get(whose) != own[:12]:
                    self.wrongs.append(f"{port}.{method} for {whose} by a message of {own}")

        return look

    def _whose(self, port: str, method: str, arguments: tuple[Any, ...]) -> str:
        first = arguments[0]
        if port == "mails" and method == "claim":
            return next((mail.tenant_id for mail in first), "")
        whose = first if isinstance(first, str) else getattr(first, "scope", None)
        return str(whose or getattr(first, "tenant_id", "") or getattr(first, "workspace", ""))

    def _reading(self, method: str, connection: Connection) -> None:
        working = self._engine.working
        if working is not None and working.message.connection != connection.id:
            self.wrongs.append(f"directory.{method} of {connection.id} by a message of {working.message.connection}")
        view = self._storage.connections.load(connection.id)
        if view is None or not view.connection.live:
            self.wrongs.append(f"directory.{method} of a connection that is over")

    def _mailing(self, method: str, arguments: tuple[Any, ...]) -> None:
        working = self._engine.working
        if working is None or not isinstance(message := working.message, MailMessage):
            self.wrongs.append("a mail without its message")
            return
        view = self._storage.connections.load(message.connection)
        if view is None or not view.connection.live or view.connection.epoch != message.epoch:
            self.wrongs.append("a mail of a connection that is over")
        elif method == "send":
            self._recipient(view.connection, message, arguments[0])

    def _recipient(self, connection: Connection, message: MailMessage, mail: OutgoingMail) -> None:
        """S3: whoever is mailed has an active account with that address, and the claim came before."""
        claim = self._storage.mails.get(connection.tenant_id, message.person, message.generation)
        if claim is None or claim.state is not MailState.SENDING:
            self.wrongs.append(f"{message.person} is mailed without a claim")
        for shard in shards(connection.digits):
            found = self._storage.people.load(connection.scope, shard, [message.person]).records
            for record in found.values():
                if (record.account_state, record.address) != (AccountState.ACTIVE, mail.to_address):
                    self.wrongs.append(f"{message.person} is {record.account_state} and mailed at {mail.to_address}")

    def _concluded(self, delivery: Delivery) -> None:
        """S18: a message that is done with was applied, is superseded, or is on its way once more."""
        message = delivery.message
        view = self._storage.connections.load(message.connection)
        if view is None or not view.connection.live or view.connection.epoch != message.epoch:
            return
        again = any(
            one.body == delivery.body for one in self._engine.queue.waiting(delivery.queue) if one is not delivery
        )
        if again:
            return
        if isinstance(message, ChangesMessage):
            run = self._storage.runs.get(view.connection.scope, message.run)
            moved = run is None or run.outcome is not Outcome.RUNNING or message.part in run.done_parts
            if not moved and run is not None and run.stage is STAGES.get(message.work, Stage.APPLYING):
                self.wrongs.append(f"part {message.part} of {message.run} is neither applied nor superseded")
        if isinstance(message, MailMessage):
            mail = self._storage.mails.get(view.connection.tenant_id, message.person, message.generation)
            if mail is not None and mail.state is MailState.DUE:
                self.wrongs.append(f"the mail to {message.person} is due and its message is gone")


class _Port:
    """A port behind which somebody looks on."""

    def __init__(self, port: Any, look: Callable[[str, tuple[Any, ...]], None]) -> None:
        self._port, self._look = port, look

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def called(*arguments: Any, **named: Any) -> Any:
            self._look(name, arguments)
            return found(*arguments, **named)

        return called
