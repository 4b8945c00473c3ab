"""How storage is opened: nothing before it is needed, by key or by identity, trusting a private authority if told."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from azure.core.credentials import TokenCredential
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

from shared.errors import Transient
from sync.adapters import azure_clients, azure_faults
from sync.adapters.queues import StorageQueue
from sync.adapters.tables import Storage
from sync.core.messages import MailMessage
from sync.core.runs import GuardWindow
from tests.adapters.meddler import Meddler
from tests.contracts.people_of import SCOPE
from tests.storage_settings import storage_settings


@pytest.fixture
def secure(storage: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The emulator behind TLS: a connection string, and the file of the private authority that vouches for it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    fields = dict(part.split("=", 1) for part in storage.strip(";").split(";"))
    with Meddler(fields["TableEndpoint"], context) as tables, Meddler(fields["QueueEndpoint"], context) as queues:
        fields["TableEndpoint"] = tables.address + urlsplit(fields["TableEndpoint"]).path
        fields["QueueEndpoint"] = queues.address + urlsplit(fields["QueueEndpoint"]).path
        yield ";".join(f"{name}={value}" for name, value in fields.items()), str(tmp_path / "ca.pem")


@pytest.mark.azurite
def test_a_private_authority_is_trusted(secure: tuple[str, str]) -> None:
    """SSL_CERT_FILE makes storage behind a private CA work, tables and queues alike."""
    connection, ca_file = secure
    settings = storage_settings(connection, SSL_CERT_FILE=ca_file)
    saved = Storage.open(settings).runs.save_window(GuardWindow(SCOPE, 1))
    assert Storage.open(settings).runs.window(SCOPE) == saved
    StorageQueue.open(settings).send(MailMessage("c", 1, "p"))


@pytest.mark.azurite
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the refused handshakes' sockets
def test_an_unknown_authority_is_not(secure: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, the connection is refused, as something that may pass."""
    monkeypatch.setattr(azure_faults, "PAUSES", (0.001,))
    settings = storage_settings(secure[0])
    with pytest.raises(Transient):
        Storage.open(settings).runs.window(SCOPE)
    with pytest.raises(Transient):
        StorageQueue.open(settings).send(MailMessage("c", 1, "p"))


@pytest.mark.parametrize(("client_id", "kind"), [("", DefaultAzureCredential), ("1-2-3", ManagedIdentityCredential)])
def test_by_identity(client_id: str, kind: type[TokenCredential]) -> None:
    """With an account's name instead of a connection string: the identity that the settings name, not asked yet."""
    settings = storage_settings(AzureWebJobsStorage__accountName="sync", AzureWebJobsStorage__clientId=client_id)
    assert isinstance(azure_clients.credential(settings), kind)
    Storage.open(settings)
    StorageQueue.open(settings)


@pytest.mark.azurite
def test_many_threads_and_processes_may_be_first(storage: str) -> None:
    """Sixteen threads over two clients use tables that do not exist yet, all at once."""
    stores = [Storage.open(storage_settings(storage)) for _ in range(2)]
    with ThreadPoolExecutor(16) as pool:
        windows = list(pool.map(lambda number: stores[number % 2].runs.window(SCOPE), range(32)))
    assert windows == [GuardWindow(SCOPE)] * 32


@pytest.mark.azurite
def test_prefixes_keep_apart(storage: str) -> None:
    """Two prefixes in one account do not see each other's rows."""
    one, other = (Storage.open(storage_settings(storage), prefix) for prefix in ("one", "other"))
    one.runs.save_window(GuardWindow(SCOPE, 1))
    assert other.runs.window(SCOPE) == GuardWindow(SCOPE)


@pytest.mark.parametrize("module", ["sync.adapters.tables", "sync.adapters.queues"])
def test_the_identity_library_is_not_loaded_for_a_connection_string(module: str) -> None:
    """azure-identity takes long to load: it is there only where an identity is asked for."""
    code = f"import sys, {module}; print('azure.identity' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
