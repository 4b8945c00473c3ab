"""The import of every bad input, once: Azurite, the simulated cloud on TLS, real SMTP."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from local.azurite import Azurite
from local.cloud.server import Cloud
from local.mail import MailCatcher
from shared.clock import SystemClock
from shared.events import hush_vendors
from sync.adapters.mail import SmtpMail
from sync.adapters.microsoft import Microsoft
from sync.adapters.tables import Storage
from sync.adapters.trust import trust
from sync.core.mapping import select_of
from tests.adapters.conftest import make_new, settings_for, shared_cloud  # noqa: F401 -- fixtures
from tests.inputs.world import MAIL_DOMAIN, SETTINGS, Zoo, connect, hire_all, properties
from tests.inputs.zoo import TEXTS, Text
from tests.panel.world import WORKSPACE, settings
from tests.real.world import RealEngine
from tests.storage_settings import storage_settings

SENDER = "no-reply@moxso.example"
UNENCODABLE = 25  # half a surrogate pair: the cloud cannot keep it, so it comes as a page of its own


class Lines(logging.Handler):
    """Every line that was logged, by anybody."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it with its logger's name."""
        self.lines.append((record.name, self.format(record)))

    def name_nobody(self, texts: Iterable[str]) -> None:
        """Of ours each is one line of JSON without an escape; and nobody's line, a library's either, holds one of these
        texts or an address of MAIL_DOMAIN.
        """
        secrets = {MAIL_DOMAIN, "contoso.example", "Addressee"} | {text for text in texts if len(text) > 4}
        for name, line in self.lines:
            if name == "moxso.sync":
                assert line.isprintable(), line
                assert isinstance(json.loads(line)["event"], str)
            if name != "mail.log":  # the mail server's own
                assert not any(secret in line for secret in secrets), (name, line)


@pytest.fixture(scope="session")
def catcher() -> Iterator[MailCatcher]:
    """A mail server."""
    with MailCatcher() as running:
        yield running


@pytest.fixture(scope="session")
def lines() -> Iterator[Lines]:
    """What the import and all that follows logs."""
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    hush_vendors()
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="session")
def account(azurite_server: Azurite) -> str:
    """Connection string of the storage account of the import."""
    return azurite_server.account("account2999")


@pytest.fixture(scope="session")
def zoo(
    account: str,
    shared_cloud: Cloud,  # noqa: F811 -- fixture
    catcher: MailCatcher,
    lines: Lines,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Zoo]:
    """Everybody hired, imported and mailed."""
    make_new(shared_cloud)
    control = shared_cloud.control
    microsoft = Microsoft(settings_for(shared_cloud, tmp_path_factory.mktemp("zoo")), SystemClock())
    engine = RealEngine(Storage.open(storage_settings(account)), microsoft, control)
    mail_server = SmtpMail(urlsplit(f"smtp://127.0.0.1:{catcher.smtp_port}"), SENDER, trust(""), engine.clock)
    engine.services = replace(engine.services, settings=settings(), mail_server=mail_server)
    theirs = engine.connect(WORKSPACE, control.create_tenant())
    theirs.tenant.hire("Theirs", mail="theirs@contoso.example")
    theirs.imported()
    acme = connect(engine, control.create_tenant())
    made = Zoo(engine, acme)
    hire_all(made, skip=(UNENCODABLE,))
    made.texts |= put_first(shared_cloud, acme.tenant.id)
    acme.imported(mail_existing=True)
    yield made
    microsoft.close()


def put_first(cloud: Cloud, tenant: str) -> dict[str, Text]:
    """A page of raw bytes before the cloud's own: the texts that it cannot keep."""
    people = {str(uuid.uuid4()): text for text in TEXTS if text.number == UNENCODABLE}
    items = [
        {
            "id": one,
            "accountEnabled": True,
            "userType": "Member",
            **properties(text.given, f"raw{number}@{MAIL_DOMAIN}"),
        }
        for number, (one, text) in enumerate(people.items())
    ]
    following = f"{cloud.base_url}/v1.0/users/delta?$select={','.join(select_of(SETTINGS))}"
    body = json.dumps({"value": items, "@odata.nextLink": following})
    cloud.control.fault("GET /v1.0/users/delta", action="body", body=body, tenant=tenant)
    return people
