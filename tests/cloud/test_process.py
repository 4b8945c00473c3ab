"""The cloud as a process, on two ports, and with vendors' own clients."""

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

from local.cloud.apps import DEFAULT_APP, DEFAULT_SECRET
from local.cloud.control import Control
from local.cloud.server import Cloud
from tests.cloud.client import Graph, https

ROOT = Path(__file__).parents[2]


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`python -m local.cloud ...` and its ready line."""
    command = [sys.executable, "-m", "local.cloud", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout
        try:
            yield running, running.stdout.readline()
        finally:
            running.kill()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_it_says_when_it_is_ready_and_dies_cleanly(tmp_path: Path, name: str) -> None:
    """One line with origin, tenant and CA file; exit code 0 on SIGTERM and SIGINT; the state is kept."""
    ca = tmp_path / "ca.pem"
    arguments = ("--port", "0", "--seed", "12", "--ca-out", str(ca), "--state-dir", str(tmp_path / "state"))
    authorities = []
    for _ in range(2):
        with process(*arguments, "--redirect-uri", "https://app.example/a") as (running, ready):
            match = re.fullmatch(r"ready graph=(\S+) login=\S+ tenant=(\S+) people=12 ca=(\S+)\n", ready)
            assert match, ready
            with Control(match[1], ca) as control:
                assert control.state()["apps"][0]["redirect_uris"] == ["https://app.example/a"]
                assert control.state()["tenants"][0]["users"] == 12
            running.send_signal(getattr(signal, name))
            assert running.wait(10) == 0
            authorities.append(ca.read_bytes())
    assert authorities[0] == authorities[1]


def test_a_port_in_use_is_a_clear_error() -> None:
    """It names the port and how to choose another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with process("--port", str(port)) as (running, line):
            assert running.wait(10) == 1
            assert str(port) in line
            assert "--port" in line


def test_login_and_graph_can_have_their_own_ports() -> None:
    """Each then knows only its own paths."""
    with Cloud(login_port=0) as cloud, https(cloud) as http:
        tenant = cloud.control.create_tenant()
        cloud.control.consent(tenant)
        assert http.get(f"/{tenant}/v2.0/.well-known/openid-configuration").status_code == 404
        trust = ssl.create_default_context(cadata=cloud.ca_pem.decode())
        with httpx.Client(base_url=cloud.login_url, verify=trust) as login:
            token = Graph(cloud, login, tenant).fresh_token()
            headers = {"Authorization": f"Bearer {token}"}
            assert login.get("/v1.0/users", headers=headers).status_code == 404
        assert http.get("/v1.0/users", headers=headers).status_code == 200
        assert cloud.control.violations() == []


def test_microsofts_own_identity_library_gets_tokens(cloud: Cloud, control: Control, tmp_path: Path) -> None:
    """azure-identity with a client secret: a token where consented, its own error where not."""
    ca = tmp_path / "ca.pem"
    ca.write_bytes(cloud.ca_pem)
    tenant, stranger = control.create_tenant(), control.create_tenant()
    control.consent(tenant)

    def credential(tenant_id: str) -> ClientSecretCredential:
        return ClientSecretCredential(
            tenant_id,
            DEFAULT_APP,
            DEFAULT_SECRET,
            authority=cloud.base_url,
            disable_instance_discovery=True,
            connection_verify=str(ca),
        )

    with credential(tenant) as good:
        token = good.get_token(f"{cloud.base_url}/.default").token
    with https(cloud) as http:
        assert http.get("/v1.0/users", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    with credential(stranger) as bad, pytest.raises(ClientAuthenticationError, match="AADSTS7000229"):
        bad.get_token(f"{cloud.base_url}/.default")


def test_it_imports_nothing_of_the_product() -> None:
    """Nothing of sync, shared or function_app is loaded with it."""
    code = (
        "import sys, local.cloud.__main__, local.cloud.life;"
        "print([n for n in sys.modules if n.split('.')[0] in {'sync', 'shared', 'function_app'}])"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=True
    )
    assert made.stdout.strip() == "[]"


def test_a_restart_voids_delta_tokens_but_not_the_trust(tmp_path: Path) -> None:
    """With a state directory a token of the former run is understood and expired, not gibberish."""
    links: list[str] = []
    for _ in range(2):
        with Cloud(state_dir=tmp_path) as cloud, https(cloud) as http:
            tenant = cloud.control.create_tenant("empty", tenant_id="aaaaaaaa-0000-4000-8000-000000000001")
            cloud.control.consent(tenant)
            graph = Graph(cloud, http, tenant)
            if links:
                token = links[0].partition("?")[2]
                answer = graph.get(f"/users/delta?{token}")
                assert answer.json()["error"]["code"] == "syncStateNotFound"
            links.append(graph.round("/users/delta?$select=id")[1])


def test_it_stops_while_clients_are_still_connected() -> None:
    """A client that keeps its connection open cannot hold the cloud up."""
    cloud = Cloud().start()
    with https(cloud) as http:
        assert http.get("/common/discovery/v2.0/keys").status_code == 200
        cloud.stop()
        with pytest.raises(httpx.ConnectError), https(cloud) as other:
            other.get("/common/discovery/v2.0/keys")
