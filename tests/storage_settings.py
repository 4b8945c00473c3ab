"""Settings for tests of the storage adapters."""

from shared.settings import Settings, load


def storage_settings(connection: str = "", **more: str) -> Settings:
    """Real settings with this storage connection string; `more` are further environment variables."""
    return load(
        {
            "AzureWebJobsStorage": connection,
            "PUBLIC_URL": "https://sync.example",
            "ENTRA_CLIENT_ID": "client",
            "ENTRA_CLIENT_SECRET": "secret",
            "MAIL_URL": "smtp://127.0.0.1:25",
            "MAIL_SENDER": "noreply@sync.example",
            "SIGNING_KEYS": "k" * 32,
            "WORKSPACE_ISSUER": "issuer",
            "WORKSPACE_AUDIENCE": "audience",
            "WORKSPACE_JWKS": "{}",
            **more,
        }
    )
