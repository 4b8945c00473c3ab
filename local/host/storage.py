"""Clients for the storage account that a setting names: by connection string or by identity.

https://learn.microsoft.com/azure/azure-functions/functions-reference#connections
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.host.settings import HostError

# The emulator's public account: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
_DEVELOPMENT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)
# This host waits and tries again by itself, so a storage that is down must be noticed at once.
_NO_RETRY: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 30}


@dataclass(frozen=True, slots=True)
class StorageClients:
    """Queues and tables of one account. `place` says where it is, without any secret."""

    queues: QueueServiceClient
    tables: TableServiceClient
    place: str

    async def close(self) -> None:
        """Close both clients' connections."""
        await self.queues.close()
        await self.tables.close()


def connect(name: str, environ: Mapping[str, str]) -> StorageClients:
    """Clients for connection `name`; opens nothing yet. Raises HostError when no setting says where it is."""
    text = environ.get(name) or environ.get(f"AzureWebJobs{name}")
    if text:
        text = _DEVELOPMENT if text.strip().rstrip(";").lower() == "usedevelopmentstorage=true" else text
        try:
            queues = QueueServiceClient.from_connection_string(text, **_NO_RETRY)
            tables = TableServiceClient.from_connection_string(text, **_NO_RETRY)
        except ValueError as error:
            raise HostError(f"setting {name} is not a storage connection string: {error}") from None
        return StorageClients(queues, tables, queues.primary_endpoint)
    account = environ.get(f"{name}__accountName")
    queue_url = environ.get(f"{name}__queueServiceUri") or (account and f"https://{account}.queue.core.windows.net")
    table_url = environ.get(f"{name}__tableServiceUri") or (account and f"https://{account}.table.core.windows.net")
    if not queue_url or not table_url:
        raise HostError(
            f"setting {name} is missing: it says where queues and tables are. Set it to a connection string "
            f"(`python -m local.azurite` prints one), or set {name}__accountName to use an identity."
        )
    credential = _identity(name, environ)
    return StorageClients(
        QueueServiceClient(queue_url, credential=credential, **_NO_RETRY),
        TableServiceClient(table_url, credential=credential, **_NO_RETRY),
        queue_url,
    )


def _identity(name: str, environ: Mapping[str, str]) -> AsyncTokenCredential:
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415 -- slow, rarely used

    client = environ.get(f"{name}__clientId")
    if environ.get(f"{name}__credential", "").lower() == "managedidentity":
        return ManagedIdentityCredential(client_id=client) if client else ManagedIdentityCredential()
    return DefaultAzureCredential(managed_identity_client_id=client) if client else DefaultAzureCredential()
