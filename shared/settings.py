"""Every setting, in one table; the only place that reads the environment.

`load()` is called once, at first use, by the composition root: importing this module reads nothing.
docs/settings.md, local.settings.example.json and infra/ are checked against `SETTINGS`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from shared.errors import SyncError


class BadSettings(SyncError):
    """Settings are missing or cannot be read; the message names each and says how to mend it."""


class Setting(NamedTuple):
    """One environment variable. `kind` is text, secret, url, seconds or flag; no default means required."""

    name: str
    kind: str
    default: str | None
    help: str


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "AzureWebJobsStorage",
        "secret",
        "",
        "Queues and tables: a connection string (or the accountName form below).",
    ),
    Setting(
        "AzureWebJobsStorage__accountName",
        "text",
        "",
        "Queues and tables by identity: the storage account's name.",
    ),
    Setting(
        "AzureWebJobsStorage__clientId",
        "text",
        "",
        "Client id of the user-assigned identity for storage; empty: the system-assigned one.",
    ),
    Setting("PUBLIC_URL", "url", None, "Where Graph and browsers reach this app, e.g. https://sync.moxso.example"),
    Setting(
        "ENTRA_LOGIN_ENDPOINT",
        "url",
        "https://login.microsoftonline.com",
        "Sign-in endpoint of the default cloud; https.",
    ),
    Setting("GRAPH_ENDPOINT", "url", "https://graph.microsoft.com", "Graph endpoint of the default cloud; https."),
    Setting("ENTRA_CLIENT_ID", "text", None, "Application (client) id of the multi-tenant app registration."),
    Setting("ENTRA_CLIENT_SECRET", "secret", "", "Its secret, where no managed identity is used."),
    Setting(
        "ENTRA_MANAGED_IDENTITY_CLIENT_ID",
        "text",
        "",
        "Client id of the managed identity that is its federated credential.",
    ),
    Setting("MAIL_URL", "url", None, "smtp://host:port, smtps://host:port or acs://resource-host"),
    Setting("MAIL_SENDER", "text", None, "The address onboarding mail comes from."),
    Setting(
        "SIGNING_KEYS",
        "secret",
        None,
        "Comma-separated, current first: consent state, clientState, session cookies; 32 characters or more each.",
    ),
    Setting("WORKSPACE_ISSUER", "text", None, "`iss` of the tokens that workspace admins arrive with."),
    Setting("WORKSPACE_AUDIENCE", "text", None, "`aud` of those tokens."),
    Setting("WORKSPACE_JWKS", "text", None, "The keys that sign them: a URL, or the JWKS itself as JSON."),
    Setting(
        "SSL_CERT_FILE",
        "text",
        "",
        "Extra trust for every outbound TLS client: a PEM file with a private CA.",
    ),
    Setting("PULL_INTERVAL", "seconds", "300", "How often a feed is pulled though nobody hinted."),
    Setting("FULL_PASS_INTERVAL", "seconds", "86400", "How often everything is read again and compared."),
    Setting(
        "HINT_DELAY",
        "seconds",
        "2",
        "How long a notification waits for others before one pull serves them all.",
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, read and checked."""

    storage_connection: str
    storage_account: str
    storage_client_id: str
    public_url: str
    login_endpoint: str
    graph_endpoint: str
    client_id: str
    client_secret: str
    managed_identity: str
    mail_url: str
    mail_sender: str
    signing_keys: tuple[str, ...]
    workspace_issuer: str
    workspace_audience: str
    workspace_jwks: str
    ca_file: str
    pull_interval: float
    full_pass_interval: float
    hint_delay: float


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check all settings. Raises BadSettings naming everything that is wrong at once."""
    given = os.environ if environ is None else environ
    problems: list[str] = []
    values = {setting.name: _read(setting, given, problems) for setting in SETTINGS}
    _check(values, problems)
    if problems:
        raise BadSettings("settings: " + "; ".join(problems))
    return Settings(
        storage_connection=values["AzureWebJobsStorage"],
        storage_account=values["AzureWebJobsStorage__accountName"],
        storage_client_id=values["AzureWebJobsStorage__clientId"],
        public_url=values["PUBLIC_URL"].rstrip("/"),
        login_endpoint=values["ENTRA_LOGIN_ENDPOINT"].rstrip("/"),
        graph_endpoint=values["GRAPH_ENDPOINT"].rstrip("/"),
        client_id=values["ENTRA_CLIENT_ID"],
        client_secret=values["ENTRA_CLIENT_SECRET"],
        managed_identity=values["ENTRA_MANAGED_IDENTITY_CLIENT_ID"],
        mail_url=values["MAIL_URL"],
        mail_sender=values["MAIL_SENDER"],
        signing_keys=tuple(key.strip() for key in values["SIGNING_KEYS"].split(",") if key.strip()),
        workspace_issuer=values["WORKSPACE_ISSUER"],
        workspace_audience=values["WORKSPACE_AUDIENCE"],
        workspace_jwks=values["WORKSPACE_JWKS"],
        ca_file=values["SSL_CERT_FILE"],
        pull_interval=float(values["PULL_INTERVAL"] or 0),
        full_pass_interval=float(values["FULL_PASS_INTERVAL"] or 0),
        hint_delay=float(values["HINT_DELAY"] or 0),
    )


def _read(setting: Setting, given: Mapping[str, str], problems: list[str]) -> str:
    value = given.get(setting.name, "").strip() or setting.default
    if value is None:
        problems.append(f"{setting.name} is missing ({setting.help})")
        return ""
    if value and setting.kind == "seconds" and not re.fullmatch(r"\d+(\.\d+)?", value):
        problems.append(f"{setting.name} must be a number of seconds, not {value!r}")
        return "0"
    if value and setting.kind == "url" and not _is_url(value):
        problems.append(f"{setting.name} must be a URL ({setting.help})")
        return ""
    return value


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an address in brackets that is none
        return False


def _check(values: Mapping[str, str], problems: list[str]) -> None:
    if not values["AzureWebJobsStorage"] and not values["AzureWebJobsStorage__accountName"]:
        problems.append("AzureWebJobsStorage or AzureWebJobsStorage__accountName is missing")
    if not values["ENTRA_CLIENT_SECRET"] and not values["ENTRA_MANAGED_IDENTITY_CLIENT_ID"]:
        problems.append("ENTRA_CLIENT_SECRET or ENTRA_MANAGED_IDENTITY_CLIENT_ID is missing")
    problems.extend(
        f"{name} must begin with https://"
        for name in ("ENTRA_LOGIN_ENDPOINT", "GRAPH_ENDPOINT")
        if values[name] and not values[name].startswith("https://")
    )
    if values["MAIL_URL"] and urlsplit(values["MAIL_URL"]).scheme not in {"smtp", "smtps", "acs"}:
        problems.append("MAIL_URL must begin with smtp://, smtps:// or acs://")
    keys = [key.strip() for key in values["SIGNING_KEYS"].split(",") if key.strip()]
    if values["SIGNING_KEYS"] and (not keys or any(len(key) < 32 for key in keys)):
        problems.append("SIGNING_KEYS: every key needs 32 characters or more")
