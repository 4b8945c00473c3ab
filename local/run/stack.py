"""Starts the parts in order, each told where the others are, and stops them all."""

import contextlib
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.azurite import Azurite
from local.cloud.apps import DEFAULT_APP
from local.cloud.control import Control
from local.host.host import listen
from local.run.children import Child, Program
from local.run.door import Door
from local.run.workspace import AUDIENCE, ISSUER, Workspace

ROOT = Path(__file__).parents[2]
SENDER = "welcome@moxso.example"
SECRET = "simulated-secret"
_CLOUD_READY = re.compile(r"^ready graph=(\S+) login=(\S+) tenant=(\S+) people=(\d+)", re.MULTILINE)
_MAIL_READY = re.compile(r"^Mail catcher is ready: (\S+) shown at (\S+)$", re.MULTILINE)
_HOST_READY = re.compile(r"^Functions host is ready at (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each part listens; 0 takes a free port."""

    panel: int = 0
    sign_in: int = 0
    mail_page: int = 0
    cloud: int = 0
    smtp: int = 0
    blob: int = 0
    queue: int = 0
    table: int = 0

    @classmethod
    def from_base(cls, base: int) -> "Ports":
        """Eight ports in a row."""
        return cls(*range(base, base + 8))


@dataclass(frozen=True, slots=True)
class Tenant:
    """The seeded tenant."""

    id: str
    people: int


class Stack:
    """All parts. `folder` takes logs and keys; storage is kept in it only if `keep`. `say(name, seconds)` is told of
    each part that is ready.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ports: Ports,
        people: int,
        keep: bool,
        say: Callable[[str, float], None],
        host_arguments: Sequence[str] = (),
    ) -> None:
        self._folder = folder
        self._ports = ports
        self._people = people
        self._keep = keep
        self._say = say
        self._host_arguments = host_arguments
        self._ends = contextlib.ExitStack()
        self._children: list[Child] = []
        self.workspace: Workspace
        self.tenant: Tenant
        self.control: Control
        self.host: Child
        self.panel_url = self.mail_page_url = self.link = ""

    def start(self) -> None:
        """Start everything; returns when all of it answers.

        Raises ChildError, AzuriteError or HostError when a part does not start, OSError for the sign-in page's port.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self.workspace = Workspace(self._folder / "workspace-key.pem")
        began = time.monotonic()
        listening = listen("127.0.0.1", self._ports.panel)
        self._ends.callback(listening.close)
        self.panel_url = f"http://localhost:{listening.getsockname()[1]}"
        door = Door(self.workspace, self.panel_url, port=self._ports.sign_in)
        self._ends.callback(door.close)
        # The slow starters first, side by side.
        cloud, mail = self._start(self._cloud()), self._start(self._mail())
        storage = self._storage()
        self._say("Storage (Azurite)", time.monotonic() - began)
        graph, login, tenant, people = cloud.wait_ready()
        self.tenant = Tenant(tenant, int(people))
        self._say(f"Simulated Microsoft cloud, {int(people):,} people", time.monotonic() - began)
        smtp, self.mail_page_url = mail.wait_ready()
        self._say("Mail catcher", time.monotonic() - began)
        self.control = self._ends.enter_context(Control(graph, self.ca_file))
        # The third right is what a subscription to groups needs (microsoft-facts.md, section 11).
        self.control.app(DEFAULT_APP, roles=["User.Read.All", "GroupMember.Read.All", "Group.Read.All"])
        self._host_program = self._host(listening, self._settings(storage, graph, login, smtp))
        self.start_host()
        self._say("Functions host", time.monotonic() - began)
        door.open()
        self.link = door.url

    def start_host(self) -> None:
        """Start the Functions host, at first or after it was killed; returns when it answers. Raises ChildError."""
        self.host = self._start(self._host_program)
        self.host.wait_ready()

    def kill_host(self) -> None:
        """End the Functions host as a power cut would."""
        self._children.remove(self.host)
        self.host.kill()

    def check(self) -> None:
        """Raises ChildError when a part has ended."""
        for child in self._children:
            child.check()

    def stop(self) -> None:
        """End everything that was started, last first; logs and keys of a run that is not kept are removed."""
        for child in self._children:
            child.begin_stop()
        self._ends.close()
        if not self._keep:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def ca_file(self) -> Path:
        """The simulated cloud's certificate authority."""
        return self._folder / "cloud-ca.pem"

    def _start(self, program: Program) -> Child:
        child = Child(program, self._folder)
        self._children.append(child)
        self._ends.callback(child.stop)
        return child

    def _storage(self) -> str:
        location = self._folder / "storage" if self._keep else None
        ports = (self._ports.blob, self._ports.queue, self._ports.table)
        return self._ends.enter_context(Azurite(location=location, ports=ports)).connection_string

    def _cloud(self) -> Program:
        seed = "demo" if self._people == 1000 else str(self._people)
        callbacks = [f"{self.panel_url}/connect/{name}" for name in ("consented", "signed-in")]
        arguments = ["--port", str(self._ports.cloud), "--seed", seed, "--ca-out", str(self.ca_file), "--http-loopback"]
        arguments += ["--state-dir", str(self._folder / "cloud")]
        arguments += [part for callback in callbacks for part in ("--redirect-uri", callback)]
        return Program("the simulated Microsoft cloud", "local.cloud", arguments, _CLOUD_READY, {})

    def _mail(self) -> Program:
        arguments = ["--smtp-port", str(self._ports.smtp), "--http-port", str(self._ports.mail_page)]
        return Program("the mail catcher", "local.mail", arguments, _MAIL_READY, {})

    def _host(self, listening: socket.socket, environ: dict[str, str]) -> Program:
        # The socket is handed over open, so that nobody can take its port in between.
        environ["LOCAL_HOST_SOCKET"] = str(listening.fileno())
        return Program(
            "the Functions host",
            "local.host",
            ["--app", str(ROOT), *self._host_arguments],
            _HOST_READY,
            environ,
            (listening.fileno(),),
        )

    def _settings(self, storage: str, graph: str, login: str, smtp: str) -> dict[str, str]:
        return {
            "AzureWebJobsStorage": storage,
            "PUBLIC_URL": self.panel_url,
            "ENTRA_LOGIN_ENDPOINT": login,
            "GRAPH_ENDPOINT": graph,
            "ENTRA_CLIENT_ID": DEFAULT_APP,
            "ENTRA_CLIENT_SECRET": SECRET,
            "MAIL_URL": smtp,
            "MAIL_SENDER": SENDER,
            "SIGNING_KEYS": self._signing_key(),
            "WORKSPACE_ISSUER": ISSUER,
            "WORKSPACE_AUDIENCE": AUDIENCE,
            "WORKSPACE_JWKS": self.workspace.jwks(),
            "SSL_CERT_FILE": str(self.ca_file),
            "AzureWebJobsDisableHomepage": "true",
        }

    def _signing_key(self) -> str:
        file = self._folder / "signing-key"
        if not file.exists():
            file.write_text(secrets.token_urlsafe(48))
            file.chmod(0o600)
        return file.read_text()
